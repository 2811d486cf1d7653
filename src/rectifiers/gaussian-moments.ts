import { normalCdf, normalDensity } from './normal.js';
import { finite } from './parameters.js';
import { integrate } from './quadrature.js';

/** What a rectifier makes of a Gaussian pre-activation X. */
export interface GaussianMoments {
  /** E f(X). */
  readonly mean: number;
  /** E f(X)²: what the next layer's variance is made of. */
  readonly secondMoment: number;
  /** E f'(X). */
  readonly derivativeMean: number;
  /** E f'(X)²: what a layer multiplies the gradient's second moment by, weights aside. */
  readonly derivativeSecondMoment: number;
}

/** Throws unless `mean` and `std` describe a Gaussian: both finite, `std` at least 0. */
function checkGaussian(mean: number, std: number): void {
  finite('moments', 'mean', mean);
  if (finite('moments', 'std', std) < 0) throw new RangeError(`moments: std must be at least 0, got ${std}`);
}

/** E[1; X > c], E[X; X > c] and E[X²; X > c] for X ~ N(mean, std²): Φ(z), mΦ(z) + sφ(z), (m² + s²)Φ(z) + s(m + c)φ(z) with z = (m - c)/s. */
export function partAbove(mean: number, std: number, threshold: number): readonly [number, number, number] {
  checkGaussian(mean, std);
  if (std === 0) return mean > threshold ? [1, mean, mean * mean] : [0, 0, 0];
  const z = (mean - threshold) / std;
  const [above, density] = [normalCdf(z), std * normalDensity(z)];
  return [above, mean * above + density, (mean * mean + std * std) * above + (mean + threshold) * density];
}

/**
 * Moments of x for x > 0, r*x else, X ~ N(mean, std²), for a slope r with the given E r and E r² (r and r² where it is
 * fixed), independent of X. Closed form: with A_k = E[X^k; X > 0] and B_k = E[X^k; X < 0], E f = A_1 + E r B_1,
 * E f² = A_2 + E r² B_2, E f' = A_0 + E r B_0, E f'² = A_0 + E r² B_0. At mean 0: E f² = std² (1 + E r²)/2.
 */
export function slopeMoments(mean: number, std: number, slope: number, slopeSquared: number): GaussianMoments {
  checkGaussian(mean, std);
  if (std === 0) {
    const [r, r2] = mean > 0 ? [1, 1] : [slope, slopeSquared];
    return { mean: r * mean, secondMoment: r2 * mean * mean, derivativeMean: r, derivativeSecondMoment: r2 };
  }
  const [above, first, second] = partAbove(mean, std, 0);
  const [below, negativeFirst, negativeSecond] = partAbove(-mean, std, 0);
  return {
    mean: first - slope * negativeFirst,
    secondMoment: second + slopeSquared * negativeSecond,
    derivativeMean: above + slope * below,
    derivativeSecondMoment: above + slopeSquared * below,
  };
}

/** Where a smooth rectifier turns, in units of its width: outside ±40 all are lines to float64. */
export const bends: readonly number[] = [-40, -10, -3, 0, 3, 10, 40];

/** The Gaussian is cut off this many standard deviations from its mean: less than 2e-23 lies beyond. */
const cut = 10;

/**
 * Moments of any function whose kinks are given, by adaptive Gauss–Kronrod quadrature against the Gaussian density, to about
 * 1e-12 of max(|mean|, std) or better. `width` is what its turn scales with (α for CELU, 1/β for SiLU): a panel that is far
 * wider would not see it. Used where there is no closed form, and where there is one that cancels (ELU's loses all digits for
 * a small std).
 */
export function quadratureMoments(
  mean: number,
  std: number,
  value: (x: number) => number,
  derivative: (x: number) => number,
  kinks: readonly number[] = [],
  width = 1,
): GaussianMoments {
  checkGaussian(mean, std);
  if (std === 0) {
    const [f, slope] = [value(mean), derivative(mean)];
    return { mean: f, secondMoment: f * f, derivativeMean: slope, derivativeSecondMoment: slope * slope };
  }
  const inside = [...bends.map(bend => bend * width), ...kinks]
    .map(x => (x - mean) / std)
    .filter(t => Math.abs(t) < cut);
  const points = [...new Set([-cut, -6, -3, 0, 3, 6, cut, ...inside])].sort((a, b) => a - b);
  const expect = (f: (x: number) => number) => integrate(t => f(mean + std * t) * normalDensity(t), points);
  return {
    mean: expect(value),
    secondMoment: expect(x => value(x) ** 2),
    derivativeMean: expect(derivative),
    derivativeSecondMoment: expect(x => derivative(x) ** 2),
  };
}
