import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { type AttributeValue, float, floatTensor, graph, intTensor, node, valueInfo } from './build.js';
import { type Constant, constantLookup } from './constants.js';
import { type Model, mainGraph } from './model.js';
import { DataType, type NodeProto, type TensorProto } from './proto.js';
import { indexGraph } from './scope.js';
import type { TensorData } from './tensor-data.js';

const w = (dims: readonly number[] = [2, 3]): TensorProto =>
  floatTensor(
    'w',
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => at - 2.5),
  );

const axes = (...values: number[]) => intTensor('axes', [values.length], values);

/** The value `y` of a graph of constants alone, as the lookup finds it. */
function found(nodes: readonly NodeProto[], initializers: readonly TensorProto[] = [w()], opset = 17): Constant | null {
  return constantLookup(new Map())(indexGraph(modelOf({ nodes, initializers }, opset)), 'y');
}

/** The same value as ONNX Runtime computes it. An input that is not used keeps it from being a graph without inputs. */
async function computed(
  nodes: readonly NodeProto[],
  initializers: readonly TensorProto[] = [w()],
  opset = 17,
): Promise<TensorData> {
  const model: Model = modelOf(
    { nodes, initializers, inputs: [valueInfo('x', [1])], outputs: [valueInfo('y')] },
    opset,
  );
  mainGraph(model).output[0]!.type = undefined;
  return (await runOnce(model, { x: tensor([1], [0]) })).y as TensorData;
}

describe('a constant is followed', () => {
  test.each<[string, NodeProto[], TensorProto[], number?]>([
    ['an Identity', [node('Identity', ['w'], ['y'])], [w()]],
    ['a Neg', [node('Neg', ['w'], ['y'])], [w()]],
    ['a Cast between floats', [node('Cast', ['w'], ['y'], { to: DataType.DOUBLE })], [w()]],
    ['a Cast of whole numbers', [node('Cast', ['axes'], ['y'], { to: DataType.FLOAT })], [axes(1, -2)]],
    ['a Transpose of a matrix', [node('Transpose', ['w'], ['y'], { perm: [1, 0] })], [w()]],
    ['a Transpose without perm', [node('Transpose', ['w'], ['y'])], [w()]],
    ['a Reshape', [node('Reshape', ['w', 'axes'], ['y'])], [w(), axes(3, 2)]],
    ['a Reshape that copies and infers', [node('Reshape', ['w', 'axes'], ['y'])], [w([2, 3, 2]), axes(0, -1)]],
    ['a Flatten', [node('Flatten', ['w'], ['y'])], [w([2, 3, 2])]],
    ['a Flatten from the end', [node('Flatten', ['w'], ['y'], { axis: -1 })], [w([2, 3, 2])]],
    ['a Flatten of nothing', [node('Flatten', ['w'], ['y'], { axis: 0 })], [w([2, 3, 2])]],
    ['a Squeeze of named axes', [node('Squeeze', ['w', 'axes'], ['y'])], [w([1, 3, 1]), axes(-1)]],
    ['a Squeeze of all axes', [node('Squeeze', ['w'], ['y'])], [w([1, 3, 1])]],
    ['a Squeeze before opset 13', [node('Squeeze', ['w'], ['y'], { axes: [0] })], [w([1, 3, 1])], 11],
    ['an Unsqueeze', [node('Unsqueeze', ['w', 'axes'], ['y'])], [w(), axes(0, -1)]],
    ['an Unsqueeze in any order', [node('Unsqueeze', ['w', 'axes'], ['y'])], [w(), axes(3, 1)]],
    ['an Unsqueeze before opset 13', [node('Unsqueeze', ['w'], ['y'], { axes: [1] })], [w()], 11],
    ['a chain', [node('Neg', ['w'], ['a']), node('Transpose', ['a'], ['b']), node('Identity', ['b'], ['y'])], [w()]],
  ])('through %s, to what ONNX Runtime computes', async (_, nodes, initializers, opset) => {
    const constant = found(nodes, initializers, opset);
    const { dims, data } = await computed(nodes, initializers, opset);
    expect(constant?.dims).toEqual([...dims]);
    expect(Array.from(constant!.data)).toEqual(Array.from(data as Float32Array, Number));
    expect(['w', 'axes']).toContain(constant!.source);
  });

  test.each<[string, Record<string, AttributeValue>, number[], number[]]>([
    ['value', { value: floatTensor('', [2], [1, 2]) }, [2], [1, 2]],
    ['value_float', { value_float: float(0.5) }, [], [0.5]],
    ['value_floats', { value_floats: { floats: [0.5, 2] } }, [2], [0.5, 2]],
    ['value_int', { value_int: -3 }, [], [-3]],
    ['value_ints', { value_ints: [4, 5] }, [2], [4, 5]],
  ])('from a Constant with %s', (_, attributes, dims, values) => {
    const constant = found([node('Constant', [], ['y'], attributes)]);
    expect(constant?.dims).toEqual(dims);
    expect([...constant!.data]).toEqual(values);
  });

  test('into subgraphs, where an input of the body hides one of the same name outside', () => {
    const body = graph({
      nodes: [node('Neg', ['k'], ['n']), node('Neg', ['w'], ['m'])],
      inputs: [valueInfo('k')],
      outputs: [valueInfo('n')],
    });
    const model = modelOf({
      nodes: [node('Identity', ['w'], ['k']), node('Scan', ['x'], ['y'], { body })],
      initializers: [w()],
    });
    const scope = indexGraph(model);
    const lookup = constantLookup(new Map());
    const [inner] = scope.children;
    expect(lookup(scope, 'k')?.data).toHaveLength(6);
    expect(lookup(inner!.scope, 'k')).toBeNull();
    expect(lookup(inner!.scope, 'n')).toBeNull();
    expect(lookup(inner!.scope, 'm')?.data[0]).toBe(2.5);
  });

  test('and remembered: the same array for each reader', () => {
    const scope = indexGraph(modelOf({ nodes: [node('Identity', ['w'], ['y'])], initializers: [w()] }));
    const lookup = constantLookup(new Map());
    expect(lookup(scope, 'y')?.data).toBe(lookup(scope, 'w')?.data);
  });

  test('along a chain of fifty thousand nodes', () => {
    const chain = Array.from({ length: 50_000 }, (_, at) =>
      node('Identity', [at === 0 ? 'w' : `v${at}`], [at === 49_999 ? 'y' : `v${at + 1}`]),
    );
    expect(found(chain)?.data).toHaveLength(6);
  });
});

