import { describe, expect, it } from 'vitest';
import { runOnce, tensor } from '../../test/models.js';
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  subgraphs,
  tensorAttribute,
} from './attributes.js';
import { float, floatTensor, graph, intTensor, modelProto, node, valueInfo } from './build.js';
import { inputSpecs, readModel, writeModel } from './model.js';
import { AttributeType, DataType } from './proto.js';
import { tensorNumbers } from './tensor.js';

describe('a node', () => {
  const body = graph({ nodes: [node('Identity', ['a'], ['b'])], outputs: [valueInfo('b')] });
  const value = floatTensor('t', [2], [1, 2]);
  const built = node('Op', ['x', ''], ['y', 'z'], {
    int: -3,
    big: 2n ** 60n,
    float: float(0.1),
    floats: { floats: [0.5, -1] },
    ints: [1, -2],
    none: [],
    text: 'säge',
    texts: ['a', 'b'],
    value,
    body,
  });

  it('is named after its first output and keeps empty inputs', () => {
    expect([built.name, built.opType, built.input, built.output]).toEqual(['y', 'Op', ['x', ''], ['y', 'z']]);
  });

  it('has attributes of the types that were given, and they read back', () => {
    const types = Object.fromEntries(built.attribute.map(({ name, type }) => [name, type]));
    expect(types).toEqual({
      int: AttributeType.INT,
      big: AttributeType.INT,
      float: AttributeType.FLOAT,
      floats: AttributeType.FLOATS,
      ints: AttributeType.INTS,
      none: AttributeType.INTS,
      text: AttributeType.STRING,
      texts: AttributeType.STRINGS,
      value: AttributeType.TENSOR,
      body: AttributeType.GRAPH,
    });
    expect(intAttribute(built, 'int', 0)).toBe(-3);
    expect(intAttribute(built, 'big', 0)).toBe(2 ** 60);
    expect(floatAttribute(built, 'float', 0)).toBe(0.1);
    expect(intsAttribute(built, 'ints')).toEqual([1, -2]);
    expect(intsAttribute(built, 'none')).toEqual([]);
    expect(stringAttribute(built, 'text', '')).toBe('säge');
    expect(tensorAttribute(built, 'value')).toBe(value);
    expect(subgraphs(built)).toEqual([{ name: 'body', graph: body }]);
  });

  it('without an attribute gives the fallback', () => {
    expect(intAttribute(built, 'missing', 7)).toBe(7);
    expect(floatAttribute(built, 'missing', 0.5)).toBe(0.5);
    expect(stringAttribute(built, 'missing', 'NOTSET')).toBe('NOTSET');
    expect([intsAttribute(built, 'missing'), tensorAttribute(built, 'missing')]).toEqual([null, null]);
  });
});

describe('tensors', () => {
  it('hold float32 and int64 numbers', () => {
    expect(Array.from(tensorNumbers(floatTensor('f', [3], [0.1, -0, 1e-40]), new Map())!)).toEqual(
      Array.from(Float32Array.of(0.1, -0, 1e-40)),
    );
    expect(Array.from(tensorNumbers(intTensor('i', [2], [-1, 2 ** 40]), new Map())!)).toEqual([-1, 2 ** 40]);
  });
  it('without dims are scalars', () => {
    expect(floatTensor('f', [], [1]).dims).toEqual([]);
  });
});

describe('a declaration', () => {
  const specsOf = (...inputs: ReturnType<typeof valueInfo>[]) => {
    const proto = modelProto(graph({ nodes: [node('Identity', ['x'], ['y'])], inputs, outputs: [valueInfo('y')] }));
    return inputSpecs(readModel(writeModel({ name: 'm', proto, external: new Map(), bytes: 0 })));
  };
  it('has fixed and free dimensions', () => {
    expect(specsOf(valueInfo('x', ['N', 3]))).toEqual([{ name: 'x', type: 'float32', dims: ['N', 3] }]);
  });
  it('has the element type that is given, and no dimensions where none are', () => {
    expect(specsOf(valueInfo('x', undefined, DataType.INT64))).toEqual([{ name: 'x', type: 'int64', dims: [] }]);
  });
});

it('a model runs at the lowest and the highest operator set', async () => {
  for (const opset of [7, 13, 21]) {
    const main = graph({
      nodes: [node('LeakyRelu', ['x'], ['y'], { alpha: float(0.5) })],
      inputs: [valueInfo('x', ['N'])],
      outputs: [valueInfo('y')],
    });
    const model = readModel(writeModel({ name: 'm', proto: modelProto(main, opset), external: new Map(), bytes: 0 }));
    const { y } = await runOnce(model, { x: tensor([2], [-1, 2]) });
    expect(Array.from(y!.data as Float32Array)).toEqual([-0.5, 2]);
  }
});
