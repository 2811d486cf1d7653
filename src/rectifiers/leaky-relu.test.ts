import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  leakyRelu,
  leakyReluDerivative,
  leakyReluInverse,
  leakyReluLogDet,
  leakyReluRectifier,
  leakyReluSecondDerivative,
  leakyReluSlopeGradient,
} from './leaky-relu.js';

const slope = fc.oneof(fc.constantFrom(0, -0, 1, -1, 0.01, 2, 5e-324), fc.double({ min: -10, max: 10, noNaN: true }));

test('x for x > 0, a*x else: to the bit, everywhere, whatever the slope', () => {
  fc.assert(
    fc.property(fc.double(), slope, (x, negativeSlope) => {
      const wanted = x > 0 ? x : negativeSlope * x;
      expect(leakyRelu(x, { negativeSlope })).toBe(wanted);
      expect(leakyRelu([x], { negativeSlope })[0]).toBe(wanted);
    }),
  );
});

test('special values', () => {
  const at = (x: number, negativeSlope: number) => leakyRelu([x], { negativeSlope })[0];
  expect(at(-0, 0.5)).toBe(-0);
  expect(at(0, -0.5)).toBe(-0);
  expect(at(-0, -0.5)).toBe(0);
  expect(at(-Infinity, 0.5)).toBe(-Infinity);
  expect(at(-Infinity, 0)).toBe(NaN);
  expect(at(Infinity, 0)).toBe(Infinity);
  expect(at(NaN, 0.5)).toBe(NaN);
  expect(at(-5e-324, 1)).toBe(-5e-324);
  expect(at(-2, 3)).toBe(-6);
});

test('derivative, with each choice at the kink', () => {
  const x = [-Infinity, -1, -5e-324, -0, 0, 5e-324, 1, Infinity, NaN];
  const given = { negativeSlope: 0.25 };
  expect(leakyReluDerivative(x, given)).toEqual([0.25, 0.25, 0.25, 0.25, 0.25, 1, 1, 1, NaN]);
  expect(x.map(value => leakyReluDerivative(value, given))).toEqual(leakyReluDerivative(x, given));
  expect(leakyReluDerivative([-0, 0], { ...given, atZero: 'one' })).toEqual([1, 1]);
  expect(leakyReluDerivative([-0, 0], { ...given, atZero: 'half' })).toEqual([0.625, 0.625]);
  expect(() => leakyReluDerivative(1, { atZero: 'zero' as never })).toThrow(
    new RangeError("leakyReluDerivative: atZero must be 'slope', 'one' or 'half', got 'zero'"),
  );
});

test('second derivative and slope gradient', () => {
  expect(leakyReluSecondDerivative([-1, 0, 1, -Infinity, NaN])).toEqual([0, 0, 0, 0, NaN]);
  expect(leakyReluSlopeGradient([-2, -0, 0, 2, -Infinity, Infinity, NaN])).toEqual([-2, 0, 0, 0, -Infinity, 0, NaN]);
});

test('the inverse brings back what went in, and is a leaky ReLU of slope 1/a', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      (x, a) => {
        const there = leakyRelu(x, { negativeSlope: a });
        expect(Math.abs(leakyReluInverse([there], { negativeSlope: a })[0]! - x)).toBeLessThanOrEqual(
          2.3e-16 * Math.abs(x) + 1e-300,
        );
        expect(leakyReluInverse(x, { negativeSlope: a })).toBeCloseTo(leakyRelu(x, { negativeSlope: 1 / a }), 3);
      },
    ),
  );
});

test('inverse and log-determinant as given in the theory vectors', () => {
  const x = [-2, -0.5, 0, 1, 3];
  for (const [negativeSlope, y, logDet] of [
    [0.01, [-0.02, -0.005, 0, 1, 3], -9.210340371976182],
    [0.5, [-1, -0.25, 0, 1, 3], -1.3862943611198906],
  ] as const) {
    expect(leakyRelu(x, { negativeSlope })).toEqual(y);
    expect(leakyReluInverse(y, { negativeSlope })).toEqual(x);
    expect(leakyReluLogDet(x, { negativeSlope })).toBeCloseTo(logDet, 14);
  }
  expect(leakyReluLogDet([1, 2])).toBe(0);
  expect(leakyReluLogDet(-3, { negativeSlope: Math.E })).toBe(1);
  expect(leakyReluLogDet([-1, NaN])).toBe(NaN);
});

test('alpha is a synonym; bad slopes are refused', () => {
  expect(leakyRelu(-2, { alpha: 0.5 })).toBe(-1);
  const refused = (run: () => unknown, error: Error) => expect(run).toThrow(error);
  refused(
    () => leakyRelu(1, { alpha: 0.5, negativeSlope: 0.1 }),
    new TypeError('leakyRelu: one of negativeSlope and alpha must be given, got negativeSlope 0.1 and alpha 0.5'),
  );
  refused(
    () => leakyRelu(1, { negativeSlope: NaN }),
    new RangeError('leakyRelu: negativeSlope must be finite, got NaN'),
  );
  refused(
    () => leakyRelu(1, { negativeSlope: '1' as never }),
    new TypeError("leakyRelu: negativeSlope must be a number, got '1'"),
  );
  refused(
    () => leakyRelu(new Float32Array(1), { negativeSlope: 1e40 }),
    new RangeError('leakyRelu: negativeSlope must be finite in float32, got 1e+40'),
  );
  for (const negativeSlope of [0, -0.5])
    refused(
      () => leakyReluInverse(1, { negativeSlope }),
      new RangeError(
        `leakyReluInverse: negativeSlope must be greater than 0, for the function to have an inverse, got ${negativeSlope}`,
      ),
    );
});

test('as a Rectifier', () => {
  const negative = leakyReluRectifier(-2);
  expect(negative).toMatchObject({
    name: 'leaky:-2',
    range: [0, Infinity],
    lipschitz: 2,
    monotone: false,
    inverse: null,
  });
  expect(leakyReluRectifier()).toMatchObject({ name: 'leaky:0.01', range: [-Infinity, Infinity], lipschitz: 1 });
});

test('what is no object is refused as options, saying what to write', () => {
  expect(() => leakyRelu(-1, 0.5 as never)).toThrow(
    new TypeError('leakyRelu: options must be an object such as { negativeSlope: 0.25 }, got 0.5'),
  );
  expect(() => leakyRelu(1, null as never)).toThrow(
    new TypeError('leakyRelu: options must be an object such as { negativeSlope: 0.25 }, got null'),
  );
});

test('a slope of null is refused', () => {
  for (const options of [{ alpha: null }, { negativeSlope: null }])
    expect(() => leakyRelu(1, options as never)).toThrow('leakyRelu: negativeSlope must be a number, got null');
});

test('a slope that float32 rounds to 0 is 0 for a Float32Array, and has no inverse', () => {
  const x = Float32Array.of(-1, 2);
  expect(leakyRelu(x, { alpha: 1e-60 })).toEqual(Float32Array.of(-0, 2));
  expect(leakyRelu([-1, 2], { alpha: 1e-60 })).toEqual([-1e-60, 2]);
  expect(() => leakyReluInverse(x, { alpha: 1e-60 })).toThrow(
    new RangeError('leakyReluInverse: negativeSlope must not be 0 in float32, got 1e-60'),
  );
});