describe('nothing is claimed', () => {
  test.each<[string, NodeProto[], TensorProto[]]>([
    ['a Cast that rounds', [node('Cast', ['w'], ['y'], { to: DataType.INT64 })], [w()]],
    ['a Cast to bool', [node('Cast', ['axes'], ['y'], { to: DataType.BOOL })], [axes(2)]],
    ['a Cast to nothing', [node('Cast', ['w'], ['y'])], [w()]],
    ['a Transpose of more axes', [node('Transpose', ['w'], ['y'], { perm: [1, 0, 2] })], [w([1, 2, 3])]],
    ['a Transpose that repeats an axis', [node('Transpose', ['w'], ['y'], { perm: [1, 0, 0] })], [w()]],
    ['a Transpose that changes nothing', [node('Transpose', ['w'], ['y'], { perm: [0, 1] })], [w()]],
    ['a Reshape to another size', [node('Reshape', ['w', 'axes'], ['y'])], [w(), axes(4, 2)]],
    ['a Reshape that does not come out', [node('Reshape', ['w', 'axes'], ['y'])], [w(), axes(4, -1)]],
    ['a Reshape with two unknowns', [node('Reshape', ['w', 'axes'], ['y'])], [w(), axes(-1, -1)]],
    ['a Reshape to negative sizes', [node('Reshape', ['w', 'axes'], ['y'])], [w(), axes(-2, -3)]],
    [
      'a Reshape to a thousand axes',
      [node('Reshape', ['w', 'axes'], ['y'])],
      [w(), axes(...new Array(1000).fill(1), 6)],
    ],
    ['a Reshape without a shape', [node('Reshape', ['w'], ['y'])], [w()]],
    ['a Squeeze of an axis that is not 1', [node('Squeeze', ['w', 'axes'], ['y'])], [w(), axes(0)]],
    ['a Squeeze beyond the rank', [node('Squeeze', ['w', 'axes'], ['y'])], [w([1, 6]), axes(2)]],
    ['a Squeeze of one axis twice', [node('Squeeze', ['w', 'axes'], ['y'])], [w([1, 6]), axes(0, -2)]],
    ['an Unsqueeze beyond the rank', [node('Unsqueeze', ['w', 'axes'], ['y'])], [w(), axes(9)]],
    ['an Unsqueeze of one axis twice', [node('Unsqueeze', ['w', 'axes'], ['y'])], [w(), axes(0, 0)]],
    ['an Unsqueeze without axes', [node('Unsqueeze', ['w'], ['y'])], [w()]],
    ['a node without inputs', [node('Identity', [], ['y'])], []],
    ['an operator of another domain', [{ ...node('Neg', ['w'], ['y']), domain: 'other' }], [w()]],
    ['a Constant of another domain', [{ ...node('Constant', [], ['y'], { value_int: 1 }), domain: 'other' }], []],
    ['a Constant of a string', [node('Constant', [], ['y'], { value_string: 'a' })], []],
    ['a Constant of nothing', [node('Constant', [], ['y'])], []],
    ['a sum', [node('Add', ['w', 'w'], ['y'])], [w()]],
    ['a graph input', [node('Identity', ['x'], ['y'])], []],
  ])('of %s', (_, nodes, initializers) => expect(found(nodes, initializers)).toBeNull());

  test('of a value without a name, even if an initializer has none either', () => {
    expect(
      constantLookup(new Map())(indexGraph(modelOf({ nodes: [], initializers: [floatTensor('', [1], [1])] })), ''),
    ).toBeNull();
  });

  test('of copies beyond what memory should hold: negating one weight again and again', () => {
    const big = floatTensor('w', [2 ** 22], new Float32Array(2 ** 22));
    const nodes = Array.from({ length: 40 }, (_, at) => node('Neg', ['w'], [at === 39 ? 'y' : `v${at}`]));
    const scope = indexGraph(modelOf({ nodes, initializers: [big] }));
    const lookup = constantLookup(new Map());
    expect(lookup(scope, 'v0')?.data).toHaveLength(2 ** 22);
    expect(lookup(scope, 'y')).toBeNull();
  });
});

test('dimensions always multiply to the number of elements, whatever shape is asked for', () => {
  const small = fc.integer({ min: -3, max: 6 });
  fc.assert(
    fc.property(
      fc.constantFrom('Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Transpose'),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }),
      fc.array(small, { maxLength: 4 }),
      (op, dims, target) => {
        const constant = found(
          [node(op, ['w', 'axes'], ['y'], { perm: target, axis: target[0] ?? 1 })],
          [w(dims), axes(...target)],
        );
        if (constant) expect(constant.dims.reduce((a, b) => a * b, 1)).toBe(constant.data.length);
      },
    ),
  );
});
