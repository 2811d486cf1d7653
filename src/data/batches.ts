import { Failure } from '../failure.js';
import type { Batch, InputSpec, TensorData } from '../onnx/tensor-data.js';

/** Samples that can be read from the start any number of times (standard input: once), batch by batch. */
export interface SampleSource {
  /** What the samples are, for a person, for example `x.npz, 200 samples`. */
  readonly description: string;
  readonly kind: 'samples' | 'synthetic';
  /** How many samples the batches hold together; null where that is known only at the end. */
  readonly total: number | null;
  /** Reads the samples in order; what it opened is closed at the end, or when its consumer stops early. */
  batches(): AsyncIterable<Batch>;
}

/** A tensor for each input, by name. */
export type Feeds = Readonly<Record<string, TensorData>>;

/** Samples that are read in order, as many at a time as the caller wants. */
export interface SampleReader {
  /** The next samples, at most `count`, along axis 0 of each tensor (tensors without axes are constants); null after the last. */
  next(count: number): Promise<Feeds | null>;
  close(): Promise<void>;
}

/** How samples are cut into batches. */
export interface Batching {
  /** Samples in a batch, 1 or more. */
  readonly size: number;
  /** Whether the model takes batches of exactly `size`, so that a shorter one is padded by repeating its last sample. */
  readonly pad: boolean;
  /** Stop after this many samples. */
  readonly limit: number;
}

const elementsPerBatch = 2 ** 21;
const largestDefaultBatch = 64;

/**
 * The batch size for a model: the one its inputs fix, else the one asked for, else as many samples as make two million
 * elements, from 1 to 64. Throws a Failure where the inputs fix different sizes (`input`) or another than the one asked
 * for (`usage`).
 *
 * @example
 * import { chooseBatching } from 'reluminate/data';
 * const input = dims => [{ name: 'x', type: 'float32', dims }];
 * chooseBatching(input(['N', 10]), 10, { samples: 100 }); // => { size: 64, pad: false, limit: 100 }
 * chooseBatching(input(['N', 3, 1024, 1024]), 3 * 1024 * 1024, {}).size; // => 1
 * chooseBatching(input([8, 10]), 10, { samples: 100 }); // => { size: 8, pad: true, limit: 100 }
 */
export function chooseBatching(
  specs: readonly InputSpec[],
  elementsPerSample: number,
  { batch, samples = Number.POSITIVE_INFINITY }: { batch?: number | undefined; samples?: number | undefined },
): Batching {
  checkCount('--batch', batch);
  checkCount('--samples', samples === Number.POSITIVE_INFINITY ? undefined : samples);
  const fixed = specs.filter(({ dims }) => typeof dims[0] === 'number');
  const size = fixed[0]?.dims[0] as number | undefined;
  const odd = fixed.find(({ dims }) => dims[0] !== size);
  if (size !== undefined && odd !== undefined)
    throw new Failure(
      'input',
      `batch: the inputs must agree on axis 0, got ${size} for '${fixed[0]!.name}' and ${odd.dims[0]} for '${odd.name}'`,
    );
  if (size !== undefined && batch !== undefined && batch !== size)
    throw new Failure('usage', `--batch: must be ${size}, which input '${fixed[0]!.name}' fixes, got ${batch}`);
  const affordable = Math.floor(elementsPerBatch / Math.max(1, elementsPerSample));
  return {
    size: size ?? batch ?? Math.max(1, Math.min(largestDefaultBatch, affordable)),
    pad: size !== undefined,
    limit: samples,
  };
}

/**
 * Cuts what a reader gives into batches and closes the reader at the end, at an error or when the consumer stops early.
 * A batch ends early where the next samples cannot be stacked onto it (other dims along a free axis, other constants).
 *
 * @example
 * import { readBatches } from 'reluminate/data';
 * const rows = [1, 2, 3];
 * const read = values => ({ x: { type: 'float32', dims: [values.length, 1], data: Float32Array.from(values) } });
 * const reader = { next: async count => (rows.length > 0 ? read(rows.splice(0, count)) : null), close: async () => {} };
 * const found = [];
 * for await (const { feeds, samples } of readBatches(reader, { size: 2, pad: true, limit: Infinity })) found.push([samples, ...feeds.x.data]);
 * found; // => [[2, 1, 2], [1, 3, 3]]
 */
