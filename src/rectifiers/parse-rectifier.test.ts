import { describe, expect, test } from 'vitest';
import { parseRectifier, parseRectifiers, rectifierNames } from './parse-rectifier.js';

test.each(rectifierNames.map(name => [name]))('%s: its own name leads back to it', name => {
  const rectifier = parseRectifier(name);
  const again = parseRectifier(rectifier.name);
  expect(again.name).toBe(rectifier.name);
  expect(again.parameters).toEqual(rectifier.parameters);
  for (const x of [-3, -0.5, 0, 0.5, 3]) expect(again.value(x)).toBe(rectifier.value(x));
});

test('parameters and synonyms', () => {
  expect(parseRectifier('leaky:0.25').parameters).toEqual({ negativeSlope: 0.25 });
  expect(parseRectifier('rrelu:0.125, 0.333').parameters).toEqual({ lower: 0.125, upper: 0.333 });
  expect(parseRectifier(' Leaky-ReLU:1e-2 ').name).toBe('leaky:0.01');
  for (const spelling of ['leakyrelu', 'leaky_relu', 'leaky-relu', 'LeakyReLU', 'LEAKY'])
    expect(parseRectifier(`${spelling}:0.25`).name).toBe('leaky:0.25');
  for (const spelling of ['hard_swish', 'hardswish', 'HardSwish', 'hard-swish'])
    expect(parseRectifier(spelling).name).toBe('hard-swish');
  for (const spelling of ['silu', 'SiLU', 'swish', 'Swish']) expect(parseRectifier(spelling).name).toBe('silu');
  expect(parseRectifier('RReLU_xu2015').name).toBe('rrelu-xu2015:3,8');
  expect(parseRectifier('gelu_tanh').name).toBe('gelu-tanh');
  expect(parseRectifier('Thresholded_ReLU:2').name).toBe('thresholded:2');
  expect(parseRectifier('swish:2').label).toBe('Swish (2)');
  expect(parseRectifier('rrelu').label).toBe('RReLU (0.125 to 0.333)');
  expect(parseRectifier('rrelu-xu2015').label).toBe('RReLU (1/3 to 1/8)');
  expect(parseRectifiers('relu, rrelu:0.125,0.333 ,elu:2,prelu').map(({ name }) => name)).toEqual([
    'relu',
    'rrelu:0.125,0.333',
    'elu:2',
    'prelu:0.25',
  ]);
});

describe('refused', () => {
  test.each([
    ['foo', `the name must be one of ${rectifierNames.join(', ')}, got 'foo'`],
    ['', `the name must be one of ${rectifierNames.join(', ')}, got ''`],
    ['relu:1', "relu must have no parameters, got 'relu:1'"],
    ['leaky:', "negativeSlope of 'leaky:' must be a finite number, got ''"],
    ['leaky:x', "negativeSlope of 'leaky:x' must be a finite number, got 'x'"],
    ['leaky:Infinity', "negativeSlope of 'leaky:Infinity' must be a finite number, got 'Infinity'"],
    ['leaky:1,2', "leaky must be written leaky:negativeSlope, got 'leaky:1,2'"],
    ['rrelu:1', "rrelu must be written rrelu:lower,upper, got 'rrelu:1'"],
  ])('%s', (spelling, message) => {
    expect(() => parseRectifier(spelling)).toThrow(new RangeError(`parseRectifier: ${message}`));
  });

  test('what is no string, and parameters no rectifier has', () => {
    expect(() => parseRectifier(1 as never)).toThrow(new TypeError('parseRectifier: the name must be a string, got 1'));
    expect(() => parseRectifier('rrelu:2,1')).toThrow(RangeError);
    expect(() => parseRectifier('celu:0')).toThrow(RangeError);
    expect(() => parseRectifiers('relu,')).toThrow(RangeError);
  });
});
