import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import type { Rectifier } from './rectifier.js';

const value = (x: number): number => (x <= -3 ? 0 : x >= 3 ? x : (x * (x + 3)) / 6);
const values: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!);
};

/**
 * Hard swish: `x clip(x + 3, 0, 6) / 6`. Howard et al. 2019, "Searching for MobileNetV3". A SiLU made of a parabola and two
 * lines. Range [-3/8, ∞), minimum at -3/2; Lipschitz constant 3/2, just below 3; no inverse. 0 at -Infinity, NaN for NaN.
 *
 * @example
 * import { hardSwish } from 'reluminate';
 * hardSwish([-4, -1.5, 0, 3]); // => [0, -0.375, 0, 3]
 */
export const hardSwish = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('hardSwish', x, options, value, values);

const derivative = (x: number): number => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5);
const derivatives: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!);
};

/**
 * f'(x): x/3 + 1/2 between -3 and 3, 0 below, 1 above. At the kinks at -3 and 3 it is 0 and 1, the outer sides'. NaN for NaN.
 *
 * @example
 * import { hardSwishDerivative } from 'reluminate';
 * hardSwishDerivative([-3, 0, 1.5, 3]); // => [0, 0.5, 1, 1]
 */
export const hardSwishDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('hardSwishDerivative', x, options, derivative, derivatives);

const second = (x: number): number => (Math.abs(x) >= 3 ? 0 : Number.isNaN(x) ? x : 1 / 3);
const seconds: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!);
};

/**
 * f''(x): 1/3 between -3 and 3, 0 elsewhere (and point masses of 1/2 at -3 and -1/2 at 3). NaN for NaN.
 *
 * @example
 * import { hardSwishSecondDerivative } from 'reluminate';
 * hardSwishSecondDerivative([-4, 4]); // => [0, 0]
 * hardSwishSecondDerivative(0).toFixed(4); // => "0.3333"
 */
export const hardSwishSecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('hardSwishSecondDerivative', x, options, second, seconds);

/**
 * Hard swish as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { hardSwishRectifier } from 'reluminate';
 * hardSwishRectifier().kinks; // => [-3, 3]
 */
export const hardSwishRectifier = (): Rectifier => ({
  name: 'hard-swish',
  label: 'Hard swish',
  parameters: {},
  value,
  derivative,
  secondDerivative: second,
  slopeGradient: null,
  inverse: null,
  range: [-3 / 8, Number.POSITIVE_INFINITY],
  lipschitz: 3 / 2,
  monotone: false,
  kinks: [-3, 3],
  moments: (mean, std) => quadratureMoments(mean, std, value, derivative),
});
