import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../dataset.js';
import { batchesPerEpoch, epochOrder, shuffledBatches } from './batches.js';

/** Sample i is [i, i + 1/2] with target i. */
const numbered = (count: number): Dataset => ({
  name: 'numbered',
  count,
  inputs: Float32Array.from({ length: 2 * count }, (_, i) => i / 2),
  inputDims: [2],
  targets: Int32Array.from({ length: count }, (_, i) => i),
  classes: count,
  outputs: count,
});
const samplesOf = (dataset: Dataset, options: Parameters<typeof shuffledBatches>[1]) =>
  Array.from(shuffledBatches(dataset, options), ({ targets }) => Array.from(targets));

describe('epochOrder', () => {
  test('is a permutation that seed and epoch decide', () =>
    fc.assert(
      fc.property(fc.nat({ max: 50 }), fc.nat(), fc.nat({ max: 1000 }), (count, seed, epoch) => {
        const order = epochOrder(count, { seed, epoch });
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(epochOrder(count, { seed, epoch })).toEqual(order);
      }),
    ));

  test('differs from epoch to epoch and from seed to seed', () => {
    const orders = [0, 1, 2, 3].flatMap(seed => [0, 1, 2, 3].map(epoch => epochOrder(30, { seed, epoch }).join()));
    expect(new Set(orders).size).toBe(16);
  });

  test('takes every sample to every place as often', () => {
    const places = Array.from({ length: 4 }, () => new Array<number>(4).fill(0));
    for (let epoch = 0; epoch < 4000; epoch++)
      epochOrder(4, { epoch }).forEach((sample, place) => {
        places[place]![sample]!++;
      });
    // 1000 expected, standard deviation 27.
    for (const count of places.flat()) expect(Math.abs(count - 1000)).toBeLessThan(4 * 28);
  });
});

describe('shuffledBatches', () => {
  test('whole batches of different samples, inputs beside their targets', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.nat(), (count, size, seed) => {
        fc.pre(size <= count);
        const seen: number[] = [];
        for (const { inputs, targets } of shuffledBatches(numbered(count), { batchSize: size, seed })) {
          expect(targets.length).toBe(size);
          expect(Array.from(inputs)).toEqual(Array.from(targets).flatMap(id => [id, id + 0.5]));
          seen.push(...targets);
        }
        expect(seen.length).toBe(batchesPerEpoch(count, size) * size);
        expect(new Set(seen).size).toBe(seen.length);
      }),
    ));

  test('an epoch can be repeated, and walked again, without those before it', () => {
    const data = numbered(20);
    const fifth = samplesOf(data, { batchSize: 6, seed: 3, epoch: 5 });
    expect(samplesOf(data, { batchSize: 6, seed: 3, epoch: 4 })).not.toEqual(fifth);
    expect(samplesOf(data, { batchSize: 6, seed: 3, epoch: 5 })).toEqual(fifth);
    const batches = shuffledBatches(data, { batchSize: 6, seed: 3, epoch: 5 });
    const walk = () => Array.from(batches, ({ targets }) => Array.from(targets));
    expect([walk(), walk()]).toEqual([fifth, fifth]);
  });

  test('the arrays are reused', () => {
    const [first, second] = [...shuffledBatches(numbered(8), { batchSize: 4 })];
    expect(first!.inputs).toBe(second!.inputs);
  });

  test('targets that are several numbers travel together', () => {
    const numbers: Dataset = {
      ...numbered(6),
      targets: Float32Array.from({ length: 18 }, (_, i) => i),
      classes: null,
      outputs: 3,
    };
    for (const { inputs, targets } of shuffledBatches(numbers, { batchSize: 2 }))
      expect(Array.from(targets)).toEqual([inputs[0]!, inputs[2]!].flatMap(id => [3 * id, 3 * id + 1, 3 * id + 2]));
  });

  test.each([
    [0, 'shuffledBatches: batchSize must be a whole number from 1'],
    [1.5, 'shuffledBatches: batchSize must be a whole number from 1'],
    [11, "shuffledBatches: batchSize must be at most 10, the samples of 'numbered', got 11"],
  ])('refuses a batch of %s', (batchSize, message) => {
    expect(() => shuffledBatches(numbered(10), { batchSize })).toThrow(message);
  });
});
