import {
  asFloats,
  deliver,
  type FloatArray,
  type Floats,
  isFloat32,
  type OutOption,
  type Result,
  refuseOverlap,
  targetFor,
} from './floats.js';
import { type AtZeroOption, atKink } from './kink.js';
import { type LaidOut, type LayoutOption, layOut, type Slopes } from './layout.js';
import { refuseSlopesUpTo0 } from './prelu.js';

/** The gradients of a loss with respect to a PReLU's input and its slopes. */
export interface PreluGradients<G> {
  /** ∂L/∂x, of the kind of `dy`. */
  readonly dx: Result<G>;
  /** ∂L/∂a for each slope; one where the slope is shared. */
  readonly dslopes: Float64Array;
}

/** Sums that keep what rounding would lose: Neumaier's compensation, per channel. */
export interface ChannelSums {
  readonly sums: Float64Array;
  readonly lost: Float64Array;
}

export const channelSums = (channels: number): ChannelSums => ({
  sums: new Float64Array(channels),
  lost: new Float64Array(channels),
});

/** Adds a term to the sum of channel c. */
export function addTerm({ sums, lost }: ChannelSums, c: number, term: number): void {
  const before = sums[c]!;
  const after = before + term;
  lost[c]! += Math.abs(before) >= Math.abs(term) ? before - after + term : term - after + before;
  sums[c] = after;
}

/** The sums with what was lost; infinities and NaN as they came out. */
export const settle = ({ sums, lost }: ChannelSums): Float64Array =>
  sums.map((sum, c) => (Number.isFinite(sum) ? sum + lost[c]! : sum));

/** What a backward pass works on once it is checked. */
export interface BackwardInputs extends LaidOut {
  readonly x: Floats;
  readonly dy: Floats;
  readonly dx: Floats;
}

/** Checks the inputs of a backward pass; `name` is what `x` is called in messages. */
export function backwardInputs<G extends FloatArray>(
  operation: string,
  name: string,
  x: FloatArray,
  dy: G,
  slopes: Slopes,
  { layout, out }: LayoutOption & OutOption<G>,
): BackwardInputs {
  const values = asFloats(operation, name, x);
  const upstream = asFloats(operation, 'dy', dy);
  if (upstream.length !== values.length)
    throw new RangeError(
      `${operation}: dy must have length ${values.length} (that of ${name}), got ${upstream.length}`,
    );
  const laid = layOut(operation, slopes, layout, values.length, isFloat32(dy));
  const dx = targetFor(operation, dy, out, 'dy');
  refuseOverlap(operation, out, name, x);
  return { ...laid, x: values, dy: upstream, dx };
}

/** dx and Σ dy * min(x, 0) in one pass. */
function backward({ x, dy, dx, slopes, layout }: BackwardInputs, kinks: Float64Array): Float64Array {
  const sums = channelSums(slopes.length);
  const { outer, channels, inner } = layout;
  for (let o = 0, i = 0; o < outer; o++)
    for (let c = 0; c < channels; c++)
      for (const end = i + inner; i < end; i++) {
        const value = x[i]!;
        const gradient = dy[i]!;
        dx[i] = value > 0 ? gradient : gradient * (value === 0 ? kinks[c]! : slopes[c]!);
        if (!(value >= 0)) addTerm(sums, c, gradient * value);
      }
  return settle(sums);
}

/** `preluBackward` for the operation that messages name. */
export function backwardFor<G extends FloatArray>(
  operation: string,
  x: FloatArray,
  dy: G,
  slopes: Slopes,
  options: LayoutOption & AtZeroOption & OutOption<G>,
): PreluGradients<G> {
  const inputs = backwardInputs(operation, 'x', x, dy, slopes, options);
  const kinks = inputs.slopes.map(slope => atKink(operation, options.atZero, slope));
  const dslopes = backward(inputs, isFloat32(dy) ? kinks.map(Math.fround) : kinks);
  return { dx: deliver(dy, options.out, inputs.dx), dslopes };
}

/**
 * The backward pass of `prelu`: dx = dy * (x > 0 ? 1 : a_c) and ∂L/∂a_c = Σ dy * min(x, 0) over the channel, He et al. 2015,
 * equation 3. Only negative inputs teach the slope. Its sums are compensated float64. At 0 the derivative follows `atZero`
 * and the slope learns nothing; a NaN in x counts as not positive in dx, as everywhere, and makes its slope's gradient NaN.
 * `out` takes dx and may be `dy` or `x` itself.
 *
 * @example
 * import { preluBackward } from 'reluminate';
 * const { dx, dslopes } = preluBackward([-1, 2, -4, 8], [1, 1, 0.5, 1], [0.5, 0.25], {
 *   layout: { outer: 1, channels: 2, inner: 2 },
 * });
 * dx; // => [0.5, 1, 0.125, 1]
 * Array.from(dslopes); // => [-1, -2]
 */
export const preluBackward = <G extends FloatArray>(
  x: FloatArray,
  dy: G,
  slopes: Slopes,
  options: LayoutOption & AtZeroOption & OutOption<G> = {},
): PreluGradients<G> => backwardFor('preluBackward', x, dy, slopes, options);

/**
 * `preluBackward` for those who kept the output y instead of x (an activation computed in place): for slopes above 0, y has
 * the sign of x, and x = y / a_c where it is negative. Throws a RangeError for other slopes: a slope of 0 leaves nothing of a
 * negative x, and below 0 both signs of x give a positive y (a sign mask tells them apart, see
 * `preluBackwardFromMaskAndOutput`). dslopes carries the rounding of y.
 *
 * @example
 * import { preluBackwardFromOutput } from 'reluminate';
 * Array.from(preluBackwardFromOutput([-0.5, 2], [1, 1], 0.25).dslopes); // => [-2]
 */
export function preluBackwardFromOutput<G extends FloatArray>(
  y: FloatArray,
  dy: G,
  slopes: Slopes,
  options: LayoutOption & AtZeroOption & OutOption<G> = {},
): PreluGradients<G> {
  const operation = 'preluBackwardFromOutput';
  const inputs = backwardInputs(operation, 'y', y, dy, slopes, options);
  refuseSlopesUpTo0(operation, inputs.slopes, 'for y to have the sign of x');
  const kinks = inputs.slopes.map(slope => atKink(operation, options.atZero, slope));
  const dslopes = backward(inputs, isFloat32(dy) ? kinks.map(Math.fround) : kinks);
  return { dx: deliver(dy, options.out, inputs.dx), dslopes: dslopes.map((sum, c) => sum / inputs.slopes[c]!) };
}
