import { describe, expect, test } from 'vitest';
import { leakyReluRectifier, parseRectifier } from '../rectifiers/index.js';
import { parseInitializer } from './initializer.js';
import { jacobian } from './jacobian.js';
import { simulateJacobian } from './jacobian-simulation.js';
import { describeNetwork, parseWidths } from './network.js';

const equalLayers = (rectifier: string, width: number, layers: number, initializer: string) =>
  describeNetwork(new Array(layers + 1).fill(width), {
    rectifier: parseRectifier(rectifier),
    last: parseRectifier(rectifier),
    initializer: parseInitializer(initializer),
  });

describe('jacobian', () => {
  test.each([
    { a: 0, L: 1, orthogonal: 1, gaussian: 2 },
    { a: 0, L: 16, orthogonal: 16, gaussian: 32 },
    { a: 0.01, L: 4, orthogonal: 3.998400319952006, gaussian: 7.998400319952006 },
    { a: 0.25, L: 1, orthogonal: 0.7785467128027681, gaussian: 1.778546712802768 },
    { a: 0.25, L: 16, orthogonal: 12.45674740484429, gaussian: 28.45674740484429 },
    { a: 0.5, L: 4, orthogonal: 1.44, gaussian: 5.44 },
    { a: 1, L: 1, orthogonal: 0, gaussian: 1 },
    { a: 1, L: 16, orthogonal: 0, gaussian: 16 },
  ])('slope $a, $L layers: the reference table', ({ a, L, orthogonal, gaussian }) => {
    const at = (initializer: string) => jacobian(equalLayers(`leaky:${a}`, 100, L, initializer));
    expect(at('orthogonal').variance).toBeCloseTo(orthogonal, 9);
    expect(at('he').variance).toBeCloseTo(gaussian, 9);
    expect(at('he-uniform').variance).toBeCloseTo(gaussian, 9);
    expect(at('he').meanSquare).toBeCloseTo(1, 9);
  });

  test('a single normal layer of any shape: Marchenko and Pastur', () => {
    const options = { rectifier: leakyReluRectifier(1), initializer: parseInitializer('lecun') };
    // The eigenvalues of WᵀW for W [fanOut, fanIn] have relative variance fanIn/fanOut.
    expect(jacobian(describeNetwork([50, 200], options)).variance).toBeCloseTo(1 / 4, 12);
    expect(jacobian(describeNetwork([200, 50], options)).variance).toBeCloseTo(1 / 4, 12);
  });

  test('refuses a network that passes no gradient', () => {
    const network = equalLayers('thresholded:1', 4, 900, 'normal:0.001');
    expect(() => jacobian(network)).toThrow('jacobian: some gradient must pass every layer');
    expect(() => jacobian([])).toThrow('jacobian: the network must have a layer');
  });
});

test('a narrow turn is not overlooked: celu:w at scale 1 is celu:1 at scale 1/w', () => {
  for (const width of [1e-3, 1e-2, 10]) {
    const at = (alpha: number, inputSecondMoment: number) =>
      jacobian(equalLayers(`celu:${alpha}`, 64, 4, 'normal:2'), { inputSecondMoment }).variance;
    expect(at(width, 1) / at(1, width ** -2)).toBeCloseTo(1, 9);
  }
});

describe('simulateJacobian', () => {
  // At finite width the variance is greater by a share of about layers/width.
  test.each([
    ['128x5', 'relu', 'he', 10],
    ['128x5', 'leaky:0.5', 'orthogonal', 6],
    ['64-128x3-32', 'leaky:0.5', 'orthogonal', 12],
    ['32-128x3-64', 'leaky:0.2', 'he-uniform', 12],
    ['128x5', 'gelu', 'normal:2', 8],
  ])(
    '%s %s %s: the variance is that of the wide limit, but for layers/width',
    (widths, rectifier, initializer, networks) => {
      const network = describeNetwork(parseWidths(widths), {
        rectifier: parseRectifier(rectifier),
        initializer: parseInitializer(initializer),
      });
      const { variance, standardError, spectra } = simulateJacobian(network, { networks, seed: 1 });
      const limit = jacobian(network);
      const narrowest = Math.min(...network.map(({ fanOut }) => fanOut), network[0]!.fanIn);
      const allowance = (network.length / narrowest) * (limit.variance + 1);
      expect(Math.abs(variance - limit.variance)).toBeLessThan(4 * standardError + allowance);
      const scales = spectra.map(({ logMeanSquare }) => Math.exp(logMeanSquare));
      const mean = scales.reduce((sum, scale) => sum + scale, 0) / scales.length;
      expect(mean / limit.meanSquare).toBeGreaterThan(0.8);
      expect(mean / limit.meanSquare).toBeLessThan(1.25);
    },
  );

  test('planted: one weight is one singular value', () => {
    const network = equalLayers('leaky:0.5', 1, 3, 'he');
    const { spectra, conditionNumber, largest } = simulateJacobian(network, { networks: 3 });
    for (const { singularValues } of spectra) expect(Array.from(singularValues)).toEqual([1]);
    expect([conditionNumber, largest]).toEqual([1, 1]);
  });

  test('singular values are sorted, of mean square 1, and 0 where ReLU leaves fewer directions', () => {
    const network = equalLayers('relu', 40, 3, 'he');
    for (const { singularValues } of simulateJacobian(network).spectra) {
      expect([...singularValues].sort((a, b) => b - a)).toEqual([...singularValues]);
      expect(singularValues.reduce((sum, value) => sum + value ** 2, 0) / 40).toBeCloseTo(1, 9);
      expect(singularValues.filter(value => value === 0).length).toBeGreaterThan(10);
    }
  });

  test('a network whose every unit is dead has no spectrum', () => {
    const network = equalLayers('relu', 1, 40, 'he');
    const { spectra, conditionNumber } = simulateJacobian(network, { networks: 2 });
    for (const { logMeanSquare } of spectra) expect(logMeanSquare).toBe(Number.NEGATIVE_INFINITY);
    expect(conditionNumber).toBeNaN();
  });

  test('seeds, and what is refused', () => {
    const network = equalLayers('relu', 10, 3, 'he');
    const run = (seed: number) => simulateJacobian(network, { seed }).largest;
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
    expect(() => simulateJacobian(network, { networks: 0 })).toThrow('networks must be a whole number from 1');
    expect(() => simulateJacobian(network, { networks: 10 ** 9 })).toThrow('networks must be at most');
    expect(() => simulateJacobian(equalLayers('relu', 1000, 9, 'he'))).toThrow('the network must be small enough');
    expect(() => simulateJacobian(network, { inputSecondMoment: -1 })).toThrow('must be greater than 0');
  });
});
