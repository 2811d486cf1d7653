import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leakyRelu, leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { describeSlope, preimages } from './negative-slope.js';

const anySlope = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2, -2, 0.01, -0.01, 1e-300),
  fc.double({ min: -10, max: 10, noNaN: true }),
);
const anyNumber = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('describeSlope', () => {
  test('agrees with the rectifier', () => {
    fc.assert(
      fc.property(anySlope, slope => {
        const { monotone, range, lipschitz, inverse } = leakyReluRectifier(slope);
        const described = describeSlope(slope);
        expect(described).toMatchObject({ monotone, range, lipschitz, invertible: inverse !== null });
      }),
    );
  });

  test.each([
    [0.25, { below: 1, at: 1, above: 1 }],
    [0, { below: 0, at: Number.POSITIVE_INFINITY, above: 1 }],
    [-0.25, { below: 0, at: 1, above: 2 }],
    [3, { below: 1, at: 1, above: 1 }],
  ])('slope %d', (slope, counts) => {
    expect(describeSlope(slope).preimages).toEqual(counts);
  });
});

describe('preimages', () => {
  test('as many as described, ascending, and each gives y', () => {
    fc.assert(
      fc.property(anySlope, anyNumber, (slope, y) => {
        fc.pre(!(y === 0 && slope === 0) && (slope === 0 || Number.isFinite(y / slope)));
        const found = preimages(y, slope);
        const { below, at, above } = describeSlope(slope).preimages;
        expect(found.length).toBe(y < 0 ? below : y > 0 ? above : at);
        expect(found).toEqual(found.toSorted((a, b) => a - b));
        for (const x of found) {
          const back = leakyRelu(x, { negativeSlope: slope });
          expect(Math.abs(back - y)).toBeLessThanOrEqual(1e-15 * Math.abs(y) + 1e-300);
        }
      }),
    );
  });

  test('of what the rectifier gives include what it came from', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.5, 2, -0.5, -4), anyNumber, (slope, x) => {
        const found = preimages(leakyRelu(x, { negativeSlope: slope }), slope);
        expect(found.some(candidate => Math.abs(candidate - x) <= 1e-15 * Math.abs(x) + 1e-300)).toBe(true);
      }),
    );
  });

  test.each([
    [() => preimages(0, 0), 'preimages: y must not be 0 where negativeSlope is 0'],
    [() => preimages(Number.NaN, 1), 'y must be finite, got NaN'],
    [() => preimages(1, Number.POSITIVE_INFINITY), 'negativeSlope must be finite, got Infinity'],
    [() => describeSlope(Number.NaN), 'describeSlope: negativeSlope must be finite, got NaN'],
  ])('refuse what has no answer', (make, message) => expect(make).toThrow(message));
});
