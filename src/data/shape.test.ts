import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import { applyShapes, parseShapes } from './shape.js';

const x: InputSpec = { name: 'x', type: 'float32', dims: ['batch', 3, null, 'width'] };
const mask: InputSpec = { name: 'mask', type: 'bool', dims: ['batch'] };

describe('parseShapes', () => {
  test('reads names, dims alone, and names that hold = and x', () => {
    expect(parseShapes(['x=1x3x4x5', '7', 'max=pool=2x2'])).toEqual(
      new Map([
        ['x', [1, 3, 4, 5]],
        ['', [7]],
        ['max=pool', [2, 2]],
      ]),
    );
    expect(parseShapes([]).size).toBe(0);
  });

  test.each(['', 'x=', 'x=1x', 'x=ax3', 'x=-1x3', 'x=1.5', 'x=1x0x3', 'x=1,3', 'x=1 x 3', 'x=1e3', 'x=0x10'])(
    'refuses %j',
    flag => expect(() => parseShapes([flag])).toThrow(`--shape ${flag}: dims must be whole numbers of 1 or more`),
  );

  test('refuses what is too large or given twice', () => {
    expect(() => parseShapes(['x=99999999x99999999'])).toThrow('must be of at most 2^31 elements');
    expect(() => parseShapes([`x=${'9'.repeat(400)}`])).toThrow('must be of at most 2^31 elements');
    expect(() => parseShapes(['x=1', 'x=2'])).toThrow('--shape x=2: must be given once for each input');
  });

  test('throws nothing but a Failure', () =>
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.stringMatching(/^[a-c]?=?[0-9x]*$/))), flags => {
        try {
          parseShapes(flags);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
    ));
});

describe('applyShapes', () => {
  test('replaces free dims of the named input and leaves the others', () => {
    const specs = applyShapes([x, mask], new Map([['x', [2, 3, 8, 9]]]));
    expect(specs).toEqual([{ ...x, dims: [2, 3, 8, 9] }, mask]);
    expect(specs[1]).toBe(mask);
  });

  test('dims alone go to the only input', () => {
    expect(applyShapes([x], new Map([['', [1, 3, 8, 8]]]))[0]!.dims).toEqual([1, 3, 8, 8]);
  });

  test.each<[InputSpec[], string, string]>([
    [[x, mask], 'y=1', "--shape y=1: must name one of the inputs 'x', 'mask'"],
    [[x, mask], '1x3', "--shape 1x3: must name one of the inputs 'x', 'mask', as in x=1x3, got no name"],
    [[x], 'x=1x3', "--shape: input 'x' takes [N, 3, ?, width], got [1, 3]"],
    [[x], 'x=1x4x5x6', "--shape: input 'x' takes [N, 3, ?, width], got [1, 4, 5, 6]"],
  ])('refuses %#', (specs, flag, message) => {
    expect(() => applyShapes(specs, parseShapes([flag]))).toThrow(message);
  });
});
