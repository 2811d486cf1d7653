import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { quadratureMoments, slopeMoments } from './gaussian-moments.js';
import { normalCdf, normalDensity } from './normal.js';
import { parseRectifier, rectifierNames } from './parse-rectifier.js';
import { integrate } from './quadrature.js';

/** Whether two numbers agree to 1e-12 of the given size. */
const close = (got: number, wanted: number, size: number) =>
  expect(Math.abs(got - wanted)).toBeLessThanOrEqual(1e-12 * Math.max(size, Math.abs(wanted)));

/** All but RReLU, whose moments are over its noise too (see its own test). */
const fixed = rectifierNames.filter(name => !name.startsWith('rrelu'));

const means = fc.double({ min: -30, max: 30, noNaN: true });
const stds = fc.double({ min: 1e-6, max: 100, noNaN: true });

describe('closed form', () => {
  test('at mean 0 a layer multiplies the second moment by (1 + a²)/2 (theory vectors)', () => {
    for (const [a, factor] of [
      [-1, 1],
      [0, 0.5],
      [0.1, 0.505],
      [0.25, 0.53125],
      [0.22916666666666666, 0.5262586805555556],
      [1, 1],
    ] as const) {
      const { secondMoment, derivativeSecondMoment } = parseRectifier(`leaky:${a}`).moments(0, 1);
      expect(secondMoment).toBeCloseTo(factor, 15);
      expect(derivativeSecondMoment).toBeCloseTo(factor, 15);
    }
  });

  test('agrees with quadrature for any slope, mean and std', () => {
    fc.assert(
      fc.property(means, stds, fc.double({ min: -3, max: 3, noNaN: true }), (mean, std, a) => {
        const { value, derivative, moments } = parseRectifier(`leaky:${a}`);
        const [closed, numeric] = [moments(mean, std), quadratureMoments(mean, std, value, derivative)];
        const size = Math.abs(mean) + std;
        close(closed.mean, numeric.mean, 3 * size);
        close(closed.secondMoment, numeric.secondMoment, 9 * size * size);
        close(closed.derivativeMean, numeric.derivativeMean, 3);
        close(closed.derivativeSecondMoment, numeric.derivativeSecondMoment, 9);
      }),
      { numRuns: 50 },
    );
  });

  test('thresholded ReLU agrees with quadrature', () => {
    const { value, derivative, moments } = parseRectifier('thresholded:1.5');
    for (const [mean, std] of [
      [0, 1],
      [2, 0.5],
      [-1, 4],
    ] as const) {
      const [closed, numeric] = [moments(mean, std), quadratureMoments(mean, std, value, derivative, [1.5])];
      for (const key of ['mean', 'secondMoment', 'derivativeMean', 'derivativeSecondMoment'] as const)
        close(closed[key], numeric[key], 10);
    }
  });
});

