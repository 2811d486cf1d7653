import { elementwise } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { slopeMoments } from './gaussian-moments.js';
import { type AtZeroOption, atKink } from './kink.js';
import { finite, fitted, refuseMisspelled, refuseNonObject, rounded } from './parameters.js';
import {
  flat,
  flats,
  invertibleSlope,
  negativePart,
  negativeParts,
  slopeDerivative,
  slopeDerivatives,
  slopeInverse,
  slopeInverses,
  slopeLogDet,
  slopeValue,
  slopeValues,
} from './piecewise-linear.js';
import type { Rectifier } from './rectifier.js';

export interface NegativeSlopeOption {
  /** The slope a on the negative side: any finite number (default 0.01). */
  readonly negativeSlope?: number | undefined;
  /** The same, as ONNX and NumPy code call it; one of the two may be given. */
  readonly alpha?: number | undefined;
}

/** The slope that the options give, as functions of x use it (see `fitted`). */
export function slopeOf(operation: string, options: NegativeSlopeOption, x?: Elements): number {
  refuseNonObject(operation, options, '{ negativeSlope: 0.25 }');
  const { negativeSlope, alpha } = options;
  if (negativeSlope !== undefined && alpha !== undefined)
    throw new TypeError(
      `${operation}: one of negativeSlope and alpha must be given, got negativeSlope ${negativeSlope} and alpha ${alpha}`,
    );
  const given = negativeSlope === undefined ? alpha : negativeSlope;
  if (given === undefined) refuseMisspelled(operation, options, 'negativeSlope');
  return fitted(operation, 'negativeSlope', finite(operation, 'negativeSlope', given === undefined ? 0.01 : given), x);
}

/**
 * The leaky rectifier: `x > 0 ? x : a*x`. Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic
 * models". Negative inputs leak through a slope, so that they keep a gradient. Range (-∞, ∞) for a > 0, [0, ∞) for a <= 0;
 * Lipschitz constant max(1, |a|). Infinities, -0 and subnormals follow IEEE arithmetic (a = 0 gives NaN at -Infinity); NaN for NaN.
 *
 * @example
 * import { leakyRelu } from 'reluminate';
 * leakyRelu(-2); // => -0.02
 * leakyRelu([-4, 0, 4], { negativeSlope: 0.25 }); // => [-1, 0, 4]
 */
export const leakyRelu = <X extends Elements>(x: X, options: NegativeSlopeOption & OutOption<X> = {}): Result<X> =>
  elementwise('leakyRelu', x, options, slopeValue, slopeValues, slopeOf('leakyRelu', options, x));

/**
 * f'(x): 1 for x > 0, a for x < 0. At the kink a (PyTorch, TensorFlow), or as `atZero` says (`'one'`: JAX). NaN for NaN.
 *
 * @example
 * import { leakyReluDerivative } from 'reluminate';
 * leakyReluDerivative([-1, 0, 1], { negativeSlope: 0.25 }); // => [0.25, 0.25, 1]
 * leakyReluDerivative(0, { negativeSlope: 0.25, atZero: 'one' }); // => 1
 */
export function leakyReluDerivative<X extends Elements>(
  x: X,
  options: NegativeSlopeOption & AtZeroOption & OutOption<X> = {},
): Result<X> {
  const slope = slopeOf('leakyReluDerivative', options, x);
  const kink = atKink('leakyReluDerivative', options.atZero, slope);
  return elementwise('leakyReluDerivative', x, options, slopeDerivative, slopeDerivatives, slope, kink);
}

/**
 * f''(x): 0, except that the kink at 0 is a point mass of 1 - a, for which 0 is given. NaN for NaN.
 *
 * @example
 * import { leakyReluSecondDerivative } from 'reluminate';
 * leakyReluSecondDerivative([-1, 0, 1]); // => [0, 0, 0]
 */
export const leakyReluSecondDerivative = <X extends Elements>(
  x: X,
  options: NegativeSlopeOption & OutOption<X> = {},
): Result<X> => elementwise('leakyReluSecondDerivative', x, options, flat, flats);

/**
 * ∂f/∂a = min(x, 0), whatever the slope: only negative inputs teach it. 0 at 0 and -0; NaN for NaN.
 *
 * @example
 * import { leakyReluSlopeGradient } from 'reluminate';
 * leakyReluSlopeGradient([-3, 0, 3]); // => [-3, 0, 0]
 */
export const leakyReluSlopeGradient = <X extends Elements>(
  x: X,
  options: NegativeSlopeOption & OutOption<X> = {},
): Result<X> => elementwise('leakyReluSlopeGradient', x, options, negativePart, negativeParts);

/**
 * The inverse, `y > 0 ? y : y / a`: a leaky rectifier of slope 1/a. Throws a RangeError unless a > 0: for a = 0 the negative
 * side is lost, for a < 0 every y > 0 has two preimages.
 *
 * @example
 * import { leakyReluInverse } from 'reluminate';
 * leakyReluInverse([-1, 0, 4], { negativeSlope: 0.25 }); // => [-4, 0, 4]
 */
export const leakyReluInverse = <Y extends Elements>(
  y: Y,
  options: NegativeSlopeOption & OutOption<Y> = {},
): Result<Y> =>
  elementwise(
    'leakyReluInverse',
    y,
    options,
    slopeInverse,
    slopeInverses,
    invertibleSlope('leakyReluInverse', 'negativeSlope', slopeOf('leakyReluInverse', options), y),
  );

/**
 * log |det J| of the map over all elements: the number of negative ones times ln a (Σ ln |f'|). Throws a RangeError unless a > 0.
 * NaN where any element is.
 *
 * @example
 * import { leakyReluLogDet } from 'reluminate';
 * leakyReluLogDet([-2, -0.5, 0, 1, 3], { negativeSlope: 1 }); // => 0
 */
export const leakyReluLogDet = (x: Elements, options: NegativeSlopeOption = {}): number =>
  slopeLogDet(
    'leakyReluLogDet',
    x,
    invertibleSlope('leakyReluLogDet', 'negativeSlope', slopeOf('leakyReluLogDet', options)),
  );

/**
 * Leaky ReLU with a fixed slope as a `Rectifier`.
 *
 * @example
 * import { leakyReluRectifier } from 'reluminate';
 * leakyReluRectifier(0).moments(0, 2).secondMoment; // => 2
 */
export function leakyReluRectifier(negativeSlope = 0.01): Rectifier {
  const slope = finite('leakyReluRectifier', 'negativeSlope', negativeSlope);
  return {
    name: `leaky:${slope}`,
    label: `Leaky ReLU (${rounded(slope)})`,
    parameters: { negativeSlope: slope },
    value: x => slopeValue(x, slope),
    derivative: x => slopeDerivative(x, slope, slope),
    secondDerivative: flat,
    slopeGradient: negativePart,
    inverse: slope > 0 ? y => slopeInverse(y, slope) : null,
    range: [slope > 0 ? Number.NEGATIVE_INFINITY : 0, Number.POSITIVE_INFINITY],
    lipschitz: Math.max(1, Math.abs(slope)),
    monotone: slope >= 0,
    kinks: [0],
    moments: (mean, std) => slopeMoments(mean, std, slope, slope * slope),
  };
}
