import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leakyReluRectifier, parseRectifier } from '../rectifiers/index.js';
import { normalInitializer, parseInitializer } from './initializer.js';
import { describeNetwork, parseWidths } from './network.js';
import { signal } from './signal.js';

const plain = (widths: string, rectifier: string, initializer: string) =>
  describeNetwork(parseWidths(widths), {
    rectifier: parseRectifier(rectifier),
    initializer: parseInitializer(initializer),
  });

describe('signal', () => {
  test('a layer multiplies both second moments by σ_w² (1 + a²)/2, for slopes of every kind', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: 0.1, max: 4, noNaN: true }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (slope, weightVariance, layers, width) => {
          const rectifier = leakyReluRectifier(slope);
          const options = { rectifier, last: rectifier, initializer: normalInitializer(weightVariance) };
          const { depths, forward, backward } = signal(describeNetwork(new Array(layers + 1).fill(width), options));
          const expected = layers * Math.log((weightVariance * (1 + slope ** 2)) / 2);
          expect(depths[layers]!.logActivationSecondMoment).toBeCloseTo(expected, 9);
          expect(depths[0]!.logGradientSecondMoment).toBeCloseTo(expected, 9);
          expect(forward.logRatio).toBeCloseTo(expected / 2, 9);
          expect(backward.factorPerLayer).toBeCloseTo(Math.exp(expected / 2 / layers), 9);
        },
      ),
    );
  });

  test('the factors of the reference table, per layer', () => {
    const factors = [
      { a: -1, factor: 1 },
      { a: 0, factor: 0.5 },
      { a: 0.1, factor: 0.505 },
      { a: 0.25, factor: 0.53125 },
      { a: 1, factor: 1 },
    ];
    for (const { a, factor } of factors) {
      const rectifier = leakyReluRectifier(a);
      const options = { rectifier, last: rectifier, initializer: normalInitializer(1) };
      expect(signal(describeNetwork([7, 7], options)).depths[1]!.activationSecondMoment).toBeCloseTo(factor, 12);
    }
  });

  test("He's weights keep the activations' second moment and the gradient's norm, whatever the widths", () => {
    const { forward, backward, depths } = signal(plain('784-256-31-512-10', 'leaky:0.2', 'he'));
    expect(forward.ratio).toBeCloseTo(1, 12);
    expect(backward.ratio).toBeCloseTo(1, 12);
    expect(depths[0]!.gradientSecondMoment).toBeCloseTo(10 / 784, 12);
  });

  test('biases are added to every pre-activation', () => {
    const { depths } = signal(plain('256x101', 'relu', 'pytorch'));
    expect(depths[1]!.preActivationVariance).toBeCloseTo(1 / 3 + 1 / 768, 12);
    // The fixed point of q = q/6 + 1/768.
    expect(depths[90]!.preActivationVariance).toBeCloseTo(6 / 5 / 768, 12);
    expect(depths[90]!.activationMean).toBeCloseTo(Math.sqrt(6 / 5 / 768 / (2 * Math.PI)), 12);
  });

  test('ten thousand layers do not underflow', () => {
    const { depths, backward, forward } = signal(plain('4x10001', 'relu', 'normal:0.1'));
    expect(depths[9000]!.activationSecondMoment).toBe(0);
    expect(forward.logRatio).toBeCloseTo((9999 * Math.log(0.05) + Math.log(0.1)) / 2, 6);
    expect(backward.logRatio).toBeCloseTo((9999 * Math.log(0.05) + Math.log(0.1)) / 2, 6);
    expect(backward.factorPerLayer).toBeCloseTo(Math.sqrt(0.05), 4);
    const grown = signal(plain('4x10001', 'relu', 'normal:9'));
    expect(grown.forward.ratio).toBe(Number.POSITIVE_INFINITY);
    expect(grown.forward.logRatio).toBeCloseTo((9999 * Math.log(4.5) + Math.log(9)) / 2, 6);
  });

  test('a curved rectifier is the line f′(0) x where the signal is tiny, and ReLU where it is huge', () => {
    const tiny = signal(plain('4x1001', 'gelu', 'normal:0.5')).depths;
    const step = tiny[999]!.logActivationSecondMoment - tiny[998]!.logActivationSecondMoment;
    expect(step).toBeCloseTo(Math.log(0.5 / 4), 9);
    const huge = signal(plain('4x2001', 'gelu', 'normal:8')).depths;
    const growth = huge[1999]!.logActivationSecondMoment - huge[1998]!.logActivationSecondMoment;
    expect(growth).toBeCloseTo(Math.log(8 / 2), 9);
    // A bounded one stays: relu6 of a huge Gaussian is 0 or 6.
    expect(signal(plain('4x2', 'relu6', 'he'), { inputSecondMoment: 1e250 }).depths).toHaveLength(2);
    const relu6 = describeNetwork([4, 4], {
      rectifier: parseRectifier('relu6'),
      last: parseRectifier('relu6'),
      initializer: normalInitializer(1),
    });
    expect(signal(relu6, { inputSecondMoment: 1e250 }).depths[1]!.activationSecondMoment).toBeCloseTo(18, 9);
  });

  test('says for which widths it is exact', () => {
    expect(signal(plain('8x4', 'prelu', 'he')).exactFor).toBe('every width');
    expect(signal(plain('8x4', 'elu', 'he')).exactFor).toBe('wide limit');
  });

  test('verdicts', () => {
    expect(signal(plain('256x101', 'relu', 'pytorch')).backward.verdict).toBe('vanishing');
    expect(signal(plain('256x101', 'relu', 'he')).backward.verdict).toBe('stable');
    expect(signal(plain('256x101', 'leaky:0.9', 'normal:2')).backward.verdict).toBe('exploding');
    expect(signal(plain('1-1', 'relu', 'lecun')).backward.ratio).toBeCloseTo(1, 12);
  });

  test('refuses what is no network and no second moment', () => {
    expect(() => signal([])).toThrow('signal: the network must have a layer');
    expect(() => signal(plain('4x3', 'relu', 'he'), { inputSecondMoment: 0 })).toThrow(
      'signal: inputSecondMoment must be greater than 0, got 0',
    );
    expect(() => signal(plain('4x3', 'relu', 'he'), { inputSecondMoment: Number.NaN })).toThrow(RangeError);
    expect(() => signal(plain('4x3', 'relu', 'he'), { inputSecondMoment: Number.POSITIVE_INFINITY })).toThrow(
      RangeError,
    );
  });
});
