import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { type AtZeroOption, atKink } from './kink.js';
import { flat, flats } from './piecewise-linear.js';
import type { Rectifier } from './rectifier.js';

const value = (x: number): number => (x > 6 ? 6 : x > 0 || Number.isNaN(x) ? x : 0);
const values: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!);
};

/**
 * ReLU with a ceiling: `min(max(x, 0), 6)`. Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10". Bounded, so that
 * low-precision arithmetic holds it. Range [0, 6], Lipschitz constant 1, no inverse. 0 at -0 and -Infinity, 6 at Infinity, NaN
 * for NaN.
 *
 * @example
 * import { relu6 } from 'reluminate';
 * relu6([-1, 3, 9]); // => [0, 3, 6]
 */
export const relu6 = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('relu6', x, options, value, values);

const derivative = (x: number, kink: number): number => (x > 0 && x < 6 ? 1 : x === 0 ? kink : Number.isNaN(x) ? x : 0);
const derivatives: Loop = (x, y, kink) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!, kink);
};

/**
 * f'(x): 1 between 0 and 6, 0 outside. At the kink at 0 it is 0, or as `atZero` says; at the kink at 6 always 0 (PyTorch,
 * TensorFlow). NaN for NaN.
 *
 * @example
 * import { relu6Derivative } from 'reluminate';
 * relu6Derivative([-1, 0, 3, 6]); // => [0, 0, 1, 0]
 */
export const relu6Derivative = <X extends Elements>(x: X, options: AtZeroOption & OutOption<X> = {}): Result<X> =>
  elementwise('relu6Derivative', x, options, derivative, derivatives, atKink('relu6Derivative', options.atZero, 0));

/**
 * f''(x): 0, except for point masses of 1 at 0 and -1 at 6, for which 0 is given. NaN for NaN.
 *
 * @example
 * import { relu6SecondDerivative } from 'reluminate';
 * relu6SecondDerivative([-1, 3, 7]); // => [0, 0, 0]
 */
export const relu6SecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('relu6SecondDerivative', x, options, flat, flats);

/**
 * ReLU6 as a `Rectifier`; its moments by quadrature, as their closed form cancels for a large std.
 *
 * @example
 * import { relu6Rectifier } from 'reluminate';
 * relu6Rectifier().range; // => [0, 6]
 */
export const relu6Rectifier = (): Rectifier => ({
  name: 'relu6',
  label: 'ReLU6',
  parameters: {},
  value,
  derivative: x => derivative(x, 0),
  secondDerivative: flat,
  slopeGradient: null,
  inverse: null,
  range: [0, 6],
  lipschitz: 1,
  monotone: true,
  kinks: [0, 6],
  moments: (mean, std) => quadratureMoments(mean, std, value, x => derivative(x, 0), [6]),
});
