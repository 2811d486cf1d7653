import { expect, test } from 'vitest';
import { openSession } from '../../onnx/runtime.js';
import { parseRectifier } from '../../rectifiers/parse-rectifier.js';
import type { Dataset, Split } from '../dataset.js';
import { moons } from '../datasets/plane.js';
import { splitDataset } from '../datasets/split.js';
import { standardizationOf, standardize } from '../datasets/standardize.js';
import { fit } from '../fit.js';
import { parametersOf } from '../parameters.js';
import { buildNetwork } from './build-network.js';
import { standardizeInput } from './standardize-input.js';

const network = (text: string) => buildNetwork(text, { rectifier: parseRectifier('prelu'), seed: 1 });

/** A dataset whose features lie far from 0 and are wide. */
const shifted = (data: Dataset): Dataset => ({
  ...data,
  inputs: data.inputs.map((x, i) => (i % 2 ? 30 * x + 100 : x - 7)),
});

async function outputs(model: Parameters<typeof openSession>[0], dims: readonly number[], data: Float32Array) {
  const session = await openSession(model, { threads: 1 });
  const { output } = await session.run({ input: { type: 'float32', dims, data } });
  await session.close();
  return Array.from(output!.data as Float32Array);
}

test.each([
  ['mlp:4-8-3', [4], 4],
  ['cnn:2x4x4-4-pool-3', [2, 4, 4], 2],
  ['mlp:2x3-8-3', [2, 3], 2],
  ['mlp:6-8-3', [6], 2],
])('%s takes what it takes standardized', async (text, dims, channels) => {
  const width = dims.reduce((a, b) => a * b, 1);
  const inputs = Float32Array.from({ length: 5 * width }, (_, i) => 10 + 5 * Math.sin(i));
  const inner = width / channels;
  const data: Dataset = {
    name: 'd',
    count: 5,
    inputs,
    inputDims: inner === 1 ? [channels] : [channels, inner],
    targets: new Int32Array(5),
    classes: 3,
    outputs: 3,
  };
  const how = standardizationOf(data);
  const plain = await outputs(network(text), [5, ...dims], standardize(data, how).inputs);
  const own = await outputs(standardizeInput(network(text), how), [5, ...dims], inputs);
  own.forEach((value, at) => {
    expect(value).toBeCloseTo(plain[at]!, 4);
  });
});

test('training sees standardized features, and their mean and deviation are no parameters', async () => {
  const { train, test: heldOut }: Split = splitDataset(shifted(moons({ count: 300, noise: 0.1 })), { seed: 1 });
  const model = standardizeInput(network('mlp:2-16-2'), standardizationOf(train));
  expect(parametersOf(model).map(({ name }) => name)).toEqual(
    parametersOf(network('mlp:2-16-2')).map(({ name }) => name),
  );
  const { epochs } = await fit(model, train, { epochs: 30, validation: heldOut, threads: 1, auditSamples: 0 });
  expect(epochs.at(-1)!.validation!.accuracy).toBeGreaterThan(0.9);
});

test('refuses numbers that do not fit', () => {
  expect(() => standardizeInput(network('mlp:4-8-3'), { mean: [1, 2, 3], deviation: [1, 1, 1] })).toThrow(
    'standardizeInput: mean and deviation must be of as many features as samples [4] have, got 3 and 3',
  );
  expect(() => standardizeInput(network('mlp:4-8-3'), { mean: [1], deviation: [] })).toThrow('got 1 and 0');
});
