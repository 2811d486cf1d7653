import { describe } from './floats.js';

/**
 * What the derivative is at 0, where a rectifier has none: `'slope'` the left one (PyTorch, TensorFlow), `'one'` the right
 * one (1 for all but SELU; JAX's leaky_relu), `'half'` the mean of the two.
 */
export type AtZero = 'slope' | 'one' | 'half';

export interface AtZeroOption {
  /** The derivative at 0 (default `'slope'`: the negative side's). */
  readonly atZero?: AtZero | undefined;
}

/** The derivative at a kink between the slopes `left` and `right`. */
export function atKink(operation: string, atZero: AtZero = 'slope', left: number, right = 1): number {
  if (atZero === 'slope') return left;
  if (atZero === 'one') return right;
  if (atZero === 'half') return (left + right) / 2;
  throw new RangeError(`${operation}: atZero must be 'slope', 'one' or 'half', got ${describe(atZero)}`);
}
