import { type Model, mainGraph, tensorsOf } from '../onnx/model.js';
import { DataType, type TensorProto } from '../onnx/proto.js';
import { allScopes, nodeName, type Scope } from '../onnx/scope.js';
import { tensorNumbers } from '../onnx/tensor.js';

/** The smallest normal float32: below it numbers are subnormal. */
export const smallestNormal = 2 ** -126;
/** Weights below this are lost in any sum with weights that matter, and are what `flush` sets to zero. */
export const tinyWeight = 1e-12;

/** What an initializer or Constant holds besides ordinary numbers. */
export interface WeightCensus {
  readonly name: string;
  /** The first node that reads it. */
  readonly node: string;
  readonly subnormal: number;
  readonly tiny: number;
  readonly nonFinite: number;
}

/** float32 tensors of a model that hold weights, by the value name under which nodes read them. */
function* weightTensors(scopes: readonly Scope[]): Generator<{ name: string; tensor: TensorProto; scope: Scope }> {
  for (const scope of scopes) {
    for (const tensor of scope.graph.initializer) yield { name: tensor.name, tensor, scope };
    for (const node of scope.nodes) {
      const tensor = node.opType === 'Constant' ? node.attribute.find(attribute => attribute.t)?.t : undefined;
      if (tensor) yield { name: node.output[0] as string, tensor, scope };
    }
  }
}

const isFloat = ({ dataType }: TensorProto) =>
  dataType === DataType.FLOAT ||
  dataType === DataType.DOUBLE ||
  dataType === DataType.FLOAT16 ||
  dataType === DataType.BFLOAT16;

/**
 * Counts subnormal, tiny and non-finite weights, tensor by tensor; tensors without any are left out. A single number is no weight: it may
 * be the 1e-12 that keeps a division from 0, or an infinite bound. Only NaN is counted of those.
 */
export function takeCensus(model: Model, scope: Scope): WeightCensus[] {
  return [...weightTensors(allScopes(scope))].flatMap(({ name, tensor, scope: owner }) => {
    const values = isFloat(tensor) ? tensorNumbers(tensor, model.external) : null;
    if (!values) return [];
    let subnormal = 0;
    let tiny = 0;
    let nonFinite = 0;
    for (let at = 0; at < values.length; at++) {
      const size = Math.abs(values[at] as number);
      if (values.length === 1 && !Number.isNaN(size)) continue;
      if (size < tinyWeight) {
        if (size === 0) continue;
        tiny++;
        if (size < smallestNormal) subnormal++;
      } else if (!(size < Infinity)) nonFinite++;
    }
    if (tiny === 0 && nonFinite === 0) return [];
    const reader = owner.consumers.get(name)?.[0];
    return [{ name, node: reader ? nodeName(reader) : '', subnormal, tiny, nonFinite }];
  });
}

/** Number of trainable-looking parameters: elements of all float initializers and Constants with more than one element. */
export function countParameters(model: Model): number {
  let count = 0;
  for (const tensor of tensorsOf(model.proto)) {
    const elements = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
    if (isFloat(tensor) && elements > 1) count += elements;
  }
  return count;
}

/** A float32 tensor with every tiny weight set to zero (signed zeros kept), in place. Values in a typed field or beside the model become raw data. */
function flushTensor(tensor: TensorProto, model: Model): void {
  const values = Float32Array.from(tensorNumbers(tensor, model.external) as Float32Array, value =>
    Math.abs(value) < tinyWeight ? 0 * value : value,
  );
  tensor.rawData = new Uint8Array(values.buffer);
  tensor.floatData = [];
  tensor.externalData = [];
  tensor.dataLocation = 0;
}

/** Sets every float32 weight below 1e-12 to zero, in place; the model should be a copy. */
export function flushTinyWeights(model: Model, names: ReadonlySet<string>): void {
  const graph = mainGraph(model);
  for (const tensor of graph.initializer)
    if (names.has(tensor.name) && tensor.dataType === DataType.FLOAT) flushTensor(tensor, model);
  for (const node of graph.node) {
    if (node.opType !== 'Constant' || !names.has(node.output[0] ?? '')) continue;
    for (const { t } of node.attribute) if (t && t.dataType === DataType.FLOAT) flushTensor(t, model);
  }
}