export async function* readBatches(reader: SampleReader, { size, pad, limit }: Batching): AsyncGenerator<Batch> {
  let left = limit;
  let carried: Feeds | null = null;
  try {
    while (left > 0) {
      const want = Math.min(size, left);
      const parts: Feeds[] = carried === null ? [] : [carried];
      let have = carried === null ? 0 : countSamples(carried);
      carried = null;
      while (have < want) {
        const part = await reader.next(want - have);
        if (part === null) break;
        if (parts.length > 0 && !stackable(parts[0]!, part)) {
          carried = part;
          break;
        }
        parts.push(part);
        have += countSamples(part);
      }
      if (have === 0) return;
      left -= have;
      const feeds = stack(parts);
      yield { feeds: pad ? padFeeds(feeds, size) : feeds, samples: have };
    }
  } finally {
    await reader.close();
  }
}

/** Readers one after another, each opened when its turn comes. */
export function concatReaders(openers: readonly (() => Promise<SampleReader>)[]): SampleReader {
  let turn = 0;
  let reader: SampleReader | null = null;
  return {
    async next(count) {
      while (turn < openers.length) {
        reader ??= await openers[turn]!();
        const feeds = await reader.next(count);
        if (feeds !== null) return feeds;
        await reader.close();
        reader = null;
        turn++;
      }
      return null;
    },
    async close() {
      await reader?.close();
      reader = null;
    },
  };
}

/** Throws a Failure (`usage`) unless a flag's value is absent or a whole number of 1 or more. */
export function checkCount(flag: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
    throw new Failure('usage', `${flag}: must be a whole number of 1 or more, got ${value}`);
}

/** Samples in feeds; feeds of constants alone are one sample. */
function countSamples(feeds: Feeds): number {
  return Object.values(feeds).find(({ dims }) => dims.length > 0)?.dims[0] ?? 1;
}

function stackable(a: Feeds, b: Feeds): boolean {
  return Object.entries(a).every(([name, tensor]) => {
    const other = b[name]!;
    if (tensor.dims.length === 0) return Object.is(tensor.data[0], other.data[0]);
    return tensor.dims.every((dim, axis) => axis === 0 || dim === other.dims[axis]);
  });
}

function stack(parts: readonly Feeds[]): Feeds {
  if (parts.length === 1) return parts[0]!;
  return Object.fromEntries(Object.keys(parts[0]!).map(name => [name, stackTensors(parts.map(part => part[name]!))]));
}

function stackTensors(tensors: readonly TensorData[]): TensorData {
  const { type, dims, data } = tensors[0]!;
  if (dims.length === 0) return tensors[0]!;
  const stacked = emptyLike(
    data,
    tensors.reduce((sum, tensor) => sum + tensor.data.length, 0),
  );
  let offset = 0;
  for (const tensor of tensors) {
    stacked.set(tensor.data as typeof stacked, offset);
    offset += tensor.data.length;
  }
  return { type, dims: [tensors.reduce((sum, tensor) => sum + tensor.dims[0]!, 0), ...dims.slice(1)], data: stacked };
}

function padFeeds(feeds: Feeds, size: number): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, padTensor(tensor, size)]));
}

function padTensor(tensor: TensorData, size: number): TensorData {
  const { type, dims, data } = tensor;
  const rows = dims[0] ?? size;
  if (rows === size) return tensor;
  const rowLength = data.length / rows;
  const padded = emptyLike(data, size * rowLength);
  padded.set(data as typeof padded);
  for (let row = rows; row < size; row++) padded.copyWithin(row * rowLength, (rows - 1) * rowLength, rows * rowLength);
  return { type, dims: [size, ...dims.slice(1)], data: padded };
}

/** A typed array of the same kind. The cast speaks for all kinds at once, which TypeScript cannot. */
function emptyLike(data: TensorData['data'], length: number): Float32Array {
  return new (data.constructor as Float32ArrayConstructor)(length);
}
