import { expect, test } from 'vitest';
import { integrate } from './quadrature.js';

test('polynomials up to degree 22 in one panel', () => {
  for (let degree = 0; degree <= 22; degree++)
    expect(integrate(x => (degree + 1) * x ** degree, [0, 1])).toBeCloseTo(1, 14);
});

test('kinks at given points, and sharp peaks', () => {
  expect(integrate(Math.abs, [-1, 0, 2])).toBeCloseTo(2.5, 14);
  expect(integrate(x => Math.exp(-((x - 0.3) ** 2) * 1e6), [0, 0.25, 0.5, 1])).toBeCloseTo(
    Math.sqrt(Math.PI) / 1e3,
    13,
  );
});

test('NaN comes back as NaN', () => {
  expect(integrate(() => NaN, [0, 1])).toBe(NaN);
});

test('what the first panels see next to nothing of, and what is almost nothing, ends', () => {
  expect(integrate(x => Math.exp(x / 1e-3), [-9, 0])).toBeCloseTo(1e-3, 15);
  expect(integrate(x => Math.exp((x - 7) / 1e-2), [-9, 0])).toBeCloseTo(0, 15);
});
