import { expect, test } from 'vitest';
import { parseRectifier } from '../src/rectifiers/parse-rectifier.js';
import { buildNetwork } from '../src/train/builders/build-network.js';
import { digits } from '../src/train/datasets/digits.js';
import { fit } from '../src/train/fit.js';

const train = async (network: string, times: number) => {
  const split = await digits();
  const model = buildNetwork(network, { rectifier: parseRectifier('prelu'), seed: 0 });
  const schedule = { kind: 'cosine' } as const;
  const { epochs } = await fit(model, split.train, { epochs: times, schedule, validation: split.test });
  return epochs.at(-1)!;
};

test('a PReLU network of dense layers learns 95 % of the held-out digits, and slopes of its own in each layer', async () => {
  const { validation, layers } = await train('mlp:784-256-256-10', 5);
  expect(validation!.accuracy).toBeGreaterThanOrEqual(0.95);
  const medians = layers.map(({ slopes }) => slopes!.median);
  expect(medians).toHaveLength(2);
  for (const median of medians) expect(Math.abs(median - 0.25)).toBeGreaterThan(0.005);
  expect(Math.abs(medians[0]! - medians[1]!)).toBeGreaterThan(0.005);
});

test('a small convolutional one 97 %, in three epochs', async () => {
  const { validation } = await train('cnn:1x28x28-16-pool-32-pool-10', 3);
  expect(validation!.accuracy).toBeGreaterThanOrEqual(0.97);
});
