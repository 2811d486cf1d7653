import { finite } from '../rectifiers/parameters.js';

/** What f(x) = x for x > 0, a x else is like for a slope a. */
export interface SlopeDescription {
  readonly negativeSlope: number;
  /** Whether f never decreases: a >= 0. */
  readonly monotone: boolean;
  /** Whether y determines x: a > 0. */
  readonly invertible: boolean;
  /** How many x give a y that is below, at and above 0. */
  readonly preimages: { readonly below: number; readonly at: number; readonly above: number };
  /** The lower and upper bound of f: the closure of its range. */
  readonly range: readonly [number, number];
  /** The smallest L with |f(x) - f(y)| <= L |x - y|: max(1, |a|). */
  readonly lipschitz: number;
}

/**
 * What a slope makes of the rectifier. Above 0 it can be inverted. At 0 everything negative falls on 0. Below 0 the negative side is folded over
 * the positive one: f decreases to 0 and then increases, and every y > 0 comes from two inputs, so that the next layer cannot
 * tell x = y from x = y/a. He et al. 2015 let such slopes be learned; that they fold is elementary. Throws a RangeError for a slope that is not finite.
 *
 * @example
 * import { describeSlope } from 'reluminate/theory';
 * describeSlope(-0.5).preimages; // => { below: 0, at: 1, above: 2 }
 * describeSlope(-0.5).monotone; // => false
 */
export function describeSlope(negativeSlope: number): SlopeDescription {
  const slope = finite('describeSlope', 'negativeSlope', negativeSlope);
  return {
    negativeSlope: slope,
    monotone: slope >= 0,
    invertible: slope > 0,
    preimages: { below: slope > 0 ? 1 : 0, at: slope === 0 ? Number.POSITIVE_INFINITY : 1, above: slope < 0 ? 2 : 1 },
    range: [slope > 0 ? Number.NEGATIVE_INFINITY : 0, Number.POSITIVE_INFINITY],
    lipschitz: Math.max(1, Math.abs(slope)),
  };
}

/**
 * Every x with f(x) = y, in ascending order: none, one or two. y/a for the negative side, which a slope near 0 can make infinite. Throws a
 * RangeError for y = 0 with slope 0, which every x <= 0 gives, and for numbers that are not finite. By definition of f.
 *
 * @example
 * import { preimages } from 'reluminate/theory';
 * preimages(1, -0.5); // => [-2, 1]
 * preimages(-1, 0.5); // => [-2]
 * preimages(-1, -0.5); // => []
 */
export function preimages(y: number, negativeSlope: number): number[] {
  finite('preimages', 'y', y);
  finite('preimages', 'negativeSlope', negativeSlope);
  if (y === 0 && negativeSlope === 0)
    throw new RangeError('preimages: y must not be 0 where negativeSlope is 0, since every x <= 0 gives it, got 0');
  if (y === 0) return [0];
  const negative = negativeSlope !== 0 && y > 0 !== negativeSlope > 0 ? [y / negativeSlope] : [];
  return y > 0 ? [...negative, y] : negative;
}
