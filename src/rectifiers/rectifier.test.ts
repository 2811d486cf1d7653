import { describe, expect, test } from 'vitest';
import { parseRectifier, rectifierNames } from './parse-rectifier.js';

const names = [...rectifierNames, 'leaky:-1', 'elu:2', 'silu:5', 'thresholded:-0.5'];

/** The largest jump of f, f' or f'' from just below x to just above it. */
function jumpAt(name: string, x: number): number {
  const rectifier = parseRectifier(name);
  const step = 1e-9;
  const functions = [rectifier.value, rectifier.derivative, rectifier.secondDerivative];
  return Math.max(...functions.map(f => Math.abs(f(x + step) - f(x - step))));
}

describe.each(names)('kinks of %s', name => {
  const { kinks } = parseRectifier(name);

  test('are where f or a derivative jumps, in order', () => {
    expect(kinks).toEqual(kinks.toSorted((a, b) => a - b));
    for (const kink of kinks) expect(jumpAt(name, kink)).toBeGreaterThan(0.1);
  });

  test('are all there are', () => {
    for (let x = -8; x <= 8; x += 0.125) if (!kinks.includes(x)) expect(jumpAt(name, x)).toBeLessThan(1e-6);
  });
});
