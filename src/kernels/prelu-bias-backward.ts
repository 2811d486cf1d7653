import { refuseOverlap } from '../rectifiers/floats.js';
import type { Slopes } from '../rectifiers/layout.js';
import { addTerm, backwardFor, channelSums, type PreluGradients, settle } from '../rectifiers/prelu-backward.js';
import { float32, refuseOtherLength } from './arrays.js';
import { checkPath } from './path.js';
import { type BackwardOptions, backward } from './prelu-backward.js';
import { type Biased, shifted, withBiases } from './prelu-bias.js';

/** The gradients of a loss with respect to the input, the slopes and the bias of `preluBias`. */
export interface PreluBiasGradients<G> extends PreluGradients<G> {
  /** ∂L/∂b for each number of the bias; one where it is shared. */
  readonly dbiases: Float64Array;
}

/** The definition: `preluBackward` of the sum rounded to float32; what reaches x reaches its bias. */
function byDefinition(
  operation: string,
  x: Float32Array,
  dy: Float32Array,
  biased: Biased,
  slopes: Slopes,
  { layout, atZero, out }: BackwardOptions,
): PreluBiasGradients<Float32Array> {
  const { inner, given, biases } = biased;
  refuseOverlap(operation, out, 'x', x);
  const { dx, dslopes } = backwardFor(operation, shifted(x, biased), dy, slopes, { layout, atZero, out });
  const sums = channelSums(given.biases);
  const channelOf = (i: number) => (given.biases === 1 ? 0 : Math.floor(i / inner) % biases.length);
  for (let i = 0; i < dx.length; i++) addTerm(sums, channelOf(i), dx[i]!);
  return { dx, dslopes, dbiases: settle(sums) };
}

/** The sums of the channels, as one where the caller gave one number for all. */
const merged = (sums: Float64Array, given: number): Float64Array =>
  given === sums.length ? sums.slice() : new Float64Array(given).fill(sums.reduce((total, sum) => total + sum, 0));

/**
 * The backward pass of `preluBias` in one walk over memory: with v = x + b_c rounded to float32, dx = dy * (v > 0 ? 1 : a_c), bit for
 * bit what `preluBackward` of v gives, dslopes_c = Σ dy * min(v, 0) and dbiases_c = Σ dx over the channel as float64, within 1e-6 of
 * Σ |dy * min(v, 0)| and Σ |dx|. There are as many dslopes and dbiases as slopes and numbers in the bias, which are those of the
 * forward pass. `out` takes dx and may be `dy` or `x` itself. Throws as `preluBias` and `preluBackward`.
 *
 * @example
 * import { preluBiasBackward } from 'reluminate/kernels';
 * const [x, dy] = [Float32Array.of(-1, 2, -4, 8), Float32Array.of(1, 1, 0.5, 1)];
 * const layout = { outer: 1, channels: 2, inner: 2 };
 * const { dx, dslopes, dbiases } = preluBiasBackward(x, [-1, 2], dy, 0.5, { layout });
 * Array.from(dx); // => [0.5, 1, 0.25, 1]
 * Array.from(dslopes); // => [-3]
 * Array.from(dbiases); // => [1.5, 1.25]
 */
export function preluBiasBackward<G extends Float32Array>(
  x: Float32Array,
  bias: Slopes,
  dy: G,
  slopes: Slopes,
  options: BackwardOptions = {},
): PreluBiasGradients<G> {
  const operation = 'preluBiasBackward';
  checkPath(operation, options.path);
  const values = float32(operation, 'x', x);
  const upstream = float32(operation, 'dy', dy);
  refuseOtherLength(operation, 'x', values, upstream);
  const biased = withBiases(operation, slopes, bias, options.layout, values.length);
  if (options.path === 'scalar')
    return byDefinition(operation, values, upstream, biased, slopes, options) as PreluBiasGradients<G>;
  const { dx, sums } = backward(operation, 'x', values, upstream as G, biased, options, null, () => {});
  const channels = biased.slopes.length;
  return {
    dx,
    dslopes: merged(sums.subarray(0, channels), biased.given.slopes),
    dbiases: merged(sums.subarray(channels), biased.given.biases),
  };
}
