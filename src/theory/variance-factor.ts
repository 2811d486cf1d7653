import { positive } from '../rectifiers/parameters.js';
import { checkRectifier } from '../rectifiers/rectifier.js';
import type { LayerShape, WeightLaw } from './initializer.js';

/** What a layer multiplies second moments by, on the way forward and on the way back. */
export interface VarianceFactor {
  /** Of a unit's pre-activation: σ_w² E f(z)² / E z². */
  readonly forward: number;
  /** Of the gradient's squared length: σ_w² E f'(z)². Times fanOut / fanIn, of the second moment of a unit's gradient. */
  readonly backward: number;
}

/**
 * What a rectifier and the weights around it multiply the signal by, for Gaussian pre-activations z of mean 0 and variance q: forward the
 * second moment of a unit by σ_w² E f(z)² / q, backward the squared length of the gradient by σ_w² E f'(z)². Both are σ_w² (1 + a²)/2 for
 * leaky ReLU and σ_w² without a rectifier. In expectation, exact (closed form or quadrature to 1e-12); zero biases. He et al. 2015, equations 9
 * and 13. Throws a RangeError unless σ_w² and q are positive.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { varianceFactor } from 'reluminate/theory';
 * const pytorch = { weightVariance: 1 / 3, rectifier: parseRectifier('relu') };
 * varianceFactor(pytorch).forward.toFixed(6); // => "0.166667"
 * varianceFactor({ weightVariance: 2, rectifier: parseRectifier('silu') }).backward.toFixed(6); // => "0.758965"
 */
export function varianceFactor(
  { weightVariance, rectifier }: Pick<WeightLaw & LayerShape, 'weightVariance' | 'rectifier'>,
  preActivationVariance = 1,
): VarianceFactor {
  positive('varianceFactor', 'weightVariance', weightVariance);
  positive('varianceFactor', 'preActivationVariance', preActivationVariance);
  if (rectifier === null) return { forward: weightVariance, backward: weightVariance };
  checkRectifier('varianceFactor', rectifier);
  const { secondMoment, derivativeSecondMoment } = rectifier.moments(0, Math.sqrt(preActivationVariance));
  return {
    forward: (weightVariance * secondMoment) / preActivationVariance,
    backward: weightVariance * derivativeSecondMoment,
  };
}
