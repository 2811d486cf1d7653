import { expect, test } from 'vitest';
import { bisect } from './bisect.js';

test('finds the last number for which something holds, to the last bit', () => {
  const root = bisect(x => x * x <= 3, 0, 2);
  const next = root + 2 ** -52;
  expect(root ** 2 <= 3 && next ** 2 > 3).toBe(true);
  expect(bisect(x => x <= 1e-300, 0, 1)).toBe(1e-300);
});

test('gives the ends where it holds everywhere or at the first alone', () => {
  expect(bisect(() => true, 0, 3)).toBe(3);
  expect(bisect(x => x === 1, 1, 2)).toBe(1);
});
