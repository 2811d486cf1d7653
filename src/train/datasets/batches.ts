import { createRandom } from '../../random.js';
import { whole } from '../../rectifiers/parameters.js';
import type { Dataset } from '../dataset.js';
import { shuffle } from './shuffle.js';

export interface BatchOptions {
  /** Samples in a batch, from 1 to all of them. */
  readonly batchSize: number;
  /** The same seed gives the same orders (default 0). */
  readonly seed?: number | undefined;
  /** Which pass over the data this is, from 0 (default 0): each has an order of its own. */
  readonly epoch?: number | undefined;
}

/** Samples to learn from in one step. */
export interface DatasetBatch {
  /** `batchSize` samples of the dataset's `inputDims`. */
  readonly inputs: Float32Array<ArrayBuffer>;
  /** What each should give, as in the dataset's `targets`. */
  readonly targets: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

/**
 * The order of `count` samples in an epoch: a permutation of 0 … count - 1 that depends on seed and epoch alone, so that any epoch can be
 * repeated without those before it. Throws a RangeError for numbers that are not whole.
 *
 * @example
 * import { epochOrder } from 'reluminate/train';
 * [...epochOrder(5, { seed: 1, epoch: 7 })].sort(); // => [0, 1, 2, 3, 4]
 */
export function epochOrder(count: number, { seed = 0, epoch = 0 }: Partial<BatchOptions> = {}): Uint32Array {
  whole('epochOrder', 'seed', seed, 0);
  whole('epochOrder', 'epoch', epoch, 0);
  // The epoch is the whole part of a number whose fraction, a multiple of 2^-32, the seed decides.
  const random = createRandom(epoch + createRandom(seed).uniform());
  return shuffle(
    Uint32Array.from({ length: whole('epochOrder', 'count', count, 0) }, (_, index) => index),
    random,
  );
}

/**
 * Whole batches in `count` samples.
 *
 * @example
 * import { batchesPerEpoch } from 'reluminate/train';
 * batchesPerEpoch(100, 32); // => 3
 */
export const batchesPerEpoch = (count: number, batchSize: number): number => Math.floor(count / batchSize);

/** The size, once it is from 1 to the number of samples. */
function sizeOf({ name, count }: Dataset, batchSize: number): number {
  if (whole('shuffledBatches', 'batchSize', batchSize, 1) > count)
    throw new RangeError(
      `shuffledBatches: batchSize must be at most ${count}, the samples of '${name}', got ${batchSize}`,
    );
  return batchSize;
}

/**
 * Every batch of an epoch, all of the same size; samples that fill no whole batch are left out of this epoch (of each other epoch others are).
 * The arrays are the same in each step and filled anew: copy what is to be kept. Throws a RangeError for a batch size that is not a
 * whole number from 1 to the number of samples.
 *
 * @example
 * import { moons, shuffledBatches } from 'reluminate/train';
 * const data = moons({ count: 100 });
 * let steps = 0;
 * for (const { inputs } of shuffledBatches(data, { batchSize: 32, seed: 1, epoch: 3 })) steps += inputs.length / 64;
 * steps; // => 3
 */
export function shuffledBatches(
  dataset: Dataset,
  { batchSize, seed = 0, epoch = 0 }: BatchOptions,
): Iterable<DatasetBatch> {
  const size = sizeOf(dataset, batchSize);
  const order = epochOrder(dataset.count, { seed, epoch });
  return { [Symbol.iterator]: () => walk(dataset, order, size) };
}

function* walk({ inputs, targets, count }: Dataset, order: Uint32Array, size: number): Generator<DatasetBatch, void> {
  const width = inputs.length / count;
  const perTarget = targets.length / count;
  const batch = {
    inputs: new Float32Array(size * width),
    targets: targets instanceof Int32Array ? new Int32Array(size * perTarget) : new Float32Array(size * perTarget),
  };
  for (let first = 0; first + size <= count; first += size) {
    for (let i = 0; i < size; i++) {
      const sample = order[first + i] as number;
      batch.inputs.set(inputs.subarray(sample * width, (sample + 1) * width), i * width);
      if (perTarget === 1) batch.targets[i] = targets[sample] as number;
      else batch.targets.set(targets.subarray(sample * perTarget, (sample + 1) * perTarget), i * perTarget);
    }
    yield batch;
  }
}
