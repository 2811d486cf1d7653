import { elementwise, type Loop, total } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { type AtZeroOption, atKink } from './kink.js';
import { finite, fitted, fittedDivisor, positive, refuseMisspelled, refuseNonObject, rounded } from './parameters.js';
import type { Rectifier } from './rectifier.js';

export interface EluOptions {
  /** The level -α that large negative inputs come to: any finite number (default 1). */
  readonly alpha?: number | undefined;
}

function alphaOf(operation: string, options: EluOptions, x?: Elements): number {
  refuseNonObject(operation, options, '{ alpha: 1 }');
  if (options.alpha === undefined) refuseMisspelled(operation, options, 'alpha');
  const { alpha = 1 } = options;
  return fitted(operation, 'alpha', finite(operation, 'alpha', alpha), x);
}
const invertible = (operation: string, options: EluOptions, x?: Elements) =>
  fittedDivisor(
    operation,
    'alpha',
    positive(operation, 'alpha', alphaOf(operation, options), ', for the function to have an inverse'),
    x,
  );

const value = (x: number, alpha: number): number => (x > 0 ? x : alpha * Math.expm1(x));
const values: Loop = (x, y, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!, alpha);
};

/**
 * The exponential linear unit: `x > 0 ? x : α (exp(x) - 1)`. Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep
 * network learning by exponential linear units". Negative inputs saturate softly at -α. Range (-α, ∞) for α >= 0;
 * Lipschitz constant max(1, |α|). -α at -Infinity, -0 at -0 for α > 0, NaN for NaN; tiny inputs keep their digits.
 *
 * @example
 * import { elu } from 'reluminate';
 * elu([-Infinity, 0, 2], { alpha: 0.5 }); // => [-0.5, 0, 2]
 */
export const elu = <X extends Elements>(x: X, options: EluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('elu', x, options, value, values, alphaOf('elu', options, x));

const derivative = (x: number, alpha: number, kink: number): number =>
  x > 0 ? 1 : x === 0 ? kink : alpha * Math.exp(x);
const derivatives: Loop = (x, y, alpha, kink) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!, alpha, kink);
};

/**
 * f'(x): 1 for x > 0, α exp(x) for x < 0. At 0, a kink unless α = 1, it is α or as `atZero` says. NaN for NaN.
 *
 * @example
 * import { eluDerivative } from 'reluminate';
 * eluDerivative([-Infinity, 0, 2], { alpha: 0.5 }); // => [0, 0.5, 1]
 */
export function eluDerivative<X extends Elements>(
  x: X,
  options: EluOptions & AtZeroOption & OutOption<X> = {},
): Result<X> {
  const alpha = alphaOf('eluDerivative', options, x);
  const kink = atKink('eluDerivative', options.atZero, alpha);
  return elementwise('eluDerivative', x, options, derivative, derivatives, alpha, kink);
}

const second = (x: number, alpha: number): number => (x >= 0 ? 0 : alpha * Math.exp(x));
const seconds: Loop = (x, y, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!, alpha);
};

/**
 * f''(x): 0 for x >= 0, α exp(x) for x < 0 (and a point mass of 1 - α at 0). NaN for NaN.
 *
 * @example
 * import { eluSecondDerivative } from 'reluminate';
 * eluSecondDerivative([-Infinity, 0, 2]); // => [0, 0, 0]
 * eluSecondDerivative(-1).toFixed(4); // => "0.3679"
 */
export const eluSecondDerivative = <X extends Elements>(x: X, options: EluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('eluSecondDerivative', x, options, second, seconds, alphaOf('eluSecondDerivative', options, x));

const alphaGradient = (x: number): number => (x > 0 ? 0 : Math.expm1(x));
const alphaGradients: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = alphaGradient(x[i]!);
};

/**
 * ∂f/∂α = exp(min(x, 0)) - 1, whatever α. NaN for NaN.
 *
 * @example
 * import { eluAlphaGradient } from 'reluminate';
 * eluAlphaGradient([-Infinity, 0, 2]); // => [-1, 0, 0]
 */
export const eluAlphaGradient = <X extends Elements>(x: X, options: EluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('eluAlphaGradient', x, options, alphaGradient, alphaGradients);

const inverse = (y: number, alpha: number): number => (y > 0 ? y : Math.log1p(y / alpha));
const inverses: Loop = (y, x, alpha) => {
  for (let i = 0; i < y.length; i++) x[i] = inverse(y[i]!, alpha);
};

/**
 * The inverse, `y > 0 ? y : ln(1 + y/α)`: -Infinity at -α, NaN below. Throws a RangeError unless α > 0.
 *
 * @example
 * import { eluInverse } from 'reluminate';
 * eluInverse([0, 2]); // => [0, 2]
 */
export const eluInverse = <Y extends Elements>(y: Y, options: EluOptions & OutOption<Y> = {}): Result<Y> =>
  elementwise('eluInverse', y, options, inverse, inverses, invertible('eluInverse', options, y));

/**
 * log |det J| of the map over all elements: the sum of ln α + x over the negative ones. Throws a RangeError unless α > 0.
 *
 * @example
 * import { eluLogDet } from 'reluminate';
 * eluLogDet([-1, 2, -3]); // => -4
 */
export function eluLogDet(x: Elements, options: EluOptions = {}): number {
  const logAlpha = Math.log(invertible('eluLogDet', options));
  return total('eluLogDet', x, value => (value >= 0 ? 0 : logAlpha + value));
}

/**
 * ELU as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { eluRectifier } from 'reluminate';
 * eluRectifier(0.5).lipschitz; // => 1
 */
export function eluRectifier(alpha = 1): Rectifier {
  finite('eluRectifier', 'alpha', alpha);
  const f = (x: number) => value(x, alpha);
  const slope = (x: number) => derivative(x, alpha, alpha);
  return {
    name: `elu:${alpha}`,
    label: `ELU (${rounded(alpha)})`,
    parameters: { alpha },
    value: f,
    derivative: slope,
    secondDerivative: x => second(x, alpha),
    slopeGradient: null,
    inverse: alpha > 0 ? y => inverse(y, alpha) : null,
    range: [Math.min(0, -alpha), Number.POSITIVE_INFINITY],
    lipschitz: Math.max(1, Math.abs(alpha)),
    monotone: alpha >= 0,
    kinks: [0],
    moments: (mean, std) => quadratureMoments(mean, std, f, slope),
  };
}
