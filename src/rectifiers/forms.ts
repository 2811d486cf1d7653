/**
 * The residual form, x + (a-1) min(0, x), of x for x > 0, a*x else: the identity plus what the negative side changes. Equal to
 * the definition up to rounding; NaN at -Infinity where a > 1 (Infinity - Infinity).
 *
 * @example
 * import { residualForm } from 'reluminate';
 * residualForm(-2, 0.25); // => -0.5
 */
export const residualForm = (x: number, negativeSlope: number): number => x + (negativeSlope - 1) * Math.min(0, x);

/**
 * The even-odd form, ((1+a) x + (1-a) |x|) / 2, of x for x > 0, a*x else: its odd part and its even part. Equal to the definition
 * up to rounding; NaN at an infinity (Infinity - Infinity).
 *
 * @example
 * import { evenOddForm } from 'reluminate';
 * evenOddForm(-2, 0.25); // => -0.5
 */
export const evenOddForm = (x: number, negativeSlope: number): number =>
  ((1 + negativeSlope) * x + (1 - negativeSlope) * Math.abs(x)) / 2;

/**
 * The mirror identity: f_a(-x) = -a f_{1/a}(x) for a > 0, so that a rectifier behind a negative scale is one with slope 1/a.
 * Gives the right-hand side.
 *
 * @example
 * import { mirrorForm } from 'reluminate';
 * mirrorForm(2, 0.25); // => -0.5
 */
export const mirrorForm = (x: number, negativeSlope: number): number =>
  -negativeSlope * (x > 0 ? x : x / negativeSlope);

/** Anything with a value: a `Rectifier`, or a function wrapped in an object. */
interface Valued {
  value(x: number): number;
}

/**
 * The odd part (f(x) - f(-x)) / 2 of any rectifier. For ReLU, GELU, SiLU, softplus and hard-swish it is x/2; for leaky ReLU
 * (1+a) x/2.
 *
 * @example
 * import { oddPart, parseRectifier } from 'reluminate';
 * oddPart(parseRectifier('leaky:0.5'), -2); // => -1.5
 */
export const oddPart = (f: Valued, x: number): number => (f.value(x) - f.value(-x)) / 2;

/**
 * The even part (f(x) + f(-x)) / 2 of any rectifier: what is left of it when its odd part, a linear function for most, moves
 * into the next layer.
 *
 * @example
 * import { evenPart, parseRectifier } from 'reluminate';
 * evenPart(parseRectifier('relu'), -3); // => 1.5
 */
export const evenPart = (f: Valued, x: number): number => (f.value(x) + f.value(-x)) / 2;

/**
 * The residual part f(x) - x of any rectifier: what it adds to the identity.
 *
 * @example
 * import { parseRectifier, residualPart } from 'reluminate';
 * residualPart(parseRectifier('leaky:0.25'), -2); // => 1.5
 */
export const residualPart = (f: Valued, x: number): number => f.value(x) - x;