describe('quadrature', () => {
  test('agrees with the closed forms of ELU and GELU where these do not cancel', () => {
    for (const [m, s] of [
      [0, 1],
      [0.7, 2],
      [-1.5, 0.8],
      [3, 1.5],
    ] as const) {
      const tilted = (k: number) => Math.exp(k * m + (k * k * s * s) / 2) * normalCdf(-(m + k * s * s) / s);
      const [above, below, density] = [normalCdf(m / s), normalCdf(-m / s), s * normalDensity(m / s)];
      const elu = parseRectifier('elu:1.3').moments(m, s);
      close(elu.mean, m * above + density + 1.3 * (tilted(1) - below), 1);
      close(elu.secondMoment, (m * m + s * s) * above + m * density + 1.69 * (tilted(2) - 2 * tilted(1) + below), 1);
      close(elu.derivativeMean, above + 1.3 * tilted(1), 1);
      close(elu.derivativeSecondMoment, above + 1.69 * tilted(2), 1);
      const scale = Math.sqrt(1 + s * s);
      const gelu = parseRectifier('gelu').moments(m, s);
      close(gelu.mean, m * normalCdf(m / scale) + ((s * s) / scale) * normalDensity(m / scale), 1);
    }
  });

  test('the second moment of GELU at a standard normal', () => {
    // 1/3 + 1/(2π√3), from E[X² Φ(X)²]; checked by 30-digit quadrature.
    close(parseRectifier('gelu').moments(0, 1).secondMoment, 0.4252214825702987, 1);
  });

  test('agrees with the closed form of ELU and CELU, written so that it does not cancel, at every scale', () => {
    // E[exp(X/w); X < 0] is φ(m/s) R(z) with z = m/s + s/w and Mills' ratio R, by Laplace's continued fraction.
    const mills = (z: number) => {
      let fraction = z;
      for (let k = 400; k >= 1; k--) fraction = z + k / fraction;
      return 1 / fraction;
    };
    const scales = fc.double({ min: -4, max: 4, noNaN: true }).map(decade => 10 ** decade);
    fc.assert(
      fc.property(scales, scales, fc.double({ min: -3, max: 3, noNaN: true }), (std, width, offset) => {
        const mean = offset * std;
        const below = (k: number) => {
          const z = offset + (k * std) / width;
          return z > 3
            ? normalDensity(offset) * mills(z)
            : Math.exp((k * mean + (k * std) ** 2 / (2 * width)) / width) * normalCdf(-z);
        };
        const { derivativeMean, derivativeSecondMoment } = parseRectifier(`celu:${width}`).moments(mean, std);
        close(derivativeMean, normalCdf(offset) + below(1), 1);
        close(derivativeSecondMoment, normalCdf(offset) + below(2), 1);
        const elu = parseRectifier('elu').moments(mean / width, std / width);
        close(elu.derivativeMean, derivativeMean, 1);
        close(elu.derivativeSecondMoment, derivativeSecondMoment, 1);
      }),
    );
    close(
      parseRectifier('celu:0.001').moments(0, 1).derivativeSecondMoment,
      0.5 + mills(2000) / Math.sqrt(2 * Math.PI),
      1,
    );
  });

  test('agrees with panels far finer than it takes, for every rectifier, width, mean and std', () => {
    const scales = fc.double({ min: -4, max: 4, noNaN: true }).map(decade => 10 ** decade);
    const spellings = fc.oneof(
      fc
        .constantFrom('relu6', 'gelu', 'gelu-tanh', 'mish', 'softplus', 'hard-swish', 'selu', 'elu:0.3', 'elu:20')
        .map(name => ({ name, width: 1 })),
      scales.map(width => ({ name: `celu:${width}`, width })),
      scales.map(width => ({ name: `silu:${1 / width}`, width })),
    );
    const even = (reach: number, count: number) =>
      Array.from({ length: count + 1 }, (_, k) => reach * ((2 * k) / count - 1));
    fc.assert(
      fc.property(spellings, scales, fc.double({ min: -6, max: 6, noNaN: true }), ({ name, width }, std, offset) => {
        const { value, derivative, moments, kinks } = parseRectifier(name);
        const mean = offset * std;
        const ends = [-10, 10].map(t => mean + std * t) as [number, number];
        const inside = [...even(60 * width, 240), ...kinks, ...even(10 * std, 40).map(x => mean + x)];
        const points = [...new Set([...ends, ...inside.filter(x => x > ends[0] && x < ends[1])])].sort((a, b) => a - b);
        const wanted = (f: (x: number) => number) =>
          integrate(x => (f(x) * normalDensity((x - mean) / std)) / std, points);
        const got = moments(mean, std);
        const size = std + Math.abs(value(ends[0]));
        close(got.mean, wanted(value), size);
        close(
          got.secondMoment,
          wanted(x => value(x) ** 2),
          size * size,
        );
        close(got.derivativeMean, wanted(derivative), 1);
        close(
          got.derivativeSecondMoment,
          wanted(x => derivative(x) ** 2),
          1,
        );
      }),
    );
  });

  test('smooth rectifiers become ReLU for a wide Gaussian', () => {
    const wide = slopeMoments(1e5, 1e6, 0, 0);
    for (const name of ['relu6', 'gelu', 'silu', 'mish', 'softplus', 'hard-swish', 'elu', 'celu']) {
      const { mean } = parseRectifier(name).moments(1e5, 1e6);
      const limit = name === 'relu6' ? 6 * normalCdf(0.1) : wide.mean;
      expect(Math.abs(mean - limit)).toBeLessThan(1);
    }
  });

  test('is exact for a narrow Gaussian', () => {
    for (const name of fixed) {
      const { value, derivative, secondDerivative, moments } = parseRectifier(name);
      const [x, std] = [-0.625, 1e-6];
      close(moments(x, std).mean, value(x) + (std * std * secondDerivative(x)) / 2, 1);
      close(moments(x, std).derivativeSecondMoment, derivative(x) ** 2, 10);
    }
  });
});

test.each(fixed.map(name => [name]))('%s: agrees with Monte Carlo', name => {
  const { value, derivative, moments } = parseRectifier(name);
  const random = createRandom(11);
  const [mean, std, count] = [-0.4, 1.7, 60_000];
  const sums = [0, 0, 0, 0];
  for (let k = 0; k < count; k++) {
    const x = mean + std * random.normal();
    [value(x), value(x) ** 2, derivative(x), derivative(x) ** 2].forEach((term, i) => {
      sums[i]! += term / count;
    });
  }
  const got = moments(mean, std);
  expect(Math.abs(got.mean - sums[0]!)).toBeLessThan(0.025);
  expect(Math.abs(got.secondMoment - sums[1]!)).toBeLessThan(0.08);
  expect(Math.abs(got.derivativeMean - sums[2]!)).toBeLessThan(0.015);
  expect(Math.abs(got.derivativeSecondMoment - sums[3]!)).toBeLessThan(0.025);
});

test('a std of 0 is a single point; other bad Gaussians are refused', () => {
  for (const name of fixed) {
    const { value, derivative, moments } = parseRectifier(name);
    for (const x of [-0.5, 0, 2]) {
      const at = moments(x, 0);
      expect(at.mean).toBeCloseTo(value(x), 15);
      expect(at.secondMoment).toBeCloseTo(value(x) ** 2, 15);
      expect(at.derivativeMean).toBe(derivative(x));
      expect(at.derivativeSecondMoment).toBe(derivative(x) ** 2);
    }
    expect(() => moments(0, -1)).toThrow(new RangeError('moments: std must be at least 0, got -1'));
    expect(() => moments(NaN, 1)).toThrow(new RangeError('moments: mean must be finite, got NaN'));
  }
});
