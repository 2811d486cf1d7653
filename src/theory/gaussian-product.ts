import { bends } from '../rectifiers/gaussian-moments.js';
import { normalDensity } from '../rectifiers/normal.js';
import { integrate } from '../rectifiers/quadrature.js';

/** The Gaussian is cut off this many standard deviations from its mean: less than 3e-19 lies beyond. */
const cut = 9;
/** What the rules of `integrate` agree to; the Kronrod sums that are kept are closer by orders of magnitude. */
const tolerance = 1e-8;

const breaks = (...points: number[]): number[] =>
  [...new Set([-cut, -3, 0, 3, cut, ...points.filter(t => Math.abs(t) < cut)])].sort((a, b) => a - b);

/** Where g turns about 0, its kinks and, where it turns in so short a stretch of N(·, std²) that halving may miss it, the ends of that. */
const turns = (kinks: readonly number[], width: number, std: number): readonly number[] =>
  width < std / 8 ? [...kinks, ...bends.map(bend => bend * width)] : kinks;

/**
 * E g(Z) for Z ~ N(mean, std²): adaptive Gauss–Kronrod quadrature with the kinks of g as break points, and where it turns if `width`, what its
 * turn scales with, is short beside std.
 */
export const gaussianMean = (
  g: (x: number) => number,
  kinks: readonly number[],
  mean: number,
  std: number,
  width = Number.POSITIVE_INFINITY,
): number =>
  std === 0
    ? g(mean)
    : integrate(
        t => g(mean + std * t) * normalDensity(t),
        breaks(...turns(kinks, width, std).map(x => (x - mean) / std)),
        tolerance,
      );

/**
 * E g(X) g(Y) for Gaussians X and Y of mean 0, standard deviation `std` and correlation c, to about 1e-12: E g(X) E[g(Y) | X], where Y given X = x
 * is N(c x, (1 - c²) std²). Behind the kinks of g lie those of the inner mean, rounded to the width of its Gaussian.
 */
export function gaussianProduct(
  g: (x: number) => number,
  kinks: readonly number[],
  c: number,
  std: number,
  width = Number.POSITIVE_INFINITY,
): number {
  const spread = Math.sqrt((1 - c) * (1 + c));
  const rounded = kinks.flatMap(kink => [-6, 0, 6].map(t => (kink / std + t * spread) / c)).filter(Number.isFinite);
  const inner = (t: number) => gaussianMean(g, kinks, c * std * t, spread * std, width);
  return integrate(
    t => g(std * t) * inner(t) * normalDensity(t),
    breaks(...turns(kinks, width, std).map(x => x / std), ...rounded),
    tolerance,
  );
}
