import { isStandard, subgraphs } from '../onnx/attributes.js';
import { keepAncestors } from '../onnx/keep-ancestors.js';
import { copyModel, inputSpecs, type Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { indexGraph, readsOf, type Scope } from '../onnx/scope.js';
import { runOnZeros } from '../onnx/shapes.js';
import type { TensorData } from '../onnx/tensor-data.js';

/** Operators that give the same whatever the numbers of their input are, once its dimensions are given. */
const ofDimensions = new Set(['Shape', 'Size']);

/** Operators whose results have dimensions that the numbers of inputs decide: those from this one on. */
const sizing: Readonly<Record<string, number>> = {
  Compress: 0,
  ConstantOfShape: 0,
  Expand: 1,
  NonMaxSuppression: 0,
  NonZero: 0,
  OneHot: 1,
  Pad: 1,
  Range: 0,
  Reshape: 1,
  Resize: 1,
  Slice: 1,
  Split: 1,
  Tile: 1,
  TopK: 1,
  Unique: 0,
};

/** Operators that draw. */
const drawing = new Set([
  'Bernoulli',
  'Dropout',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/** Values that depend, in their numbers or through their dimensions, on the numbers that are fed or on chance. */
function varyingValues(model: Model, { nodes }: Scope): Set<string> {
  const varying = new Set(inputSpecs(model).map(({ name }) => name));
  const resized = new Set<string>();
  for (const node of nodes) {
    const reads = readsOf(node);
    const isSized =
      isStandard(node) && node.input.slice(sizing[node.opType] ?? node.input.length).some(name => varying.has(name));
    const isResized = isSized || reads.some(name => resized.has(name));
    const isFixed =
      isStandard(node) &&
      !drawing.has(node.opType) &&
      subgraphs(node).length === 0 &&
      (ofDimensions.has(node.opType) ? !isResized : !reads.some(name => varying.has(name)));
    for (const name of node.output) {
      if (!isFixed) varying.add(name);
      if (isResized) resized.add(name);
    }
  }
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
  const part = copyModel(model);
  keepAncestors(part, fixed);
  const found = await runOnZeros(part, dims, fixed, options);
  return new Map(
    fixed.flatMap(name => {
      const { type, data } = found[name] as TensorData;
      return plain.has(type) ? [[name, Array.from(data as ArrayLike<number | bigint>, Number)] as const] : [];
    }),
  );
}
