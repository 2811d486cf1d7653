import {
  asFloats,
  deliver,
  describe,
  type FloatArray,
  isFloat32,
  type OutOption,
  type Result,
  refuseOverlap,
  targetFor,
} from './floats.js';
import { type LayoutOption, layOut, type Slopes } from './layout.js';
import { addTerm, backwardInputs, channelSums, type PreluGradients, settle } from './prelu-backward.js';

/**
 * Which elements are positive, one bit each, the first in the lowest bit of the first byte: NumPy's
 * `packbits(x > 0, bitorder='little')`. 1/32 of the memory of a saved float32 input. Zeros and NaN are not positive.
 *
 * @example
 * import { signMask } from 'reluminate';
 * Array.from(signMask([1, -1, 2, 0, 0, 0, 0, 3, 4])); // => [133, 1]
 */
export function signMask(x: FloatArray): Uint8Array<ArrayBuffer> {
  const values = asFloats('signMask', 'x', x);
  const mask = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) mask[Math.floor(i / 8)]! |= Number(values[i]! > 0) << (i % 8);
  return mask;
}

/** Throws unless the mask has a bit for each of `length` elements. */
export function checkMask(operation: string, mask: Uint8Array, length: number): void {
  if (mask?.[Symbol.toStringTag] !== 'Uint8Array')
    throw new TypeError(`${operation}: mask must be a Uint8Array, got ${describe(mask)}`);
  if (mask.length !== Math.ceil(length / 8))
    throw new RangeError(
      `${operation}: mask must have length ${Math.ceil(length / 8)} (a bit for each of ${length} elements), got ${mask.length}`,
    );
}

const isPositive = (mask: Uint8Array, i: number) => (mask[Math.floor(i / 8)]! >> (i % 8)) & 1;

/**
 * dx of `preluBackward` from the sign mask of x alone: dy where x was positive, a_c * dy elsewhere, for any slopes. That is all a
 * fixed slope (leaky ReLU, RReLU) needs. The slope's gradient is Σ dy * min(x, 0) and needs the values of the negative
 * inputs: see `preluBackwardFromMaskAndOutput`. A mask cannot tell 0 from a negative number, so there is no `atZero`.
 *
 * @example
 * import { preluBackwardFromMask, signMask } from 'reluminate';
 * preluBackwardFromMask(signMask([-1, 2]), [1, 1], 0.25); // => [0.25, 1]
 */
export function preluBackwardFromMask<G extends FloatArray>(
  mask: Uint8Array,
  dy: G,
  slopes: Slopes,
  { layout, out }: LayoutOption & OutOption<G> = {},
): Result<G> {
  const operation = 'preluBackwardFromMask';
  const upstream = asFloats(operation, 'dy', dy);
  checkMask(operation, mask, upstream.length);
  const laid = layOut(operation, slopes, layout, upstream.length, isFloat32(dy));
  const target = targetFor(operation, dy, out, 'dy');
  refuseOverlap(operation, out, 'mask', mask);
  const { outer, channels, inner } = laid.layout;
  const factors = Float64Array.of(0, 1);
  for (let o = 0, i = 0; o < outer; o++)
    for (let c = 0; c < channels; c++) {
      factors[0] = laid.slopes[c]!;
      for (const end = i + inner; i < end; i++) target[i] = upstream[i]! * factors[isPositive(mask, i)]!;
    }
  return deliver(dy, out, target);
}

/** Throws a RangeError where a slope is 0. */
export function refuseSlopes0(operation: string, slopes: Float32Array | Float64Array): void {
  const c = slopes.indexOf(0);
  if (c >= 0)
    throw new RangeError(`${operation}: slopes must not be 0, for y to tell x, got ${slopes[c]} (channel ${c})`);
}

/**
 * dx and the slope gradients from the sign mask of x and the output y: x = y / a_c where the mask says negative. Unlike
 * `preluBackwardFromOutput` it works for negative slopes too; throws a RangeError for a slope of 0, which leaves nothing of a
 * negative x. dslopes carries the rounding of y.
 *
 * @example
 * import { prelu, preluBackwardFromMaskAndOutput, signMask } from 'reluminate';
 * const x = [-1, 2, -3];
 * Array.from(preluBackwardFromMaskAndOutput(signMask(x), prelu(x, -0.5), [1, 1, 1], -0.5).dslopes); // => [-4]
 */
export function preluBackwardFromMaskAndOutput<G extends FloatArray>(
  mask: Uint8Array,
  y: FloatArray,
  dy: G,
  slopes: Slopes,
  options: LayoutOption & OutOption<G> = {},
): PreluGradients<G> {
  const operation = 'preluBackwardFromMaskAndOutput';
  const inputs = backwardInputs(operation, 'y', y, dy, slopes, options);
  checkMask(operation, mask, inputs.x.length);
  refuseOverlap(operation, options.out, 'mask', mask);
  refuseSlopes0(operation, inputs.slopes);
  const sums = channelSums(inputs.slopes.length);
  const { outer, channels, inner } = inputs.layout;
  for (let o = 0, i = 0; o < outer; o++)
    for (let c = 0; c < channels; c++)
      for (const end = i + inner; i < end; i++) {
        const gradient = inputs.dy[i]!;
        const positive = isPositive(mask, i);
        if (!positive && inputs.x[i] !== 0) addTerm(sums, c, gradient * inputs.x[i]!);
        inputs.dx[i] = positive ? gradient : gradient * inputs.slopes[c]!;
      }
  const dslopes = settle(sums).map((sum, c) => sum / inputs.slopes[c]!);
  return { dx: deliver(dy, options.out, inputs.dx), dslopes };
}
