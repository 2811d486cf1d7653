import type { Rectifier } from '../rectifiers/rectifier.js';

/**
 * The gain of a rectifier: weights of standard deviation gain / √fanIn keep the second moment of Gaussian pre-activations of
 * variance 1, 1/√(E f(z)²). √(2/(1 + a²)) for leaky ReLU (He et al. 2015, equation 15). Range (0, ∞).
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { gain } from 'reluminate/theory';
 * gain(parseRectifier('relu')) ** 2; // => 2.0000000000000004
 */
export const gain = (rectifier: Rectifier): number => 1 / Math.sqrt(rectifier.moments(0, 1).secondMoment);
