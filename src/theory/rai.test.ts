import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { normalCdf, normalDensity } from '../rectifiers/normal.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { initializeNetwork } from './initialize.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork } from './network.js';
import { raiInitialize } from './rai.js';

/** σ of Lu et al. 2020, as their code rounds it. */
const sigma = 0.6007;

describe('raiInitialize', () => {
  test('replaces exactly one of the fanIn weights and the bias of each unit, each as often', () => {
    const [fanIn, fanOut] = [4, 20_000];
    const { weights, biases } = raiInitialize({ fanIn, fanOut }, createRandom(1));
    // In columns that were not replaced entries are N(0, σ²/n): beyond 0.9, three standard deviations, hardly any; Beta(2, 1) has 0.19 there.
    const columns = [0, 1, 2, 3].map(i =>
      Array.from({ length: fanOut }, (_, unit) => weights[unit * fanIn + i] as number),
    );
    const rate = 0.8 * (1 - normalCdf(0.9 / (sigma / 2))) + 0.2 * 0.19;
    for (const column of [...columns, [...biases]]) {
      const beyond = column.filter(value => value > 0.9).length / fanOut;
      expect(Math.abs(beyond - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / fanOut));
    }
    // Rows with two entries beyond 0.9 need a normal number there.
    const twice = Array.from({ length: fanOut }, (_, unit) =>
      [...weights.subarray(unit * fanIn, (unit + 1) * fanIn), biases[unit] as number].filter(value => value > 0.9),
    ).filter(values => values.length > 1).length;
    expect(twice / fanOut).toBeLessThan(0.002);
  });

  test('all entries together have the moments of one Beta(2, 1) and fanIn normal numbers per row', () => {
    const [fanIn, fanOut] = [3, 100_000];
    const { weights, biases } = raiInitialize({ fanIn, fanOut }, createRandom(2));
    const all = [...weights, ...biases];
    const mean = all.reduce((sum, value) => sum + value, 0) / fanOut;
    const square = all.reduce((sum, value) => sum + value * value, 0) / fanOut;
    // Per row: a Beta(2, 1) number (mean 2/3, variance 1/18, E X² 1/2, E X⁴ 1/3) and three N(0, σ²/3) ones.
    expect(Math.abs(mean - 2 / 3)).toBeLessThan(4 * Math.sqrt((1 / 18 + sigma ** 2) / fanOut));
    const spread = 1 / 3 - 1 / 4 + 3 * 2 * (sigma ** 2 / 3) ** 2;
    expect(Math.abs(square - 1 / 2 - sigma ** 2)).toBeLessThan(4 * Math.sqrt(spread / fanOut) + 1e-4);
  });

  test('σ makes the bound of the second moment, σ²/2 + σ(2/3)√(2/π) + 1/2, as close to 1 as four decimals can', () => {
    const bound = (value: number) => value ** 2 / 2 + value * (2 / 3) * Math.sqrt(2 / Math.PI) + 0.5;
    expect(bound(sigma)).toBeLessThan(1);
    expect(bound(sigma + 1e-4)).toBeGreaterThan(1);
  });

  test('keeps the second moment of activations from growing, as the law says exactly', () => {
    // Inputs so large that biases do not matter; for each, E relu(g + u)² = (u² + s²)Φ(u/s) + u s φ(u/s) with u = x X, averaged over X.
    const fanIn = 6;
    const inputs = [300, 100, 0, 700, 200, 500];
    const q = inputs.reduce((sum, x) => sum + x * x, 0) / fanIn;
    const exact = inputs.reduce(
      (total, x) => {
        const s = sigma * Math.sqrt(q - (x * x) / fanIn);
        let mean = 0;
        for (let k = 0; k < 2000; k++) {
          const beta = (k + 0.5) / 2000;
          const u = x * beta;
          mean += ((u * u + s * s) * normalCdf(u / s) + u * s * normalDensity(u / s)) * 2 * beta * (1 / 2000);
        }
        return total + mean / (fanIn + 1);
      },
      (sigma * sigma * q) / 2 / (fanIn + 1),
    );
    const fanOut = 200_000;
    const { weights, biases } = raiInitialize({ fanIn, fanOut }, createRandom(3));
    let [sum, squares] = [0, 0];
    for (let unit = 0; unit < fanOut; unit++) {
      const z = inputs.reduce(
        (total, x, i) => total + x * (weights[unit * fanIn + i] as number),
        biases[unit] as number,
      );
      const square = Math.max(0, z) ** 2 / q;
      sum += square / fanOut;
      squares += square ** 2 / fanOut;
    }
    const error = Math.sqrt((squares - sum * sum) / fanOut);
    expect(Math.abs(sum - exact / q)).toBeLessThan(4 * error + 2e-3);
    expect(sum).toBeLessThan(1);
  });

  test('draws a network by its seed, and fewer are born dead than under He', () => {
    const network = describeNetwork([1, ...new Array<number>(9).fill(2), 1], {
      rectifier: parseRectifier('relu'),
      initializer: parseInitializer('he'),
    });
    expect(initializeNetwork(network, { draw: raiInitialize, seed: 7 })).toEqual(
      initializeNetwork(network, { draw: raiInitialize, seed: 7 }),
    );
    /** Whether the last hidden layer gives the same at both ends and the middle of [-√3, √3]. */
    const isDead = (draw: typeof raiInitialize | undefined, seed: number) => {
      const layers = initializeNetwork(network, { draw, seed });
      const outputs = [-Math.sqrt(3), -0.5, 0.5, Math.sqrt(3)].map(x =>
        layers
          .slice(0, -1)
          .reduce(
            (row: number[], { weights, biases }) =>
              [...biases].map((bias, j) =>
                Math.max(
                  0,
                  row.reduce((sum, value, i) => sum + value * (weights[j * row.length + i] as number), bias),
                ),
              ),
            [x],
          )
          .join(),
      );
      return new Set(outputs).size === 1;
    };
    const deaths = (draw?: typeof raiInitialize) =>
      Array.from({ length: 1000 }, (_, seed) => Number(isDead(draw, seed))).reduce((sum, dead) => sum + dead, 0);
    const [he, rai] = [deaths(), deaths(raiInitialize)];
    // Theory: 0.8797 of networks with ten layers and width 2 are dead under symmetric weights.
    expect(Math.abs(he / 1000 - 0.8797)).toBeLessThan(4 * Math.sqrt((0.8797 * 0.1203) / 1000));
    expect(rai).toBeLessThan(he / 2);
  });

  test.each([
    [{ fanIn: 0, fanOut: 1 }, 'raiInitialize: fanIn must be a whole number from 1'],
    [{ fanIn: 1, fanOut: 2.5 }, 'raiInitialize: fanOut must be a whole number from 1'],
  ])('refuses %o', (layer, message) => {
    expect(() => raiInitialize(layer, createRandom(0))).toThrow(message);
  });
});
