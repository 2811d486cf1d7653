import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addFiring,
  addFull,
  emptyTally,
  mergeTallies,
  type SampleStatistics,
  type Tally,
  tallyFromJson,
  tallyToJson,
} from './tally.js';

const units = 3;
const value = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const maybeBroken = fc.oneof({ weight: 9, arbitrary: value }, fc.constantFrom(Number.NaN, Infinity, -Infinity));
const sampleOf = (item: fc.Arbitrary<number>) =>
  fc.array(fc.array(item, { minLength: units, maxLength: units }), { minLength: 1, maxLength: 5 });
/** Samples as positions x units. */
const samplesOf = (item: fc.Arbitrary<number>) => fc.array(sampleOf(item), { maxLength: 8 });

const column = (sample: readonly number[][], unit: number) => sample.map(row => row[unit]!);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function statistics(sample: readonly number[][]): SampleStatistics {
  const each = (of: (values: number[]) => number) =>
    Array.from({ length: units }, (_, unit) => of(column(sample, unit)));
  return {
    positions: sample.length,
    min: each(values => Math.min(...values)),
    max: each(values => Math.max(...values)),
    mean: each(mean),
    variance: each(values => mean(values.map(item => (item - mean(values)) ** 2))),
    positiveShare: each(values => values.filter(item => item > 0).length / values.length),
  };
}

function tallyOf(samples: readonly (readonly number[][])[]): Tally {
  const tally = emptyTally(units);
  for (const sample of samples) {
    const peaks = Array.from({ length: units }, (_, unit) => Math.max(...column(sample, unit)));
    const activity = Array.from({ length: units }, (_, unit) => mean(column(sample, unit).map(Math.abs)));
    addFiring(tally, peaks, activity, 0);
    addFull(tally, statistics(sample));
  }
  return tally;
}

/** Tallies are equal but for the rounding of sums: moments of numbers up to 1000 to 1e-6. */
function expectSame(actual: Tally, expected: Tally): void {
  const rounded = (tally: Tally) =>
    JSON.parse(
      JSON.stringify(tally, (_, item) =>
        item instanceof Float64Array
          ? Array.from(item, number => (Number.isFinite(number) ? number : String(number)))
          : item,
      ),
      (_, item) => (typeof item === 'number' ? Math.round(item * 1e5) / 1e5 + 0 : item),
    );
  const [a, b] = [rounded(actual), rounded(expected)];
  for (const key of ['mean', 'squares'] as const) {
    (a.full[key] as number[]).forEach((item, unit) => {
      expect(Math.abs(item - b.full[key][unit])).toBeLessThanOrEqual(1e-4 + 1e-9 * Math.abs(item));
    });
    a.full[key] = b.full[key];
  }
  (a.activity as number[]).forEach((item, unit) => {
    expect(item).toBeCloseTo(b.activity[unit], 3);
  });
  a.activity = b.activity;
  expect(a).toEqual(b);
}

const halves = fc.tuple(samplesOf(maybeBroken), samplesOf(maybeBroken));
const options = { seed: 1, numRuns: 200 };

describe('merged tallies', () => {
  it('of two halves are the tally of the whole', () => {
    fc.assert(
      fc.property(halves, ([a, b]) => expectSame(mergeTallies(tallyOf(a), tallyOf(b)), tallyOf([...a, ...b]))),
      options,
    );
  });
  it('do not depend on the order', () => {
    fc.assert(
      fc.property(halves, ([a, b]) =>
        expectSame(mergeTallies(tallyOf(a), tallyOf(b)), mergeTallies(tallyOf(b), tallyOf(a))),
      ),
      options,
    );
  });
  it('do not depend on the grouping', () => {
    fc.assert(
      fc.property(halves, samplesOf(maybeBroken), ([a, b], c) => {
        const [x, y, z] = [a, b, c].map(tallyOf) as [Tally, Tally, Tally];
        expectSame(mergeTallies(mergeTallies(x, y), z), mergeTallies(x, mergeTallies(y, z)));
      }),
      options,
    );
  });
  it('with the tally of nothing stay as they are', () => {
    fc.assert(
      fc.property(samplesOf(maybeBroken), a => {
        expect(mergeTallies(tallyOf(a), emptyTally(units))).toEqual(tallyOf(a));
        expect(mergeTallies(emptyTally(units), tallyOf(a))).toEqual(tallyOf(a));
      }),
      options,
    );
  });
  it('must be of the same layer', () => {
    expect(() => mergeTallies(emptyTally(2), emptyTally(3))).toThrow(
      'mergeTallies: both must have the same units, got 2 and 3',
    );
  });
});

it('a tally survives JSON', () => {
  fc.assert(
    fc.property(samplesOf(maybeBroken), a => {
      const json = JSON.stringify(tallyToJson(tallyOf(a)));
      expect(tallyFromJson(JSON.parse(json))).toEqual(tallyOf(a));
    }),
    options,
  );
});

it('moments are those of all positions together', () => {
  fc.assert(
    fc.property(samplesOf(value), samples => {
      const { full } = tallyOf(samples);
      const all = samples.flat();
      expect(full.positions).toBe(all.length);
      for (let unit = 0; unit < units && all.length > 0; unit++) {
        const values = column(all, unit);
        expect(full.mean[unit]).toBeCloseTo(mean(values), 6);
        expect(full.squares[unit]! / all.length).toBeCloseTo(mean(values.map(item => (item - mean(values)) ** 2)), 3);
        expect(full.min[unit]).toBe(Math.min(...values));
        expect(full.max[unit]).toBe(Math.max(...values));
        expect(full.positive[unit]).toBe(values.filter(item => item > 0).length);
      }
    }),
    options,
  );
});

it('a sample that is not finite leaves a unit the moments of the others', () => {
  const tally = tallyOf([[[Number.NaN, 1, 1]], [[4, 1, 3]], [[Infinity, 1, 5]], [[6, 1, 7]]]);
  expect(Array.from(tally.full.mean)).toEqual([5, 1, 4]);
  expect(Array.from(tally.full.squares)).toEqual([2, 0, 20]);
  expect(Array.from(tally.full.finite)).toEqual([2, 4, 4]);
  expect(tally.full.positions).toBe(4);
});

it('a unit of large mean and small variance keeps its variance', () => {
  const tally = emptyTally(1);
  for (let sample = 0; sample < 1000; sample++)
    addFull(tally, { positions: 1, min: [0], max: [0], mean: [1e8 + (sample % 2)], variance: [0], positiveShare: [1] });
  expect(tally.full.squares[0]! / 1000).toBeCloseTo(0.25, 6);
});
