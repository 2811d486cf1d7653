import { describe } from './floats.js';
import type { GaussianMoments } from './gaussian-moments.js';

/** A rectifier with its parameters fixed, as functions of one number: what theory, figures and comparisons work with. */
export interface Rectifier {
  /** As `parseRectifier` reads it: `leaky:0.01`. */
  readonly name: string;
  /** As people write it: `Leaky ReLU (0.01)`. */
  readonly label: string;
  readonly parameters: Readonly<Record<string, number>>;
  value(x: number): number;
  /** f'(x); at a kink the left derivative. */
  derivative(x: number): number;
  /** f''(x), 0 at a kink. */
  secondDerivative(x: number): number;
  /** ∂f/∂a at x, where there is a slope a on the negative side that could be learned; else null. */
  readonly slopeGradient: ((x: number) => number) | null;
  /** The x with f(x) = y, NaN outside the range; null where f cannot be inverted. */
  readonly inverse: ((y: number) => number) | null;
  /** The lower and upper bound of f: the closure of its range. */
  readonly range: readonly [number, number];
  /** The smallest L with |f(x) - f(y)| <= L |x - y|, infinite for a jump. */
  readonly lipschitz: number;
  /** Whether f never decreases. */
  readonly monotone: boolean;
  /** Where f or one of its derivatives jumps, in ascending order. */
  readonly kinks: readonly number[];
  /** What its curved part scales with: α for CELU, 1/β for SiLU (default 1). */
  readonly width?: number;
  /** What f makes of a Gaussian pre-activation with this mean and standard deviation. */
  moments(mean: number, std: number): GaussianMoments;
}

/** The rectifier, once it is one and not, say, its name. */
export function checkRectifier(operation: string, rectifier: Rectifier, name = 'rectifier'): Rectifier {
  if (typeof (rectifier as Partial<Rectifier> | null | undefined)?.moments !== 'function')
    throw new TypeError(
      `${operation}: ${name} must be a rectifier, such as parseRectifier('relu'), got ${describe(rectifier)}`,
    );
  return rectifier;
}
