import { normalCdf, normalDensity } from '../rectifiers/normal.js';
import { finite, positive } from '../rectifiers/parameters.js';

export interface OutputDistribution {
  readonly negativeSlope: number;
  readonly mean: number;
  readonly std: number;
  /** The probability that Y is exactly 0: P(X <= 0) for slope 0, else 0. */
  readonly massAtZero: number;
  /** The density of Y at y, apart from the mass at 0; at the jump at 0 the limit from the right. */
  density(y: number): number;
  /** P(Y <= y). */
  cumulative(y: number): number;
}

export interface PreActivationOptions {
  /** Mean of the pre-activation (default 0). */
  readonly mean?: number | undefined;
  /** Standard deviation of the pre-activation, above 0 (default 1). */
  readonly std?: number | undefined;
}

/** Φ(to) - Φ(from) without losing the digits of either tail. */
const normalBetween = (from: number, to: number): number =>
  from > 0 ? normalCdf(-from) - normalCdf(-to) : normalCdf(to) - normalCdf(from);

/**
 * The distribution of Y = f(X), f(x) = x for x > 0, a x else, of a pre-activation X ~ N(mean, std²), exact. With p the density of X:
 * for a > 0, p(y) above 0 and p(y/a)/a below; for a = 0, p(y) above 0 and the mass P(X <= 0) at 0; for a < 0 the folded sum p(y) + p(y/a)/|a|
 * above 0 and nothing below (change of variables; Leone, Nelson & Nottingham 1961, "The folded normal distribution", for a = -1).
 * Throws a RangeError for numbers that are not finite and a std that is not above 0.
 *
 * @example
 * import { outputDistribution } from 'reluminate/theory';
 * outputDistribution(0).massAtZero; // => 0.5
 * outputDistribution(-1).density(1).toFixed(6); // => "0.483941"
 * outputDistribution(0.25).cumulative(0); // => 0.5
 */
export function outputDistribution(
  negativeSlope: number,
  { mean = 0, std = 1 }: PreActivationOptions = {},
): OutputDistribution {
  const slope = finite('outputDistribution', 'negativeSlope', negativeSlope);
  finite('outputDistribution', 'mean', mean);
  positive('outputDistribution', 'std', std);
  const standard = (x: number): number => (x - mean) / std;
  const inputDensity = (x: number): number => normalDensity(standard(x)) / std;
  const fromNegative = (y: number): number => (slope === 0 ? 0 : inputDensity(y / slope) / Math.abs(slope));

  const density = (y: number): number => {
    if (Number.isNaN(y)) return y;
    const isPositive = y >= 0;
    return (isPositive ? inputDensity(y) : 0) + (isPositive === slope < 0 ? fromNegative(y) : 0);
  };
  const cumulative = (y: number): number => {
    if (slope > 0) return normalCdf(standard(y > 0 ? y : y / slope));
    if (y < 0) return 0;
    return slope === 0 ? normalCdf(standard(y)) : normalBetween(standard(y / slope), standard(y));
  };
  const massAtZero = slope === 0 ? normalCdf(standard(0)) : 0;
  return { negativeSlope: slope, mean, std, massAtZero, density, cumulative };
}
