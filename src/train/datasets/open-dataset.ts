import { extname } from 'node:path';
import { Failure } from '../../failure.js';
import type { Dataset, Split } from '../dataset.js';
import { parseCsv } from './csv.js';
import { digits } from './digits.js';
import { datasetFromArrays } from './from-arrays.js';
import { iris } from './iris.js';
import { moons, rings, spirals } from './plane.js';
import { type ReadArrays, readBytes, readFilePairs, readNpzPairs, splitOfPairs } from './read-arrays.js';
import { splitDataset } from './split.js';
import { standardizeSplit } from './standardize.js';

export interface OpenDatasetOptions {
  /** Decides what is held out, and the points of `spirals`, `moons` and `rings` (default 0). */
  readonly seed?: number | undefined;
  /** The share that is held out (default 0.2); for data that come without a split of their own. */
  readonly testShare?: number | undefined;
  /** The column of targets in a table, the array of targets in an archive. */
  readonly target?: string | undefined;
  /** Whether inputs are standardized by the training part; by default those of tables and iris are. */
  readonly standardize?: boolean | undefined;
}

/** What `openDataset` knows by name. */
export const datasetNames: readonly string[] = ['digits', 'iris', 'spirals', 'moons', 'rings'];

const usage = (must: string, got: string) => new Failure('usage', `dataset: ${must}, got ${got}`);

/** Which parameters each two-dimensional set has, and what makes it. */
const planes = {
  spirals: { parameters: ['classes', 'count', 'noise', 'turns'], make: spirals },
  moons: { parameters: ['count', 'noise'], make: moons },
  rings: { parameters: ['classes', 'count', 'noise'], make: rings },
} as const;

/** The parameters in `3,noise=0.1`: a number alone is that of classes. */
function planeParameters(text: string, names: readonly string[], spec: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [at, part] of (text === '' ? [] : text.split(',')).entries()) {
    const [, name, value] = /^(?:(.*)=)?(.*)$/.exec(part) as unknown as [string, string | undefined, string];
    const parameter = name ?? (at === 0 ? 'classes' : '');
    const number = value.trim() === '' ? Number.NaN : Number(value);
    if (!names.includes(parameter) || !Number.isFinite(number) || parameter in found)
      throw usage(
        `parameters of '${spec}' must be ${names.join(', ')}, each given once, as in ${names[0]}=${names[0] === 'classes' ? 3 : 500}`,
        `'${part}'`,
      );
    found[parameter] = number;
  }
  return found;
}

/** What a library function refused is a failure of usage here: its numbers come from the caller. */
function orUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof RangeError) throw new Failure('usage', cause.message, { cause });
    throw cause;
  }
}

/** Data with the split they come with. */
function ownSplit(split: Split, spec: string, { testShare }: OpenDatasetOptions): Split {
  if (testShare !== undefined)
    throw usage(`testShare must be left out for '${spec}', which has a split of its own`, `${testShare}`);
  return split;
}

const splitHere = (dataset: Dataset, { testShare, seed }: OpenDatasetOptions): Split =>
  orUsage(() => splitDataset(dataset, { testShare, seed }));

/** Names that do not take `target`, and files that are read for it. */
async function byName(
  name: string,
  rest: string | null,
  spec: string,
  options: OpenDatasetOptions,
): Promise<Split | null> {
  const plane = Object.hasOwn(planes, name) ? planes[name as keyof typeof planes] : undefined;
  if (!plane && name !== 'digits' && name !== 'iris') return null;
  if (options.target !== undefined) throw usage(`target must be left out for '${spec}'`, `'${options.target}'`);
  if (plane) {
    const { parameters, make } = plane;
    const chosen = { ...planeParameters(rest ?? '', parameters, spec), seed: options.seed };
    return splitHere(
      orUsage(() => make(chosen)),
      options,
    );
  }
  if (rest !== null) throw usage(`'${name}' must have no parameters`, `'${spec}'`);
  if (name === 'digits') return ownSplit(await digits(), spec, options);
  return iris({ testShare: options.testShare, seed: options.seed, standardize: options.standardize });
}

async function byArrays({ train, test }: ReadArrays, spec: string, options: OpenDatasetOptions): Promise<Split> {
  if (test) return ownSplit(splitOfPairs({ train, test }, spec), spec, options);
  return splitHere(datasetFromArrays(train, spec), options);
}

async function byPath(path: string, options: OpenDatasetOptions): Promise<Split> {
  switch (extname(path).toLowerCase()) {
    case '.npz':
      return byArrays(await readNpzPairs(path, options.target), path, options);
    case '.csv':
    case '.tsv': {
      const separator = path.toLowerCase().endsWith('.tsv') ? '\t' : ',';
      const text = new TextDecoder().decode(await readBytes(path));
      return splitHere(parseCsv(text, path, { target: options.target, separator }), options);
    }
    default:
      throw usage(
        `it must be one of ${datasetNames.join(', ')}, a file .npz, .csv or .tsv, or files inputs,targets (.npy or IDX)`,
        `'${path}'`,
      );
  }
}

/**
 * Whether data are features in columns, of any units, which `openDataset` standardizes unless told otherwise: tables and iris.
 *
 * @example
 * import { isTabular } from 'reluminate/datasets';
 * ['iris', 'flowers.csv', 'moons', 'images.npz'].map(isTabular); // => [true, true, false, false]
 */
export const isTabular = (spec: string): boolean => /^iris$|\.[ct]sv$/i.test(spec.trim());

/**
 * Data to train and to test on, from what a command line says: `digits`, `iris`, `spirals:3`, `moons`, `rings:2` (with more: `spirals:3,count=2000,noise=0.1,turns=1.5`),
 * `data.npz`, `table.csv`, `table.tsv`, `images.idx3-ubyte,labels.idx1-ubyte` (IDX or NPY, gzipped IDX as well; four files
 * for a part to train on and one to test on). Tables and iris are standardized. For Node. Throws a Failure: `usage` for names and options, `input` for files,
 * naming the file and what in it is wrong.
 *
 * @example
 * import { openDataset } from 'reluminate/datasets';
 * const { train, test } = await openDataset('spirals:4,count=500', { seed: 1 });
 * [train.count, test.count, train.classes]; // => [400, 100, 4]
 */
export async function openDataset(spec: string, options: OpenDatasetOptions = {}): Promise<Split> {
  const text = spec.trim();
  const [, name, rest] = /^([a-z]+)(?::(.*))?$/.exec(text) ?? [];
  const named = name === undefined ? null : await byName(name, rest ?? null, text, options);
  const paths = text.split(',');
  if (!named && paths.length > 1 && options.target !== undefined)
    throw usage(`target must be left out for files of inputs and targets`, `'${options.target}'`);
  const split =
    named ??
    (paths.length > 1 ? await byArrays(await readFilePairs(paths), text, options) : await byPath(text, options));
  return (options.standardize ?? isTabular(text)) && !split.standardization ? standardizeSplit(split) : split;
}
