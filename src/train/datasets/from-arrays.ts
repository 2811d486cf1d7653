import { decodeFloat16, findNonFinite, isFloat } from '../../data/elements.js';
import { Failure } from '../../failure.js';
import type { TensorData } from '../../onnx/tensor-data.js';
import type { Dataset } from '../dataset.js';
import { elements, longAxes } from '../rule.js';

/** A tensor with the name it has in its file. */
export interface NamedTensor extends TensorData {
  readonly name: string;
}

/** Inputs and targets of the same samples, along axis 0. */
export interface ArrayPair {
  readonly inputs: NamedTensor;
  readonly targets: NamedTensor;
}

const fail = (label: string, must: string, got: string | number) =>
  new Failure('input', `dataset '${label}': ${must}, got ${got}`);
const formatDims = (dims: readonly number[]) => `dims [${dims.join(', ')}]`;

/** The numbers of a tensor in float32; bytes, which are pixels, from 0 to 1. Throws a Failure that names the sample of a NaN or an infinity. */
function floatsOf(tensor: NamedTensor, label: string): Float32Array {
  const at = findNonFinite(tensor);
  if (at >= 0) {
    const row = Math.floor(at / (tensor.data.length / (tensor.dims[0] as number)));
    throw fail(label, `numbers in '${tensor.name}' must be finite`, `NaN or an infinity in sample ${row}`);
  }
  if (tensor.type === 'float16') return decodeFloat16(tensor.data as Uint16Array);
  const { data } = tensor;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return Float32Array.from(data as BigInt64Array, Number);
  if (tensor.type === 'uint8') return Float32Array.from(data, value => value / 255);
  return Float32Array.from(data);
}

/** Images without a channel axis get one. */
function inputDimsOf({ type, dims }: TensorData): number[] {
  const inner = dims.slice(1);
  if (inner.length === 0) return [1];
  return type === 'uint8' && inner.length === 2 ? [1, ...inner] : inner;
}

/**
 * Whole numbers as classes of samples or of their positions, which must lie below `classes`, or, where that is not known, below their number. Positions below 0
 * have none, which is -1 in the result.
 */
function labelsOf(
  { name, dims, data }: NamedTensor,
  label: string,
  classes: number | null,
): Pick<Dataset, 'targets' | 'targetDims' | 'outputs'> & { classes: number } {
  const targetDims = longAxes(dims.slice(1));
  const positions = elements(targetDims);
  const limit = classes ?? Math.max(2, data.length);
  let largest = 1;
  const targets = new Int32Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const value = Number(data[at]);
    if ((value < 0 && positions === 1) || value >= limit) {
      const sample = Math.floor(at / positions);
      throw fail(label, `classes in '${name}' must be from 0 to ${limit - 1}`, `${value} in sample ${sample}`);
    }
    largest = Math.max(largest, value);
    targets[at] = Math.max(-1, value);
  }
  const found = classes ?? largest + 1;
  return { targets, ...(positions > 1 && { targetDims }), classes: found, outputs: found };
}

/**
 * A dataset from two arrays that share axis 0. Integer targets, [N] or [N, 1], are classes, as many as the largest of them says or as
 * `classes` says; [N, d1, …] are classes of the positions of each sample, none where they are below 0; floats, [N] or [N, d1, …], are numbers to be met. Bytes as
 * inputs are pixels: they are divided by 255, and [N, H, W] becomes [N, 1, H, W]. Throws a Failure that names file, array and sample for lengths that differ,
 * classes out of range and numbers that are not finite.
 */
export function datasetFromArrays(
  { inputs, targets }: ArrayPair,
  label: string,
  classes: number | null = null,
): Dataset {
  const count = inputs.dims[0];
  if (count === undefined || targets.dims[0] !== count)
    throw fail(
      label,
      `'${inputs.name}' and '${targets.name}' must hold as many samples`,
      `${formatDims(inputs.dims)} and ${formatDims(targets.dims)}`,
    );
  const shared = { name: label, count, inputs: floatsOf(inputs, label), inputDims: inputDimsOf(inputs) };
  const isLabels = !isFloat(targets.type);
  const width = targets.data.length / count;
  if (!(width >= 1))
    throw fail(
      label,
      `targets '${targets.name}' must be classes, integers [N] or [N, d1, …], or numbers, floats [N] or [N, d1, …]`,
      `${targets.type} of ${formatDims(targets.dims)}`,
    );
  if (isLabels) return { ...shared, ...labelsOf(targets, label, classes) };
  const targetDims = longAxes(targets.dims.slice(1));
  const several = targetDims.length > 1 && { targetDims };
  return { ...shared, targets: floatsOf(targets, label), ...several, classes: null, outputs: width };
}
