import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  maximalRegionsOfLayer,
  regionsLowerBound,
  regionsUpperBound,
  reluRegionsUpperBound,
  tentMapPieces,
} from './linear-regions.js';

describe('reference values, computed elsewhere', () => {
  test.each([
    [1, 5, 6n],
    [2, 5, 16n],
    [2, 8, 37n],
    [3, 8, 93n],
    [10, 5, 32n],
  ])('one layer of %i inputs and %i units', (inputs, units, regions) => {
    expect(maximalRegionsOfLayer(inputs, units)).toBe(regions);
  });

  test.each([
    [1, [2, 2], 6n],
    [1, [4, 4, 4], 80n],
    [2, [4, 4], 44n],
    [2, [8, 8, 8], 9472n],
  ])('Montúfar et al. 2014, %i inputs, widths %j', (inputs, widths, regions) => {
    expect(regionsLowerBound(inputs, widths)).toBe(regions);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])('tent map of %i layers', layers => {
    expect(tentMapPieces(layers)).toBe(BigInt([2, 4, 8, 16, 32, 64, 128][layers - 1] as number));
  });
});

/** Serra et al.'s theorem 1 as it stands: every tuple of the set J. */
function serra(inputs: number, widths: readonly number[]): bigint {
  const choose = (n: number, k: number): bigint => (k === 0 ? 1n : (choose(n - 1, k - 1) * BigInt(n)) / BigInt(k));
  const [width, ...rest] = widths;
  if (width === undefined) return 1n;
  let total = 0n;
  for (let off = 0; off <= Math.min(inputs, width); off++)
    total += choose(width, off) * serra(Math.min(inputs, width - off), rest);
  return total;
}

const someWidths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
const someInputs = fc.integer({ min: 1, max: 4 });

describe('bounds', () => {
  test('follow Pascal: another unit adds the regions of one dimension less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 60 }), (inputs, units) => {
        expect(maximalRegionsOfLayer(inputs, units + 1)).toBe(
          maximalRegionsOfLayer(inputs, units) + maximalRegionsOfLayer(inputs - 1, units),
        );
      }),
    );
  });

  test('the ReLU bound is the sum over all tuples, between the lower bound and the bound for every slope', () => {
    fc.assert(
      fc.property(someInputs, someWidths, (inputs, widths) => {
        const relu = reluRegionsUpperBound(inputs, widths);
        expect(relu).toBe(serra(inputs, widths));
        expect(relu <= regionsUpperBound(inputs, widths)).toBe(true);
        if (widths.every(width => width >= inputs)) expect(regionsLowerBound(inputs, widths) <= relu).toBe(true);
      }),
    );
  });

  test('one layer: all agree', () => {
    for (const [inputs, units] of [
      [1, 1],
      [2, 8],
      [3, 3],
      [5, 40],
    ] as const)
      for (const bound of [regionsLowerBound, regionsUpperBound, reluRegionsUpperBound])
        if (bound !== regionsLowerBound || units >= inputs)
          expect(bound(inputs, [units])).toBe(maximalRegionsOfLayer(inputs, units));
  });

  test('do not round: 2^200 and beyond', () => {
    expect(maximalRegionsOfLayer(1000, 200)).toBe(2n ** 200n);
    expect(regionsUpperBound(1, new Array(100).fill(15))).toBe(16n ** 100n);
    expect(tentMapPieces(0)).toBe(1n);
  });

  test.each([
    [() => maximalRegionsOfLayer(0, 3), 'maximalRegionsOfLayer: inputs must be a whole number from 1'],
    [() => maximalRegionsOfLayer(2, 0.5), 'width of hidden layer 0 must be a whole number'],
    [() => regionsUpperBound(2, []), 'there must be a hidden layer, got none'],
    [() => regionsLowerBound(3, [4, 2, 4]), 'width of hidden layer 1 must be at least the number of inputs, 3, got 2'],
    [() => reluRegionsUpperBound(Number.NaN, [2]), 'inputs must be a whole number'],
    [() => tentMapPieces(1e12), 'tentMapPieces: layers must be at most 1000000, got 1000000000000'],
    [() => tentMapPieces(-1), 'layers must be a whole number from 0'],
    [() => tentMapPieces(Number.POSITIVE_INFINITY), 'layers must be a whole number from 0'],
  ])('refuse what is no network', (make, message) => expect(make).toThrow(message));
});
