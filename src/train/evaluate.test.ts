import { expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { buildNetwork } from './builders/build-network.js';
import { spirals } from './datasets/plane.js';
import { confusion, evaluate, feedsFor } from './evaluate.js';
import { fit } from './fit.js';

test('the diagonal of the confusion is what is right, rows are the samples of each class', async () => {
  const data = spirals({ classes: 3, count: 700, turns: 0.5 });
  const network = buildNetwork('mlp:2-16-4', { rectifier: parseRectifier('prelu') });
  const { model } = await fit(network, data, { epochs: 5, threads: 1, auditSamples: 0 });
  const counts = await confusion(model, data);
  expect(counts.map(row => row.length)).toEqual([4, 4, 4]);
  expect(counts.map(row => row.reduce((a, b) => a + b, 0))).toEqual([234, 233, 233]);
  const { accuracy } = await evaluate(model, data);
  expect(counts.reduce((sum, row, index) => sum + row[index]!, 0) / 700).toBe(accuracy);
  expect(accuracy).toBeGreaterThan(0.5);
});

test('numbers to be met have none', async () => {
  const data = { ...spirals({ count: 4 }), targets: new Float32Array(4), classes: null, outputs: 1 };
  const network = buildNetwork('mlp:2-4-1', { rectifier: parseRectifier('relu') });
  await expect(confusion(network, data)).rejects.toThrow(
    "confusion: data must have classes, got numbers to be met in 'spirals'",
  );
});

test.each([
  [[784], [500, 500, 24]],
  [
    [3, 500, 500],
    [1, 1, 1],
  ],
  [
    [1, 300, 800],
    [4, 3],
  ],
])('samples of %j are taken %j at a time', (dims, sizes) => {
  const count = sizes.reduce((a, b) => a + b, 0);
  const inputs = new Float32Array(count * dims.reduce((a, b) => a * b, 1));
  const data = {
    name: 'zeros',
    count,
    inputs,
    inputDims: dims,
    targets: new Int32Array(count),
    classes: 2,
    outputs: 2,
  };
  const runs = [...feedsFor(data, { name: 'x', dims, batch: null })];
  expect(runs.map(({ samples }) => samples)).toEqual(sizes);
});
