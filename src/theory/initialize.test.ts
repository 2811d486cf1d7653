import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { initialize, initializeNetwork } from './initialize.js';
import { initializerNames, parseInitializer, type WeightDistribution } from './initializer.js';
import { describeNetwork, type LayerDescription } from './network.js';

const relu = parseRectifier('relu');

const layerOf = (fanIn: number, fanOut: number, initializer: string): LayerDescription => {
  const shape = { fanIn, fanOut, rectifier: relu };
  return { ...shape, ...parseInitializer(initializer).law(shape) };
};

const custom = (fanIn: number, fanOut: number, distribution: WeightDistribution): LayerDescription => ({
  ...{ fanIn, fanOut, rectifier: null, weightVariance: 1, biasVariance: 0, distribution },
});

/** Whether mean, variance and fourth moment of a sample are those of the law, within 4 standard errors. */
function expectMoments(values: Float64Array, variance: number, kurtosis: number): void {
  const count = values.length;
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / count;
  expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(variance / count));
  expect(Math.abs(moment(2) / variance - 1)).toBeLessThan(4 * Math.sqrt((kurtosis - 1) / count));
  const eighth = kurtosis === 3 ? 105 : 9; // E z⁸ of the normal and of the uniform distribution with variance 1
  expect(Math.abs(moment(4) / variance ** 2 - kurtosis)).toBeLessThan(4 * Math.sqrt((eighth - kurtosis ** 2) / count));
}

/** The scalar products of the rows of a row-major matrix, or of its columns, whichever are fewer. */
function gram(values: Float64Array, rows: number, columns: number): number[][] {
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  const at = (k: number, i: number) => values[rows <= columns ? k * columns + i : i * columns + k] as number;
  return Array.from({ length: short }, (_, k) =>
    Array.from({ length: short }, (_, l) => {
      let sum = 0;
      for (let i = 0; i < long; i++) sum += at(k, i) * at(l, i);
      return sum;
    }),
  );
}

