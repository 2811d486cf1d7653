import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { damped } from './logistic.js';
import { normalCdf, normalDensity } from './normal.js';
import type { Rectifier } from './rectifier.js';

const value = (x: number): number => damped(x, normalCdf(x));
const values: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!);
};

/**
 * The Gaussian error linear unit, exact form: `x Φ(x)` with the normal distribution function Φ. Hendrycks & Gimpel 2016,
 * "Gaussian error linear units". Weighs an input by the chance that a normal number lies below it. Range [-0.16997, ∞), minimum
 * at -0.75179; Lipschitz constant 1.12890, at √2; no inverse. 0 at -Infinity (where x Φ(x) taken literally is NaN), NaN for NaN.
 *
 * @example
 * import { gelu } from 'reluminate';
 * gelu([-Infinity, 0, 40]); // => [0, 0, 40]
 */
export const gelu = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('gelu', x, options, value, values);

const derivative = (x: number): number => normalCdf(x) + damped(x, normalDensity(x));
const derivatives: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!);
};

/**
 * f'(x) = Φ(x) + x φ(x). Smooth: 1/2 at 0. NaN for NaN.
 *
 * @example
 * import { geluDerivative } from 'reluminate';
 * geluDerivative([-Infinity, 0, Infinity]); // => [0, 0.5, 1]
 */
export const geluDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('geluDerivative', x, options, derivative, derivatives);

const second = (x: number): number => damped(2 - x * x, normalDensity(x));
const seconds: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!);
};

/**
 * f''(x) = φ(x) (2 - x²). NaN for NaN.
 *
 * @example
 * import { geluSecondDerivative } from 'reluminate';
 * geluSecondDerivative(0).toFixed(4); // => "0.7979"
 */
export const geluSecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('geluSecondDerivative', x, options, second, seconds);

/**
 * GELU as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { geluRectifier } from 'reluminate';
 * geluRectifier().value(1).toFixed(4); // => "0.8413"
 */
export const geluRectifier = (): Rectifier => ({
  name: 'gelu',
  label: 'GELU',
  parameters: {},
  value,
  derivative,
  secondDerivative: second,
  slopeGradient: null,
  inverse: null,
  range: [-0.16997120747990366, Number.POSITIVE_INFINITY],
  lipschitz: 1.1289041451851547,
  monotone: false,
  kinks: [],
  moments: (mean, std) => quadratureMoments(mean, std, value, derivative),
});
