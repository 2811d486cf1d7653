import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { parseRectifier, rectifierNames } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { gain } from './gain.js';
import { varianceFactor } from './variance-factor.js';

/** Nodes and weights of Gauss–Legendre quadrature on [-1, 1], by Newton's method on the Legendre polynomial. */
function gaussLegendre(order: number): { node: number; weight: number }[] {
  return Array.from({ length: order }, (_, k) => {
    let node = Math.cos((Math.PI * (k + 0.75)) / (order + 0.5));
    let slope = 0;
    for (let step = 0; step < 20; step++) {
      let [before, value] = [1, node];
      for (let n = 2; n <= order; n++) [before, value] = [value, ((2 * n - 1) * node * value - (n - 1) * before) / n];
      slope = (order * (node * value - before)) / (node * node - 1);
      node -= value / slope;
    }
    return { node, weight: 2 / ((1 - node * node) * slope * slope) };
  });
}

const rule = gaussLegendre(24);

/** E f(z)² for z ~ N(0, std²) by Gauss–Legendre on panels of 1/8, at whose ends all kinks of the family lie. */
function secondMoment(f: (x: number) => number, std: number): number {
  let total = 0;
  for (let from = -Math.ceil(12 * std); from < 12 * std; from += 0.125)
    for (const { node, weight } of rule) {
      const x = from + (node + 1) / 16;
      total += (weight * f(x) ** 2 * Math.exp(-((x / std) ** 2) / 2)) / (16 * std * Math.sqrt(2 * Math.PI));
    }
  return total;
}

/** f and f' in training: for RReLU with the root mean square of its slopes, by the same rule. */
function inTraining(name: string, rectifier: Rectifier): Pick<Rectifier, 'value' | 'derivative'> {
  if (!name.startsWith('rrelu')) return rectifier;
  const { lower, upper } = rectifier.parameters as { lower: number; upper: number };
  const slope = (u: number) => (name.startsWith('rrelu-xu2015') ? 1 / u : u);
  const squares = rule.map(({ node, weight }) => (weight / 2) * slope(lower + ((upper - lower) * (node + 1)) / 2) ** 2);
  const rms = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  return { value: x => (x > 0 ? x : rms * x), derivative: x => (x > 0 ? 1 : rms) };
}

const parametrized = [
  'leaky:-1',
  'leaky:3',
  'prelu:0.9',
  'elu:2.5',
  'celu:0.5',
  'thresholded:0.25',
  'silu:1.702',
  'rrelu:0,1',
];

describe.each([...rectifierNames, ...parametrized])('%s agrees with Gauss–Legendre quadrature to 1e-12', name => {
  test.each([0.25, 1, 9])('variance %d', variance => {
    const rectifier = parseRectifier(name);
    const std = Math.sqrt(variance);
    const { value, derivative } = inTraining(name, rectifier);
    const ratio = gain(rectifier, { variance }) / (std / Math.sqrt(secondMoment(value, std)));
    expect(Math.abs(ratio - 1)).toBeLessThan(1e-12);
    const { forward, backward } = varianceFactor({ weightVariance: 1, rectifier }, variance);
    expect(Math.abs(forward / (secondMoment(value, std) / variance) - 1)).toBeLessThan(2e-12);
    expect(Math.abs(backward / secondMoment(derivative, std) - 1)).toBeLessThan(2e-12);
  });
});

describe('gain', () => {
  test.each([
    [-1, 1],
    [0, Math.SQRT2],
    [0.1, 1.4071950894605838],
    [0.22916666666666666, 1.378479664546057],
    [0.25, 1.3719886811400708],
    [1, 1],
  ])('of leaky ReLU with slope %d', (slope, expected) => {
    expect(gain(leakyReluRectifier(slope))).toBeCloseTo(expected, 14);
  });

  test('of leaky ReLU is √(2/(1 + a²)), whatever the slope and the variance', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e3, max: 1e3, noNaN: true }),
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        (slope, variance) => {
          const ratio = gain(leakyReluRectifier(slope), { variance }) / Math.sqrt(2 / (1 + slope * slope));
          expect(Math.abs(ratio - 1)).toBeLessThan(1e-12);
        },
      ),
    );
  });

  test('of RReLU in training, of PyTorch and of Xu et al. 2015', () => {
    expect(gain(parseRectifier('rrelu'))).toBeCloseTo(1.37611722979439, 12);
    expect(1 / gain(parseRectifier('rrelu-xu2015')) ** 2).toBeCloseTo(0.5208333333333334, 12);
  });

  test('of ELU and GELU by their closed forms', () => {
    // E[(e^z - 1)²; z < 0] = e²Φ(-2) - 2√e Φ(-1) + 1/2; E z²Φ(z)² = 1/3 + 1/(2π√3).
    const elu = 0.5 + Math.E ** 2 * 0.0227501319481792 - 2 * Math.sqrt(Math.E) * 0.158655253931457 + 0.5;
    expect(gain(parseRectifier('elu'))).toBeCloseTo(1 / Math.sqrt(elu), 12);
    expect(gain(parseRectifier('gelu'))).toBeCloseTo(1 / Math.sqrt(1 / 3 + 1 / (2 * Math.PI * Math.sqrt(3))), 12);
  });

  test('of SELU is 1: it keeps variance 1 by construction', () => {
    expect(gain(parseRectifier('selu'))).toBeCloseTo(1, 12);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a variance of %d', variance => {
    expect(() => gain(leakyReluRectifier(0), { variance })).toThrow(RangeError);
  });

  test('refuses a rectifier that lets nothing through', () => {
    expect(() => gain(parseRectifier('thresholded:100'))).toThrow('gain: E f(z)² must be positive and finite');
  });

  test('refuses a rectifier whose output is beyond float64, and what is no rectifier', () => {
    expect(() => gain(leakyReluRectifier(1e200))).toThrow(
      'gain: E f(z)² must be positive and finite for z of variance 1, got',
    );
    expect(() => gain('relu' as never)).toThrow(
      "gain: rectifier must be a rectifier, such as parseRectifier('relu'), got",
    );
    expect(() => gain(undefined as never)).toThrow('gain: rectifier must be a rectifier');
  });
});
