import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { gain } from './gain.js';
import { goldenSlope } from './golden-slope.js';
import { varianceFactor } from './variance-factor.js';

const slopes = fc.double({ min: -100, max: 100, noNaN: true });

describe('goldenSlope', () => {
  test.each([
    [2, 0],
    [1.5, 0.5773502691896257],
    [1.25, 0.7745966692414834],
    [1, 1],
    [0.5, 1.7320508075688772],
    [1 / 3, Math.sqrt(5)],
  ])('for σ_w² = %d', (weightVariance, slope) => {
    expect(goldenSlope(weightVariance)).toBeCloseTo(slope, 14);
  });

  test('makes the variance factor 1 both ways', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 2, noNaN: true }), weightVariance => {
        const slope = goldenSlope(weightVariance) as number;
        for (const rectifier of [leakyReluRectifier(slope), leakyReluRectifier(-slope)]) {
          const { forward, backward } = varianceFactor({ weightVariance, rectifier });
          expect(forward).toBeCloseTo(1, 12);
          expect(backward).toBeCloseTo(1, 12);
        }
      }),
    );
  });

  test('inverts the gain', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100, noNaN: true }), slope => {
        expect((goldenSlope(gain(leakyReluRectifier(slope)) ** 2) as number) / slope).toBeCloseTo(1, 9);
      }),
    );
  });

  test('is null where no slope will do: each lets the signal grow', () => {
    expect(goldenSlope(2 + 1e-15)).toBeNull();
    expect(goldenSlope(1e300)).toBeNull();
    fc.assert(
      fc.property(fc.double({ min: 2.001, max: 100, noNaN: true }), slopes, (weightVariance, slope) => {
        expect(goldenSlope(weightVariance)).toBeNull();
        expect(varianceFactor({ weightVariance, rectifier: leakyReluRectifier(slope) }).forward).toBeGreaterThan(1);
      }),
    );
  });

  test.each([
    [0, 'goldenSlope: weightVariance must be greater than 0, got 0'],
    [-1, 'goldenSlope: weightVariance must be greater than 0, got -1'],
    [Number.NaN, 'goldenSlope: weightVariance must be finite, got NaN'],
    [Number.POSITIVE_INFINITY, 'goldenSlope: weightVariance must be finite, got Infinity'],
  ])('refuses %d', (weightVariance, message) => {
    expect(() => goldenSlope(weightVariance)).toThrow(new RangeError(message));
  });
});

test('is finite for the smallest weights', () => {
  expect(goldenSlope(5e-324)).toBeCloseTo(Math.sqrt(2) / Math.sqrt(5e-324), -150);
  expect(goldenSlope(5e-324)).toBeLessThan(Number.POSITIVE_INFINITY);
});
