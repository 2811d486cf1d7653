import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { leakyRelu, leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { normalCdf, normalDensity } from '../rectifiers/normal.js';
import { integrate } from '../rectifiers/quadrature.js';
import { type OutputDistribution, outputDistribution } from './output-distribution.js';

const parameters = fc.record({
  slope: fc.constantFrom(0, 0.01, 0.25, 1, 3, -0.01, -0.5, -1, -3),
  mean: fc.constantFrom(0, -1, 0.5, 2),
  std: fc.constantFrom(0.3, 1, 2.5),
});

/** Where the density bends and where it ends: both sides of the bell as f maps them, and the jump. */
const pointsOf = ({ negativeSlope, mean, std }: OutputDistribution): number[] => {
  const inputs = [-9, -6, -3, -1, 0, 1, 3, 6, 9].map(z => mean + z * std);
  const outputs = inputs.map(x => leakyRelu(x, { negativeSlope }));
  return [...new Set([...outputs, 0])].sort((a, b) => a - b);
};

describe('outputDistribution', () => {
  test('density and mass add up to 1, and their moments are those of the rectifier', () => {
    fc.assert(
      fc.property(parameters, ({ slope, mean, std }) => {
        const output = outputDistribution(slope, { mean, std });
        const points = pointsOf(output);
        const expected = leakyReluRectifier(slope).moments(mean, std);
        expect(integrate(y => output.density(y), points) + output.massAtZero).toBeCloseTo(1, 10);
        expect(integrate(y => y * output.density(y), points)).toBeCloseTo(expected.mean, 9);
        expect(integrate(y => y * y * output.density(y), points)).toBeCloseTo(expected.secondMoment, 9);
      }),
    );
  });

  test('the distribution function grows by the density, and by the mass at 0', () => {
    fc.assert(
      fc.property(parameters, fc.double({ min: -4, max: 4, noNaN: true }), ({ slope, mean, std }, y) => {
        const output = outputDistribution(slope, { mean, std });
        const below = pointsOf(output).filter(point => point < y);
        const integral = below.length === 0 ? 0 : integrate(at => output.density(at), [...below, y]);
        expect(output.cumulative(y)).toBeCloseTo(integral + (y >= 0 ? output.massAtZero : 0), 10);
      }),
    );
  });

  test('simulated outputs fall into the bins as often as it says', () => {
    const samples = 40_000;
    for (const slope of [0.25, 0, -0.5, -2]) {
      const random = createRandom(1);
      const output = outputDistribution(slope, { mean: 0.3, std: 1.2 });
      const values = Array.from({ length: samples }, () => {
        const x = 0.3 + 1.2 * random.normal();
        return leakyRelu(x, { negativeSlope: slope });
      });
      const edges = [-1, -0.5, -0.1, 0, 0.1, 0.5, 1, 1.5, 2, 3];
      edges.slice(1).forEach((to, at) => {
        const from = edges[at] as number;
        const share = values.filter(y => y > from && y <= to).length / samples;
        const expected = output.cumulative(to) - output.cumulative(from);
        expect(Math.abs(share - expected)).toBeLessThanOrEqual(4 * Math.sqrt((expected * (1 - expected)) / samples));
      });
    }
  });

  test('slope 1 is the Gaussian, slope -1 the folded one, slope 0 the rectified one', () => {
    const [plain, folded, rectified] = [1, -1, 0].map(slope => outputDistribution(slope));
    for (const y of [-2, -0.1, 0, 0.1, 2]) {
      expect(plain!.density(y)).toBe(normalDensity(y));
      expect(folded!.density(y)).toBe(y < 0 ? 0 : 2 * normalDensity(y));
      expect(rectified!.density(y)).toBe(y < 0 ? 0 : normalDensity(y));
      expect(rectified!.cumulative(y)).toBe(y < 0 ? 0 : normalCdf(y));
    }
    expect([plain, folded, rectified].map(output => output!.massAtZero)).toEqual([0, 0, 0.5]);
  });

  test('at the jump it is the limit from the right; beyond all and for NaN as one expects', () => {
    for (const slope of [0.25, 0, -0.25]) {
      const output = outputDistribution(slope);
      expect(output.density(0)).toBeCloseTo(output.density(1e-12), 9);
      expect([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY].map(output.cumulative)).toEqual([0, 1]);
      expect([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY].map(output.density)).toEqual([0, 0]);
      expect(output.density(Number.NaN)).toBeNaN();
      expect(output.cumulative(Number.NaN)).toBeNaN();
    }
  });

  test('keeps its digits far in the tail: a fold of two tails', () => {
    const { cumulative } = outputDistribution(-1, { mean: -20 });
    // P(|X| <= 1) for X ~ N(-20, 1) is nearly P(X >= -1) = Φ(-19).
    expect(cumulative(1) / normalCdf(-19)).toBeCloseTo(1, 9);
    const right = outputDistribution(-1, { mean: 20 });
    expect(right.cumulative(1) / cumulative(1)).toBeCloseTo(1, 12);
  });

  test.each([
    [() => outputDistribution(Number.NaN), 'outputDistribution: negativeSlope must be finite, got NaN'],
    [() => outputDistribution(0, { mean: Number.POSITIVE_INFINITY }), 'mean must be finite, got Infinity'],
    [() => outputDistribution(0, { std: 0 }), 'std must be greater than 0, got 0'],
    [() => outputDistribution(0, { std: -1 }), 'std must be greater than 0, got -1'],
  ])('refuses what is no Gaussian', (make, message) => expect(make).toThrow(message));
});
