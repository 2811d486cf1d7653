import { csvParseRows, tsvParseRows } from 'd3-dsv';
import { Failure } from '../../failure.js';
import type { Dataset } from '../dataset.js';

export interface CsvOptions {
  /** The column of targets, by its name or its number from 1; the last one unless given. */
  readonly target?: string | undefined;
  /** What stands between cells: a comma unless given. */
  readonly separator?: ',' | '\t' | undefined;
}

/** A table: names of the columns where there is a header, and rows with their numbers in the file, from 1. */
interface Table {
  readonly header: readonly string[] | null;
  readonly rows: readonly { readonly number: number; readonly cells: readonly string[] }[];
}

type Fail = (must: string, got: string) => Failure;

/** Whether a cell is a number that float32 can hold. */
const isNumber = (cell: string | undefined): boolean =>
  cell !== undefined && cell !== '' && Number.isFinite(Math.fround(Number(cell)));
const isWhole = (cell: string): boolean => /^[+-]?\d+$/.test(cell);

function readRows(text: string, separator: ',' | '\t', fail: Fail): Table['rows'] {
  const parse = separator === ',' ? csvParseRows : tsvParseRows;
  const rows = parse(text.replace(/^\uFEFF/, ''))
    .map((cells, index) => ({ number: index + 1, cells: cells.map(cell => cell.trim()) }))
    .filter(({ cells }) => cells.length > 1 || cells[0] !== '');
  const width = rows[0]?.cells.length;
  if (width === undefined) throw fail('there must be a row', 'an empty file');
  if (width < 2) throw fail('there must be a column of inputs and one of targets', 'one column');
  const ragged = rows.find(({ cells }) => cells.length !== width);
  if (ragged)
    throw fail(
      `row ${ragged.number} must have ${width} cells, as row ${rows[0]?.number} has`,
      `${ragged.cells.length}`,
    );
  return rows;
}

/** Column of the targets, in a header that names it or by its number; -1 where there is none. */
function findColumn(target: string | undefined, first: readonly string[]): number {
  if (target === undefined) return first.length - 1;
  const named = first.indexOf(target);
  if (named >= 0) return named;
  return /^\d+$/.test(target) && Number(target) <= first.length ? Number(target) - 1 : -1;
}

/** Whether the first row is a header: it names the target, or none of its cells is a number, or that of the targets is none while all below it are. */
function hasHeader(rows: Table['rows'], target: string | undefined): boolean {
  const [first, ...rest] = rows.map(({ cells }) => cells) as [readonly string[], ...string[][]];
  if (!first.some(isNumber) || (target !== undefined && !isNumber(target) && first.includes(target))) return true;
  const column = findColumn(target, first);
  return rest.length > 0 && !isNumber(first[column]) && rest.every(cells => isNumber(cells[column]));
}

function readTable(rows: Table['rows'], target: string | undefined, fail: Fail): Table {
  if (!hasHeader(rows, target)) return { header: null, rows };
  if (rows.length === 1) throw fail('there must be rows below the header', 'none');
  return { header: rows[0]!.cells, rows: rows.slice(1) };
}

/** Cells as classes: in numerical order where all are whole numbers, else in that of their characters. */
function classesOf(cells: readonly string[]): Pick<Dataset, 'targets' | 'classes' | 'outputs' | 'classNames'> {
  const allWhole = cells.every(isWhole);
  const names = [...new Set(allWhole ? cells.map(cell => String(Number(cell))) : cells)];
  names.sort(allWhole ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : 1));
  const index = new Map(names.map((name, at) => [name, at]));
  const targets = Int32Array.from(cells, cell => index.get(allWhole ? String(Number(cell)) : cell) as number);
  return { targets, classes: names.length, outputs: names.length, classNames: names };
}

/**
 * A dataset from a table of comma- or tab-separated values (RFC 4180), a sample in each row: one column of targets, numbers in all others. The
 * first row is a header where none of its cells is a number, where it names the target, or where its target is no number and all below are. Targets that are whole numbers or
 * words are classes, in ascending order; numbers of which one has a decimal point are numbers to be met. Throws a Failure that names file, row
 * (from 1, header included) and column for cells that are no finite numbers, rows of another length, an unknown target and an empty file.
 *
 * @example
 * import { parseCsv } from 'reluminate/datasets';
 * const { inputs, targets, classNames } = parseCsv('width,kind\n1.5,oak\n2,elm\n3,oak\n4,elm', 'trees.csv');
 * Array.from(inputs); // => [1.5, 2, 3, 4]
 * [Array.from(targets), classNames]; // => [[1, 0, 1, 0], ["elm", "oak"]]
 */
export function parseCsv(text: string, label: string, { target, separator = ',' }: CsvOptions = {}): Dataset {
  const fail: Fail = (must, got) => new Failure('input', `dataset '${label}': ${must}, got ${got}`);
  const { header, rows } = readTable(readRows(text, separator, fail), target, fail);
  const width = rows[0]!.cells.length;
  const column = findColumn(target, header ?? new Array<string>(width).fill(''));
  const columns = header ? header.map(name => `'${name}'`).join(', ') : `1 to ${width}`;
  if (column < 0)
    throw new Failure('usage', `dataset '${label}': the target must be one of the columns ${columns}, got '${target}'`);
  if (target !== undefined && header && header.indexOf(target) !== header.lastIndexOf(target))
    throw fail('the target must be one column', `several called '${target}'`);
  const nameOf = (at: number) => (header ? `column '${header[at]}'` : `column ${at + 1}`);
  const inputs = new Float32Array(rows.length * (width - 1));
  let filled = 0;
  for (const { number, cells } of rows)
    cells.forEach((cell, at) => {
      if (at === column && cell === '') throw fail(`row ${number}, ${nameOf(at)} must hold a target`, 'an empty cell');
      if (at === column) return;
      if (!isNumber(cell))
        throw fail(`row ${number}, ${nameOf(at)} must be a finite number`, cell === '' ? 'an empty cell' : `'${cell}'`);
      inputs[filled++] = Number(cell);
    });
  const shared = { name: label, count: rows.length, inputs, inputDims: [width - 1] };
  const cells = rows.map(row => row.cells[column] as string);
  if (cells.every(isNumber) && !cells.every(isWhole))
    return { ...shared, targets: Float32Array.from(cells, Number), classes: null, outputs: 1 };
  const found = classesOf(cells);
  const classes = found.classes as number;
  if (classes < 2) throw fail(`${nameOf(column)} must hold two classes or more`, `'${cells[0]}' in every row`);
  if (classes > rows.length / 2)
    throw fail(
      `classes in ${nameOf(column)} must repeat (numbers to be met need a decimal point, every one of them a number)`,
      `${classes} in ${rows.length} rows`,
    );
  return { ...shared, ...found };
}
