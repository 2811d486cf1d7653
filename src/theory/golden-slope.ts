import { positive } from '../rectifiers/parameters.js';

/**
 * The golden slope: the negative slope a >= 0 with which weights of variance σ_w² / fanIn keep the second moments of activations and gradients from
 * layer to layer, √(2/σ_w² - 1), so that σ_w² (1 + a²)/2 = 1; -a does the same. Null where no slope does: for σ_w² > 2 even ReLU
 * lets them grow. Above 1 for σ_w² < 1. The inverse of leaky ReLU's gain (He et al. 2015, equation 15). Throws a RangeError unless σ_w² > 0.
 *
 * @example
 * import { goldenSlope } from 'reluminate/theory';
 * goldenSlope(1); // => 1
 * goldenSlope(1.25).toFixed(6); // => "0.774597"
 * goldenSlope(2.5); // => null
 */
export function goldenSlope(weightVariance: number): number | null {
  positive('goldenSlope', 'weightVariance', weightVariance);
  // The quotient 2/σ_w² may be beyond float64 where its root is not.
  return weightVariance > 2 ? null : Math.sqrt(2 - weightVariance) / Math.sqrt(weightVariance);
}
