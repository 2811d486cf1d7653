import { expect, test } from 'vitest';
import { logSpread } from './log-spread.js';

test('mean, standard error over groups, median and spread of a few numbers', () => {
  const spread = logSpread([
    [Math.log(1), Math.log(3)],
    [Math.log(4), Math.log(8)],
  ]);
  expect(spread.mean).toBeCloseTo(4, 12);
  // The group means are 2 and 6: standard deviation √8, over √2 groups.
  expect(spread.standardError).toBeCloseTo(2, 12);
  expect(spread.median).toBeCloseTo(Math.sqrt(12), 12);
  expect(spread.meanLog).toBeCloseTo(Math.log(96) / 4, 12);
});

test('samples below the range of float64 keep their logarithms', () => {
  const spread = logSpread([[-5000], [-5000 + Math.log(3)]]);
  expect(spread.mean).toBe(0);
  expect(spread.logMean).toBeCloseTo(-5000 + Math.log(2), 9);
});

test('samples of 0', () => {
  const none = logSpread([[Number.NEGATIVE_INFINITY], [Number.NEGATIVE_INFINITY]]);
  expect(none.mean).toBe(0);
  expect(none.logMean).toBe(Number.NEGATIVE_INFINITY);
  const half = logSpread([[Number.NEGATIVE_INFINITY], [0]]);
  expect(half.mean).toBe(0.5);
  expect(half.standardError).toBe(0.5);
  expect(half.meanLog).toBe(Number.NEGATIVE_INFINITY);
  expect(half.median).toBe(0);
});

test('more samples than a call takes arguments', () => {
  const spread = logSpread(Array.from({ length: 200_000 }, (_, at) => [Math.log(1 + (at % 2))]));
  expect(spread.mean).toBeCloseTo(1.5, 9);
});
