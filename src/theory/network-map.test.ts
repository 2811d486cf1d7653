import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { correlationMap, iterateCorrelation } from './correlation-map.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork } from './network.js';
import { largestThrough, type NetworkStructure, networkCorrelation } from './network-map.js';

const map = correlationMap(parseRectifier('leaky:0.1'));
const C = map.value;

describe('networkCorrelation', () => {
  test('a plain network iterates the map', () => {
    expect(networkCorrelation({ depth: 7 }, map, -0.3)).toBe(iterateCorrelation(map, -0.3, 7).at(-1));
  });

  test('a chain composes, and a depth of 0 is a wire', () => {
    const chain = { chain: [{ depth: 2 }, { depth: 0 }, { chain: [{ depth: 3 }] }] };
    expect(networkCorrelation(chain, map, 0.2)).toBe(networkCorrelation({ depth: 5 }, map, 0.2));
  });

  test('a sum weighs shortcut and branch by w² and 1 - w²', () => {
    const wire = { branch: { depth: 3 }, shortcutWeight: 0.6 };
    expect(networkCorrelation(wire, map, 0.2)).toBeCloseTo(0.36 * 0.2 + 0.64 * C(C(C(0.2))), 14);
    const projected = { ...wire, shortcut: { depth: 1 } };
    expect(networkCorrelation(projected, map, 0.2)).toBeCloseTo(0.36 * C(0.2) + 0.64 * C(C(C(0.2))), 14);
  });

  test('a description counts its rectified layers', () => {
    const network = describeNetwork([8, 8, 8, 2], {
      rectifier: parseRectifier('leaky:0.1'),
      initializer: parseInitializer('he'),
    });
    expect(networkCorrelation(network, map, 0.2)).toBe(C(C(0.2)));
  });

  test('takes the maps of smooth rectifiers too', () => {
    const gelu = correlationMap(parseRectifier('gelu'));
    expect(networkCorrelation({ depth: 2 }, gelu, 0.2)).toBe(gelu.value(gelu.value(0.2)));
  });
});

const structures: fc.Arbitrary<NetworkStructure> = fc.letrec<{ structure: NetworkStructure }>(tie => ({
  structure: fc.oneof(
    { maxDepth: 3 },
    fc.record({ depth: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ chain: fc.array(tie('structure'), { minLength: 1, maxLength: 3 }) }),
    fc.record({
      branch: tie('structure'),
      shortcut: tie('structure'),
      shortcutWeight: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  ),
})).structure;

describe('laws', () => {
  test('the largest of the subnetworks is at least the whole, and any branch; equal numbers stay equal', () => {
    fc.assert(
      fc.property(structures, fc.double({ min: 0, max: 1, noNaN: true }), (structure, weight) => {
        const sum = { branch: structure, shortcutWeight: weight };
        expect(largestThrough(sum, 0, C)).toBeGreaterThanOrEqual(largestThrough(structure, 0, C));
        expect(largestThrough({ chain: [sum, { depth: 1 }] }, 0, C)).toBeGreaterThanOrEqual(
          networkCorrelation({ chain: [sum, { depth: 1 }] }, map, 0),
        );
        expect(networkCorrelation({ chain: [structure, { depth: 1 }] }, map, 1)).toBeCloseTo(1, 14);
      }),
    );
  });

  test('no part of a chain exceeds the chain', () => {
    fc.assert(
      fc.property(fc.array(structures, { minLength: 2, maxLength: 5 }), fc.nat(4), fc.nat(4), (chain, i, j) => {
        const part = { chain: chain.slice(Math.min(i, j), Math.max(i, j) + 1) };
        expect(largestThrough({ chain }, 0, C)).toBeGreaterThanOrEqual(largestThrough(part, 0, C) - 1e-14);
      }),
    );
  });
});

test.each([
  [{ depth: 0 }, 'networkCorrelation: the network must have from 1 to 100,000 rectified layers, got 0'],
  [{ depth: -1 }, 'networkCorrelation: depth must be a whole number from 0'],
  [{ depth: 100_001 }, 'got 100001'],
  [{ chain: [] }, 'rectified layers, got 0'],
  [{ branch: { depth: 1 }, shortcutWeight: -0.1 }, 'networkCorrelation: shortcutWeight must be from 0 to 1, got -0.1'],
  [{ branch: { depth: 1 }, shortcutWeight: Number.NaN }, 'networkCorrelation: shortcutWeight must be finite, got NaN'],
  [{} as never, 'networkCorrelation: the network must have a depth, a chain or a branch, got Object'],
  [null as never, 'networkCorrelation: the network must have a depth, a chain or a branch, got null'],
])('refuses %o', (network, message) => {
  expect(() => networkCorrelation(network, map, 0)).toThrow(message);
});

test('refuses correlations beyond 1', () => {
  expect(() => networkCorrelation({ depth: 1 }, map, 1.5)).toThrow(
    'networkCorrelation: c must be from -1 to 1, got 1.5',
  );
});
