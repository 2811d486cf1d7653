import fc from 'fast-check';
import { expect, test } from 'vitest';
import { celu, celuAlphaGradient, celuDerivative, celuInverse, celuLogDet, celuSecondDerivative } from './celu.js';
import {
  elu,
  eluAlphaGradient,
  eluDerivative,
  eluInverse,
  eluLogDet,
  eluRectifier,
  eluSecondDerivative,
} from './elu.js';
import {
  selu,
  seluAlpha,
  seluDerivative,
  seluInverse,
  seluLambda,
  seluLogDet,
  seluRectifier,
  seluSecondDerivative,
} from './selu.js';

test('ELU at special values', () => {
  const alpha = 0.5;
  expect(elu([-Infinity, -0, 0, 3, Infinity, NaN], { alpha })).toEqual([-0.5, -0, 0, 3, Infinity, NaN]);
  expect(elu(-5e-324)).toBe(-5e-324);
  expect(elu(-1e-20)).toBe(-1e-20);
  expect(eluDerivative([-Infinity, -0, 0, 3, Infinity, NaN], { alpha })).toEqual([0, 0.5, 0.5, 1, 1, NaN]);
  expect(eluDerivative(0, { alpha, atZero: 'one' })).toBe(1);
  expect(eluDerivative(0, { alpha, atZero: 'half' })).toBe(0.75);
  expect(eluSecondDerivative([-Infinity, -1, 0, 3, NaN], { alpha })).toEqual([0, 0.5 * Math.exp(-1), 0, 0, NaN]);
  expect(eluAlphaGradient([-Infinity, -0, 3, NaN])).toEqual([-1, -0, 0, NaN]);
  expect(eluRectifier(-1)).toMatchObject({ range: [0, Infinity], monotone: false, inverse: null });
  expect(() => eluInverse(1, { alpha: 0 })).toThrow(
    new RangeError('eluInverse: alpha must be greater than 0, for the function to have an inverse, got 0'),
  );
});

test('CELU and SELU at special values', () => {
  expect(celu([-Infinity, -0, 3, NaN], { alpha: 0.5 })).toEqual([-0.5, -0, 3, NaN]);
  expect(celuDerivative([-Infinity, -0, 3, NaN], { alpha: 0.5 })).toEqual([0, 1, 1, NaN]);
  expect(celuSecondDerivative([-Infinity, 0, NaN], { alpha: 0.5 })).toEqual([0, 0, NaN]);
  expect(celuAlphaGradient([-Infinity, -1e6, 0, 3, NaN], { alpha: 0.5 })).toEqual([-1, -1, 0, 0, NaN]);
  expect(() => celu(1, { alpha: 0 })).toThrow(new RangeError('celu: alpha must be greater than 0, got 0'));
  expect(selu([-Infinity, 0, 1, NaN])).toEqual([-seluLambda * seluAlpha, 0, seluLambda, NaN]);
  expect(seluDerivative([-Infinity, 0, 1, NaN])).toEqual([0, seluLambda * seluAlpha, seluLambda, NaN]);
  expect(seluDerivative(0, { atZero: 'one' })).toBe(seluLambda);
  expect(seluSecondDerivative([-Infinity, 0, 1, NaN])).toEqual([0, 0, 0, NaN]);
});

test("CELU's alpha gradient keeps its digits where its formula cancels", () => {
  for (const [x, wanted] of [
    [-1e-9, -4.999999996666667e-19],
    [-0.0625, -0.0018736207606819771],
    [-0.5, -0.09020401043104986],
    [-4, -0.9084218055563291],
  ] as const)
    expect(Math.abs(celuAlphaGradient(x) / wanted - 1)).toBeLessThan(1e-15);
});

test('inverses', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -5, max: 50, noNaN: true }),
      fc.double({ min: 1, max: 10, noNaN: true }),
      (x, alpha) => {
        // Near -α the function is flat, so that rounding is worth exp(5) as much.
        expect(eluInverse(elu(x, { alpha }), { alpha })).toBeCloseTo(x, 12);
        expect(celuInverse(celu(x, { alpha }), { alpha })).toBeCloseTo(x, 12);
        expect(seluInverse(selu(x, { alpha, lambda: 2 }), { alpha, lambda: 2 })).toBeCloseTo(x, 12);
      },
    ),
  );
  expect(eluInverse([-1, -2, Infinity, NaN])).toEqual([-Infinity, NaN, Infinity, NaN]);
});

test('log-determinants are sums of ln |f′|', () => {
  const x = [-2, -0.5, 0.25, 3];
  const sum = (derivative: (x: number) => number) => x.reduce((total, value) => total + Math.log(derivative(value)), 0);
  expect(eluLogDet(x, { alpha: 0.5 })).toBeCloseTo(
    sum(value => eluDerivative(value, { alpha: 0.5 })),
    13,
  );
  expect(celuLogDet(x, { alpha: 0.5 })).toBeCloseTo(
    sum(value => celuDerivative(value, { alpha: 0.5 })),
    13,
  );
  expect(seluLogDet(x)).toBeCloseTo(
    sum(value => seluDerivative(value)),
    13,
  );
  expect(eluLogDet([NaN])).toBe(NaN);
});

test('SELU keeps a standard normal input at mean 0 and variance 1', () => {
  const { mean, secondMoment } = seluRectifier().moments(0, 1);
  expect(Math.abs(mean)).toBeLessThan(1e-14);
  expect(Math.abs(secondMoment - 1)).toBeLessThan(1e-14);
});
