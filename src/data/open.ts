import { createReadStream } from 'node:fs';
import { Failure } from '../failure.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import { type ArraySet, type MatchedSet, matchSet, npyFile, npzArrays } from './arrays.js';
import { chooseBatching, concatReaders, readBatches, type SampleSource } from './batches.js';
import type { Chunks } from './bytes.js';
import { type Item, identify } from './identify.js';
import type { ImageOptions } from './image-format.js';
import { imageSamples, listImages } from './images.js';
import { elementsPerSample, quoteNames } from './match.js';
import { streamArrays } from './stream.js';

export interface SampleOptions extends ImageOptions {
  /** Take the first so many samples; all of them unless given. */
  readonly samples?: number | undefined;
  /** Samples in a batch where the model leaves that free; by default what makes two million elements, at most 64. */
  readonly batch?: number | undefined;
  /** Let NaN and infinities in arrays through to the model; refused unless given. */
  readonly allowNonFinite?: boolean | undefined;
  /** Where the path `-` reads from: standard input unless given. */
  readonly stdin?: Chunks | undefined;
}

/**
 * Samples for a model's inputs from paths: folders of pictures and pictures, or NPY files, NPZ archives and `-` (standard
 * input, NPY or NPZ), in order one after another. `name=file.npy` says which input a file feeds; of several such files the
 * first for each input belong together, then the second, and so on. Headers are read and checked at once, data by
 * `batches()`. Throws a Failure that starts with the path for what does not exist, cannot be read or does not fit the model.
 *
 * @example
 * import { openSamples, writeNpy } from 'reluminate/data';
 * const inputs = [{ name: 'x', type: 'float32', dims: ['batch', 2] }];
 * const bytes = writeNpy({ type: 'float64', dims: [3, 2], data: Float64Array.of(1, 2, 3, 4, 5, 6) });
 * const source = await openSamples(['-'], inputs, { stdin: [bytes], batch: 2 });
 * source.total; // => 3
 * const rows = [];
 * for await (const { feeds } of source.batches()) rows.push([...feeds.x.data]);
 * rows; // => [[1, 2, 3, 4], [5, 6]]
 */
export async function openSamples(
  paths: readonly string[],
  specs: readonly InputSpec[],
  options: SampleOptions = {},
): Promise<SampleSource> {
  if (paths.length === 0) throw new Failure('usage', '--data: must name a folder, a picture, an NPY or an NPZ file');
  const items = await Promise.all(paths.map(path => identify(path, specs)));
  const pictures = items.filter(item => item.kind === 'folder' || item.kind === 'picture');
  if (pictures.length === 0) return arraySamples(items, specs, options);
  if (pictures.length < items.length)
    throw new Failure('usage', `--data: must be pictures only or arrays only, got ${quoteNames(paths)}`);
  return pictureSamples(pictures, specs, options);
}

async function pictureSamples(
  items: readonly Item[],
  specs: readonly InputSpec[],
  options: SampleOptions,
): Promise<SampleSource> {
  const [input] = specs;
  if (input === undefined || specs.length > 1)
    throw new Failure(
      'input',
      `${items[0]!.label}: pictures feed a model of one input, got inputs ${quoteNames(specs.map(spec => spec.name)) || 'none'}`,
    );
  const lists = await Promise.all(
    items.map(item => (item.kind === 'folder' ? listImages(item.path, item.label) : [item.path])),
  );
  const source = imageSamples(lists.flat(), input, options);
  return { ...source, description: `${describePaths(items)}: ${source.description}` };
}

async function arraySamples(
  items: readonly Item[],
  specs: readonly InputSpec[],
  options: SampleOptions,
): Promise<SampleSource> {
  if (items.filter(item => item.path === '-').length > 1)
    throw new Failure('usage', '--data -: standard input must be named once, got it more than once');
  const sets: MatchedSet[] = [];
  for (const set of await openSets(items, specs, options.stdin ?? process.stdin))
    sets.push(await matchSet(set, specs, options.allowNonFinite ?? false));
  const batching = chooseBatching(specs, elementsPerSample(sets[0]!.match), options);
  const total = Math.min(
    batching.limit,
    sets.reduce((sum, set) => sum + set.match.samples, 0),
  );
  const unused = [...new Set(sets.flatMap(set => set.unused))];
  const aside = unused.length === 0 ? '' : ` (arrays ${quoteNames(unused)} feed no input)`;
  return {
    description: `${describePaths(items)}: ${total} samples${aside}`,
    kind: 'samples',
    total,
    batches: () => readBatches(concatReaders(sets.map(set => set.open)), batching),
  };
}

/** The array sets that items stand for: each item one, or, where items name inputs, each round of inputs one. */
async function openSets(items: readonly Item[], specs: readonly InputSpec[], stdin: Chunks): Promise<ArraySet[]> {
  const named = items.filter(item => item.input !== '');
  if (named.length === 0) return Promise.all(items.map(item => openSet(item, stdin)));
  const unnamed = items.find(item => item.input === '');
  if (unnamed !== undefined)
    throw new Failure('usage', `${unnamed.label}: must name its input, as the other paths do, got no name`);
  const odd = named.find(item => item.kind !== 'npy');
  if (odd !== undefined) throw new Failure('usage', `${odd.label}: must be an NPY file, as its input is named`);
  const byInput = specs.map(spec => named.filter(item => item.input === spec.name));
  const rounds = Math.max(...byInput.map(list => list.length));
  const short = byInput.findIndex(list => list.length < rounds);
  if (short !== -1)
    throw new Failure(
      'usage',
      `--data: each input must be given as many files, got ${byInput[short]!.length} for '${specs[short]!.name}' and ${rounds} for another`,
    );
  return Array.from({ length: rounds }, (_, round) => {
    const files = byInput.map(list => list[round]!);
    const label = `--data ${files.map(file => file.label.slice('--data '.length)).join(' ')}`;
    return { label, arrays: files.map(({ path, input, size, label }) => npyFile(path, input, size, label)) };
  });
}

async function openSet({ kind, path, label, size }: Item, stdin: Chunks): Promise<ArraySet> {
  if (kind === 'npz') return { label, arrays: await npzArrays(path, label) };
  if (kind === 'npy') return { label, arrays: [npyFile(path, '', size, label)] };
  return { label, arrays: await streamArrays(path === '-' ? stdin : createReadStream(path), label) };
}

function describePaths(items: readonly Item[]): string {
  const paths = items.map(item => (item.path === '-' ? 'standard input' : item.path));
  return paths.length <= 3 ? paths.join(', ') : `${paths[0]} and ${paths.length - 1} more`;
}
