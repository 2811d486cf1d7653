import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { createRandom } from '../random.js';
import { positive, whole } from '../rectifiers/parameters.js';
import { initializeNetwork, type LayerWeights } from './initialize.js';
import { checkNetwork, type NetworkDescription } from './network.js';
import { forwardPass } from './passes.js';
import { refuseRandomSlopes } from './side-slopes.js';
import { mean, median, standardDeviation } from './statistics.js';
import { checkWork } from './work-limit.js';

export interface JacobianSimulationOptions {
  /** How many networks are drawn, each with one normal input (default 4). */
  readonly networks?: number | undefined;
  /** The same seed gives the same numbers (default 0). */
  readonly seed?: number | undefined;
  /** E x² of the input's elements (default 1). */
  readonly inputSecondMoment?: number | undefined;
  /** Told after each network how many are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The spectrum of one network's Jacobian at one input. */
export interface JacobianSpectrum {
  /** From the largest to the smallest, over √(mean square): min(inputs, outputs) of them; 0 where rounding hides them. */
  readonly singularValues: Float64Array;
  /** ln of the mean of the squared singular values, which tells their scale; -Infinity where all are 0. */
  readonly logMeanSquare: number;
}

export interface JacobianSimulation {
  readonly networks: number;
  readonly seed: number;
  readonly spectra: readonly JacobianSpectrum[];
  /** Var s² / (E s²)² within a network, as a mean over the networks whose Jacobian is not 0. */
  readonly variance: number;
  /** The standard error of `variance`; NaN for one network. */
  readonly standardError: number;
  /** Over √(mean square), medians over networks. */
  readonly largest: number;
  readonly middle: number;
  readonly smallest: number;
  /** Largest over smallest singular value, median over networks; Infinity where the smallest is 0. */
  readonly conditionNumber: number;
}

/** What a simulation may cost, in multiplications: about a minute. */
const greatestWork = 3e10;

/** What one network costs, in multiplications. */
function workOf(network: NetworkDescription): number {
  const inputs = network[0]!.fanIn;
  const products = network.reduce((sum, { fanIn, fanOut }) => sum + fanIn * fanOut * inputs, 0);
  return products + 30 * inputs * network.at(-1)!.fanOut * Math.min(inputs, network.at(-1)!.fanOut);
}

/** diag(gates) · W · J for row-major matrices, W [gates.length, inner] and J [inner, columns]. */
function throughLayer(
  weights: Float64Array,
  gates: Float64Array,
  jacobian: Float64Array,
  columns: number,
): Float64Array {
  const inner = weights.length / gates.length;
  const product = new Float64Array(gates.length * columns);
  gates.forEach((gate, j) => {
    if (gate === 0) return;
    const row = product.subarray(j * columns, (j + 1) * columns);
    for (let k = 0; k < inner; k++) {
      const factor = gate * weights[j * inner + k]!;
      const start = k * columns;
      for (let i = 0; i < columns; i++) row[i]! += factor * jacobian[start + i]!;
    }
  });
  return product;
}

/** The Jacobian at an input as a row-major matrix [outputs, inputs] times exp(logScale), which keeps it within the range of float64. */
function jacobianAt(network: NetworkDescription, layers: readonly LayerWeights[], input: Float64Array) {
  const { derivatives } = forwardPass(network, layers, input);
  let jacobian: Float64Array = new Float64Array(input.length ** 2);
  for (let i = 0; i < input.length; i++) jacobian[i * input.length + i] = 1;
  let logScale = 0;
  derivatives.forEach((gates, at) => {
    const next = throughLayer(layers[at]!.weights, gates, jacobian, input.length);
    const size = next.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
    jacobian = size > 0 ? next.map(value => value / size) : next;
    if (size > 0) logScale += Math.log(size);
  });
  return { jacobian, logScale };
}

function spectrumOf(jacobian: Float64Array, logScale: number, inputs: number): JacobianSpectrum {
  const matrix = Matrix.from1DArray(jacobian.length / inputs, inputs, jacobian);
  const { diagonal } = new SingularValueDecomposition(matrix, {
    autoTranspose: true,
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
  });
  const sorted = Float64Array.from(diagonal).sort().reverse();
  const rounding = sorted[0]! * Number.EPSILON * Math.max(inputs, jacobian.length / inputs);
  const values = sorted.map(value => (value > rounding ? value : 0));
  const meanSquare = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
  if (meanSquare === 0) return { singularValues: values, logMeanSquare: Number.NEGATIVE_INFINITY };
  return {
    singularValues: values.map(value => value / Math.sqrt(meanSquare)),
    logMeanSquare: Math.log(meanSquare) + 2 * logScale,
  };
}

/** The mean over networks of the variance of s² within each (E s² is 1 there), with its standard error; a Jacobian of 0 has none. */
function varianceOver(spectra: readonly JacobianSpectrum[]): { variance: number; standardError: number } {
  const variances = spectra
    .filter(({ logMeanSquare }) => logMeanSquare > Number.NEGATIVE_INFINITY)
    .map(({ singularValues }) => mean(Array.from(singularValues, value => value ** 4)) - 1);
  return { variance: mean(variances), standardError: standardDeviation(variances) / Math.sqrt(variances.length) };
}

/**
 * The singular values of the Jacobian from input to output, measured: networks are drawn, and the Jacobian of each at a normal input is
 * multiplied out and decomposed, in float64. Singular values that rounding hides, below 2^-52 times the width of the largest, are given
 * as 0. Throws a RangeError for a network that is none, for random slopes (RReLU), for counts that are not whole numbers from 1 up, and
 * for more work than about a minute's.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, parseInitializer, parseWidths, simulateJacobian } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('leaky:1'), initializer: parseInitializer('orthogonal') };
 * const { largest, smallest } = simulateJacobian(describeNetwork(parseWidths('32x9'), options), { networks: 2 });
 * [largest.toFixed(9), smallest.toFixed(9)]; // => ["1.000000000", "1.000000000"]
 */
export function simulateJacobian(
  network: NetworkDescription,
  { networks = 4, seed = 0, inputSecondMoment = 1, onProgress }: JacobianSimulationOptions = {},
): JacobianSimulation {
  checkNetwork('simulateJacobian', network);
  refuseRandomSlopes('simulateJacobian', network);
  whole('simulateJacobian', 'networks', networks, 1);
  whole('simulateJacobian', 'seed', seed, 0);
  const std = Math.sqrt(positive('simulateJacobian', 'inputSecondMoment', inputSecondMoment));
  checkWork('simulateJacobian', networks, greatestWork / workOf(network));
  const random = createRandom(seed);
  const inputs = network[0]!.fanIn;
  const spectra = Array.from({ length: networks }, (_, at) => {
    const layers = initializeNetwork(network, { seed: random.integer(2 ** 32) });
    const input = Float64Array.from({ length: inputs }, () => std * random.normal());
    const { jacobian, logScale } = jacobianAt(network, layers, input);
    const spectrum = spectrumOf(jacobian, logScale, inputs);
    onProgress?.(at + 1, networks);
    return spectrum;
  });
  const over = (of: (values: Float64Array) => number) =>
    median(spectra.map(({ singularValues }) => of(singularValues)));
  return {
    networks,
    seed,
    spectra,
    ...varianceOver(spectra),
    largest: over(values => values[0]!),
    middle: over(values => median(Array.from(values))),
    smallest: over(values => values.at(-1)!),
    conditionNumber: over(values => values[0]! / values.at(-1)!),
  };
}
