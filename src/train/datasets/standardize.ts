import type { Dataset, Split, Standardization } from '../dataset.js';

/** How samples lie: `channels` runs of `inner` numbers each. A vector's features are its channels. */
function layoutOf({ inputDims, inputs, count }: Dataset): { channels: number; inner: number } {
  const width = inputs.length / count;
  const channels = inputDims.length > 1 ? (inputDims[0] as number) : width;
  return { channels, inner: width / channels };
}

/** Calls for each run of numbers that belong to one channel, sample by sample. */
function eachRun(dataset: Dataset, visit: (channel: number, start: number, end: number) => void): void {
  const { channels, inner } = layoutOf(dataset);
  for (let sample = 0, start = 0; sample < dataset.count; sample++)
    for (let channel = 0; channel < channels; channel++, start += inner) visit(channel, start, start + inner);
}

/**
 * Mean and standard deviation (over all samples, divided by their number) of each feature of a dataset, or of each channel where samples have
 * more than one axis. The deviation of a feature that never varies is given as 1.
 *
 * @example
 * import { standardizationOf } from 'reluminate/train';
 * const targets = Int32Array.of(0, 1);
 * const data = { name: 'two', count: 2, inputs: Float32Array.of(1, 5, 3, 5), inputDims: [2], targets, classes: 2, outputs: 2 };
 * standardizationOf(data); // => { "mean": [2, 5], "deviation": [1, 1] }
 */
export function standardizationOf(dataset: Dataset): Standardization {
  const { channels, inner } = layoutOf(dataset);
  const size = dataset.count * inner;
  const mean = new Float64Array(channels);
  eachRun(dataset, (channel, start, end) => {
    for (let i = start; i < end; i++) mean[channel]! += dataset.inputs[i]! / size;
  });
  const variance = new Float64Array(channels);
  const spread = new Float64Array(channels);
  eachRun(dataset, (channel, start, end) => {
    for (let i = start; i < end; i++) {
      const distance = Math.abs(dataset.inputs[i]! - mean[channel]!);
      variance[channel]! += distance ** 2 / size;
      spread[channel] = Math.max(spread[channel]!, distance);
    }
  });
  // The mean of equal numbers may differ from them by its rounding, which is no spread.
  const varies = (_: number, channel: number) => spread[channel]! > 1e-9 * Math.abs(mean[channel]!);
  return {
    mean: Array.from(mean),
    deviation: Array.from(variance, (value, channel) => (varies(value, channel) ? Math.sqrt(value) : 1)),
  };
}

/**
 * A copy of the dataset with (x - mean) / deviation for each input x. Throws a RangeError where the numbers of features differ.
 *
 * @example
 * import { moons, standardizationOf, standardize } from 'reluminate/train';
 * const data = moons({ count: 100 });
 * standardizationOf(standardize(data, standardizationOf(data))).deviation.map(value => value.toFixed(6)); // => ["1.000000", "1.000000"]
 */
export function standardize(dataset: Dataset, { mean, deviation }: Standardization): Dataset {
  const { channels } = layoutOf(dataset);
  if (mean.length !== channels || deviation.length !== channels)
    throw new RangeError(
      `standardize: mean and deviation must be of ${channels} features, as '${dataset.name}' has, got ${mean.length} and ${deviation.length}`,
    );
  const inputs = new Float32Array(dataset.inputs.length);
  eachRun(dataset, (channel, start, end) => {
    for (let i = start; i < end; i++) inputs[i] = (dataset.inputs[i]! - mean[channel]!) / deviation[channel]!;
  });
  return { ...dataset, inputs };
}

/**
 * Both parts standardized by the training part, and how.
 *
 * @example
 * import { moons, splitDataset, standardizationOf, standardizeSplit } from 'reluminate/train';
 * const { train, standardization } = standardizeSplit(splitDataset(moons({ count: 100 })));
 * standardizationOf(train).deviation.map(value => value.toFixed(6)); // => ["1.000000", "1.000000"]
 * standardization.mean.length; // => 2
 */
export function standardizeSplit({ train, test }: Split): Split {
  const standardization = standardizationOf(train);
  return { train: standardize(train, standardization), test: standardize(test, standardization), standardization };
}
