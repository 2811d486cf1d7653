import { elementwise, type Loop } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { partAbove } from './gaussian-moments.js';
import { finite, fitted, refuseMisspelled, refuseNonObject, rounded } from './parameters.js';
import { flat, flats } from './piecewise-linear.js';
import type { Rectifier } from './rectifier.js';

export interface ThetaOption {
  /** What an input must exceed to pass, ONNX's alpha: any finite number (default 1). */
  readonly theta?: number | undefined;
}

function thetaOf(operation: string, options: ThetaOption, x: Elements): number {
  refuseNonObject(operation, options, '{ theta: 1 }');
  if (options.theta === undefined) refuseMisspelled(operation, options, 'theta');
  const { theta = 1 } = options;
  return fitted(operation, 'theta', finite(operation, 'theta', theta), x);
}

const value = (x: number, theta: number): number => (x > theta || Number.isNaN(x) ? x : 0);
const values: Loop = (x, y, theta) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!, theta);
};

/**
 * The thresholded rectifier: `x > θ ? x : 0`. Konda, Memisevic & Krueger 2015, "Zero-bias autoencoders and the benefits of
 * co-adapting features". Drops what does not exceed θ, and jumps there. Range {0} and (θ, ∞); Lipschitz constant infinite
 * unless θ = 0; no inverse. 0 at -Infinity, NaN for NaN.
 *
 * @example
 * import { thresholdedRelu } from 'reluminate';
 * thresholdedRelu([-1, 1, 1.5], { theta: 1 }); // => [0, 0, 1.5]
 */
export const thresholdedRelu = <X extends Elements>(x: X, options: ThetaOption & OutOption<X> = {}): Result<X> =>
  elementwise('thresholdedRelu', x, options, value, values, thetaOf('thresholdedRelu', options, x));

const derivative = (x: number, theta: number): number => (x > theta ? 1 : Number.isNaN(x) ? x : 0);
const derivatives: Loop = (x, y, theta) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!, theta);
};

/**
 * f'(x): 1 for x > θ, else 0, at the jump too. The derivative by θ is 0 wherever it exists, so θ cannot be learned from it.
 * NaN for NaN.
 *
 * @example
 * import { thresholdedReluDerivative } from 'reluminate';
 * thresholdedReluDerivative([-1, 1, 1.5]); // => [0, 0, 1]
 */
export const thresholdedReluDerivative = <X extends Elements>(
  x: X,
  options: ThetaOption & OutOption<X> = {},
): Result<X> =>
  elementwise(
    'thresholdedReluDerivative',
    x,
    options,
    derivative,
    derivatives,
    thetaOf('thresholdedReluDerivative', options, x),
  );

/**
 * f''(x): 0 (what happens at the jump is no number). NaN for NaN.
 *
 * @example
 * import { thresholdedReluSecondDerivative } from 'reluminate';
 * thresholdedReluSecondDerivative([-1, 2]); // => [0, 0]
 */
export const thresholdedReluSecondDerivative = <X extends Elements>(
  x: X,
  options: ThetaOption & OutOption<X> = {},
): Result<X> => elementwise('thresholdedReluSecondDerivative', x, options, flat, flats);

/**
 * Thresholded ReLU as a `Rectifier`; moments in closed form, the derivative's without the jump.
 *
 * @example
 * import { thresholdedReluRectifier } from 'reluminate';
 * thresholdedReluRectifier(2).kinks; // => [2]
 */
export function thresholdedReluRectifier(theta = 1): Rectifier {
  finite('thresholdedReluRectifier', 'theta', theta);
  return {
    name: `thresholded:${theta}`,
    label: `Thresholded ReLU (${rounded(theta)})`,
    parameters: { theta },
    value: x => value(x, theta),
    derivative: x => derivative(x, theta),
    secondDerivative: flat,
    slopeGradient: null,
    inverse: null,
    range: [Math.min(0, theta), Number.POSITIVE_INFINITY],
    lipschitz: theta === 0 ? 1 : Number.POSITIVE_INFINITY,
    monotone: theta >= 0,
    kinks: [theta],
    moments: (mean, std) => {
      const [above, first, second] = partAbove(mean, std, theta);
      return { mean: first, secondMoment: second, derivativeMean: above, derivativeSecondMoment: above };
    },
  };
}
