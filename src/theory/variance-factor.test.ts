import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { parseRectifier, rectifierNames } from '../rectifiers/parse-rectifier.js';
import { gain } from './gain.js';
import { varianceFactor } from './variance-factor.js';

const slopes = fc.double({ min: -100, max: 100, noNaN: true });
const variances = fc.double({ min: 1e-3, max: 1e3, noNaN: true });

describe('varianceFactor', () => {
  test('of leaky ReLU is σ_w² (1 + a²)/2 both ways, whatever the variance of the pre-activations', () => {
    fc.assert(
      fc.property(slopes, variances, variances, (slope, weightVariance, variance) => {
        const { forward, backward } = varianceFactor(
          { weightVariance, rectifier: leakyReluRectifier(slope) },
          variance,
        );
        const expected = (weightVariance * (1 + slope * slope)) / 2;
        expect(forward / expected).toBeCloseTo(1, 12);
        expect(backward / expected).toBeCloseTo(1, 12);
      }),
    );
  });

  test.each([
    ['leaky:-1', 1],
    ['relu', 0.5],
    ['leaky:0.1', 0.505],
    ['leaky:0.22916666666666666', 0.5262586805555556],
    ['prelu:0.25', 0.53125],
    ['leaky:1', 1],
    ['rrelu', 0.5280671296296297],
    ['rrelu-xu2015', 0.5208333333333334],
  ])('of %s at σ_w² = 1', (name, expected) => {
    const { forward, backward } = varianceFactor({ weightVariance: 1, rectifier: parseRectifier(name) });
    expect(forward).toBeCloseTo(expected, 14);
    expect(backward).toBeCloseTo(expected, 14);
  });

  test("under PyTorch's default, σ_w² = 1/3, a layer keeps a sixth", () => {
    const factor = (name: string) => varianceFactor({ weightVariance: 1 / 3, rectifier: parseRectifier(name) }).forward;
    expect(factor('relu')).toBeCloseTo(0.16666666666666666, 14);
    expect(factor('leaky:0.01')).toBeCloseTo(0.16668333333333332, 14);
  });

  test.each(rectifierNames.map(name => [name]))('forward is 1 where σ_w² is the squared gain: %s', name => {
    const rectifier = parseRectifier(name);
    for (const variance of [0.01, 1, 30]) {
      const weightVariance = gain(rectifier, { variance }) ** 2;
      expect(varianceFactor({ weightVariance, rectifier }, variance).forward).toBeCloseTo(1, 12);
    }
  });

  test('without a rectifier is σ_w²', () => {
    expect(varianceFactor({ weightVariance: 1.5, rectifier: null })).toEqual({ forward: 1.5, backward: 1.5 });
  });

  test.each([0, -2, Number.NaN, Number.POSITIVE_INFINITY])('refuses a variance of %d', variance => {
    const rectifier = leakyReluRectifier(0);
    expect(() => varianceFactor({ weightVariance: variance, rectifier })).toThrow(
      'varianceFactor: weightVariance must',
    );
    expect(() => varianceFactor({ weightVariance: 1, rectifier }, variance)).toThrow('preActivationVariance must');
  });
});
