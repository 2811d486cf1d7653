import { create } from '@bufbuild/protobuf';
import { floatAttribute, intAttribute } from '../src/onnx/attributes.js';
import { type AttributeValue, intTensor, node, valueInfo } from '../src/onnx/build.js';
import { freshNames } from '../src/onnx/edit.js';
import { copyModel, type Model, mainGraph } from '../src/onnx/model.js';
import { DataType, type NodeProto, type TensorProto, TensorProtoSchema } from '../src/onnx/proto.js';
import { dimsOf, tensorNumbers } from '../src/onnx/tensor.js';
import { doubleForms } from './double-forms.js';

/** Appends nodes and constants in double precision. */
export interface DoubleWriter {
  op(opType: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeValue>>): string;
  tensor(dims: readonly number[], values: ArrayLike<number>): string;
  scalar(value: number): string;
  ints(values: readonly number[]): string;
  /** The numbers of an initializer. */
  constant(name: string): ArrayLike<number>;
}

function doubleTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  const rawData = new Uint8Array(Float64Array.from(values).buffer);
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: DataType.DOUBLE, rawData });
}

const widened = (tensor: TensorProto): TensorProto =>
  tensor.dataType === DataType.FLOAT
    ? doubleTensor(tensor.name, dimsOf(tensor), tensorNumbers(tensor, new Map()) as ArrayLike<number>)
    : tensor;

/**
 * The model in double precision: all float32 constants and inputs are float64, and operators without a kernel in double precision are
 * spelled with others. `asInputs` are initializers to be fed instead. `shapes` are those of the values of the given model.
 */
export function inDouble(
  original: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
  asInputs: readonly string[],
): Model {
  const model = copyModel(original);
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  const nodes: NodeProto[] = [];
  const writer: DoubleWriter = {
    op(opType, inputs, attributes) {
      const name = fresh(`double/${opType}`);
      nodes.push(node(opType, inputs, [name], attributes));
      return name;
    },
    tensor(dims, values) {
      const name = fresh('double/constant');
      graph.initializer.push(doubleTensor(name, dims, values));
      return name;
    },
    scalar: value => writer.tensor([], [value]),
    ints(values) {
      const name = fresh('double/ints');
      graph.initializer.push(intTensor(name, [values.length], values));
      return name;
    },
    constant: name =>
      tensorNumbers(graph.initializer.find(each => each.name === name) as TensorProto, new Map()) as ArrayLike<number>,
  };
  graph.initializer = graph.initializer.map(widened).filter(({ name }) => !asInputs.includes(name));
  graph.input = graph.input.filter(({ name }) => !asInputs.includes(name));
  graph.input = graph.input.map(info => {
    const isFloat = info.type?.value.case === 'tensorType' && info.type.value.value.elemType === DataType.FLOAT;
    return isFloat ? valueInfo(info.name, shapes.get(info.name), DataType.DOUBLE) : info;
  });
  for (const name of asInputs) graph.input.push(valueInfo(name, shapes.get(name), DataType.DOUBLE));
  graph.output = graph.output.map(({ name }) => valueInfo(name, undefined, DataType.DOUBLE));
  graph.valueInfo = [];
  const dims = (value: string) => shapes.get(value) as readonly number[];
  for (const each of graph.node) {
    const form = doubleForms[each.opType];
    if (form) {
      const result = form(writer, each, dims);
      nodes.push(node('Identity', [result], [each.output[0] as string]));
      continue;
    }
    for (const attribute of each.attribute) if (attribute.t) attribute.t = widened(attribute.t);
    if (each.opType === 'Constant' && each.attribute[0]?.name === 'value_float')
      each.attribute = node('Constant', [], ['c'], {
        value: doubleTensor('', [], [floatAttribute(each, 'value_float', 0)]),
      }).attribute;
    if (each.opType === 'Cast' && intAttribute(each, 'to', 0) === DataType.FLOAT)
      each.attribute = node('Cast', [], ['c'], { to: DataType.DOUBLE }).attribute;
    nodes.push(each);
  }
  graph.node = nodes;
  return model;
}
