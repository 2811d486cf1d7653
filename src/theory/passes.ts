import type { LayerWeights } from './initialize.js';
import type { NetworkDescription } from './network.js';
import { sideSlopes } from './side-slopes.js';

/** A vector that is kept within the range of float64: its elements are `values` times exp(`logScale`). */
export interface ScaledVector {
  readonly values: Float64Array;
  readonly logScale: number;
}

/** One input's way through a network. */
export interface ForwardPass {
  /** Activations from the input (0) to the output. */
  readonly activations: readonly ScaledVector[];
  /** f'(z) of every unit of every layer. */
  readonly derivatives: readonly Float64Array[];
}

const meanSquare = (values: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return sum / values.length;
};

/** ln of the mean square of the elements; -Infinity where all are 0. */
export const logMeanSquare = ({ values, logScale }: ScaledVector): number =>
  Math.log(meanSquare(values)) + 2 * logScale;

/** The same vector with elements of mean square 1; one that is 0 or not finite is left as it is. */
function normalized({ values, logScale }: ScaledVector): ScaledVector {
  const size = Math.sqrt(meanSquare(values));
  if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return { values, logScale: 0 };
  return { values: values.map(value => value / size), logScale: logScale + Math.log(size) };
}

const nothing = (length: number): ScaledVector => ({ values: new Float64Array(length), logScale: 0 });

/** W v for row-major weights [rows, v.length]. */
export function multiply(weights: Float64Array, v: Float64Array): Float64Array {
  const rows = weights.length / v.length;
  const product = new Float64Array(rows);
  for (let j = 0, at = 0; j < rows; j++) {
    let sum = 0;
    for (let i = 0; i < v.length; i++, at++) sum += weights[at]! * v[i]!;
    product[j] = sum;
  }
  return product;
}

/** Wᵀ v for row-major weights [v.length, columns]. */
export function multiplyTransposed(weights: Float64Array, v: Float64Array): Float64Array {
  const columns = weights.length / v.length;
  const product = new Float64Array(columns);
  for (let j = 0, at = 0; j < v.length; j++) {
    const factor = v[j]!;
    for (let i = 0; i < columns; i++, at++) product[i]! += weights[at]! * factor;
  }
  return product;
}

/**
 * Runs an input through a network. Where every rectifier is two lines through 0 the activations are scaled to mean square 1 layer by layer, which
 * changes no derivative, so that deep networks do not underflow.
 */
export function forwardPass(
  network: NetworkDescription,
  layers: readonly LayerWeights[],
  input: Float64Array,
): ForwardPass {
  const mayScale = network.every(({ rectifier }) => sideSlopes(rectifier) !== null);
  const activations: ScaledVector[] = [
    mayScale ? normalized({ values: input, logScale: 0 }) : { values: input, logScale: 0 },
  ];
  const derivatives = network.map(({ rectifier }, at) => {
    const { weights, biases } = layers[at]!;
    const isBiased = biases.some(bias => bias !== 0);
    // Beside a bias, what is below the range of float64 is nothing.
    const isLost = isBiased && activations[at]!.logScale < -700;
    const { values, logScale } = isLost ? nothing(activations[at]!.values.length) : activations[at]!;
    const sums = multiply(weights, values);
    if (isBiased) for (let j = 0; j < sums.length; j++) sums[j]! += biases[j]! * Math.exp(-logScale);
    const outputs = { values: rectifier === null ? sums : sums.map(z => rectifier.value(z)), logScale };
    activations.push(mayScale ? normalized(outputs) : outputs);
    return sums.map(z => rectifier?.derivative(z) ?? 1);
  });
  return { activations, derivatives };
}

/** Runs a gradient at the output of a forward pass back: the gradients at all activations, from the input (0) to the output. */
export function backwardPass(
  layers: readonly LayerWeights[],
  derivatives: readonly Float64Array[],
  gradient: Float64Array,
): ScaledVector[] {
  const gradients = [normalized({ values: gradient, logScale: 0 })];
  for (let at = layers.length - 1; at >= 0; at--) {
    const { values, logScale } = gradients[0]!;
    const gated = values.map((value, j) => value * derivatives[at]![j]!);
    gradients.unshift(normalized({ values: multiplyTransposed(layers[at]!.weights, gated), logScale }));
  }
  return gradients;
}
