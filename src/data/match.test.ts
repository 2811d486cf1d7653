import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import type { ElementType, InputSpec } from '../onnx/tensor-data.js';
import { type ArrayHeader, elementsPerSample, formatDims, matchArrays, toInputTensor } from './match.js';

const spec = (name: string, dims: InputSpec['dims'], type: ElementType = 'float32'): InputSpec => ({
  name,
  type,
  dims,
});
const array = (name: string, dims: number[], type: ElementType = 'float32'): ArrayHeader => ({ name, type, dims });
const image = spec('x', ['batch', 3, 224, 224]);
const failure = (specs: InputSpec[], arrays: ArrayHeader[]) => {
  try {
    matchArrays(specs, arrays, '--data x.npy');
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return (error as Failure).message;
  }
  throw new Error('matched');
};

describe('matchArrays', () => {
  test('a lone array feeds the only input, whatever its name', () => {
    for (const name of ['', 'x', 'arr_0']) {
      const match = matchArrays([image], [array(name, [50, 3, 224, 224])], 'x.npy');
      expect(match.samples).toBe(50);
      expect(match.inputs[0]!.role).toBe('samples');
    }
  });

  test('arrays go to the inputs of their names, others are left out', () => {
    const specs = [spec('a', [null, 2]), spec('b', ['n'])];
    const match = matchArrays(specs, [array('y', [9]), array('b', [5]), array('a', [5, 2])], 'x.npz');
    expect(match.inputs.map(({ input, array }) => `${input.name}=${array.name}`)).toEqual(['a=a', 'b=b']);
    expect(match.samples).toBe(5);
    expect(elementsPerSample(match)).toBe(3);
  });

  test('a fixed batch axis takes any number of samples', () => {
    expect(matchArrays([spec('x', [4, 2])], [array('', [7, 2])], 'x').samples).toBe(7);
  });

  test('an array without the batch axis is one sample, an input without axes a constant', () => {
    const match = matchArrays([image, spec('t', [])], [array('x', [3, 224, 224]), array('t', [])], 'x');
    expect(match.inputs.map(({ role }) => role)).toEqual(['one sample', 'constant']);
    expect(match.samples).toBe(1);
    expect(elementsPerSample(match)).toBe(3 * 224 * 224 + 1);
  });

  test('free axes accept any length', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 5 }), dims => {
        const free = spec(
          'x',
          dims.map((_, axis) => (axis % 2 === 0 ? 'n' : null)),
        );
        const match = matchArrays([free], [array('', dims)], 'x');
        expect(match.samples).toBe(dims[0]);
      }),
    ));

  test.each<[string, InputSpec[], ArrayHeader[], string]>([
    [
      'missing names',
      [spec('a', [1]), spec('b', [1])],
      [array('a', [1]), array('c', [1])],
      "must hold an array for each of the inputs 'a', 'b', got arrays 'a', 'c'",
    ],
    [
      'an array without a name for two inputs',
      [spec('a', [1]), spec('b', [1])],
      [array('', [1])],
      "must say which of the inputs 'a', 'b' it feeds, as in a=file.npy, got no name",
    ],
    [
      'channels last for channels first',
      [image],
      [array('', [9, 224, 224, 3])],
      "input 'x' takes [N, 3, 224, 224], got [9, 224, 224, 3], which np.transpose(x, (0, 3, 1, 2)) would fit",
    ],
    [
      'channels first for channels last',
      [spec('x', [null, 32, 32, 3])],
      [array('', [9, 3, 32, 32])],
      "input 'x' takes [N, 32, 32, 3], got [9, 3, 32, 32], which np.transpose(x, (0, 2, 3, 1)) would fit",
    ],
    [
      'one sample, channels last',
      [image],
      [array('', [224, 224, 3])],
      "input 'x' takes [N, 3, 224, 224], got [224, 224, 3], which np.transpose(x, (2, 0, 1)) would fit",
    ],
    ['another shape', [spec('x', [1, 3, 'h', null])], [array('', [5, 4])], "input 'x' takes [1, 3, h, ?], got [5, 4]"],
    ['a scalar for an array', [image], [array('', [])], "input 'x' takes [N, 3, 224, 224], got []"],
    ['an array for a scalar', [spec('x', [])], [array('', [1])], "input 'x' takes [], got [1]"],
    [
      'pixels for floats',
      [image],
      [array('', [1, 3, 224, 224], 'uint8')],
      "input 'x' takes float32, got uint8 (convert it to float32, scaled as in training)",
    ],
    [
      'floats for integers',
      [spec('x', [1], 'int64')],
      [array('', [1], 'float64')],
      "input 'x' takes int64, got float64 (convert it to int64)",
    ],
    [
      'wider integers',
      [spec('x', [1], 'int32')],
      [array('', [1], 'int64')],
      "input 'x' takes int32, got int64 (convert it to int32)",
    ],
    ['booleans for floats', [spec('x', [1])], [array('', [1], 'bool')], "input 'x' takes float32, got bool"],
    [
      'different numbers of samples',
      [spec('a', [null]), spec('b', [null])],
      [array('a', [4]), array('b', [5])],
      "all inputs must have the same number of samples, got 4 of 'a' and 5 of 'b'",
    ],
    [
      'one sample beside several',
      [spec('a', [null]), spec('b', [null, 2])],
      [array('a', [4]), array('b', [2])],
      "got 4 of 'a' and 1 of 'b'",
    ],
  ])('refuses %s', (_, specs, arrays, message) => {
    expect(failure(specs, arrays)).toMatch(/^--data x\.npy: /);
    expect(failure(specs, arrays)).toContain(message);
  });
});

