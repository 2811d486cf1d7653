import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../dataset.js';
import { selectSamples, splitDataset } from './split.js';

/** Sample i is [i, -i] with the given class, so that samples can be told apart. */
const numbered = (labels: readonly number[], classes: number): Dataset => ({
  name: 'numbered',
  count: labels.length,
  inputs: Float32Array.from(labels.flatMap((_, i) => [i, -i])),
  inputDims: [2],
  targets: Int32Array.from(labels),
  classes,
  outputs: classes,
});
const ids = ({ inputs }: Dataset) => Array.from(inputs).filter((_, i) => i % 2 === 0);

describe('splitDataset', () => {
  test('every sample lands in one part with its class, each class by its share', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 10, maxLength: 60 }),
        fc.double({ min: 0.3, max: 0.7, noNaN: true }),
        fc.nat(),
        (labels, testShare, seed) => {
          const { train, test } = splitDataset(numbered(labels, 3), { testShare, seed });
          expect([...ids(train), ...ids(test)].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
          for (const part of [train, test]) expect(Array.from(part.targets)).toEqual(ids(part).map(id => labels[id]));
          for (const label of [0, 1, 2]) {
            const size = labels.filter(each => each === label).length;
            expect(Array.from(test.targets).filter(each => each === label).length).toBe(Math.round(size * testShare));
          }
        },
      ),
    ));

  test('the seed decides which, and numbers to be met are split as one group', () => {
    const data = numbered(
      Array.from({ length: 40 }, () => 0),
      1,
    );
    expect(splitDataset(data, { seed: 5 })).toEqual(splitDataset(data, { seed: 5 }));
    expect(ids(splitDataset(data, { seed: 5 }).test)).not.toEqual(ids(splitDataset(data, { seed: 6 }).test));
    const targets = Float32Array.from({ length: 80 }, (_, i) => i);
    const numbers: Dataset = { ...data, targets, classes: null, outputs: 2 };
    const { test: held } = splitDataset(numbers);
    expect(held.count).toBe(8);
    expect(Array.from(held.targets)).toEqual(ids(held).flatMap(id => [2 * id, 2 * id + 1]));
  });

  test.each([0, 1, -0.5, Number.NaN])('refuses a share of %s', testShare => {
    expect(() => splitDataset(numbered([0, 1], 2), { testShare })).toThrow(/split: testShare must be/);
  });

  test('refuses an empty part', () => {
    expect(() => splitDataset(numbered([0, 1], 2))).toThrow(
      "split: both parts must get a sample, got 2 to train on and 0 to test on of 'numbered'",
    );
  });
});

test('selectSamples takes samples in the order asked for, again and again', () => {
  const picked = selectSamples(numbered([0, 1, 1], 2), [2, 0, 2]);
  expect([ids(picked), Array.from(picked.targets)]).toEqual([
    [2, 0, 2],
    [1, 0, 1],
  ]);
});
