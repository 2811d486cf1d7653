import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as library from '../src/index.js';
import {
  celu,
  celuAlphaGradient,
  elu,
  eluAlphaGradient,
  leakyRelu,
  leakyReluSlopeGradient,
  parseRectifier,
  rectifierNames,
  silu,
  siluBetaGradient,
} from '../src/index.js';

/** Every rectifier, with slopes 0, 1, above 1 and negative, and other parameters than the default. */
const spellings = [
  ...rectifierNames,
  ...['leaky:0', 'leaky:1', 'leaky:2.5', 'leaky:-0.5', 'elu:0.3', 'elu:2', 'elu:-1', 'celu:0.25', 'celu:4'],
  ...['thresholded:0', 'thresholded:-2', 'silu:3', 'silu:0.2', 'rrelu:-1,2'],
].map(name => [name]);

/** Where a rectifier is no polynomial or analytic function, among the points differences would straddle. */
const kinks = (name: string) => [0, 3, -3, 6, parseRectifier(name).parameters.theta ?? 0];

/** The derivative by central differences of order eight. */
function difference(f: (x: number) => number, x: number, h: number): number {
  const weights = [4 / 5, -1 / 5, 4 / 105, -1 / 280];
  return weights.reduce((sum, weight, k) => sum + weight * (f(x + (k + 1) * h) - f(x - (k + 1) * h)), 0) / h;
}

const inputs = fc.double({ min: -12, max: 12, noNaN: true });

describe.each(spellings)('%s', name => {
  const rectifier = parseRectifier(name);
  const { value, derivative, secondDerivative, inverse, slopeGradient } = rectifier;
  const [lower, upper] = rectifier.range;

  test('derivatives are those of the value, by differences of order eight', () => {
    const h = 0.01;
    fc.assert(
      fc.property(inputs, x => {
        fc.pre(kinks(name).every(kink => Math.abs(x - kink) > 5 * h));
        expect(Math.abs(derivative(x) - difference(value, x, h))).toBeLessThan(1e-11);
        expect(Math.abs(secondDerivative(x) - difference(derivative, x, h))).toBeLessThan(1e-9);
      }),
    );
  });

  test('range, Lipschitz constant and monotonicity hold, and are tight', () => {
    fc.assert(
      fc.property(inputs, inputs, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(value(a)).toBeGreaterThanOrEqual(lower - 1e-15);
        expect(value(a)).toBeLessThanOrEqual(upper);
        const rise = value(high) - value(low);
        if (high > low)
          expect(Math.abs(rise)).toBeLessThanOrEqual(rectifier.lipschitz * (high - low) * (1 + 1e-14) + 1e-14);
        if (rectifier.monotone) expect(rise).toBeGreaterThanOrEqual(-1e-15);
      }),
    );
    const grid = Array.from({ length: 20_001 }, (_, i) => (i - 10_000) / 250);
    const outputs = grid.map(value);
    if (lower > -Infinity) expect(Math.min(...outputs)).toBeLessThan(lower + 0.01);
    if (rectifier.lipschitz < Infinity)
      expect(Math.max(...grid.map(x => Math.abs(derivative(x))), Math.abs(derivative(3 - 1e-9)))).toBeGreaterThan(
        rectifier.lipschitz * (1 - 1e-4),
      );
    if (!rectifier.monotone) expect(outputs.some((y, i) => i > 0 && y < outputs[i - 1]!)).toBe(true);
  });

  test('the inverse leads back', () => {
    if (!inverse) return;
    fc.assert(
      fc.property(fc.double({ min: -2, max: 12, noNaN: true }), x => {
        expect(Math.abs(inverse(value(x)) - x)).toBeLessThan(1e-11);
      }),
    );
    if (lower > -Infinity) expect(inverse(lower - 1)).toBe(NaN);
  });

  test('NaN is NaN; infinite inputs give limits', () => {
    for (const f of [value, derivative, secondDerivative, slopeGradient, inverse]) if (f) expect(f(NaN)).toBe(NaN);
    expect(value(Infinity)).toBe(upper);
    expect(derivative(Infinity)).toBe(derivative(1e300));
    expect(derivative(-Infinity)).toBe(derivative(-1e300));
    expect(Math.abs(secondDerivative(Infinity))).toBe(0);
    expect(Math.abs(secondDerivative(-Infinity))).toBe(0);
    expect(value(-Infinity)).toBe(slopeGradient ? derivative(-1) * -Infinity : value(-1e300));
  });

  test('subnormal and large inputs stay finite', () => {
    for (const x of [-1e300, -5e-324, 5e-324, 1e300])
      for (const f of [value, derivative, secondDerivative]) expect(Number.isFinite(f(x))).toBe(true);
  });
});

test('gradients of parameters are those of the value, by differences of order eight', () => {
  const positive = fc.double({ min: 0.2, max: 4, noNaN: true });
  const any = fc.oneof(fc.constantFrom(0, 1, 2, -1), fc.double({ min: -4, max: 4, noNaN: true }));
  const check = (got: number, f: (p: number) => number, p: number) =>
    expect(Math.abs(got - difference(f, p, 0.01))).toBeLessThan(1e-9);
  fc.assert(
    fc.property(fc.double({ min: -6, max: 6, noNaN: true }), any, (x, p) => {
      check(leakyReluSlopeGradient(x), negativeSlope => leakyRelu(x, { negativeSlope }), p);
      check(eluAlphaGradient(x), alpha => elu(x, { alpha }), p);
      check(siluBetaGradient(x, { beta: p }), beta => silu(x, { beta }), p);
    }),
  );
  fc.assert(
    fc.property(fc.double({ min: -3, max: 3, noNaN: true }), positive, (x, alpha) => {
      fc.pre(alpha > 1 || x > -1);
      check(celuAlphaGradient(x, { alpha }), value => celu(x, { alpha: value }), alpha);
    }),
  );
});

