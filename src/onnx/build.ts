import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeType,
  DataType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto.js';

/**
 * A float attribute: JavaScript has one number type, ONNX has two, so floats are marked.
 *
 * @example
 * import { float, node } from 'reluminate/onnx';
 * node('Elu', ['x'], ['y'], { alpha: float(2) }).attribute[0].f; // => 2
 * // Without the mark it is an integer attribute, which has no float.
 * node('Elu', ['x'], ['y'], { alpha: 2 }).attribute[0].f; // => 0
 */
export const float = (value: number): { float: number } => ({ float: value });

/** What an attribute may be given as: integers as numbers, floats marked with `float(…)`, strings, lists, tensors and graphs. */
export type AttributeValue =
  | number
  | bigint
  | string
  | { float: number }
  | { floats: readonly number[] }
  | readonly number[]
  | readonly string[]
  | TensorProto
  | GraphProto;

const utf8 = new TextEncoder();

function attribute(name: string, value: AttributeValue): AttributeProto {
  const make = (fields: MessageInitShape<typeof AttributeProtoSchema>) =>
    create(AttributeProtoSchema, { name, ...fields });
  if (typeof value === 'number' || typeof value === 'bigint')
    return make({ type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string') return make({ type: AttributeType.STRING, s: utf8.encode(value) });
  if (Array.isArray(value)) {
    return value.length > 0 && typeof value[0] === 'string'
      ? make({ type: AttributeType.STRINGS, strings: value.map(text => utf8.encode(text as string)) })
      : make({ type: AttributeType.INTS, ints: value.map(item => BigInt(item)) });
  }
  if ('float' in value) return make({ type: AttributeType.FLOAT, f: value.float });
  if ('floats' in value) return make({ type: AttributeType.FLOATS, floats: [...value.floats] });
  if ((value as TensorProto).$typeName === 'onnx.TensorProto')
    return make({ type: AttributeType.TENSOR, t: value as TensorProto });
  return make({ type: AttributeType.GRAPH, g: value as GraphProto });
}

/**
 * A node of the standard operator set: `node('Conv', ['x', 'w'], ['y'], { group: 1 })`. It is named after its first output.
 *
 * @example
 * import { node, float } from 'reluminate/onnx';
 * const leaky = node('LeakyRelu', ['x'], ['y'], { alpha: float(0.25) });
 * leaky.opType; // => "LeakyRelu"
 * leaky.attribute[0].f; // => 0.25
 */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    input: [...input],
    output: [...output],
    name: output[0] ?? '',
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

const bytesOf = (data: ArrayBufferView<ArrayBuffer>) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * A float32 tensor with raw little-endian data; `dims` multiply to the length of `values` (a scalar has no dims).
 *
 * @example
 * import { dimsOf, floatTensor, tensorNumbers } from 'reluminate/onnx';
 * const weight = floatTensor('w', [2, 2], [1, -0.5, 0, 2]);
 * dimsOf(weight); // => [2, 2]
 * Array.from(tensorNumbers(weight, new Map())); // => [1, -0.5, 0, 2]
 */
export function floatTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  const rawData = bytesOf(Float32Array.from(values));
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: DataType.FLOAT, rawData });
}

/**
 * An int64 tensor, the type of shapes, axes and indices.
 *
 * @example
 * import { intTensor, tensorNumbers } from 'reluminate/onnx';
 * const shape = intTensor('shape', [2], [0, -1]);
 * Array.from(tensorNumbers(shape, new Map())); // => [0, -1]
 */
export function intTensor(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const rawData = bytesOf(BigInt64Array.from(values, BigInt));
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: DataType.INT64, rawData });
}

/**
 * An int32 tensor: classes, for one.
 *
 * @example
 * import { elementType, int32Tensor, tensorNumbers } from 'reluminate/onnx';
 * const classes = int32Tensor('classes', [3], [7, 0, 2]);
 * elementType(classes.dataType); // => "int32"
 * Array.from(tensorNumbers(classes, new Map())); // => [7, 0, 2]
 */
export function int32Tensor(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const rawData = bytesOf(Int32Array.from(values));
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: DataType.INT32, rawData });
}

/**
 * The declaration of a graph input or output; a string is the name of a free dimension, and without `dims` the rank stays open.
 *
 * @example
 * import { graph, inputSpecs, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Relu', ['x'], ['y'])],
 *   inputs: [valueInfo('x', ['batch', 3])],
 *   outputs: [valueInfo('y')],
 * });
 * const model = { name: 'relu', proto: modelProto(main), external: new Map(), bytes: 0 };
 * inputSpecs(model)[0]; // => { name: 'x', type: 'float32', dims: ['batch', 3] }
 */
export function valueInfo(
  name: string,
  dims?: readonly (number | string)[],
  elemType: DataType = DataType.FLOAT,
): ValueInfoProto {
  const shape = dims && {
    dim: dims.map(dim => ({
      value:
        typeof dim === 'number'
          ? ({ case: 'dimValue', value: BigInt(dim) } as const)
          : ({ case: 'dimParam', value: dim } as const),
    })),
  };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: { elemType, shape } } } });
}

/**
 * A graph from its parts, all optional but the nodes.
 *
 * @example
 * import { floatTensor, graph, node, valueInfo } from 'reluminate/onnx';
 * const layer = graph({
 *   nodes: [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
 *   inputs: [valueInfo('x', ['batch', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 1], [1, -1])],
 * });
 * layer.node.map(({ opType }) => opType); // => ["MatMul", "Relu"]
 */
export function graph(parts: {
  nodes: readonly NodeProto[];
  inputs?: readonly ValueInfoProto[];
  outputs?: readonly ValueInfoProto[];
  initializers?: readonly TensorProto[];
  name?: string;
}): GraphProto {
  return create(GraphProtoSchema, {
    name: parts.name ?? 'graph',
    node: [...parts.nodes],
    input: [...(parts.inputs ?? [])],
    output: [...(parts.outputs ?? [])],
    initializer: [...(parts.initializers ?? [])],
  });
}

/**
 * A model around a graph; the IR version is the lowest that allows initializers which are not inputs for its opset (IR 8 to opset 18, else 10).
 *
 * @example
 * import { graph, modelProto, node, openSession, valueInfo } from 'reluminate/onnx';
 * const parts = { inputs: [valueInfo('x', [2])], outputs: [valueInfo('y')] };
 * const proto = modelProto(graph({ nodes: [node('Relu', ['x'], ['y'])], ...parts }));
 * const session = await openSession({ name: 'relu', proto, external: new Map(), bytes: 0 });
 * const { y } = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(-1, 2) } });
 * Array.from(y.data); // => [0, 2]
 * await session.close();
 */
export function modelProto(main: GraphProto, opset = 17): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: opset <= 18 ? 8n : 10n,
    producerName: 'reluminate',
    graph: main,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
  });
}
