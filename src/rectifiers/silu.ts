import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { damped, logistic } from './logistic.js';
import { finite, fitted, positive, refuseMisspelled, refuseNonObject, rounded } from './parameters.js';
import type { Rectifier } from './rectifier.js';

export interface BetaOption {
  /** How sharp the gate is, ONNX's alpha: any finite number (default 1, SiLU; others make it Swish). */
  readonly beta?: number | undefined;
}

function betaOf(operation: string, options: BetaOption, x: Elements): number {
  refuseNonObject(operation, options, '{ beta: 1 }');
  if (options.beta === undefined) refuseMisspelled(operation, options, 'beta');
  const { beta = 1 } = options;
  return fitted(operation, 'beta', finite(operation, 'beta', beta), x);
}

const value = (x: number, beta: number): number => damped(x, logistic(beta * x));
const values: Loop = (x, y, beta) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!, beta);
};

/**
 * The sigmoid linear unit: `x σ(βx)` with the logistic function σ and β = 1. Elfwing, Uchibe & Doya 2018, "Sigmoid-weighted linear
 * units"; with β free it is Swish, Ramachandran, Zoph & Le 2017, "Searching for activation functions". x/2 for β = 0, ReLU as β grows.
 * Range [-0.27846/β, ∞) for β > 0; Lipschitz constant 1.09984 for any β but 0; no inverse. 0 at -Infinity for β > 0, NaN for NaN.
 *
 * @example
 * import { silu } from 'reluminate';
 * silu([-Infinity, 0, 40]); // => [0, 0, 40]
 * silu(3, { beta: 0 }); // => 1.5
 */
export const silu = <X extends Elements>(x: X, options: BetaOption & OutOption<X> = {}): Result<X> =>
  elementwise('silu', x, options, value, values, betaOf('silu', options, x));

const derivative = (x: number, beta: number): number => {
  const on = logistic(beta * x);
  return on + damped(beta * x, on * logistic(-beta * x));
};
const derivatives: Loop = (x, y, beta) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!, beta);
};

/**
 * f'(x) = σ(βx) + βx σ(βx) σ(-βx). Smooth: 1/2 at 0. NaN for NaN.
 *
 * @example
 * import { siluDerivative } from 'reluminate';
 * siluDerivative([-Infinity, 0, Infinity]); // => [0, 0.5, 1]
 */
export const siluDerivative = <X extends Elements>(x: X, options: BetaOption & OutOption<X> = {}): Result<X> =>
  elementwise('siluDerivative', x, options, derivative, derivatives, betaOf('siluDerivative', options, x));

const second = (x: number, beta: number): number => {
  const [on, off] = [logistic(beta * x), logistic(-beta * x)];
  return damped(beta * (2 + beta * x * (off - on)), on * off);
};
const seconds: Loop = (x, y, beta) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!, beta);
};

/**
 * f''(x) = β σ(βx) σ(-βx) (2 + βx (σ(-βx) - σ(βx))). NaN for NaN.
 *
 * @example
 * import { siluSecondDerivative } from 'reluminate';
 * siluSecondDerivative(0); // => 0.5
 */
export const siluSecondDerivative = <X extends Elements>(x: X, options: BetaOption & OutOption<X> = {}): Result<X> =>
  elementwise('siluSecondDerivative', x, options, second, seconds, betaOf('siluSecondDerivative', options, x));

const betaGradient = (x: number, beta: number): number => damped(x * x, logistic(beta * x) * logistic(-beta * x));
const betaGradients: Loop = (x, y, beta) => {
  for (let i = 0; i < x.length; i++) y[i] = betaGradient(x[i]!, beta);
};

/**
 * ∂f/∂β = x² σ(βx) σ(-βx). NaN for NaN.
 *
 * @example
 * import { siluBetaGradient } from 'reluminate';
 * siluBetaGradient(2, { beta: 0 }); // => 1
 */
export const siluBetaGradient = <X extends Elements>(x: X, options: BetaOption & OutOption<X> = {}): Result<X> =>
  elementwise('siluBetaGradient', x, options, betaGradient, betaGradients, betaOf('siluBetaGradient', options, x));

/**
 * SiLU, or Swish with a β above 0, as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { siluRectifier } from 'reluminate';
 * siluRectifier(2).range[0].toFixed(4); // => "-0.1392"
 */
export function siluRectifier(beta = 1): Rectifier {
  positive('siluRectifier', 'beta', beta);
  const f = (x: number) => value(x, beta);
  const slope = (x: number) => derivative(x, beta);
  return {
    name: beta === 1 ? 'silu' : `silu:${beta}`,
    label: beta === 1 ? 'SiLU' : `Swish (${rounded(beta)})`,
    parameters: { beta },
    value: f,
    derivative: slope,
    secondDerivative: x => second(x, beta),
    slopeGradient: null,
    inverse: null,
    range: [-0.2784645427610738 / beta, Number.POSITIVE_INFINITY],
    lipschitz: 1.099839320128867,
    monotone: false,
    kinks: [],
    width: 1 / beta,
    moments: (mean, std) => quadratureMoments(mean, std, f, slope, [], 1 / beta),
  };
}
