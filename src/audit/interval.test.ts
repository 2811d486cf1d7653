import { expect, it } from 'vitest';
import { firingInterval } from './interval.js';

it("is Wilson's interval between the ends, as Newcombe 1998, table I, method 3 gives it", () => {
  const published: [number, number, string, string][] = [
    [81, 263, '0.2553', '0.3662'],
    [15, 148, '0.0624', '0.1605'],
    [1, 29, '0.0061', '0.1718'],
  ];
  for (const [fired, samples, low, high] of published) {
    const interval = firingInterval(fired, samples);
    expect([interval.low.toFixed(4), interval.high.toFixed(4)]).toEqual([low, high]);
  }
});

it('is the exact one-sided bound at the ends', () => {
  for (const samples of [1, 10, 300, 100_000]) {
    const { low, high } = firingInterval(0, samples);
    expect(low).toBe(0);
    expect((1 - high) ** samples).toBeCloseTo(0.05, 10);
    expect(firingInterval(samples, samples)).toEqual({ low: expect.closeTo(1 - high, 15), high: 1 });
  }
  expect(300 * firingInterval(0, 300).high).toBeCloseTo(3, 1);
});

it('contains the share it is about and narrows as samples come in', () => {
  for (const share of [0.01, 0.3, 0.5, 0.99]) {
    const widths = [100, 1000, 10_000].map(samples => {
      const { low, high } = firingInterval(share * samples, samples);
      expect(low).toBeLessThan(share);
      expect(high).toBeGreaterThan(share);
      return high - low;
    });
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
  }
});
