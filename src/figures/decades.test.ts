import { expect, test } from 'vitest';
import { decade, decadeAxis, decadeTicks } from './decades.js';

test('decades read as powers of ten', () => {
  expect([-40, -1, 0, 1, 12, 0.5].map(decade)).toEqual(['10⁻⁴⁰', '10⁻¹', '1', '10', '10¹²', '']);
});

test('an axis holds its numbers, and ticks at whole decades', () => {
  for (const logs of [[0], [-78, 0], [-0.3, 0.4], [-5000, 3], [17, 17.2]]) {
    const { domain, ticks } = decadeAxis(logs);
    for (const log of logs) {
      expect(log).toBeGreaterThan(domain[0]);
      expect(log).toBeLessThan(domain[1]);
    }
    expect(ticks.length).toBeGreaterThan(0);
    expect(ticks.length).toBeLessThan(10);
    for (const tick of ticks) {
      expect(Number.isInteger(tick)).toBe(true);
      expect(tick).toBeGreaterThanOrEqual(domain[0]);
      expect(tick).toBeLessThanOrEqual(domain[1]);
    }
  }
});

test('enclosing ticks are evenly spaced whole decades', () => {
  expect(decadeTicks([0])).toEqual([0, 1]);
  expect(decadeTicks([-0.3, 0.4])).toEqual([-1, 0, 1]);
  expect(decadeTicks([-78, 0])).toEqual([-80, -60, -40, -20, 0]);
  expect(decadeTicks(Array.from({ length: 200_000 }, (_, at) => at / 200_000))).toEqual([0, 1]);
});
