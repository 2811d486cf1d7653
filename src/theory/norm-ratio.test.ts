import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { leakyReluRectifier, parseRectifier } from '../rectifiers/index.js';
import { initializeNetwork } from './initialize.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork, parseWidths } from './network.js';
import { normRatio } from './norm-ratio.js';
import { backwardPass, forwardPass, logMeanSquare } from './passes.js';

const equalLayers = (slope: number, width: number, layers: number, initializer: string) => {
  const rectifier = leakyReluRectifier(slope);
  return describeNetwork(new Array(layers + 1).fill(width), {
    rectifier,
    last: rectifier,
    initializer: parseInitializer(initializer),
  });
};

/** Squared norm ratios of one input and one output gradient for each of many networks. */
function sampled(network: ReturnType<typeof describeNetwork>, networks: number) {
  const random = createRandom(11);
  const normals = (count: number) => Float64Array.from({ length: count }, () => random.normal());
  const [inputs, outputs] = [network[0]!.fanIn, network.at(-1)!.fanOut];
  return Array.from({ length: networks }, () => {
    const layers = initializeNetwork(network, { seed: random.integer(2 ** 32) });
    const { activations, derivatives } = forwardPass(network, layers, normals(inputs));
    const gradients = backwardPass(layers, derivatives, normals(outputs));
    const ratio = (end: number, start: number) => Math.exp(end - start);
    return {
      forward: (ratio(logMeanSquare(activations.at(-1)!), logMeanSquare(activations[0]!)) * outputs) / inputs,
      backward: (ratio(logMeanSquare(gradients[0]!), logMeanSquare(gradients.at(-1)!)) * inputs) / outputs,
    };
  });
}

function within(values: readonly number[], expected: number): void {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  expect(Math.abs(mean - expected)).toBeLessThan(4 * Math.sqrt(variance / values.length) + 1e-9);
}

describe('normRatio', () => {
  test.each([
    { a: 0, kappa: 5.0, secondMoment: 2.121735131906423 },
    { a: 0.01, kappa: 4.998800239964005, secondMoment: 2.1213662371457622 },
    { a: 0.25, kappa: 4.335640138408304, secondMoment: 1.926073831279415 },
    { a: 0.5, kappa: 3.08, secondMoment: 1.600039851228482 },
    { a: 1, kappa: 2.0, secondMoment: 1.3603154027780997 },
  ])('slope $a, ten normal layers of 64: the reference table', ({ a, kappa, secondMoment }) => {
    const { forward, backward } = normRatio(equalLayers(a, 64, 10, 'he'));
    expect(forward.mean).toBeCloseTo(1, 9);
    expect(Math.abs(forward.secondMoment - secondMoment)).toBeLessThan(1e-9);
    expect(forward.logSpread).toBeCloseTo(10 * Math.log(1 + kappa / 64), 12);
    expect(backward.mean).toBeCloseTo(1, 9);
  });

  test('orthogonal layers without a rectifier keep every norm', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (width, layers) => {
        const { forward, backward } = normRatio(equalLayers(1, width, layers, 'orthogonal'));
        expect(forward.spread).toBeCloseTo(1, 9);
        expect(backward.spread).toBeCloseTo(1, 9);
      }),
    );
  });

  test.each([
    ['4-3-6-2', 'leaky:0.3', 'he'],
    ['4-3-6-2', 'relu', 'he-uniform'],
    ['4-3-6-2', 'leaky:0.5', 'orthogonal'],
    ['3-5-5-4', 'leaky:-0.7', 'orthogonal'],
    ['1-1-1', 'leaky:2', 'lecun-uniform'],
  ])('%s %s %s: exact at tiny widths, forward and backward', (widths, rectifier, initializer) => {
    const network = describeNetwork(parseWidths(widths), {
      rectifier: parseRectifier(rectifier),
      initializer: parseInitializer(initializer),
    });
    const samples = sampled(network, 20_000);
    const ratios = normRatio(network);
    for (const way of ['forward', 'backward'] as const) {
      within(
        samples.map(sample => sample[way]),
        ratios[way].mean,
      );
      within(
        samples.map(sample => sample[way] ** 2),
        ratios[way].secondMoment,
      );
    }
  });

  test('backward it holds with biases', () => {
    const network = describeNetwork([4, 5, 3], {
      rectifier: parseRectifier('leaky:0.2'),
      initializer: parseInitializer('pytorch'),
    });
    within(
      sampled(network, 20_000).map(({ backward }) => backward ** 2),
      normRatio(network).backward.secondMoment,
    );
  });

  test('the median of a wide, deep network is near the typical ratio', () => {
    const network = equalLayers(0, 30, 30, 'he');
    const ratios = sampled(network, 300).map(({ forward }) => forward);
    const below = ratios.filter(ratio => ratio < normRatio(network).forward.typical).length;
    expect(below).toBeGreaterThan(105);
    expect(below).toBeLessThan(195);
    expect(ratios.filter(ratio => ratio < 1).length).toBeGreaterThan(210);
  });

  test('refuses curves and rectifiers that let nothing pass', () => {
    const options = { initializer: parseInitializer('he') };
    const gelu = describeNetwork([3, 3, 3], { ...options, rectifier: parseRectifier('gelu') });
    expect(() => normRatio(gelu)).toThrow('normRatio: every rectifier must be two lines through 0');
    expect(() => normRatio([])).toThrow('normRatio: the network must have a layer');
  });
});
