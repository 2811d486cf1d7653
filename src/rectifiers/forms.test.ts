import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evenOddForm, evenPart, mirrorForm, oddPart, residualForm, residualPart } from './forms.js';
import { leakyRelu } from './leaky-relu.js';
import { parseRectifier, rectifierNames } from './parse-rectifier.js';

const numbers = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const slopes = fc.oneof(fc.constantFrom(0, 1, -1, 2), fc.double({ min: -5, max: 5, noNaN: true }));

/** Equal but for a few roundings of terms as large as (1 + |a|)|x|. */
const equal = (got: number, wanted: number, x: number, a: number) =>
  expect(Math.abs(got - wanted)).toBeLessThanOrEqual(1e-15 * (2 + Math.abs(a)) * Math.abs(x) + 1e-300);

test('residual and even-odd forms are the same function, for every slope', () => {
  fc.assert(
    fc.property(numbers, slopes, (x, a) => {
      equal(residualForm(x, a), leakyRelu(x, { negativeSlope: a }), x, a);
      equal(evenOddForm(x, a), leakyRelu(x, { negativeSlope: a }), x, a);
    }),
  );
});

test('mirror: f_a(-x) = -a f_{1/a}(x)', () => {
  fc.assert(
    fc.property(numbers, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (x, a) => {
      const left = leakyRelu(-x, { negativeSlope: a });
      equal(mirrorForm(x, a), left, x, a);
      equal(-a * leakyRelu(x, { negativeSlope: 1 / a }), left, x, a);
    }),
  );
});

test('positive homogeneity: f(g z) = g f(z) for g > 0', () => {
  fc.assert(
    fc.property(numbers, slopes, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (z, a, g) => {
      equal(leakyRelu(g * z, { negativeSlope: a }), g * leakyRelu(z, { negativeSlope: a }), g * z, a);
    }),
  );
});

test('slopes above 0 multiply: f_a(f_b(x)) = f_ab(x)', () => {
  const positive = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(numbers, positive, positive, (x, a, b) => {
      const twice = leakyRelu(leakyRelu(x, { negativeSlope: b }), { negativeSlope: a });
      equal(twice, leakyRelu(x, { negativeSlope: a * b }), x, a * b);
    }),
  );
});

test('max(a*x, x) is the same function for a <= 1, and another at every x but 0 for a > 1', () => {
  const away = fc.double({ min: 1e-300, max: 1e6, noNaN: true });
  const maximum = (x: number, a: number) => Math.max(a * x, x);
  fc.assert(
    fc.property(away, fc.double({ min: -5, max: 1, noNaN: true }), (x, a) => {
      expect(maximum(x, a)).toBe(x);
      expect(maximum(-x, a)).toBe(leakyRelu(-x, { negativeSlope: a }));
    }),
  );
  fc.assert(
    fc.property(away, fc.double({ min: 1.001, max: 5, noNaN: true }), (x, a) => {
      expect(maximum(x, a)).not.toBe(leakyRelu(x, { negativeSlope: a }));
      expect(maximum(-x, a)).not.toBe(leakyRelu(-x, { negativeSlope: a }));
    }),
  );
});

test('odd and even part make the whole; the odd part of most is a line', () => {
  for (const name of rectifierNames) {
    const rectifier = parseRectifier(name);
    for (const x of [-7, -1.25, -0.1, 0, 0.6, 2, 30]) {
      expect(oddPart(rectifier, x) + evenPart(rectifier, x)).toBeCloseTo(rectifier.value(x), 13);
      expect(residualPart(rectifier, x) + x).toBeCloseTo(rectifier.value(x), 13);
      if (['relu', 'gelu', 'gelu-tanh', 'silu', 'softplus', 'hard-swish'].includes(name))
        expect(oddPart(rectifier, x)).toBeCloseTo(x / 2, 13);
    }
  }
});

test('forms of arrays are those of their numbers; slopes are checked', () => {
  for (const form of [residualForm, evenOddForm, mirrorForm]) {
    const x = [-2, -0, 0, 0.5, 3];
    expect(form(x, 0.25)).toEqual(x.map(value => form(value, 0.25)));
    const held = Float32Array.from(x);
    expect(form(held, 0.25, { out: held })).toBe(held);
    expect(held).toEqual(Float32Array.from(x, value => form(value, 0.25)));
    expect(() => form(1, Number.NaN)).toThrow(new RangeError(`${form.name}: negativeSlope must be finite, got NaN`));
  }
  expect(() => mirrorForm(1, 0)).toThrow('mirrorForm: negativeSlope must be greater than 0, got 0');
  expect(() => mirrorForm(Float32Array.of(1), 1e-60)).toThrow(
    'mirrorForm: negativeSlope must not be 0 in float32, got 1e-60',
  );
  expect(() => oddPart(1 as never, 2)).toThrow(new TypeError('oddPart: f must be a rectifier, got 1'));
  expect(() => residualPart(parseRectifier('relu'), [1] as never)).toThrow(
    'residualPart: x must be a number, got Array',
  );
});
