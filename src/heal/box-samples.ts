import { boxesOf, type DeclaredInput, provableDims } from '../audit/prove/box.js';
import type { SampleSource } from '../data/batches.js';
import { syntheticSamples } from '../data/synthetic.js';
import type { Batch, InputSpec, TensorData } from '../onnx/tensor-data.js';

/**
 * Random samples whose float32 inputs are drawn uniformly from the declared ranges. Throws a Failure where a dimension besides the batch is free or the
 * ranges do not fit the inputs.
 */
export function boxSamples(
  specs: readonly InputSpec[],
  inputs: readonly DeclaredInput[],
  { samples, seed }: { readonly samples: number; readonly seed: number },
): SampleSource {
  const boxes = boxesOf(specs, provableDims(specs), Object.fromEntries(inputs.map(each => [each.name, each])));
  const source = syntheticSamples(specs, { distribution: 'uniform', samples, seed });
  const placed = (name: string, tensor: TensorData): TensorData => {
    const box = boxes.get(name);
    if (!box) return tensor;
    const [lower, upper] = [box.lower.data, box.upper.data] as [Float32Array, Float32Array];
    const data = Float32Array.from(tensor.data as Float32Array, (share, at) => {
      const place = at % lower.length;
      // In float64, so that rounding to float32 does not leave the box.
      return (1 - share) * (lower[place] as number) + share * (upper[place] as number);
    });
    return { ...tensor, data };
  };
  async function* batches(): AsyncGenerator<Batch> {
    for await (const { feeds, samples: count } of source.batches())
      yield {
        feeds: Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, placed(name, tensor)])),
        samples: count,
      };
  }
  return {
    ...source,
    description: `${samples} random samples, uniform in the declared range, seed ${seed}`,
    batches,
  };
}
