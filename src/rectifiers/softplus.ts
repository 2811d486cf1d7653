import { elementwise, type Loop, total } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { logistic } from './logistic.js';
import type { Rectifier } from './rectifier.js';

const value = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const values: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!);
};

/**
 * Softplus: `ln(1 + exp(x))`, computed as max(x, 0) + ln(1 + exp(-|x|)), which neither overflows nor loses digits. Dugas et al. 2001,
 * "Incorporating second-order functional knowledge for better option pricing". A ReLU rounded off. Range (0, ∞), Lipschitz
 * constant 1. 0 at -Infinity, NaN for NaN.
 *
 * @example
 * import { softplus } from 'reluminate';
 * softplus([-Infinity, 0, 1000]); // => [0, 0.6931471805599453, 1000]
 */
export const softplus = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('softplus', x, options, value, values);

const derivatives: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = logistic(x[i]!);
};

/**
 * f'(x) = σ(x) = 1 / (1 + exp(-x)), the logistic function. NaN for NaN.
 *
 * @example
 * import { softplusDerivative } from 'reluminate';
 * softplusDerivative([-Infinity, 0, Infinity]); // => [0, 0.5, 1]
 */
export const softplusDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('softplusDerivative', x, options, logistic, derivatives);

const second = (x: number): number => logistic(x) * logistic(-x);
const seconds: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!);
};

/**
 * f''(x) = σ(x) σ(-x). NaN for NaN.
 *
 * @example
 * import { softplusSecondDerivative } from 'reluminate';
 * softplusSecondDerivative(0); // => 0.25
 */
export const softplusSecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('softplusSecondDerivative', x, options, second, seconds);

const inverse = (y: number): number => (y > Math.LN2 ? y + Math.log1p(-Math.exp(-y)) : Math.log(Math.expm1(y)));
const inverses: Loop = (y, x) => {
  for (let i = 0; i < y.length; i++) x[i] = inverse(y[i]!);
};

/**
 * The inverse, `ln(exp(y) - 1)`: -Infinity at 0, NaN below.
 *
 * @example
 * import { softplusInverse } from 'reluminate';
 * softplusInverse(1000); // => 1000
 */
export const softplusInverse = <Y extends Elements>(y: Y, options: OutOption<Y> = {}): Result<Y> =>
  elementwise('softplusInverse', y, options, inverse, inverses);

/**
 * log |det J| of the map over all elements: the sum of ln σ(x) = -softplus(-x).
 *
 * @example
 * import { softplusLogDet } from 'reluminate';
 * softplusLogDet([0, 0]).toFixed(4); // => "-1.3863"
 */
export const softplusLogDet = (x: Elements): number => total('softplusLogDet', x, element => -value(-element));

/**
 * Softplus as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { softplusRectifier } from 'reluminate';
 * softplusRectifier().value(0).toFixed(4); // => "0.6931"
 */
export const softplusRectifier = (): Rectifier => ({
  name: 'softplus',
  label: 'Softplus',
  parameters: {},
  value,
  derivative: logistic,
  secondDerivative: second,
  slopeGradient: null,
  inverse,
  range: [0, Number.POSITIVE_INFINITY],
  lipschitz: 1,
  monotone: true,
  kinks: [],
  moments: (mean, std) => quadratureMoments(mean, std, value, logistic),
});
