import { positive, whole } from '../rectifiers/parameters.js';
import type { LayerWeights } from './initialize.js';
import { checkNetwork, type LayerDescription, type NetworkDescription } from './network.js';
import { multiply } from './passes.js';

export interface LsuvOptions {
  /** How far from 1 a layer's variance may stay (default 0.01). */
  readonly tolerance?: number | undefined;
  /** Rescalings of a layer before it is given up (default 10). */
  readonly maxIterations?: number | undefined;
}

/** What happened to a layer. */
export interface LsuvLayer {
  /** Variance of its pre-activations, over samples and units, before it was rescaled; the layers before it had been. */
  readonly before: number;
  /** The same afterwards. */
  readonly after: number;
  /** What its weights were multiplied by. */
  readonly scale: number;
  readonly iterations: number;
  /** Whether the variance is 1 within the tolerance. A layer that could not get there keeps its weights. */
  readonly reached: boolean;
}

export interface LsuvResult {
  readonly weights: readonly LayerWeights[];
  readonly layers: readonly LsuvLayer[];
}

/** W x for each row x of a batch, row-major [samples, fanOut]. */
function matrixProducts(
  { fanIn, fanOut }: LayerDescription,
  weights: Float64Array,
  inputs: Float64Array,
): Float64Array {
  const samples = inputs.length / fanIn;
  const products = new Float64Array(samples * fanOut);
  for (let row = 0; row < samples; row++)
    products.set(multiply(weights, inputs.subarray(row * fanIn, (row + 1) * fanIn)), row * fanOut);
  return products;
}

/** The variance of the values; 0 where they differ by rounding alone. */
function varianceOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0);
  return variance > 1e-24 * mean * mean ? variance : 0;
}

/** The scale s with which s * products + biases have variance 1: s is divided by their standard deviation until they have. */
function scaleToUnit(outputs: (scale: number) => Float64Array, tolerance: number, maxIterations: number): LsuvLayer {
  const before = varianceOf(outputs(1));
  let [scale, after, iterations] = [1, before, 0];
  while (Math.abs(after - 1) > tolerance && after > 0 && iterations < maxIterations) {
    scale /= Math.sqrt(after);
    after = varianceOf(outputs(scale));
    iterations++;
  }
  const reached = Math.abs(after - 1) <= tolerance;
  return reached
    ? { before, after, scale, iterations, reached }
    : { before, after: before, scale: 1, iterations, reached };
}

function check(network: NetworkDescription, weights: readonly LayerWeights[], batch: Float64Array): void {
  checkNetwork('lsuv', network);
  const { fanIn } = network[0]!;
  network.forEach((layer, at) => {
    const [needed, given] = [layer.fanIn * layer.fanOut, weights[at]];
    if (given?.weights.length !== needed || given.biases.length !== layer.fanOut)
      throw new RangeError(
        `lsuv: layer ${at} must have ${needed} weights and ${layer.fanOut} biases, got ${given?.weights.length ?? 0} and ${given?.biases.length ?? 0}`,
      );
  });
  if (batch.length === 0 || batch.length % fanIn !== 0)
    throw new RangeError(`lsuv: batch must hold one or more rows of ${fanIn} numbers, got ${batch.length} numbers`);
  if (!batch.every(Number.isFinite))
    throw new RangeError(`lsuv: batch must hold finite numbers, got ${batch.find(value => !Number.isFinite(value))}`);
}

/**
 * Layer-sequential unit variance: from the first layer to the last, divides the weights by the standard deviation of the layer's
 * pre-activations on a batch, until their variance over samples and units is 1. Biases stay. Mishkin & Matas 2016, "All you need is a good
 * init", algorithm 1, which starts from orthogonal weights. `batch` is row-major [samples, fanIn of the first layer]. A layer whose
 * pre-activations are constant, or vary by its biases too much, cannot be brought there: its weights stay, and `reached` says so. Measured on the
 * batch, not predicted. The weights given are not changed. Throws a RangeError where weights or batch do not fit the network, and
 * for numbers in the batch that are not finite.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, initializeNetwork, lsuv, parseInitializer } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('orthogonal') };
 * const network = describeNetwork([2, 8, 3], options);
 * const { layers } = lsuv(network, initializeNetwork(network), Float64Array.of(1, 0, 0, 1, -1, 2));
 * layers.map(({ after }) => after.toFixed(6)); // => ["1.000000", "1.000000"]
 */
export function lsuv(
  network: NetworkDescription,
  weights: readonly LayerWeights[],
  batch: Float64Array,
  { tolerance = 0.01, maxIterations = 10 }: LsuvOptions = {},
): LsuvResult {
  positive('lsuv', 'tolerance', tolerance);
  whole('lsuv', 'maxIterations', maxIterations, 1);
  check(network, weights, batch);
  let inputs = batch;
  const scaled = network.map((layer, at) => {
    const { weights: unscaled, biases } = weights[at]!;
    const products = matrixProducts(layer, unscaled, inputs);
    const outputs = (scale: number) => products.map((product, k) => scale * product + biases[k % layer.fanOut]!);
    const result = scaleToUnit(outputs, tolerance, maxIterations);
    const { rectifier } = layer;
    inputs = outputs(result.scale);
    if (rectifier !== null) inputs = inputs.map(value => rectifier.value(value));
    return {
      weights: { weights: unscaled.map(weight => result.scale * weight), biases: biases.slice() },
      layer: result,
    };
  });
  return { weights: scaled.map(one => one.weights), layers: scaled.map(one => one.layer) };
}
