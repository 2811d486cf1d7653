import { isStandard, subgraphs } from '../onnx/attributes.js';
import { inputSpecs, type Model } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { indexGraph, readsOf, type Scope } from '../onnx/scope.js';
import { runOnZeros } from '../onnx/shapes.js';
import type { TensorData } from '../onnx/tensor-data.js';

/** Operators that give the same whatever the numbers of their input are, once its dimensions are given. */
const ofDimensions = new Set(['Shape', 'Size']);
const drawing = new Set([
  'Bernoulli',
  'Dropout',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

const isFixed = (node: NodeProto, varying: ReadonlySet<string>): boolean =>
  isStandard(node) &&
  !drawing.has(node.opType) &&
  subgraphs(node).length === 0 &&
  (ofDimensions.has(node.opType) || !readsOf(node).some(name => varying.has(name)));

/** Values that depend on the numbers that are fed, or on chance. */
function varyingValues(model: Model, { nodes }: Scope): Set<string> {
  const varying = new Set(inputSpecs(model).map(({ name }) => name));
  for (const node of nodes) if (!isFixed(node, varying)) for (const name of node.output) varying.add(name);
  return varying;
}

/** Types whose elements ONNX Runtime gives as their numbers. */
const plain = new Set<TensorData['type']>(['bool', 'float32', 'float64', 'int32', 'int64']);

/**
 * The numbers of those of `values` that follow from constants and dimensions alone, for inputs of the given dimensions: ONNX Runtime computes them. Others are
 * left out.
 */
export async function fixedNumbers(
  model: Model,
  dims: Readonly<Record<string, readonly number[]>>,
  values: readonly string[],
  options: SessionOptions,
): Promise<Map<string, number[]>> {
  const scope = indexGraph(model);
  const varying = varyingValues(model, scope);
  const fixed = values.filter(value => scope.producer.has(value) && !varying.has(value));
  if (fixed.length === 0) return new Map();
  const found = await runOnZeros(model, dims, fixed, options);
  return new Map(
    fixed.flatMap(name => {
      const { type, data } = found[name] as TensorData;
      return plain.has(type) ? [[name, Array.from(data as ArrayLike<number | bigint>, Number)] as const] : [];
    }),
  );
}
