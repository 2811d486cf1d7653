import { expect, test } from 'vitest';
import { iris } from './iris.js';
import { standardizationOf } from './standardize.js';

const countsOf = (targets: ArrayLike<number>) => [0, 1, 2].map(k => Array.from(targets).filter(t => t === k).length);

test('150 flowers, as many of each species in each part', async () => {
  const { train, test } = await iris();
  expect(countsOf(train.targets)).toEqual([40, 40, 40]);
  expect(countsOf(test.targets)).toEqual([10, 10, 10]);
  expect(train).toMatchObject({ name: 'iris', count: 120, inputDims: [4], classes: 3, outputs: 3 });
  expect(test.inputs.length).toBe(120);
});

test('features are standardized by the training part', async () => {
  const { train, standardization } = await iris();
  const { mean, deviation } = standardizationOf(train);
  for (const value of mean) expect(Math.abs(value)).toBeLessThan(1e-6);
  for (const value of deviation) expect(value).toBeCloseTo(1, 6);
  const raw = await iris({ standardize: false });
  expect(raw.standardization).toBeUndefined();
  expect(standardizationOf(raw.train)).toEqual(standardization);
});

test('the mean of all flowers is what Fisher 1936 gives: 5.84, 3.06, 3.76, 1.20 cm', async () => {
  const { train, test } = await iris({ standardize: false });
  const means = [train, test].map(part => standardizationOf(part).mean.map(mean => mean * part.count));
  const all = means[0]!.map((sum, feature) => (sum + means[1]![feature]!) / 150);
  expect(all.map(mean => mean.toFixed(2))).toEqual(['5.84', '3.06', '3.76', '1.20']);
});

test('the seed decides the split', async () => {
  expect(await iris({ seed: 3 })).toEqual(await iris({ seed: 3 }));
  expect((await iris({ seed: 3 })).test.inputs).not.toEqual((await iris({ seed: 4 })).test.inputs);
});