test('every rectifier has both derivatives; what can be inverted has inverse and log-determinant', () => {
  const bases =
    'relu leakyRelu prelu rrelu elu selu celu relu6 thresholdedRelu gelu geluTanh silu mish softplus hardSwish';
  const invertible = ['leakyRelu', 'prelu', 'rrelu', 'elu', 'selu', 'celu', 'softplus'];
  for (const base of bases.split(' ')) {
    const has = (suffix: string) => `${base}${suffix}` in library;
    expect([base, has('Derivative'), has('SecondDerivative')]).toEqual([base, true, true]);
    expect([base, has('Inverse'), has('LogDet')]).toEqual([base, ...Array(2).fill(invertible.includes(base))]);
  }
});

test('log-determinants are Σ ln |f′|', () => {
  const parameter = fc.double({ min: 0.05, max: 5, noNaN: true });
  const arrays = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { maxLength: 12 });
  fc.assert(
    fc.property(arrays, parameter, (x, p) => {
      const check = (got: number, derivative: (x: number[]) => number[]) => {
        const logs = derivative(x).map(value => Math.log(Math.abs(value)));
        const size = logs.reduce((sum, value) => sum + Math.abs(value), 1);
        expect(Math.abs(got - logs.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-12 * size);
      };
      // 0 stands for the positive side in all of them.
      const atZero = 'one';
      const { celuLogDet, eluLogDet, leakyReluLogDet, preluLogDet, rreluLogDet, seluLogDet, softplusLogDet } = library;
      const { celuDerivative, eluDerivative, leakyReluDerivative, preluDerivative, rreluDerivative } = library;
      check(leakyReluLogDet(x, { negativeSlope: p }), x => leakyReluDerivative(x, { negativeSlope: p, atZero }));
      check(preluLogDet(x, p), x => preluDerivative(x, p, { atZero }));
      check(rreluLogDet(x, { lower: 0, upper: 2 * p }), x => rreluDerivative(x, { lower: 0, upper: 2 * p, atZero }));
      check(eluLogDet(x, { alpha: p }), x => eluDerivative(x, { alpha: p, atZero }));
      check(celuLogDet(x, { alpha: p }), x => celuDerivative(x, { alpha: p }));
      check(seluLogDet(x, { alpha: p, lambda: 2 }), x => library.seluDerivative(x, { alpha: p, lambda: 2, atZero }));
      check(softplusLogDet(x), x => library.softplusDerivative(x));
      const inverse = library.rreluInverse(library.rrelu(x, { lower: 0, upper: 2 * p }), { lower: 0, upper: 2 * p });
      inverse.forEach((value, i) => {
        expect(Math.abs(value - x[i]!)).toBeLessThanOrEqual(1e-15 * Math.abs(x[i]!) + 1e-320);
      });
    }),
  );
});

describe('on arrays', () => {
  type Lifted = <X extends number | number[] | Float32Array | Float64Array>(x: X) => X;
  const base = 'relu leakyRelu relu6 thresholdedRelu rrelu elu selu celu gelu geluTanh silu mish softplus hardSwish';
  const names = base
    .split(' ')
    .flatMap(name => [name, `${name}Derivative`, `${name}SecondDerivative`, `${name}Inverse`])
    .concat('leakyReluSlopeGradient', 'eluAlphaGradient', 'celuAlphaGradient', 'siluBetaGradient')
    .filter(name => name in library);
  const special = [-Infinity, -800, -3, -1, -5e-324, -0, 0, 5e-324, 0.5, 1, 3, 6, 800, Infinity, NaN];

  test.each(names.map(name => [name]))('%s gives, to the bit, what it gives for each number', name => {
    const f = (library as unknown as Record<string, Lifted>)[name] as Lifted;
    const xs = [...special, ...fc.sample(fc.double(), { numRuns: 200, seed: 1 })];
    expect(f(xs)).toEqual(xs.map(x => f(x)));
    expect(f(Float64Array.from(xs))).toEqual(Float64Array.from(xs, x => f(x)));
    for (const length of [0, 1, 2, 3, 7, 31]) {
      const x = Float64Array.from(xs.slice(0, length));
      expect((f as (x: Float64Array, options: object) => Float64Array)(x.slice(), { out: x })).toBe(x);
      expect(Array.from(x)).toEqual(xs.slice(0, length).map(value => f(value)));
    }
  });

  test.each(['relu', 'relu6', 'gelu', 'mish', 'softplus', 'hardSwish'].map(name => [name]))(
    '%s of a Float32Array is its float64 value rounded once',
    name => {
      const f = (library as unknown as Record<string, Lifted>)[name] as Lifted;
      const xs = Float32Array.from(fc.sample(fc.float(), { numRuns: 200, seed: 1 }));
      expect(f(xs)).toEqual(Float32Array.from(xs, x => f(x)));
    },
  );
});
