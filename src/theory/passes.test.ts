import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { parseRectifier } from '../rectifiers/index.js';
import { initializeNetwork } from './initialize.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork, parseWidths } from './network.js';
import { backwardPass, forwardPass, logMeanSquare, type ScaledVector } from './passes.js';

const plain = (widths: string, rectifier: string, initializer: string) =>
  describeNetwork(parseWidths(widths), {
    rectifier: parseRectifier(rectifier),
    initializer: parseInitializer(initializer),
  });

const unscaled = ({ values, logScale }: ScaledVector) => Array.from(values, value => value * Math.exp(logScale));

describe('forwardPass and backwardPass', () => {
  test.each(['leaky:0.3', 'gelu', 'elu'])('%s: the gradient is that of finite differences', rectifier => {
    const network = plain('5-7-6-3', rectifier, 'pytorch');
    const layers = initializeNetwork(network, { seed: 4 });
    const random = createRandom(9);
    const input = Float64Array.from({ length: 5 }, () => random.normal());
    const weights = Float64Array.from({ length: 3 }, () => random.normal());
    const weighted = (x: Float64Array) =>
      unscaled(forwardPass(network, layers, x).activations[3]!).reduce((sum, y, j) => sum + y * weights[j]!, 0);
    const { derivatives } = forwardPass(network, layers, input);
    const gradient = unscaled(backwardPass(layers, derivatives, weights)[0]!);
    gradient.forEach((slope, i) => {
      const [up, down] = [input.slice(), input.slice()];
      up[i]! += 1e-6;
      down[i]! -= 1e-6;
      expect((weighted(up) - weighted(down)) / 2e-6).toBeCloseTo(slope, 7);
    });
  });

  test('scaling changes nothing: biases keep their share', () => {
    const network = plain('4-4-4', 'leaky:0.5', 'pytorch');
    const layers = initializeNetwork(network, { seed: 1 });
    const input = Float64Array.of(0.1, -0.2, 0.3, 0.4);
    const leaky = (z: number) => (z > 0 ? z : z / 2);
    const dense = (at: number, x: readonly number[]) =>
      Array.from(layers[at]!.biases, (bias, j) =>
        x.reduce((sum, value, i) => sum + layers[at]!.weights[j * 4 + i]! * value, bias),
      );
    const expected = dense(1, dense(0, Array.from(input)).map(leaky));
    unscaled(forwardPass(network, layers, input).activations[2]!).forEach((value, j) => {
      expect(value).toBeCloseTo(expected[j]!, 14);
    });
  });

  test('a dead layer gives 0, whose logarithm is -Infinity', () => {
    const network = plain('1-1-1', 'relu', 'he');
    const layers = [1, 1].map(() => ({ weights: Float64Array.of(-1), biases: Float64Array.of(0) }));
    const { activations, derivatives } = forwardPass(network, layers, Float64Array.of(2));
    expect(logMeanSquare(activations[1]!)).toBe(Number.NEGATIVE_INFINITY);
    expect(logMeanSquare(backwardPass(layers, derivatives, Float64Array.of(1))[0]!)).toBe(Number.NEGATIVE_INFINITY);
  });
});
