import { createRandom } from '../../random.js';
import { finite, whole } from '../../rectifiers/parameters.js';
import type { Dataset, Split } from '../dataset.js';
import { shuffle } from './shuffle.js';

/** The samples with these indices, in this order, copied. */
export function selectSamples(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const count = indices.length;
  const pick = <T extends Float32Array | Int32Array>(from: T, to: T, width: number): T => {
    for (let i = 0; i < count; i++) {
      const start = (indices[i] as number) * width;
      to.set(from.subarray(start, start + width), i * width);
    }
    return to;
  };
  const width = dataset.inputs.length / dataset.count;
  const { targets } = dataset;
  const perTarget = targets.length / dataset.count;
  return {
    ...dataset,
    count,
    inputs: pick(dataset.inputs, new Float32Array(count * width), width),
    targets:
      targets instanceof Int32Array
        ? pick(targets, new Int32Array(count * perTarget), perTarget)
        : pick(targets, new Float32Array(count * perTarget), perTarget),
  };
}

/** Indices of the samples of each class; all of them as one list where a sample has no class of its own. */
function groupsOf({ classes, targets, count }: Dataset): number[][] {
  if (classes === null || targets.length !== count) return [Array.from({ length: count }, (_, index) => index)];
  const groups = Array.from({ length: classes }, (): number[] => []);
  for (let index = 0; index < count; index++) groups[targets[index] as number]?.push(index);
  return groups;
}

/** Both parts, from groups of indices whose last ones are held out: of n samples n times `testShare`, rounded. Each part keeps the order of the dataset. */
function splitGroups(dataset: Dataset, groups: readonly ArrayLike<number>[], testShare: number): Split {
  const train: number[] = [];
  const test: number[] = [];
  for (const group of groups) {
    const kept = group.length - Math.round(group.length * testShare);
    for (let i = 0; i < group.length; i++) (i < kept ? train : test).push(group[i] as number);
  }
  if (train.length === 0 || test.length === 0)
    throw new RangeError(
      `split: both parts must get a sample, got ${train.length} to train on and ${test.length} to test on of '${dataset.name}'`,
    );
  const inOrder = (indices: number[]) =>
    selectSamples(
      dataset,
      indices.sort((a, b) => a - b),
    );
  return { train: inOrder(train), test: inOrder(test) };
}

export interface SplitOptions {
  /** The share that is held out, between 0 and 1 (default 0.2). */
  readonly testShare?: number | undefined;
  /** The same seed gives the same split (default 0). */
  readonly seed?: number | undefined;
}

/** The share, once it is between 0 and 1. */
function shareOf(testShare: number): number {
  if (!(finite('split', 'testShare', testShare) > 0 && testShare < 1))
    throw new RangeError(`split: testShare must be greater than 0 and less than 1, got ${testShare}`);
  return testShare;
}

/**
 * Holds out a part of a dataset, drawn by the seed: of each class the same share, rounded; of a dataset whose samples have no class of their own that share
 * of all.
 * Throws a RangeError for shares outside (0, 1) and where a part would be empty.
 *
 * @example
 * import { moons, splitDataset } from 'reluminate/train';
 * const { train, test } = splitDataset(moons({ count: 100 }), { testShare: 0.3, seed: 1 });
 * [train.count, test.count]; // => [70, 30]
 */
export function splitDataset(dataset: Dataset, { testShare = 0.2, seed = 0 }: SplitOptions = {}): Split {
  shareOf(testShare);
  const random = createRandom(whole('split', 'seed', seed, 0));
  return splitGroups(
    dataset,
    groupsOf(dataset).map(group => shuffle(group, random)),
    testShare,
  );
}
