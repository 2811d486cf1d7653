import { describe, expect, it } from 'vitest';
import { modelOf } from '../../test/models.js';
import { floatTensor, node, valueInfo } from './build.js';
import { DataType } from './proto.js';
import { fixedDims, shapesOf, zeros } from './shapes.js';

describe('zeros', () => {
  it('are of the type and size that is asked for', () => {
    expect(zeros('float16', [2, 3], 'x')).toEqual({ type: 'float16', dims: [2, 3], data: new Uint16Array(6) });
    expect(zeros('int64', [], 'x').data).toEqual(new BigInt64Array(1));
    expect(zeros('bool', [0, 4], 'x').data).toEqual(new Uint8Array(0));
  });
  it('are not made beyond what a probe may take', () => {
    expect(() => zeros('float32', [2 ** 20, 2 ** 20], 'image')).toThrow(
      "input 'image': its shape must have at most 2^28 elements, got [1048576, 1048576]",
    );
    expect(() => zeros('float32', [Number.NaN], 'x')).toThrow(/at most 2\^28/);
  });
});

it('dimensions are fixed only when all of them are numbers', () => {
  const spec = (name: string, dims: (number | string | null)[]) => ({ name, type: 'float32' as const, dims });
  expect(fixedDims([spec('a', [1, 3]), spec('b', [])])).toEqual({ a: [1, 3], b: [] });
  expect(fixedDims([spec('a', [1, 3]), spec('b', ['N'])])).toBeNull();
  expect(fixedDims([spec('a', [null])])).toBeNull();
});

describe('the shapes of values', () => {
  const model = modelOf({
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { strides: [2, 2] }),
      node('Relu', ['c'], ['h']),
      node('Flatten', ['h'], ['f']),
      node('ReduceMean', ['f'], ['y'], { keepdims: 0 }),
    ],
    initializers: [floatTensor('w', [4, 3, 1, 1], new Array(12).fill(1))],
    inputs: [valueInfo('x', ['N', 3, 'H', 'W'])],
    outputs: [valueInfo('y')],
  });

  it('follow from those of the inputs', async () => {
    const shapes = await shapesOf(model, { x: [2, 3, 8, 6] }, ['x', 'c', 'f', 'y', 'w']);
    expect(Object.fromEntries(shapes)).toEqual({
      x: [2, 3, 8, 6],
      c: [2, 4, 4, 3],
      f: [2, 48],
      y: [],
      w: [4, 3, 1, 1],
    });
  });

  it('leave the model as it is', async () => {
    const before = JSON.stringify(model.proto.graph!.output.map(({ name }) => name));
    await shapesOf(model, { x: [1, 3, 2, 2] }, ['h']);
    expect(JSON.stringify(model.proto.graph!.output.map(({ name }) => name))).toBe(before);
    expect(model.proto.graph!.node).toHaveLength(4);
  });

  it('are asked with inputs of other types too', async () => {
    const gather = modelOf({
      nodes: [node('Gather', ['table', 'ids'], ['y'])],
      initializers: [floatTensor('table', [5, 7], new Array(35).fill(0))],
      inputs: [valueInfo('ids', ['N', 'T'], DataType.INT64)],
      outputs: [valueInfo('y')],
    });
    expect((await shapesOf(gather, { ids: [2, 3] }, ['y'])).get('y')).toEqual([2, 3, 7]);
  });

  it('that do not fit are a failure with the reason', async () => {
    await expect(shapesOf(model, { x: [2, 5, 8, 6] }, ['c'])).rejects.toMatchObject({ name: 'Failure', kind: 'input' });
  });
});
