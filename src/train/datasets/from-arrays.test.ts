import { describe, expect, test } from 'vitest';
import type { TensorData, TypedArray } from '../../onnx/tensor-data.js';
import { datasetFromArrays, type NamedTensor } from './from-arrays.js';

const named = (name: string, type: TensorData['type'], dims: readonly number[], data: TypedArray): NamedTensor => ({
  name,
  type,
  dims,
  data,
});
const floats = (...values: number[]) => named('x', 'float32', [values.length / 2, 2], Float32Array.from(values));
const labels = (...values: number[]) => named('y', 'int64', [values.length], BigInt64Array.from(values, BigInt));

describe('datasetFromArrays', () => {
  test('integers are classes up to the largest', () => {
    const data = datasetFromArrays({ inputs: floats(1, 2, 3, 4, 5, 6), targets: labels(0, 2, 0) }, 'a.npz');
    expect(data).toEqual({
      name: 'a.npz',
      count: 3,
      inputs: Float32Array.of(1, 2, 3, 4, 5, 6),
      inputDims: [2],
      targets: Int32Array.of(0, 2, 0),
      classes: 3,
      outputs: 3,
    });
  });

  test('integers with more axes are classes of positions, none below 0', () => {
    const data = [0n, 4n, -1n, -100n, 0n, -(2n ** 40n)];
    const targets = named('y', 'int64', [2, 1, 3, 1], BigInt64Array.from(data));
    expect(datasetFromArrays({ inputs: floats(1, 2, 3, 4), targets }, 'a.npz')).toMatchObject({
      targets: Int32Array.of(0, 4, -1, -1, 0, -1),
      targetDims: [3],
      classes: 5,
      outputs: 5,
    });
    const mask = named('y', 'bool', [1, 2, 2], Uint8Array.of(0, 1, 1, 0));
    expect(datasetFromArrays({ inputs: floats(1, 2), targets: mask }, 'a.npz', 3)).toMatchObject({
      targets: Int32Array.of(0, 1, 1, 0),
      targetDims: [2, 2],
      classes: 3,
    });
    const column = named('y', 'uint8', [2, 1, 1], Uint8Array.of(1, 0));
    const samples = datasetFromArrays({ inputs: floats(1, 2, 3, 4), targets: column }, 'a.npz');
    expect(samples.targets).toEqual(Int32Array.of(1, 0));
    expect(samples).not.toHaveProperty('targetDims');
  });

  test('floats are numbers to be met', () => {
    const targets = named('y', 'float64', [2, 3], Float64Array.of(1, 2, 3, 4, 5, 6));
    const data = datasetFromArrays({ inputs: floats(1, 2, 3, 4), targets }, 'a.npz');
    expect(data).toMatchObject({ classes: null, outputs: 3, targets: Float32Array.of(1, 2, 3, 4, 5, 6) });
  });

  test('floats with several axes keep them', () => {
    const targets = named('y', 'float32', [2, 1, 2, 3], new Float32Array(12));
    const data = datasetFromArrays({ inputs: floats(1, 2, 3, 4), targets }, 'a.npz');
    expect(data).toMatchObject({ classes: null, outputs: 6, targetDims: [2, 3] });
  });

  test('bytes are pixels, images get a channel axis, other integers stay', () => {
    const targets = labels(0, 1);
    const pixels = named('x', 'uint8', [2, 1, 2], Uint8Array.of(0, 255, 51, 102));
    const images = datasetFromArrays({ inputs: pixels, targets }, 'a');
    expect(images.inputDims).toEqual([1, 1, 2]);
    expect(images.inputs).toEqual(Float32Array.of(0, 1, 0.2, 0.4));
    const sequences = named('x', 'int64', [2, 1, 2], BigInt64Array.of(0n, 255n, 51n, -102n));
    const data = datasetFromArrays({ inputs: sequences, targets }, 'a');
    expect(data.inputDims).toEqual([1, 2]);
    expect(data.inputs).toEqual(Float32Array.of(0, 255, 51, -102));
    const halves = named('x', 'float16', [2], Uint16Array.of(0x3c00, 0xc000));
    expect(datasetFromArrays({ inputs: halves, targets }, 'a')).toMatchObject({
      inputDims: [1],
      inputs: Float32Array.of(1, -2),
    });
  });

  const pair = { inputs: floats(1, 2, 3, 4), targets: labels(0, 1) };
  test.each<[string, Partial<typeof pair>, number | null, string]>([
    ['lengths', { targets: labels(0) }, null, "'x' and 'y' must hold as many samples, got dims [2, 2] and dims [1]"],
    [
      'NaN',
      { inputs: floats(1, 2, 3, Number.NaN) },
      null,
      "numbers in 'x' must be finite, got NaN or an infinity in sample 1",
    ],
    ['a negative class', { targets: labels(0, -1) }, null, "classes in 'y' must be from 0 to 1, got -1 in sample 1"],
    [
      'a class beyond the samples',
      { targets: labels(0, 7) },
      null,
      "classes in 'y' must be from 0 to 1, got 7 in sample 1",
    ],
    ['a class not trained on', { targets: labels(3, 0) }, 3, "classes in 'y' must be from 0 to 2, got 3 in sample 0"],
    [
      'a mask without positions',
      { targets: named('y', 'uint8', [2, 0, 2], new Uint8Array()) },
      null,
      "targets 'y' must be classes, integers [N] or [N, d1, …], or numbers, floats [N] or [N, d1, …], got uint8 of dims [2, 0, 2]",
    ],
    [
      'a class at a position that was not trained on',
      { targets: named('y', 'uint8', [2, 3], Uint8Array.of(0, 1, 2, 0, 3, 0)) },
      3,
      "classes in 'y' must be from 0 to 2, got 3 in sample 1",
    ],
    [
      'no class for a sample with only one',
      { targets: named('y', 'int8', [2, 1, 1], Int8Array.of(0, -1)) },
      null,
      "classes in 'y' must be from 0 to 1, got -1 in sample 1",
    ],
    [
      'a NaN target',
      { targets: named('y', 'float32', [2], Float32Array.of(Number.POSITIVE_INFINITY, 0)) },
      null,
      "numbers in 'y' must be finite, got NaN or an infinity in sample 0",
    ],
    [
      'no axes',
      { inputs: named('x', 'float32', [], Float32Array.of(1)) },
      null,
      "'x' and 'y' must hold as many samples",
    ],
  ])('refuses %s', (_, change, classes, message) => {
    expect(() => datasetFromArrays({ ...pair, ...change }, 'a.npz', classes)).toThrow(`dataset 'a.npz': ${message}`);
  });
});