describe('initialize', () => {
  test.each([
    ['he', 2 / 400, 3],
    ['he-uniform', 2 / 400, 9 / 5],
    ['he-fan-out', 2 / 300, 3],
    ['xavier', 2 / 700, 3],
    ['xavier-uniform', 2 / 700, 9 / 5],
    ['lecun', 1 / 400, 3],
    ['lecun-uniform', 1 / 400, 9 / 5],
    ['pytorch', 1 / 1200, 9 / 5],
    ['normal:1.5,0.5', 1.5 / 400, 3],
  ])('%s: weights have the variance and the shape of their law', (name, variance, kurtosis) => {
    expectMoments(initialize(layerOf(400, 300, name), createRandom(1)).weights, variance, kurtosis);
  });

  test.each([
    ['pytorch', 1 / 300, 9 / 5],
    ['normal:1.5,0.5', 0.5, 3],
  ])('%s: biases have the variance and the shape of their law', (name, variance, kurtosis) => {
    expectMoments(initialize(layerOf(100, 50_000, name), createRandom(2)).biases, variance, kurtosis);
  });

  test('uniform weights stay inside their bound and come close to it: 1/√fanIn for PyTorch', () => {
    const { weights, biases } = initialize(layerOf(256, 256, 'pytorch'), createRandom(3));
    for (const values of [weights, biases]) {
      const largest = Math.max(...values.map(Math.abs));
      expect(largest).toBeLessThanOrEqual(1 / 16);
      expect(largest).toBeGreaterThan(0.98 / 16);
    }
  });

  test.each([
    [40, 40],
    [64, 17],
    [17, 64],
    [1, 5],
    [5, 1],
    [1, 1],
  ])(
    'orthogonal, %d to %d: rows or columns are orthogonal to 1e-12, and squares average σ_w² / fanIn',
    (fanIn, fanOut) => {
      const layer = layerOf(fanIn, fanOut, 'orthogonal');
      const { weights } = initialize(layer, createRandom(4));
      for (const [k, products] of gram(weights, fanOut, fanIn).entries())
        for (const [l, product] of products.entries())
          expect(Math.abs(product - (k === l ? 2 : 0))).toBeLessThan(1e-12);
      const meanSquare = weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length;
      expect(fanIn * meanSquare).toBeCloseTo(layer.weightVariance, 12);
    },
  );

  test('orthogonal matrices are Haar distributed: traces have mean 0 and variance 1, signs of every entry are even', () => {
    // E tr Q = 0 and E (tr Q)² = 1, E (tr Q)⁴ = 3 for n >= 2 (Diaconis & Shahshahani 1994); without the sign fix the trace is biased.
    const random = createRandom(5);
    const count = 4000;
    let [trace, square, first] = [0, 0, 0];
    for (let k = 0; k < count; k++) {
      const { weights } = initialize(custom(5, 5, 'orthogonal'), random);
      const sum = [0, 6, 12, 18, 24].reduce((total, at) => total + (weights[at] as number), 0);
      trace += sum / count;
      square += (sum * sum) / count;
      first += Math.sign(weights[0] as number) / count;
    }
    expect(Math.abs(trace)).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(square - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    expect(Math.abs(first)).toBeLessThan(4 / Math.sqrt(count));
  });

  test('biases are 0 where their variance is, and take no random numbers', () => {
    const random = createRandom(6);
    expect([...initialize(layerOf(3, 4, 'he'), random).biases]).toEqual([0, 0, 0, 0]);
    const again = createRandom(6);
    for (let k = 0; k < 12; k++) again.normal();
    expect(random.normal()).toBe(again.normal());
  });

  test.each([
    [{ fanIn: 0 }, 'fanIn of layer 0'],
    [{ fanOut: 1.5 }, 'fanOut of layer 0'],
    [{ weightVariance: 0 }, 'weightVariance of layer 0'],
    [{ weightVariance: Number.NaN }, 'weightVariance of layer 0'],
    [{ biasVariance: -1 }, 'biasVariance of layer 0'],
    [
      { distribution: 'cauchy' as WeightDistribution },
      "distribution of layer 0 must be one of normal, uniform, orthogonal, got 'cauchy'",
    ],
  ])('refuses %o', (change, message) => {
    expect(() => initialize({ ...custom(2, 2, 'normal'), ...change }, createRandom(0))).toThrow(message);
  });
});

describe('initializeNetwork', () => {
  const network = (initializer: string) =>
    describeNetwork([4, 7, 3, 1], { rectifier: relu, initializer: parseInitializer(initializer) });

  test('is a function of the seed, for every initializer', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...initializerNames), (seed, name) => {
        expect(initializeNetwork(network(name), { seed })).toEqual(initializeNetwork(network(name), { seed }));
        expect(initializeNetwork(network(name), { seed })).not.toEqual(
          initializeNetwork(network(name), { seed: seed + 1 }),
        );
      }),
    );
    expect(initializeNetwork(network('he'))).toEqual(initializeNetwork(network('he'), { seed: 0 }));
  });

  test('gives each layer its own numbers, of its shape', () => {
    const layers = initializeNetwork(network('pytorch'));
    expect(layers.map(({ weights, biases }) => [weights.length, biases.length])).toEqual([
      [28, 7],
      [21, 3],
      [3, 1],
    ]);
    expect(new Set(layers.flatMap(({ weights, biases }) => [...weights, ...biases])).size).toBe(63);
  });

  test('draws layers by the function given', () => {
    const ones = initializeNetwork(network('he'), {
      draw: ({ fanIn, fanOut }) => ({
        weights: new Float64Array(fanIn * fanOut).fill(1),
        biases: new Float64Array(fanOut),
      }),
    });
    expect(ones.every(({ weights }) => weights.every(weight => weight === 1))).toBe(true);
  });

  test.each([-1, 0.5, Number.NaN])('refuses the seed %d', seed => {
    expect(() => initializeNetwork(network('he'), { seed })).toThrow('initializeNetwork: seed must be a whole number');
  });

  test('refuses layers that do not chain', () => {
    const [first] = network('he') as [LayerDescription];
    expect(() => initializeNetwork([first, first])).toThrow('initializeNetwork: fanIn of layer 1 must be 7');
    expect(() => initializeNetwork([])).toThrow('initializeNetwork: the network must have a layer');
  });
});
