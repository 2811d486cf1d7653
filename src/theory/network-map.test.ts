import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { correlationMap, iterateCorrelation } from './correlation-map.js';
import { dksLeaky } from './dks-leaky.js';
import { gain } from './gain.js';
import { initializeNetwork } from './initialize.js';
import { normalInitializer, parseInitializer } from './initializer.js';
import { describeNetwork, type LayerDescription, type NetworkDescription, parseWidths } from './network.js';
import { largestThrough, type NetworkStructure, networkCorrelation } from './network-map.js';
import { forwardPass } from './passes.js';
import { reachableCorrelation, tailoredSlope } from './tailored-slope.js';

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

  test('takes the maps of smooth rectifiers too', () => {
    const gelu = correlationMap(parseRectifier('gelu'));
    expect(networkCorrelation({ depth: 2 }, gelu, 0.2)).toBe(gelu.value(gelu.value(0.2)));
  });
});

const initializer = parseInitializer('he');
const leaky = parseRectifier('leaky:0.1');

describe('networkCorrelation of a description', () => {
  test('iterates the map where all layers are alike and keep the variance', () => {
    const network = describeNetwork([8, 8, 8, 2], { rectifier: leaky, initializer });
    expect(networkCorrelation(network, 0.2)).toBeCloseTo(C(C(0.2)), 14);
  });

  test('takes each layer by its own rectifier, at the variance that it is given', () => {
    const gelu = parseRectifier('gelu');
    const network = describeNetwork([8, 8, 8, 2], { rectifier: [gelu, leaky], initializer });
    expect(networkCorrelation(network, 0.2)).toBeCloseTo(C(correlationMap(gelu, gain(gelu) ** 2).value(0.2)), 9);
  });

  test('biases are shared by both inputs; what they do is measured too', () => {
    const network = describeNetwork([400, 400, 400, 400], {
      rectifier: leaky,
      initializer: normalInitializer(1.5, 0.5),
    });
    const random = createRandom(3);
    const inputs = [0, 1].map(() => Float64Array.from({ length: 400 }, () => random.normal()));
    const product = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const cosine = (a: Float64Array, b: Float64Array) => product(a, b) / Math.sqrt(product(a, a) * product(b, b));
    const measured = Array.from({ length: 20 }, (_, seed) => {
      const layers = initializeNetwork(network, { seed });
      const [a, b] = inputs.map(x => forwardPass(network, layers, x).activations.at(-1)!.values);
      return cosine(a!, b!);
    });
    const mean = measured.reduce((sum, value) => sum + value / 20, 0);
    const error = Math.sqrt(measured.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 19 / 20);
    expect(Math.abs(mean - networkCorrelation(network, cosine(inputs[0]!, inputs[1]!)))).toBeLessThan(
      4 * error + 1 / 400,
    );
  });

  test('a thousand layers do not underflow, and biases then are all there is', () => {
    const options = { rectifier: leaky, initializer: normalInitializer(0.1) };
    expect(networkCorrelation(describeNetwork(parseWidths('2x2001'), options), 0)).toBeGreaterThan(0.9);
    const biased = { ...options, initializer: normalInitializer(1e-300, 1e-3) };
    expect(networkCorrelation(describeNetwork([2, 2, 2], biased), -1)).toBe(1);
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

describe('descriptions are checked by all that take them', () => {
  const takers: [string, (network: NetworkDescription) => unknown][] = [
    ['tailoredSlope', network => tailoredSlope(network)],
    ['reachableCorrelation', reachableCorrelation],
    ['dksLeaky', network => dksLeaky(network)],
    ['networkCorrelation', network => networkCorrelation(network, 0)],
  ];
  const plain = describeNetwork(parseWidths('9x21'), { rectifier: leaky, initializer });
  const layer = plain[0] as LayerDescription;

  test.each(takers)('%s refuses what does not chain, and zero widths', (name, take) => {
    const unchained = plain.map((one, at) => ({ ...one, fanIn: 3 + at }));
    expect(() => take(unchained)).toThrow(`${name}: fanIn of layer 1 must be 9, the fanOut of the layer before, got 4`);
    expect(() => take([{ ...layer, fanIn: 0 }])).toThrow(`${name}: fanIn of layer 0 must be a whole number`);
    expect(() => take([{ ...layer, weightVariance: -1 }])).toThrow(`${name}: weightVariance of layer 0`);
    expect(() => take([null as never])).toThrow(`${name}: layer 0 must be a layer's description, got null`);
  });

  test.each(takers.slice(0, 3))('%s is about ReLUs and leaky ReLUs only', (name, take) => {
    const gelu = plain.map(one => ({ ...one, rectifier: parseRectifier('gelu') }));
    expect(() => take(gelu)).toThrow(
      `${name}: the rectifier must be two lines that meet at 0 (relu, leaky, prelu), got gelu`,
    );
    expect(take(plain)).toEqual(take([...plain.slice(0, -1), { ...layer, rectifier: null }]));
  });

  test('a description counts its rectified layers', () => {
    expect(tailoredSlope(plain)).toEqual(tailoredSlope({ depth: 19 }));
  });
});

test('a structure needs a map', () => {
  expect(() => networkCorrelation({ depth: 1 } as never, 0)).toThrow('networkCorrelation: map must be given');
  expect(() => networkCorrelation({ depth: 1 }, parseRectifier('relu'), 0)).toThrow(
    'networkCorrelation: map must be a correlation map,',
  );
});
