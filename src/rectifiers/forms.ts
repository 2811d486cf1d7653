import { elementwise, type Loop } from './elementwise.js';
import { describe, type Elements, type OutOption, type Result } from './floats.js';
import { finite, fitted, fittedDivisor, positive } from './parameters.js';

const slopeOf = (operation: string, slope: number, x: Elements): number =>
  fitted(operation, 'negativeSlope', finite(operation, 'negativeSlope', slope), x);

const residual = (x: number, a: number): number => x + (a - 1) * Math.min(0, x);
const residuals: Loop = (x, y, a) => {
  for (let i = 0; i < x.length; i++) y[i] = residual(x[i]!, a);
};

/**
 * The residual form, x + (a-1) min(0, x), of x for x > 0, a*x else: the identity plus what the negative side changes. Equal to
 * the definition up to rounding; NaN at -Infinity where a > 1 (Infinity - Infinity).
 *
 * @example
 * import { residualForm } from 'reluminate';
 * residualForm(-2, 0.25); // => -0.5
 * residualForm([-2, 2], 0.25); // => [-0.5, 2]
 */
export const residualForm = <X extends Elements>(x: X, negativeSlope: number, options: OutOption<X> = {}): Result<X> =>
  elementwise('residualForm', x, options, residual, residuals, slopeOf('residualForm', negativeSlope, x));

const evenOdd = (x: number, a: number): number => ((1 + a) * x + (1 - a) * Math.abs(x)) / 2;
const evenOdds: Loop = (x, y, a) => {
  for (let i = 0; i < x.length; i++) y[i] = evenOdd(x[i]!, a);
};

/**
 * The even-odd form, ((1+a) x + (1-a) |x|) / 2, of x for x > 0, a*x else: its odd part and its even part. Equal to the definition
 * up to rounding; NaN at an infinity (Infinity - Infinity).
 *
 * @example
 * import { evenOddForm } from 'reluminate';
 * evenOddForm(-2, 0.25); // => -0.5
 * evenOddForm([-2, 2], 0.25); // => [-0.5, 2]
 */
export const evenOddForm = <X extends Elements>(x: X, negativeSlope: number, options: OutOption<X> = {}): Result<X> =>
  elementwise('evenOddForm', x, options, evenOdd, evenOdds, slopeOf('evenOddForm', negativeSlope, x));

const mirror = (x: number, a: number): number => -a * (x > 0 ? x : x / a);
const mirrors: Loop = (x, y, a) => {
  for (let i = 0; i < x.length; i++) y[i] = mirror(x[i]!, a);
};

/**
 * The mirror identity: f_a(-x) = -a f_{1/a}(x) for a > 0, so that a rectifier behind a negative scale is one with slope 1/a.
 * Gives the right-hand side. Throws a RangeError unless a > 0.
 *
 * @example
 * import { mirrorForm } from 'reluminate';
 * mirrorForm(2, 0.25); // => -0.5
 * mirrorForm([-2, 2], 0.25); // => [2, -0.5]
 */
export const mirrorForm = <X extends Elements>(x: X, negativeSlope: number, options: OutOption<X> = {}): Result<X> =>
  elementwise(
    'mirrorForm',
    x,
    options,
    mirror,
    mirrors,
    fittedDivisor('mirrorForm', 'negativeSlope', positive('mirrorForm', 'negativeSlope', negativeSlope), x),
  );

/** Anything with a value: a `Rectifier`, or a function wrapped in an object. */
interface Valued {
  value(x: number): number;
}

function checkedValue(operation: string, f: Valued, x: number): (x: number) => number {
  if (typeof f?.value !== 'function') throw new TypeError(`${operation}: f must be a rectifier, got ${describe(f)}`);
  if (typeof x !== 'number') throw new TypeError(`${operation}: x must be a number, got ${describe(x)}`);
  return x => f.value(x);
}

/**
 * The odd part (f(x) - f(-x)) / 2 of any rectifier. For ReLU, GELU, SiLU, softplus and hard-swish it is x/2; for leaky ReLU
 * (1+a) x/2.
 *
 * @example
 * import { oddPart, parseRectifier } from 'reluminate';
 * oddPart(parseRectifier('leaky:0.5'), -2); // => -1.5
 */
export function oddPart(f: Valued, x: number): number {
  const value = checkedValue('oddPart', f, x);
  return (value(x) - value(-x)) / 2;
}

/**
 * The even part (f(x) + f(-x)) / 2 of any rectifier: what is left of it when its odd part, a linear function for most, moves
 * into the next layer.
 *
 * @example
 * import { evenPart, parseRectifier } from 'reluminate';
 * evenPart(parseRectifier('relu'), -3); // => 1.5
 */
export function evenPart(f: Valued, x: number): number {
  const value = checkedValue('evenPart', f, x);
  return (value(x) + value(-x)) / 2;
}

/**
 * The residual part f(x) - x of any rectifier: what it adds to the identity.
 *
 * @example
 * import { parseRectifier, residualPart } from 'reluminate';
 * residualPart(parseRectifier('leaky:0.25'), -2); // => 1.5
 */
export const residualPart = (f: Valued, x: number): number => checkedValue('residualPart', f, x)(x) - x;
