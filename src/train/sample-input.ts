import { Failure } from '../failure.js';
import { inputSpecs, type Model } from '../onnx/model.js';
import type { TensorData } from '../onnx/tensor-data.js';
import type { Dataset } from './dataset.js';
import { elements } from './rule.js';

/** The input of a model that takes samples, and the dimensions it wants one in. */
export interface SampleInput {
  readonly name: string;
  readonly dims: readonly number[];
  /** How many samples the model declares to take at once; null where that is free. */
  readonly batch: number | null;
}

/**
 * How a model takes the samples of a dataset: in its own dimensions where it fixes them (images may go into a network of vectors), else in
 * the dataset's. Throws a Failure for models with several inputs and for samples of another size.
 */
export function sampleInput(model: Model, { name: data, inputDims }: Dataset): SampleInput {
  const [spec, ...more] = inputSpecs(model);
  if (!spec || more.length > 0)
    throw new Failure('input', `train: the model must have one input, got ${more.length + (spec ? 1 : 0)}`);
  const [first, ...rest] = spec.dims;
  const isFixed = first !== undefined && rest.every((dim): dim is number => typeof dim === 'number');
  const dims = isFixed ? (rest as number[]) : inputDims;
  if (elements(dims) !== elements(inputDims))
    throw new Failure(
      'input',
      `train: samples must have dimensions [${dims.join(', ')}] for input '${spec.name}', got [${inputDims.join(', ')}] in '${data}'`,
    );
  return { name: spec.name, dims, batch: typeof first === 'number' && first > 0 ? first : null };
}

/** The samples from one on, as a tensor for that input; beyond the last one they begin again. */
export function samplesOf(data: Dataset, { dims }: SampleInput, from: number, count: number): TensorData {
  const size = elements(dims);
  const values =
    from + count <= data.count
      ? data.inputs.subarray(from * size, (from + count) * size)
      : Float32Array.from(
          { length: count * size },
          (_, i) => data.inputs[(from * size + i) % data.inputs.length] as number,
        );
  return { type: 'float32', dims: [count, ...dims], data: values };
}