describe('toInputTensor', () => {
  const options = { first: 100, label: '--data x.npy', allowNonFinite: false };
  const match = (input: InputSpec, dims: number[], type: ElementType = 'float32') =>
    matchArrays([input], [array('', dims, type)], 'x').inputs[0]!;

  test('converts the type', () => {
    const rows = { type: 'float64' as const, dims: [1, 2], data: Float64Array.of(1.5, -0) };
    expect(toInputTensor(rows, match(spec('x', [null, 2]), [9, 2], 'float64'), options)).toEqual({
      type: 'float32',
      dims: [1, 2],
      data: Float32Array.of(1.5, -0),
    });
  });

  test('gives one sample its batch axis', () => {
    const rows = { type: 'float32' as const, dims: [2], data: Float32Array.of(1, 2) };
    expect(toInputTensor(rows, match(spec('x', [1, 2]), [2]), options).dims).toEqual([1, 2]);
  });

  test('names value, sample and input of what is not finite', () => {
    const rows = { type: 'float32' as const, dims: [3, 2], data: Float32Array.of(0, 0, 0, 0, 0, Number.NaN) };
    const input = match(spec('x', [null, 2]), [200, 2]);
    expect(() => toInputTensor(rows, input, options)).toThrow(
      "--data x.npy: values must be finite, got NaN at sample 102 of input 'x'",
    );
    expect(toInputTensor(rows, input, { ...options, allowNonFinite: true }).data).toBe(rows.data);
  });

  test('sees float64 values that overflow the input, and float16 infinities', () => {
    const wide = { type: 'float64' as const, dims: [1], data: Float64Array.of(-1e300) };
    expect(() => toInputTensor(wide, match(spec('x', [null]), [1], 'float64'), options)).toThrow('got -Infinity');
    const half = { type: 'float16' as const, dims: [1], data: Uint16Array.of(0x7c00) };
    const input = match(spec('x', [null], 'float16'), [1], 'float16');
    expect(() => toInputTensor(half, input, options)).toThrow('got Infinity at sample 100');
  });

  test('counts one sample as sample 0', () => {
    const rows = { type: 'float32' as const, dims: [3], data: Float32Array.of(0, 0, Number.NaN) };
    expect(() => toInputTensor(rows, match(spec('x', [1, 3]), [3]), { ...options, first: 0 })).toThrow(
      'at sample 0 of',
    );
  });
});

test('formatDims writes free axes as a person would', () => {
  expect(formatDims(['batch', 3, 'height', null])).toBe('[N, 3, height, ?]');
  expect(formatDims([1, 2])).toBe('[1, 2]');
  expect(formatDims([])).toBe('[]');
});
