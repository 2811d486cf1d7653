import type { AuditReport, Finding, LayerReport, Verdict } from '../audit/report.js';
import { cutMiddle, displayWidth, labels, printable } from './names.js';
import { count, plural, significant } from './numbers.js';
import { feeder, isTroubled, modelFacts, proofRange, summary, syntheticWarning, worstFirst } from './summary.js';
import { verdictStyles, verdictsIn } from './verdict-style.js';

export interface TableOptions {
  /** Whether to color with ANSI escapes. */
  color: boolean;
  /** Columns of the terminal; taken as 60 to 200. */
  width: number;
  /** Show every layer, also those with nothing to report. */
  all?: boolean;
}

/** Layers shown although they have nothing to report, as long as the table stays this short. */
const shortTable = 12;
/** Columns that running text takes at most. */
const measure = 100;
const gap = '  ';

interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  loud(text: string): string;
  hue(ansi: number, text: string): string;
}

const sgr = (on: string, off: string) => (text: string) => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`);
const ansi: Paint = {
  bold: sgr('1', '22'),
  dim: sgr('2', '22'),
  loud: sgr('1;7', '22;27'),
  hue: (color, text) => sgr(`38;5;${color}`, '39')(text),
};
const same = (text: string) => text;
const plain: Paint = { bold: same, dim: same, loud: same, hue: (_, text) => text };

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));
const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - displayWidth(text))) + text;

/** Lines of at most `width` columns; a no-break space keeps its neighbours together and becomes a space. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').map(word => cutMiddle(word, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map(each => each.replaceAll('\u00a0', ' '));
}

const indent = (lines: readonly string[], first: string, rest = ' '.repeat(first.length)): string[] =>
  lines.map((line, i) => (i === 0 ? first : rest) + line);

function header(report: AuditReport, width: number, paint: Paint): string[] {
  const name = cutMiddle(printable(report.model.name), width - 9);
  const facts = wrap(modelFacts(report).join(', '), width - 9);
  const data = wrap(printable(report.data.description), width - 9);
  const range = proofRange(report);
  const proof = range === null ? [] : wrap(`inputs ${range.join('; ')}`, width - 9);
  return [
    ...indent([paint.bold(name), ...facts.map(paint.dim)], 'Model    '),
    ...indent(data, 'Data     '),
    ...indent(proof, 'Proof    '),
  ];
}

/** Cells for each verdict of a bar: in proportion, but one at least for each verdict that occurs. */
function cells(counts: Record<Verdict, number>, width: number): [Verdict, number][] {
  const present = verdictsIn(counts);
  const total = present.reduce((sum, verdict) => sum + counts[verdict], 0);
  const ideal = present.map(verdict => (counts[verdict] / total) * width);
  const whole = ideal.map(n => Math.max(1, Math.floor(n)));
  const missing = () => width - whole.reduce((sum, n) => sum + n, 0);
  const error = (k: number) => ideal[k]! - whole[k]!;
  const ranked = () => [...whole.keys()].sort((a, b) => error(b) - error(a));
  while (missing() > 0) whole[ranked()[0]!]!++;
  while (missing() < 0) whole[ranked().findLast(k => whole[k]! > 1)!]!--;
  return present.map((verdict, k) => [verdict, whole[k]!]);
}

const bar = (counts: Record<Verdict, number>, width: number, paint: Paint): string =>
  cells(counts, width)
    .map(([verdict, n]) => paint.hue(verdictStyles[verdict].ansi, verdictStyles[verdict].glyph.repeat(n)))
    .join('');

/** A column of the table: its title in one or two lines, a cell for each layer, and how gladly it goes when there is no room. */
interface Column {
  title: [string, string];
  cells: string[];
  right: boolean;
  keep: number;
  paint?: (cell: string) => string;
}

const slopeRange = ({ slopes }: LayerReport): string =>
  slopes === null
    ? ''
    : slopes.min === slopes.max
      ? significant(slopes.min)
      : `${significant(slopes.min, 2)}..${significant(slopes.max, 2)}`;

function verdictColumn(verdict: Verdict, layers: readonly LayerReport[], paint: Paint): Column {
  const { label, ansi: hue } = verdictStyles[verdict];
  const words = label.split(' ');
  const quiet = verdict === 'healthy' || verdict === 'unobserved';
  return {
    title: words.length === 2 ? [words[0]!, words[1]!] : ['', label],
    cells: layers.map(({ counts }) => (counts[verdict] === 0 ? '·' : count(counts[verdict]))),
    right: true,
    keep: {
      vanished: 9,
      'proved-dead': 9,
      silent: 9,
      rare: 8,
      dormant: 7,
      'proved-linear': 5,
      linear: 6,
      healthy: 2,
      unobserved: 2,
    }[verdict],
    paint: cell => (quiet || cell.endsWith('·') ? paint.dim(cell) : paint.hue(hue, cell)),
  };
}

/** The columns but for the layers' names and the bar, in order; those without any content are left out. */
function columnsOf(report: AuditReport, numbers: readonly number[], layers: readonly LayerReport[], paint: Paint) {
  const number: Column = {
    title: ['', '#'],
    cells: numbers.map(n => count(n + 1)),
    right: true,
    keep: 4,
    paint: paint.dim,
  };
  const facts: Column[] = [
    { title: ['', 'op'], cells: layers.map(({ op }) => printable(op)), right: false, keep: 3 },
    {
      title: ['', 'fed by'],
      cells: layers.map(layer => cutMiddle(feeder(layer) ?? '', 26)),
      right: false,
      keep: 1,
      paint: paint.dim,
    },
    {
      title: ['', 'units'],
      cells: layers.map(({ channels }) => (channels === null ? '?' : count(channels))),
      right: true,
      keep: 10,
    },
  ];
  const slope: Column = { title: ['', 'slope'], cells: layers.map(slopeRange), right: true, keep: 4 };
  const counts = verdictsIn(report.totals.counts).map(verdict => verdictColumn(verdict, layers, paint));
  const filled = (column: Column) => column.cells.some(cell => cell !== '');
  return { number, rest: [...facts, ...counts, slope].filter(filled) };
}

const columnWidth = ({ title, cells }: Column): number =>
  [...title, ...cells].reduce((widest, text) => Math.max(widest, displayWidth(text)), 0);

/** The columns that fit beside a name of `least` columns, dropping first what is least missed. */
function fitting(columns: readonly Column[], width: number, least: number): Column[] {
  const used = columns.reduce((sum, column) => sum + columnWidth(column) + gap.length, 0);
  if (used + least <= width) return [...columns];
  const lowest = Math.min(...columns.map(({ keep }) => keep));
  const out = columns.findLastIndex(({ keep }) => keep === lowest);
  return fitting(columns.toSpliced(out, 1), width, least);
}

function layerTable(report: AuditReport, shown: readonly number[], width: number, paint: Paint): string[] {
  const layers = shown.map(n => report.layers[n]!);
  const barWidth = Math.min(24, Math.max(9, Math.floor(width / 7)));
  const { number, rest } = columnsOf(report, shown, layers, paint);
  const names = report.layers.map(({ name }) => name);
  const least = Math.max(8, ...labels(names, Math.floor(width / 4)).map(displayWidth));
  const kept = fitting([number, ...rest], width - barWidth - gap.length, least);
  const used = kept.reduce((sum, column) => sum + columnWidth(column) + gap.length, 0);
  const nameWidth = width - barWidth - gap.length - used;
  const all = labels(names, nameWidth);
  const name: Column = { title: ['', 'layer'], cells: shown.map(n => all[n]!), right: false, keep: 11 };
  const columns = kept.includes(number) ? [number, name, ...kept.slice(1)] : [name, ...kept];
  const row = (cellsOf: (column: Column) => string, painted: boolean) =>
    columns
      .map(column => {
        const text = (column.right ? padStart : pad)(cellsOf(column), columnWidth(column));
        return painted && column.paint ? column.paint(text) : text;
      })
      .join(gap);
  const heads = ([0, 1] as const)
    .map(line => row(column => column.title[line], false).trimEnd())
    .filter(line => line !== '')
    .map(line => paint.bold(line));
  const rows = layers.map((layer, i) => {
    const line = row(column => column.cells[i]!, true);
    return verdictsIn(layer.counts).length === 0 ? line.trimEnd() : line + gap + bar(layer.counts, barWidth, paint);
  });
  return [...heads, ...rows];
}

/** What the glyphs of the bars mean, wrapped between the entries. */
function legend(report: AuditReport, width: number, paint: Paint): string[] {
  const present = verdictsIn(report.totals.counts);
  const text = present.map(
    verdict => `${verdictStyles[verdict].glyph}\u00a0${verdictStyles[verdict].label.replace(' ', '\u00a0')}`,
  );
  const colored = (line: string) =>
    present.reduce(
      (out, verdict) =>
        out.replace(verdictStyles[verdict].glyph, glyph => paint.hue(verdictStyles[verdict].ansi, glyph)),
      line,
    );
  return wrap(text.join('\u00a0\u00a0 '), width).map(line => colored(line.trimEnd()));
}

/** Why layers have no statistics, one line for each reason. */
function unobserved(layers: readonly LayerReport[], width: number): string[] {
  const reasons = new Map<string, number>();
  for (const { unobservedBecause: reason } of layers)
    if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [...reasons].flatMap(([reason, n]) => wrap(`${plural(n, 'layer')} not observed: ${printable(reason)}`, width));
}

function layersSection(report: AuditReport, { width, all = false }: TableOptions, paint: Paint): string[] {
  if (report.layers.length === 0) return [];
  const order = worstFirst(report.layers);
  const troubled = order.filter(n => isTroubled(report.layers[n]!)).length;
  const shown = all ? order : order.slice(0, Math.max(shortTable, troubled));
  const quiet = order.length - shown.length;
  const and = troubled === 0 ? '' : 'and ';
  return [
    '',
    ...layerTable(report, shown, width, paint),
    ...(quiet > 0
      ? [paint.dim(`${and}${plural(quiet, `${shown.length > troubled ? 'more ' : ''}layer`)} with nothing to report`)]
      : []),
    '',
    ...legend(report, width, paint),
    ...unobserved(report.layers, width),
  ];
}

const marks: Record<Finding['severity'], { mark: string; hue: number }> = {
  error: { mark: '✖ error   ', hue: 160 },
  warning: { mark: '▲ warning ', hue: 208 },
  note: { mark: '● note    ', hue: 32 },
};

function findingLines({ severity, text, where }: Finding, width: number, paint: Paint): string[] {
  const { mark, hue } = marks[severity];
  const room = width - mark.length - 1;
  const places = where.map(name => cutMiddle(printable(name).replaceAll(' ', '\u00a0'), Math.floor(room / 2)));
  const shown = places.slice(0, 5).join(', ');
  const more = places.length > 5 ? ` and ${count(places.length - 5)} more` : '';
  const lines = [...wrap(printable(text), room), ...(shown === '' ? [] : wrap(shown + more, room).map(paint.dim))];
  return indent(lines, `${paint.hue(hue, mark)} `, ' '.repeat(mark.length + 1));
}

/**
 * The audit as a table for the terminal: one line for each layer, worst first, then the findings and a summary in words.
 * No line is wider than `width`, none ends in a space; without color it is plain text that reads the same.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit } from 'reluminate/audit';
 * import { renderTable } from 'reluminate/report';
 * import { buildNetwork } from 'reluminate/train';
 * const report = await audit(buildNetwork('mlp:2-3-1', { rectifier: parseRectifier('relu') }), null);
 * const lines = renderTable(report, { color: false, width: 80 }).split('\n');
 * lines[0]; // => "Model    mlp:2-3-1"
 * lines.every(line => line.length <= 80); // => true
 */
export function renderTable(report: AuditReport, options: TableOptions): string {
  const width = Math.min(200, Math.max(60, Math.floor(options.width)));
  const paint = options.color ? ansi : plain;
  const textWidth = Math.min(width, measure);
  const synthetic = syntheticWarning(report);
  const warning = synthetic === null ? [] : wrap(synthetic, textWidth - 2).map(line => paint.loud(`! ${line}`));
  const found = report.findings.flatMap(finding => findingLines(finding, textWidth, paint));
  return [
    ...warning,
    ...(warning.length > 0 ? [''] : []),
    ...header(report, textWidth, paint),
    ...layersSection(report, { ...options, width }, paint),
    ...(found.length > 0 ? ['', paint.bold('Findings'), ...found] : []),
    '',
    paint.bold('Summary'),
    ...summary(report).flatMap(sentence => wrap(sentence, textWidth)),
    ...(warning.length > 0 ? ['', ...warning] : []),
    '',
  ].join('\n');
}
