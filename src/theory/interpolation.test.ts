import { expect, test } from 'vitest';
import { interpolated } from './interpolation.js';

const worst = (f: (x: number) => number, g: (x: number) => number, from: number, to: number) =>
  Math.max(...Array.from({ length: 500 }, (_, k) => from + ((to - from) * k) / 499).map(x => Math.abs(f(x) - g(x))));

test('an analytic function from few of its values, the ends exactly', () => {
  let calls = 0;
  const f = (x: number) => {
    calls++;
    return Math.exp(Math.sin(3 * x));
  };
  const table = interpolated(f, 0, Math.PI, 1e-7);
  const made = calls;
  expect(made).toBeLessThan(140);
  expect(table(0)).toBe(f(0));
  expect(table(Math.PI)).toBe(f(Math.PI));
  expect(worst(table, f, 0, Math.PI)).toBeLessThan(1e-11);
});

test('a polynomial is itself', () => {
  const f = (x: number) => x ** 5 - 3 * x + 1;
  expect(worst(interpolated(f, -2, 1, 1e-9), f, -2, 1)).toBeLessThan(1e-13);
});

test('ends at 513 points where there is no end', () => {
  let calls = 0;
  const f = (x: number) => {
    calls++;
    return Math.abs(x - 0.1);
  };
  interpolated(f, -1, 1, 1e-15);
  expect(calls).toBe(513);
});
