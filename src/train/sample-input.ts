import { Failure } from '../failure.js';
import { inputSpecs, type Model } from '../onnx/model.js';
import type { TensorData } from '../onnx/tensor-data.js';
import type { Dataset } from './dataset.js';

/** The input of a model that takes samples, and the dimensions it wants one in. */
export interface SampleInput {
  readonly name: string;
  readonly dims: readonly number[];
}

const elements = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * How a model takes the samples of a dataset: in its own dimensions where it fixes them (images may go into a network of vectors), else in
 * the dataset's. Throws a Failure for models with several inputs and for samples of another size.
 */
export function sampleInput(model: Model, { name: data, inputDims }: Dataset): SampleInput {
  const [spec, ...more] = inputSpecs(model);
  if (!spec || more.length > 0)
    throw new Failure('input', `train: the model must have one input, got ${more.length + (spec ? 1 : 0)}`);
  const rest = spec.dims.slice(1);
  const isFixed = spec.dims.length > 0 && rest.every((dim): dim is number => typeof dim === 'number');
  const dims = isFixed ? (rest as number[]) : inputDims;
  if (elements(dims) !== elements(inputDims))
    throw new Failure(
      'input',
      `train: samples must have dimensions [${dims.join(', ')}] for input '${spec.name}', got [${inputDims.join(', ')}] in '${data}'`,
    );
  return { name: spec.name, dims };
}

/** The samples from one on, as a tensor for that input. */
export function samplesOf(data: Dataset, { dims }: SampleInput, from: number, count: number): TensorData {
  const size = elements(dims);
  const values = data.inputs.subarray(from * size, (from + count) * size);
  return { type: 'float32', dims: [count, ...dims], data: values };
}
