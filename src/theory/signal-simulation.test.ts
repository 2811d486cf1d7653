import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/index.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork, parseWidths } from './network.js';
import { normRatio, shareWithin } from './norm-ratio.js';
import { signal } from './signal.js';
import { keptWithin, type SignalSimulation, simulateSignal } from './signal-simulation.js';
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

const atInput = ({ logGradientNorms }: SignalSimulation) => logGradientNorms.flat().map(norms => Math.exp(norms[0]!));

describe('a plain network of 100 layers', () => {
  const tailored = `leaky:${tailoredSlope({ depth: 100 })!.negativeSlope}`;

  // Their logarithms have standard deviations of about 0.4, so one network in some ten or hundred would not: the seed decides which.
  test.each([
    ['128x101', 'orthogonal', 2],
    ['512x101', 'he', 1],
  ])(
    '%s with %s weights and the tailored slope: every gradient of a fixed seed keeps its norm within a factor 3, all along',
    (widths, initializer, networks) => {
      const network = plain(widths, tailored, initializer);
      expect(network).toHaveLength(100);
      expect(signal(network).backward.ratio).toBeCloseTo(1, 9);
      const simulation = simulateSignal(network, { networks });
      expect(keptWithin(simulation, 3)).toEqual({ networks, gradients: 4 * networks });
      for (const log of simulation.logGradientNorms.flat(2)) expect(Math.abs(log)).toBeLessThan(Math.log(3));
      expect(shareWithin(normRatio(network).backward, 3)).toBeGreaterThan(0.99);
    },
  );

  test("with ReLU and PyTorch's default every gradient vanishes", () => {
    const network = plain('256x101', 'relu', 'pytorch');
    expect(signal(network).backward.ratio).toBeLessThan(1e-38);
    const simulation = simulateSignal(network, { networks: 3 });
    expect(keptWithin(simulation, 3)).toEqual({ networks: 0, gradients: 0 });
    for (const ratio of atInput(simulation)) expect(ratio).toBeLessThan(1e-37);
    expect(shareWithin(normRatio(network).backward, 3)).toBe(0);
  });
});

describe('gradient norms', () => {
  test('are 1 at the output, and at every depth of the width that it has', () => {
    const simulation = simulateSignal(plain('40-20-10', 'leaky:1', 'orthogonal'), { networks: 3, inputs: 2 });
    expect(simulation.logGradientNorms.map(group => group.map(norms => norms.length))).toEqual([
      [3, 3],
      [3, 3],
      [3, 3],
    ]);
    for (const norms of simulation.logGradientNorms.flat()) expect(norms[2]).toBeCloseTo(0, 12);
    for (const norms of simulation.logGradientNorms.flat()) expect(norms[0]).toBeCloseTo(0, 9);
  });

  test('count the networks that are dead for all inputs', () => {
    const simulation = simulateSignal(plain('2x30', 'relu', 'he'), { networks: 4 });
    expect(simulation.dead).toBe(4);
    expect(keptWithin(simulation, 3)).toEqual({ networks: 0, gradients: 0 });
    expect(simulateSignal(plain('2x30', 'leaky:0.1', 'he'), { networks: 4 }).dead).toBe(0);
  });

  test('within a factor in about the share that a log-normal has', () => {
    const network = plain('32x21', 'leaky:0.3', 'he');
    const { networks } = keptWithin(simulateSignal(network, { networks: 400, inputs: 1, seed: 2 }), 2);
    const share = shareWithin(normRatio(network).backward, 2);
    expect(Math.abs(networks / 400 - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / 400));
  });

  test.each([1, 0, -3, Number.NaN, Number.POSITIVE_INFINITY])('a factor of %d is refused', factor => {
    const simulation = simulateSignal(plain('2x3', 'relu', 'he'), { networks: 1 });
    expect(() => keptWithin(simulation, factor)).toThrow('keptWithin: factor must be');
    expect(() => shareWithin(normRatio(plain('2x3', 'relu', 'he')).forward, factor)).toThrow(
      'shareWithin: factor must be',
    );
  });
});
