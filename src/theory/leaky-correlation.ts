/** How far ReLU moves correlations, (√(1 - c²) - c acos c)/π: 0 at c = 1, 1/π at 0, 1 at -1. Cho & Saul 2009, equation 6, less c. */
const bend = (c: number): number => (Math.sqrt((1 - c) * (1 + c)) - c * Math.acos(c)) / Math.PI;

/** g = (1 - a)²/(1 + a²): 1 for ReLU, 0 for the identity, 2 for |x|. */
const strength = (slope: number): number => ((1 - slope) / Math.hypot(1, slope)) ** 2;

/** C(c) of leaky ReLU with slope a, c + g bend(c), for c in [-1, 1]; at most 1, whatever rounding says. */
export const leakyCorrelation = (c: number, slope: number): number => Math.min(1, c + strength(slope) * bend(c));

/** C'(c) of leaky ReLU with slope a, 1 - g acos(c)/π, for c in [-1, 1]. */
export const leakyCorrelationDerivative = (c: number, slope: number): number =>
  1 - (strength(slope) * Math.acos(c)) / Math.PI;
