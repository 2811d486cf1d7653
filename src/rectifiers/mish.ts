import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { damped, logistic } from './logistic.js';
import type { Rectifier } from './rectifier.js';

/** tanh(softplus(x)) by exponentials that cannot overflow. */
function gate(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x > 0 ? (1 + 2 * e) / (1 + 2 * e + 2 * e * e) : (e * (e + 2)) / (e * e + 2 * e + 2);
}

/** 1 - tanh²(softplus(x)), which would cancel. */
function gateRoom(x: number): number {
  const e = Math.exp(-Math.abs(x));
  const root = x > 0 ? (2 * e * (1 + e)) / (1 + 2 * e + 2 * e * e) : (2 * (1 + e)) / (e * e + 2 * e + 2);
  return root * root;
}

const value = (x: number): number => damped(x, gate(x));
const values: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!);
};

/**
 * Mish: `x tanh(softplus(x))`. Misra 2020, "Mish: a self regularized non-monotonic activation function". A smooth ReLU that dips below 0.
 * Range [-0.30884, ∞), minimum at -1.19243; Lipschitz constant 1.08850; no inverse. 0 at -Infinity, NaN for NaN.
 *
 * @example
 * import { mish } from 'reluminate';
 * mish([-Infinity, 0, 40]); // => [0, 0, 40]
 */
export const mish = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('mish', x, options, value, values);

const derivative = (x: number): number => gate(x) + damped(x, logistic(x) * gateRoom(x));
const derivatives: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!);
};

/**
 * f'(x) = t + x σ(x) (1 - t²) with t = tanh(softplus(x)) and the logistic function σ. 3/5 at 0. NaN for NaN.
 *
 * @example
 * import { mishDerivative } from 'reluminate';
 * mishDerivative([-Infinity, 0, Infinity]); // => [0, 0.6, 1]
 */
export const mishDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('mishDerivative', x, options, derivative, derivatives);

const second = (x: number): number => {
  const on = logistic(x);
  return damped(2 + x * (logistic(-x) - 2 * gate(x) * on), gateRoom(x) * on);
};
const seconds: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!);
};

/**
 * f''(x) = (1 - t²) σ(x) (2 + x (σ(-x) - 2 t σ(x))). NaN for NaN.
 *
 * @example
 * import { mishSecondDerivative } from 'reluminate';
 * mishSecondDerivative(0).toFixed(4); // => "0.6400"
 */
export const mishSecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('mishSecondDerivative', x, options, second, seconds);

/**
 * Mish as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { mishRectifier } from 'reluminate';
 * mishRectifier().value(1).toFixed(4); // => "0.8651"
 */
export const mishRectifier = (): Rectifier => ({
  name: 'mish',
  label: 'Mish',
  parameters: {},
  value,
  derivative,
  secondDerivative: second,
  slopeGradient: null,
  inverse: null,
  range: [-0.3088434130172504, Number.POSITIVE_INFINITY],
  lipschitz: 1.088498161251728,
  monotone: false,
  kinks: [],
  moments: (mean, std) => quadratureMoments(mean, std, value, derivative),
});
