import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/index.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork, parseWidths } from './network.js';
import { signal } from './signal.js';
import { simulateSignal } from './signal-simulation.js';
import { tailoredSlope } from './tailored-slope.js';

const plain = (widths: string, rectifier: string, initializer: string) =>
  describeNetwork(parseWidths(widths), {
    rectifier: parseRectifier(rectifier),
    initializer: parseInitializer(initializer),
  });

describe('simulateSignal', () => {
  test.each([
    ['12-7-20-5', 'leaky:0.3', 'he'],
    ['12-7-20-5', 'relu', 'xavier-uniform'],
    ['6-9x3-4', 'leaky:-0.5', 'orthogonal'],
    ['6-9x3-4', 'leaky:2', 'pytorch'],
  ])('%s %s %s: narrow networks have the means that signal gives, at every depth', (widths, rectifier, initializer) => {
    const network = plain(widths, rectifier, initializer);
    const { depths } = simulateSignal(network, { networks: 3000, inputs: 1, seed: 5 });
    signal(network).depths.forEach(({ activationSecondMoment, gradientSecondMoment }, depth) => {
      const { activation, gradient } = depths[depth]!;
      expect(Math.abs(activation.mean - activationSecondMoment)).toBeLessThan(4 * activation.standardError + 1e-12);
      expect(Math.abs(gradient.mean - gradientSecondMoment)).toBeLessThan(4 * gradient.standardError + 1e-12);
    });
  });

  test('behind a ReLU of one unit the gradient between the ends is there for networks that still have a signal alone', () => {
    const network = plain('1x5', 'relu', 'he');
    const { depths } = simulateSignal(network, { networks: 20_000, inputs: 1, seed: 5 });
    signal(network).depths.forEach(({ gradientSecondMoment }, depth) => {
      const { mean, standardError } = depths[depth]!.gradient;
      const alive = depth === 1 || depth === 2 ? 2 ** -depth : 1;
      expect(Math.abs(mean - alive * gradientSecondMoment)).toBeLessThan(4 * standardError + 1e-12);
    });
  });

  test('a curved rectifier tends to them as the width grows', () => {
    const network = plain('400x5', 'gelu', 'normal:2');
    const { depths } = simulateSignal(network, { networks: 12, seed: 2 });
    const { activation, gradient } = depths[3]!;
    const limit = signal(network).depths[3]!;
    expect(Math.abs(activation.mean - limit.activationSecondMoment)).toBeLessThan(
      4 * activation.standardError + 0.02 * limit.activationSecondMoment,
    );
    expect(Math.abs(gradient.mean - limit.gradientSecondMoment)).toBeLessThan(
      4 * gradient.standardError + 0.02 * limit.gradientSecondMoment,
    );
  });

  test('a thousand layers do not underflow', () => {
    const network = plain('8x1001', 'leaky:0.9', 'normal:0.1');
    const { gradient, activation } = simulateSignal(network, { networks: 2 }).depths[0]!;
    expect(gradient.mean).toBe(0);
    expect(gradient.logMean).toBeLessThan(-2000);
    expect(Math.abs(gradient.meanLog - signal(network).depths[0]!.logGradientSecondMoment)).toBeLessThan(400);
    expect(activation.mean).toBeGreaterThan(0);
  });

  test('a bias after a thousand layers without one is all that is left', () => {
    const network = plain('8x1001', 'leaky:0.9', 'normal:0.1').map((layer, at) =>
      at === 999 ? { ...layer, biasVariance: 4 } : layer,
    );
    const { mean, standardError } = simulateSignal(network, { networks: 40 }).depths[1000]!.activation;
    expect(Math.abs(mean - 4)).toBeLessThan(4 * standardError);
  });

  test('the same seed gives the same numbers, another seed others', () => {
    const network = plain('8x4', 'relu', 'he');
    const run = (seed: number) => JSON.stringify(simulateSignal(network, { seed }).depths);
    expect(run(3)).toBe(run(3));
    expect(run(3)).not.toBe(run(4));
  });

  test('refuses counts that are none, and work without end', () => {
    const network = plain('1000x100', 'relu', 'he');
    expect(() => simulateSignal(network, { networks: 0 })).toThrow('simulateSignal: networks must be a whole number');
    expect(() => simulateSignal(network, { inputs: 0.5 })).toThrow('simulateSignal: inputs must be a whole number');
    expect(() => simulateSignal(network, { seed: Number.NaN })).toThrow('simulateSignal: seed must be a whole number');
    expect(() => simulateSignal(network, { networks: 100 })).toThrow('simulateSignal: networks must be at most 15 for');
    expect(() => simulateSignal(plain('1000x200', 'relu', 'he'))).toThrow('must have at most 100000000 weights');
  });
});

describe('a plain network of 100 layers', () => {
  const tailored = `leaky:${tailoredSlope({ depth: 100 })!.negativeSlope}`;

  test.each([
    ['128x101', 'orthogonal', 2],
    ['512x101', 'he', 1],
  ])(
    '%s with %s weights and the tailored slope: every gradient of a fixed seed keeps its norm within a factor 3',
    (widths, initializer, networks) => {
      const network = plain(widths, tailored, initializer);
      expect(network).toHaveLength(100);
      expect(signal(network).backward.ratio).toBeCloseTo(1, 9);
      // Their logarithms have standard deviations of about 0.4, so one in some hundred networks would not: the seed decides.
      for (const ratio of simulateSignal(network, { networks }).gradientNormRatios) {
        expect(ratio).toBeGreaterThan(1 / 3);
        expect(ratio).toBeLessThan(3);
      }
    },
  );

  test("with ReLU and PyTorch's default every gradient vanishes", () => {
    const network = plain('256x101', 'relu', 'pytorch');
    expect(signal(network).backward.ratio).toBeLessThan(1e-38);
    for (const ratio of simulateSignal(network, { networks: 3 }).gradientNormRatios) expect(ratio).toBeLessThan(1e-37);
  });
});
