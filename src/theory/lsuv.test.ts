import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { parseRectifier, rectifierNames } from '../rectifiers/parse-rectifier.js';
import { initializeNetwork, type LayerWeights } from './initialize.js';
import { parseInitializer } from './initializer.js';
import { type LsuvOptions, lsuv } from './lsuv.js';
import { describeNetwork, type NetworkDescription } from './network.js';

const networkOf = (rectifier: string, initializer = 'orthogonal', widths = [5, 24, 24, 24, 3]) =>
  describeNetwork(widths, { rectifier: parseRectifier(rectifier), initializer: parseInitializer(initializer) });

const batchOf = (samples: number, width: number, mean = 0, std = 1): Float64Array => {
  const random = createRandom(9);
  return Float64Array.from({ length: samples * width }, () => mean + std * random.normal());
};

/** Variances of the pre-activations of every layer, over samples and units, computed row by row. */
function variances(network: NetworkDescription, layers: readonly LayerWeights[], batch: Float64Array): number[] {
  const { fanIn } = network[0]!;
  let rows = Array.from({ length: batch.length / fanIn }, (_, k) => [...batch.slice(k * fanIn, (k + 1) * fanIn)]);
  return network.map(({ rectifier }, at) => {
    const { weights, biases } = layers[at]!;
    const outputs = rows.map(row =>
      [...biases].map((bias, j) => row.reduce((sum, x, i) => sum + x * weights[j * row.length + i]!, bias)),
    );
    rows = outputs.map(row => row.map(z => rectifier?.value(z) ?? z));
    const all = outputs.flat();
    const mean = all.reduce((sum, z) => sum + z, 0) / all.length;
    return all.reduce((sum, z) => sum + (z - mean) ** 2, 0) / all.length;
  });
}

describe('lsuv', () => {
  test.each(rectifierNames.map(name => [name]))('brings the variance of every layer to 1: %s', name => {
    const network = networkOf(name);
    const batch = batchOf(60, 5, 2, 7);
    const before = initializeNetwork(network, { seed: 2 });
    const { weights, layers } = lsuv(network, before, batch);
    for (const [at, variance] of variances(network, weights, batch).entries()) {
      expect(variance).toBeCloseTo(1, 9);
      expect(layers[at]).toMatchObject({ reached: true });
      expect(layers[at]!.after).toBeCloseTo(variance, 12);
      expect(layers[at]!.iterations).toBeLessThanOrEqual(1);
      expect(weights[at]!.weights[0]! / before[at]!.weights[0]!).toBeCloseTo(layers[at]!.scale, 12);
    }
    expect(layers[0]!.before).toBeCloseTo(variances(network, before, batch)[0]!, 9);
  });

  test('with biases takes more than one division, and keeps the biases', () => {
    const network = networkOf('leaky:0.1', 'normal:9,0.5', [3, 40, 40, 2]);
    const before = initializeNetwork(network, { seed: 5 });
    const batch = batchOf(50, 3);
    const { weights, layers } = lsuv(network, before, batch, { tolerance: 1e-9, maxIterations: 200 });
    variances(network, weights, batch).forEach((variance, at) => {
      expect(Math.abs(variance - 1)).toBeLessThan(1.1e-9);
      expect(layers[at]!.iterations).toBeGreaterThan(1);
      expect(weights[at]!.biases).toEqual(before[at]!.biases);
    });
  });

  test('leaves layers alone that have variance 1 already', () => {
    const network = networkOf('relu');
    const batch = batchOf(30, 5);
    const once = lsuv(network, initializeNetwork(network), batch);
    const twice = lsuv(network, once.weights, batch);
    expect(twice.weights).toEqual(once.weights);
    expect(twice.layers.map(({ iterations }) => iterations)).toEqual([0, 0, 0, 0]);
  });

  test('does not change the weights that it is given', () => {
    const network = networkOf('relu');
    const given = initializeNetwork(network, { seed: 3 });
    lsuv(network, given, batchOf(20, 5));
    expect(given).toEqual(initializeNetwork(network, { seed: 3 }));
  });

  test('says that a layer behind a dead one could not be brought there, and keeps its weights', () => {
    const network = networkOf('relu', 'orthogonal', [2, 2, 3, 1]);
    const [first, ...rest] = initializeNetwork(network) as [LayerWeights, ...LayerWeights[]];
    const dead = { weights: Float64Array.of(-1, -2, -0.5, -1), biases: first.biases };
    const given = [dead, ...rest];
    const { weights, layers } = lsuv(network, given, Float64Array.of(1, 2, 3, 4, 5, 1));
    expect(layers.map(({ reached }) => reached)).toEqual([true, false, false]);
    expect(layers[1]).toEqual({ before: 0, after: 0, scale: 1, iterations: 0, reached: false });
    expect(weights.slice(1)).toEqual(given.slice(1));
  });

  test('says so where a unit is constant but for rounding, or varies by its biases alone', () => {
    const network = networkOf('relu', 'lecun', [3, 1]);
    const same = Float64Array.from({ length: 30 }, (_, at) => [0.1, 0.7, -1.3][at % 3]!);
    expect(lsuv(network, initializeNetwork(network), same).layers[0]).toMatchObject({ before: 0, reached: false });
    const biased = networkOf('relu', 'normal:1,25', [1, 50]);
    const weights = initializeNetwork(biased);
    const { layers, weights: after } = lsuv(biased, weights, batchOf(20, 1));
    expect(layers[0]).toMatchObject({ reached: false, scale: 1, iterations: 10 });
    expect(layers[0]!.after).toBe(layers[0]!.before);
    expect(after).toEqual(weights);
  });

  test.each<[{ batch?: Float64Array; options?: LsuvOptions; drop?: number }, string]>([
    [{ batch: new Float64Array(0) }, 'lsuv: batch must hold one or more rows of 5 numbers, got 0 numbers'],
    [{ batch: new Float64Array(7) }, 'got 7 numbers'],
    [{ batch: new Float64Array(5).fill(Number.NaN) }, 'lsuv: batch must hold finite numbers, got NaN'],
    [{ options: { tolerance: 0 } }, 'lsuv: tolerance must be greater than 0'],
    [{ options: { maxIterations: 0 } }, 'lsuv: maxIterations must be a whole number from 1'],
    [{ drop: 1 }, 'lsuv: layer 3 must have 72 weights and 3 biases, got 0 and 0'],
  ])('refuses %o', ({ batch = batchOf(2, 5), options = {}, drop = 0 }, message) => {
    const network = networkOf('relu');
    const weights = initializeNetwork(network).slice(0, network.length - drop);
    expect(() => lsuv(network, weights, batch, options)).toThrow(message);
  });
});
