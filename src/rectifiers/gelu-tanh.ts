import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { damped, logistic } from './logistic.js';
import type { Rectifier } from './rectifier.js';

const scale = 2 * Math.sqrt(2 / Math.PI);

/** g(x) with (1 + tanh(g/2))/2 = logistic(g), and its two derivatives. */
const gate = (x: number): number => scale * x * (1 + 0.044715 * x * x);
const gateSlope = (x: number): number => scale * (1 + 0.134145 * x * x);
const gateCurve = (x: number): number => scale * 0.26829 * x;

const value = (x: number): number => damped(x, logistic(gate(x)));
const values: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!);
};

/**
 * The Gaussian error linear unit, tanh form: `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`. Hendrycks & Gimpel 2016, "Gaussian error
 * linear units", section 2. What BERT, GPT-2 and `approximate="tanh"` compute; within 4.8e-4 of the exact form. Range [-0.17004, ∞);
 * Lipschitz constant 1.12899; no inverse. 0 at -Infinity, NaN for NaN.
 *
 * @example
 * import { geluTanh } from 'reluminate';
 * geluTanh([-Infinity, 0, 40]); // => [0, 0, 40]
 */
export const geluTanh = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('geluTanh', x, options, value, values);

const derivative = (x: number): number => {
  const g = gate(x);
  const on = logistic(g);
  return on + damped(x * gateSlope(x), on * logistic(-g));
};
const derivatives: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!);
};

/**
 * f'(x) = σ(g) + x σ(g) σ(-g) g' with g = 2 √(2/π) (x + 0.044715 x³) and the logistic function σ. NaN for NaN.
 *
 * @example
 * import { geluTanhDerivative } from 'reluminate';
 * geluTanhDerivative([-Infinity, 0, Infinity]); // => [0, 0.5, 1]
 */
export const geluTanhDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('geluTanhDerivative', x, options, derivative, derivatives);

const second = (x: number): number => {
  const g = gate(x);
  const [on, off, slope] = [logistic(g), logistic(-g), gateSlope(x)];
  return damped(2 * slope + x * ((off - on) * slope * slope + gateCurve(x)), on * off);
};
const seconds: Loop = (x, y) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!);
};

/**
 * f''(x) = σ(g) σ(-g) (2g' + x ((σ(-g) - σ(g)) g'² + g'')). NaN for NaN.
 *
 * @example
 * import { geluTanhSecondDerivative } from 'reluminate';
 * geluTanhSecondDerivative(0).toFixed(4); // => "0.7979"
 */
export const geluTanhSecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('geluTanhSecondDerivative', x, options, second, seconds);

/**
 * The tanh form of GELU as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { geluTanhRectifier } from 'reluminate';
 * geluTanhRectifier().value(1).toFixed(4); // => "0.8412"
 */
export const geluTanhRectifier = (): Rectifier => ({
  name: 'gelu-tanh',
  label: 'GELU (tanh)',
  parameters: {},
  value,
  derivative,
  secondDerivative: second,
  slopeGradient: null,
  inverse: null,
  range: [-0.17004075057125406, Number.POSITIVE_INFINITY],
  lipschitz: 1.1289930686587717,
  monotone: false,
  kinks: [],
  moments: (mean, std) => quadratureMoments(mean, std, value, derivative),
});
