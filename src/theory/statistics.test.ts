import { expect, test } from 'vitest';
import { mean, median, standardDeviation } from './statistics.js';

test('mean, standard deviation and median of a sample', () => {
  expect([mean([1, 2, 6]), median([6, 1, 2]), median([4, 1, 2, 9])]).toEqual([3, 2, 3]);
  expect(standardDeviation([1, 2, 6])).toBeCloseTo(Math.sqrt(7), 14);
  expect(standardDeviation([1])).toBeNaN();
  expect(mean([])).toBeNaN();
});

test('a median of infinite values is one', () => {
  expect(median([-Infinity, -Infinity, 1, -Infinity])).toBe(-Infinity);
  expect(median([Infinity, Infinity])).toBe(Infinity);
});
