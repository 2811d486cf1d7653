import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Dataset } from '../dataset.js';
import { standardizationOf, standardize, standardizeSplit } from './standardize.js';

const dataset = (inputs: readonly number[], inputDims: readonly number[]): Dataset => {
  const count = inputs.length / inputDims.reduce((a, b) => a * b, 1);
  const targets = new Int32Array(count);
  return { name: 'data', count, inputs: Float32Array.from(inputs), inputDims, targets, classes: 2, outputs: 2 };
};

test('mean and deviation of each feature, or of each channel', () => {
  expect(standardizationOf(dataset([1, 10, 3, 30], [2]))).toEqual({ mean: [2, 20], deviation: [1, 10] });
  expect(standardizationOf(dataset([1, 3, 10, 30, 1, 3, 10, 30], [2, 1, 2]))).toEqual({
    mean: [2, 20],
    deviation: [1, 10],
  });
});

test('a feature that never varies keeps deviation 1, though its mean is rounded', () => {
  const { mean, deviation } = standardizationOf(dataset(new Array(30).fill(0.1), [1]));
  expect(deviation).toEqual([1]);
  expect(mean[0]).toBeCloseTo(0.1, 7);
});

test('standardized inputs have mean 0 and deviation 1, and can be turned back', () =>
  fc.assert(
    fc.property(fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 2, maxLength: 40 }), inputs => {
      const data = dataset(inputs, [1]);
      const how = standardizationOf(data);
      const done = standardize(data, how);
      expect(standardizationOf(done).mean[0]).toBeCloseTo(0, 3);
      done.inputs.forEach((value, i) => {
        expect(value * how.deviation[0]! + how.mean[0]!).toBeCloseTo(data.inputs[i]!, 2);
      });
    }),
  ));

test('the training part decides for both', () => {
  const split = standardizeSplit({ train: dataset([0, 2], [1]), test: dataset([5], [1]) });
  expect(split.standardization).toEqual({ mean: [1], deviation: [1] });
  expect(Array.from(split.test.inputs)).toEqual([4]);
  expect(() => standardize(dataset([1, 2], [2]), split.standardization!)).toThrow(
    "standardize: mean and deviation must be of 2 features, as 'data' has, got 1 and 1",
  );
});
