import { Failure } from '../failure.js';
import type { ElementType, InputSpec, TensorData, TypedArray } from '../onnx/tensor-data.js';
import { createRandom, type Random } from '../random.js';
import { chooseBatching, readBatches, type SampleReader, type SampleSource } from './batches.js';
import { convertElements, elementTypes, isFloat } from './elements.js';
import { formatDims } from './match.js';

export interface SyntheticOptions {
  /** Of float inputs: `normal` with mean 0 and variance 1, or `uniform` from 0 to 1. */
  readonly distribution: 'normal' | 'uniform';
  /** How many samples, 1 or more. */
  readonly samples: number;
  /** The same seed gives the same samples, whatever the batch size. */
  readonly seed: number;
  /** Samples in a batch where the model leaves that free; by default what makes two million elements, at most 64. */
  readonly batch?: number | undefined;
}

/**
 * Random samples for a model's inputs. Floats follow the distribution; integers and booleans are 0 or 1 with equal
 * chance, which any vocabulary or class count holds. Throws a Failure (`usage`) where an axis other than the first is free.
 *
 * @example
 * import { syntheticSamples } from 'reluminate/data';
 * const inputs = [{ name: 'x', type: 'float32', dims: ['batch', 3, 32, 32] }];
 * const source = syntheticSamples(inputs, { distribution: 'normal', samples: 100, seed: 1 });
 * const sizes = [];
 * for await (const batch of source.batches()) sizes.push(batch.samples);
 * sizes; // => [64, 36]
 */
export function syntheticSamples(specs: readonly InputSpec[], options: SyntheticOptions): SampleSource {
  const { distribution, samples, seed } = options;
  for (const spec of specs) checkFixed(spec);
  const perSample = specs.reduce((sum, spec) => sum + sampleLength(spec), 0);
  const batching = chooseBatching(specs, perSample, options);
  return {
    description: `${samples} random samples, ${distribution}, seed ${seed}`,
    kind: 'synthetic',
    total: samples,
    batches: () => readBatches(randomReader(specs, samples, distribution, createRandom(seed)), batching),
  };
}

function randomReader(
  specs: readonly InputSpec[],
  samples: number,
  distribution: SyntheticOptions['distribution'],
  random: Random,
): SampleReader {
  const draw = (type: ElementType) => {
    if (!isFloat(type)) return random.integer(2);
    return distribution === 'normal' ? random.normal() : random.uniform();
  };
  const constants = specs.filter(isConstant).map(spec => toFeed(spec, [], Float64Array.of(draw(spec.type))));
  const varying = specs.filter(spec => !isConstant(spec));
  let left = samples;
  return {
    async next(count) {
      const rows = Math.min(count, left);
      if (rows === 0) return null;
      left -= rows;
      const values = varying.map(spec => new Float64Array(rows * sampleLength(spec)));
      // Sample by sample, so that the numbers do not depend on how samples are cut into batches.
      for (let row = 0; row < rows; row++)
        for (const [index, spec] of varying.entries()) {
          const length = sampleLength(spec);
          for (let i = row * length; i < (row + 1) * length; i++) values[index]![i] = draw(spec.type);
        }
      const feeds = varying.map((spec, index) => toFeed(spec, [rows, ...innerDims(spec)], values[index]!));
      return Object.fromEntries([...constants, ...feeds]);
    },
    async close() {},
  };
}

function checkFixed(spec: InputSpec): void {
  if (spec.dims.slice(1).every(dim => typeof dim === 'number')) return;
  throw new Failure(
    'usage',
    `--shape: must fix the free axes of input '${spec.name}', as in ${spec.name}=1x3x224x224, got ${formatDims(spec.dims)}`,
  );
}

function isConstant(spec: InputSpec): boolean {
  return spec.dims.length === 0;
}

function innerDims(spec: InputSpec): number[] {
  return spec.dims.slice(1) as number[];
}

function sampleLength(spec: InputSpec): number {
  return innerDims(spec).reduce((product, dim) => product * dim, 1);
}

function toFeed({ name, type }: InputSpec, dims: readonly number[], values: Float64Array): [string, TensorData] {
  if (isFloat(type)) return [name, convertElements({ type: 'float64', dims, data: values }, type)];
  return [name, { type, dims, data: toIntegers(values, type) }];
}

function toIntegers(values: Float64Array, type: ElementType): TypedArray {
  if (type === 'int64') return BigInt64Array.from(values, BigInt as (value: unknown) => bigint);
  if (type === 'uint64') return BigUint64Array.from(values, BigInt as (value: unknown) => bigint);
  const integers = new elementTypes[type].view(values.length) as Int32Array;
  integers.set(values);
  return integers;
}
