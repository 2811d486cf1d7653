import { positive } from '../rectifiers/parameters.js';
import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';

export interface GainOptions {
  /** Variance v of the Gaussian pre-activations, greater than 0 (default 1). It matters for all but the leaky family, which is scale free. */
  readonly variance?: number | undefined;
}

/**
 * The gain of a rectifier: weights of standard deviation gain / √fanIn keep the variance v of Gaussian pre-activations z ~ N(0, v) from layer
 * to layer, √(v / E f(z)²). √(2/(1 + a²)) for leaky ReLU, whatever v (He et al. 2015, equation 15); RReLU is averaged over its slopes in
 * training. Exact: the closed form where `moments` has one, quadrature to 1e-12 elsewhere. Range (0, ∞). Throws a RangeError for a
 * variance that is not positive, and where E f(z)² is 0 or beyond float64: no weights keep such a signal.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { gain } from 'reluminate/theory';
 * gain(parseRectifier('relu')) ** 2; // => 2.0000000000000004
 * gain(parseRectifier('gelu')).toFixed(6); // => "1.533530"
 * gain(parseRectifier('gelu'), { variance: 100 }).toFixed(6); // => "1.414476"
 */
export function gain(rectifier: Rectifier, { variance = 1 }: GainOptions = {}): number {
  checkRectifier('gain', rectifier);
  positive('gain', 'variance', variance);
  const { secondMoment } = rectifier.moments(0, Math.sqrt(variance));
  if (!(secondMoment > 0 && secondMoment < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `gain: E f(z)² must be positive and finite for z of variance ${variance}, got ${secondMoment} for ${rectifier.name}`,
    );
  return Math.sqrt(variance / secondMoment);
}
