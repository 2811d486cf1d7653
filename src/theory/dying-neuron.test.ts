import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { dyingNeuron, neuronFate, traceNeuron } from './dying-neuron.js';

const trace = (name: string, options = {}) =>
  traceNeuron({ ...dyingNeuron, ...options, rectifier: parseRectifier(name) });
const last = <T>(values: readonly T[]): T => values.at(-1) as T;

describe('traceNeuron', () => {
  test('ReLU: the first step makes all pre-activations negative, then nothing moves', () => {
    const states = trace('relu');
    expect(states.length).toBe(dyingNeuron.steps + 1);
    expect(states[0]).toMatchObject({ step: 0, silent: false, dead: false, slope: null, outputs: [1, 2, 3] });
    const fallen = states[1]!;
    expect(Math.max(...fallen.preActivations)).toBeLessThan(0);
    for (const state of states.slice(1)) {
      expect(state).toMatchObject({ silent: true, dead: true, weightGradient: 0, biasGradient: 0, outputs: [0, 0, 0] });
      expect([state.weight, state.bias, state.loss]).toEqual([fallen.weight, fallen.bias, fallen.loss]);
    }
    expect(neuronFate(states)).toEqual({ silentFrom: 1, firesAgainAt: null, dead: true });
  });

  test('leaky ReLU whispers: its gradient at the bottom is its slope times that of a line, and brings it back', () => {
    const back = ['leaky:0.01', 'leaky:0.1', 'prelu'].map(name => neuronFate(trace(name)).firesAgainAt as number);
    expect(back[0]).toBeGreaterThan(100);
    expect(back[1]).toBeLessThan(20);
    expect(back[2]).toBeLessThan(back[1] as number);
    const { preActivations, weightGradient } = trace('leaky:0.01')[1]!;
    const line = preActivations.reduce(
      (sum, z, i) => sum + 2 * (0.01 * z - dyingNeuron.targets[i]!) * dyingNeuron.inputs[i]!,
      0,
    );
    expect(weightGradient).toBeCloseTo((0.01 * line) / 3, 15);
    for (const name of ['leaky:0.1', 'prelu']) expect(last(trace(name)).loss).toBeLessThan(1e-4);
  });

  test('PReLU learns its slope, and from slope 0 too', () => {
    expect(last(trace('prelu')).slope).not.toBe(0.25);
    const silent = trace('prelu:0')[1]!;
    expect(silent).toMatchObject({ silent: true, dead: true, weightGradient: 0, slope: 0 });
    expect(silent.slopeGradient).toBeGreaterThan(0);
    expect(trace('prelu:0')[2]!.slope).toBeLessThan(0);
    expect(neuronFate(trace('prelu:0')).dead).toBe(false);
  });

  test('gradients are the differences of the loss', () => {
    const rectifiers = ['relu', 'leaky:0.1', 'prelu:0.3', 'leaky:2', 'leaky:-0.5', 'elu', 'gelu'].map(parseRectifier);
    const point = fc.double({ min: -3, max: 3, noNaN: true });
    const slopeOf = (rectifier: Rectifier, slope: number) => parseRectifier(`${rectifier.name.split(':')[0]}:${slope}`);
    fc.assert(
      fc.property(fc.constantFrom(...rectifiers), point, point, (rectifier, weight, bias) => {
        const options = { inputs: [1, -2, 0.5], targets: [0.3, 1, -1], weight, bias, learningRate: 0.1, steps: 0 };
        const loss = (change: object) => traceNeuron({ ...options, rectifier, ...change })[0]!.loss;
        const state = traceNeuron({ ...options, rectifier })[0]!;
        fc.pre(state.preActivations.every(z => Math.abs(z) > 1e-3));
        const h = 1e-6;
        const byWeight = (loss({ weight: weight + h }) - loss({ weight: weight - h })) / (2 * h);
        const byBias = (loss({ bias: bias + h }) - loss({ bias: bias - h })) / (2 * h);
        expect(Math.abs(state.weightGradient - byWeight)).toBeLessThan(1e-6);
        expect(Math.abs(state.biasGradient - byBias)).toBeLessThan(1e-6);
        if (state.slope === null) return;
        const bySlope =
          (loss({ rectifier: slopeOf(rectifier, state.slope + h) }) -
            loss({ rectifier: slopeOf(rectifier, state.slope - h) })) /
          (2 * h);
        expect(Math.abs((state.slopeGradient as number) - bySlope)).toBeLessThan(1e-6);
      }),
    );
  });

  test('a line is fitted as least squares has it', () => {
    const options = { inputs: [0, 1, 2], targets: [1, 3, 8], learningRate: 0.2, steps: 2000 };
    const { weight, bias } = last(trace('leaky:1', options));
    expect(weight).toBeCloseTo(3.5, 9);
    expect(bias).toBeCloseTo(0.5, 9);
  });

  test('takes no step where none is wanted, and one input', () => {
    expect(trace('relu', { steps: 0 }).length).toBe(1);
    const { silent, dead } = trace('relu', { inputs: [1], targets: [0], weight: -1, steps: 3 })[3]!;
    expect([silent, dead]).toEqual([true, true]);
    expect(neuronFate(trace('relu', { weight: 0.1, steps: 50 }))).toEqual({
      silentFrom: null,
      firesAgainAt: null,
      dead: false,
    });
  });

  test.each([
    [{ inputs: [] }, 'traceNeuron: inputs must be an array of a number or more'],
    [{ targets: [1] }, 'traceNeuron: targets must have length 3 (inputs), got 1'],
    [{ inputs: [1, Number.NaN, 2] }, 'traceNeuron: inputs[1] must be finite, got NaN'],
    [{ weight: Number.POSITIVE_INFINITY }, 'traceNeuron: weight must be finite'],
    [{ learningRate: 0 }, 'traceNeuron: learningRate must be greater than 0, got 0'],
    [{ steps: -1 }, 'traceNeuron: steps must be a whole number from 0'],
    [{ learningRate: 10, steps: 1000, targets: [-1, 5, -9] }, 'traceNeuron: learningRate must be small enough'],
  ])('refuses %j', (options, message) => {
    expect(() => trace('leaky:1', options)).toThrow(message);
  });

  test('refuses the name of a rectifier', () => {
    expect(() => traceNeuron({ ...dyingNeuron, rectifier: 'relu' as never })).toThrow(
      'traceNeuron: rectifier must be a rectifier, such as',
    );
  });
});
