import {
  asFloats,
  deliver,
  type Elements,
  type FloatArray,
  type Floats,
  isFloat32,
  type OutOption,
  type Result,
  targetFor,
} from './floats.js';
import { type AtZeroOption, atKink } from './kink.js';
import { type LaidOut, type LayoutOption, layOut, type Slopes } from './layout.js';
import { leakyReluRectifier } from './leaky-relu.js';
import { finite, rounded } from './parameters.js';
import { flat, slopeDerivative } from './piecewise-linear.js';
import type { Rectifier } from './rectifier.js';

/** Fills y from x one channel's run at a time; `start` is where the run of channel c begins. */
type Run = (x: Floats, y: Floats, start: number, end: number, c: number) => void;

/** Lifts a run over every channel to numbers and arrays. */
function channelwise<X extends Elements>(
  operation: string,
  x: X,
  slopes: Slopes,
  { layout, out }: LayoutOption & OutOption<X>,
  runFor: (slopes: Float64Array) => Run,
): Result<X> {
  if (typeof x === 'number') {
    if (out !== undefined) throw new TypeError(`${operation}: out must be left out where x is a number`);
    return channelwise(operation, [x], slopes, { layout }, runFor)[0] as Result<X>;
  }
  const source = asFloats(operation, 'x', x);
  const laid: LaidOut = layOut(operation, slopes, layout, source.length, isFloat32(x));
  const target = targetFor(operation, x, out);
  const run = runFor(laid.slopes);
  const { outer, channels, inner } = laid.layout;
  for (let o = 0, start = 0; o < outer; o++)
    for (let c = 0; c < channels; c++, start += inner) run(source, target, start, start + inner, c);
  return deliver(x, out, target);
}

/** `prelu` for the operation that messages name. */
export const rectify = <X extends Elements>(
  operation: string,
  x: X,
  slopes: Slopes,
  options: LayoutOption & OutOption<X>,
): Result<X> =>
  channelwise(operation, x, slopes, options, slopes => {
    const factors = Float64Array.of(0, 1);
    return (x, y, start, end, c) => {
      factors[0] = slopes[c]!;
      for (let i = start; i < end; i++) y[i] = x[i]! * factors[Number(x[i]! > 0)]!;
    };
  });

/**
 * The parametric rectifier: `x > 0 ? x : a_c * x` with the slope a_c of the element's channel, which the network learns. He,
 * Zhang, Ren & Sun 2015, "Delving deep into rectifiers", equation 1. Slopes are shared (a number or one element), per channel
 * or per element, as `layout` says; any finite number is a slope. Range, Lipschitz constant and special values as `leakyRelu`.
 *
 * @example
 * import { prelu } from 'reluminate';
 * prelu(-2, 0.25); // => -0.5
 * prelu([-1, 2, -4, 8], [0.5, 0.25], { layout: { outer: 1, channels: 2, inner: 2 } }); // => [-0.5, 2, -1, 8]
 * prelu([-1, 2, -4, -8], [0.5, 0.25], { layout: { outer: 2, channels: 2, inner: 1 } }); // => [-0.5, 2, -2, -2]
 */
export const prelu = <X extends Elements>(x: X, slopes: Slopes, options: LayoutOption & OutOption<X> = {}): Result<X> =>
  rectify('prelu', x, slopes, options);

/**
 * f'(x): 1 for x > 0, a_c for x < 0. At the kink a_c (PyTorch), or as `atZero` says. NaN for NaN.
 *
 * @example
 * import { preluDerivative } from 'reluminate';
 * preluDerivative([-1, 2, 0], 0.25); // => [0.25, 1, 0.25]
 */
export const preluDerivative = <X extends Elements>(
  x: X,
  slopes: Slopes,
  options: LayoutOption & AtZeroOption & OutOption<X> = {},
): Result<X> =>
  channelwise('preluDerivative', x, slopes, options, slopes => {
    const kinks = slopes.map(slope => atKink('preluDerivative', options.atZero, slope));
    return (x, y, start, end, c) => {
      for (let i = start; i < end; i++) y[i] = slopeDerivative(x[i]!, slopes[c]!, kinks[c]!);
    };
  });

/**
 * f''(x): 0, except that the kink at 0 is a point mass of 1 - a_c, for which 0 is given. NaN for NaN.
 *
 * @example
 * import { preluSecondDerivative } from 'reluminate';
 * preluSecondDerivative([-1, 2, 0], 0.25); // => [0, 0, 0]
 */
export const preluSecondDerivative = <X extends Elements>(
  x: X,
  slopes: Slopes,
  options: LayoutOption & OutOption<X> = {},
): Result<X> =>
  channelwise('preluSecondDerivative', x, slopes, options, () => (x, y, start, end) => {
    for (let i = start; i < end; i++) y[i] = flat(x[i]!);
  });

/** Throws a RangeError unless every slope is above 0, saying what for. */
export function refuseSlopesUpTo0(operation: string, slopes: Float64Array, why: string): void {
  const c = slopes.findIndex(slope => slope <= 0);
  if (c >= 0)
    throw new RangeError(`${operation}: slopes must be greater than 0, ${why}, got ${slopes[c]} (channel ${c})`);
}

/**
 * The inverse, `y > 0 ? y : y / a_c`. Throws a RangeError unless every slope is above 0.
 *
 * @example
 * import { preluInverse } from 'reluminate';
 * preluInverse([-0.5, 2, -1, 8], [0.5, 0.25], { layout: { outer: 1, channels: 2, inner: 2 } }); // => [-1, 2, -4, 8]
 */
export const preluInverse = <Y extends Elements>(
  y: Y,
  slopes: Slopes,
  options: LayoutOption & OutOption<Y> = {},
): Result<Y> =>
  channelwise('preluInverse', y, slopes, options, slopes => {
    refuseSlopesUpTo0('preluInverse', slopes, 'for the function to have an inverse');
    return (y, x, start, end, c) => {
      for (let i = start; i < end; i++) x[i] = y[i]! > 0 ? y[i]! : y[i]! / slopes[c]!;
    };
  });

/**
 * log |det J| of the map over all elements: the sum of ln a_c over the negative ones. Throws a RangeError unless every slope is
 * above 0. NaN where any element is.
 *
 * @example
 * import { preluLogDet } from 'reluminate';
 * preluLogDet([-1, 2, -4, 8], [1, Math.E], { layout: { outer: 1, channels: 2, inner: 2 } }); // => 1
 */
export function preluLogDet(x: FloatArray, slopes: Slopes, { layout }: LayoutOption = {}): number {
  const values = asFloats('preluLogDet', 'x', x);
  const laid = layOut('preluLogDet', slopes, layout, values.length, false);
  refuseSlopesUpTo0('preluLogDet', laid.slopes, 'for the function to have an inverse');
  const { channels, inner } = laid.layout;
  const logs = laid.slopes.map(Math.log);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value >= 0)) sum += value < 0 ? logs[Math.floor(i / inner) % channels]! : value;
  }
  return sum;
}

/**
 * PReLU with one slope as a `Rectifier`, as it is before training (default 0.25, He et al. 2015, section 2.1) or after.
 *
 * @example
 * import { preluRectifier } from 'reluminate';
 * preluRectifier().value(-2); // => -0.5
 */
export const preluRectifier = (slope = 0.25): Rectifier => ({
  ...leakyReluRectifier(finite('preluRectifier', 'slope', slope)),
  name: `prelu:${slope}`,
  label: `PReLU (${rounded(slope)})`,
});
