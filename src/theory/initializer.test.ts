import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { initializerNames, normalInitializer, parseInitializer } from './initializer.js';

const law = (name: string, fanIn: number, fanOut: number, rectifier: string | null = 'relu') =>
  parseInitializer(name).law({ fanIn, fanOut, rectifier: rectifier === null ? null : parseRectifier(rectifier) });

describe('parseInitializer', () => {
  test.each([
    ['he', 300, 100, 2],
    ['he-uniform', 300, 100, 2],
    ['he-fan-out', 300, 100, 6],
    ['xavier', 300, 100, 1.5],
    ['xavier-uniform', 100, 300, 0.5],
    ['lecun', 300, 100, 1],
    ['lecun-uniform', 300, 100, 1],
    ['orthogonal', 300, 100, 2],
    ['orthogonal', 100, 300, 2 / 3],
    ['pytorch', 300, 100, 1 / 3],
    ['normal:1.25', 300, 100, 1.25],
  ])('%s: σ_w² of a layer from %d to %d', (name, fanIn, fanOut, weightVariance) => {
    expect(law(name, fanIn, fanOut).weightVariance).toBeCloseTo(weightVariance, 14);
  });

  test('uses the gain of the rectifier behind the layer, and 1 where there is none', () => {
    expect(law('he', 10, 10, 'leaky:0.25').weightVariance).toBeCloseTo(2 / (1 + 1 / 16), 14);
    expect(law('he', 10, 10, null).weightVariance).toBe(1);
    expect(law('orthogonal', 10, 10, null).weightVariance).toBe(1);
  });

  test("PyTorch's biases have the variance of its weights; the others are 0", () => {
    expect(law('pytorch', 12, 5)).toEqual({ weightVariance: 1 / 3, biasVariance: 1 / 36, distribution: 'uniform' });
    expect(law('normal:2,0.1', 12, 5)).toEqual({ weightVariance: 2, biasVariance: 0.1, distribution: 'normal' });
    for (const name of initializerNames) if (name !== 'pytorch') expect(law(name, 12, 5).biasVariance).toBe(0);
  });

  test('gives back the name, whatever its case and the space around it', () => {
    for (const name of initializerNames) expect(parseInitializer(` ${name.toUpperCase()} `).name).toBe(name);
    expect(normalInitializer(1.5, 0.25).name).toBe('normal:1.5,0.25');
    expect(parseInitializer(normalInitializer(1.5).name).name).toBe('normal:1.5');
  });

  test.each(['', 'kaiming', 'normal', 'normal:', 'normal:x', 'normal:0', 'normal:-1', 'normal:1,-1', 'normal:1,2,3'])(
    "refuses '%s'",
    name => {
      expect(() => parseInitializer(name)).toThrow(RangeError);
    },
  );

  test('refuses what is no string', () => {
    expect(() => parseInitializer(2 as unknown as string)).toThrow(
      new TypeError('parseInitializer: the name must be a string, got 2'),
    );
  });
});
