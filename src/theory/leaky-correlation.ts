/** How far ReLU moves correlations, (√(1 - c²) - c acos c)/π: 0 at c = 1, 1/π at 0, 1 at -1. Cho & Saul 2009, equation 6, less c. */
const bend = (c: number): number => (Math.sqrt((1 - c) * (1 + c)) - c * Math.acos(c)) / Math.PI;

/** g = (1 - a)²/(1 + a²): 1 for ReLU, 0 for the identity, 2 for |x|. */
const strength = (slope: number): number => ((1 - slope) / Math.hypot(1, slope)) ** 2;

/** g of units whose slopes differ, given E a and E a², units weighted by their weights: E (1 - a)²/E (1 + a²). */
export const mixedStrength = (meanSlope: number, meanSquare: number): number =>
  (1 - 2 * meanSlope + meanSquare) / (1 + meanSquare);

/** C(c) for a strength g. */
export const bentCorrelation = (c: number, g: number): number => Math.min(1, c + g * bend(c));

/** C(c) of leaky ReLU with slope a, c + g bend(c), for c in [-1, 1]; at most 1, whatever rounding says. */
export const leakyCorrelation = (c: number, slope: number): number => bentCorrelation(c, strength(slope));

/** C'(c) of leaky ReLU with slope a, 1 - g acos(c)/π, for c in [-1, 1]. */
export const leakyCorrelationDerivative = (c: number, slope: number): number =>
  1 - (strength(slope) * Math.acos(c)) / Math.PI;
