import { expect, test } from 'vitest';
import { jsonText } from './json.js';

test('no number is lost: what JSON cannot hold is text', () => {
  const result = {
    least: -Infinity,
    most: [Infinity, Number.NaN],
    large: 2n ** 64n,
    values: Float64Array.of(1, Infinity),
  };
  expect(JSON.parse(jsonText(result))).toEqual({
    least: '-Infinity',
    most: ['Infinity', 'NaN'],
    large: '18446744073709551616',
    values: [1, 'Infinity'],
  });
});

test('everything else is as JSON has it', () => {
  const result = { a: 0.1, b: null, c: undefined, d: -0, e: 'x', f: [true, { g: 5e-324 }] };
  expect(jsonText(result)).toBe(`${JSON.stringify(result, null, 2)}\n`);
});
