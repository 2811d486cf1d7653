import { elementwise, type Loop } from './elementwise.js';
import {
  asFloats,
  deliver,
  type Elements,
  type FloatArray,
  type OutOption,
  type Result,
  refuseOverlap,
  targetFor,
} from './floats.js';
import { slopeMoments } from './gaussian-moments.js';
import { type AtZeroOption, atKink } from './kink.js';
import { flat, flats, slopeDerivative, slopeDerivatives } from './piecewise-linear.js';
import type { Rectifier } from './rectifier.js';

const value = (x: number): number => (x > 0 || Number.isNaN(x) ? x : 0);

/** One of two cells is picked, not branched to; x * 0 would be NaN at -Infinity. */
const values: Loop = (x, y) => {
  const cells = new Float64Array(2);
  for (let i = 0; i < x.length; i++) {
    const element = x[i]!;
    cells[1] = element;
    y[i] = cells[Number(!(element <= 0))]!;
  }
};

/**
 * The rectified linear unit: `max(x, 0)`. Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".
 * Passes what is positive and drops the rest. Range [0, ∞), Lipschitz constant 1, no inverse. 0 at -0 and at -Infinity, NaN
 * for NaN.
 *
 * @example
 * import { relu } from 'reluminate';
 * relu(-2); // => 0
 * relu([-1.5, 0, 3]); // => [0, 0, 3]
 */
export const relu = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('relu', x, options, value, values);

/**
 * f'(x): 1 for x > 0, 0 for x < 0. At the kink 0 (PyTorch, TensorFlow, JAX), or as `atZero` says. NaN for NaN.
 *
 * @example
 * import { reluDerivative } from 'reluminate';
 * reluDerivative([-1, 0, 1]); // => [0, 0, 1]
 * reluDerivative(0, { atZero: 'half' }); // => 0.5
 */
export const reluDerivative = <X extends Elements>(x: X, options: AtZeroOption & OutOption<X> = {}): Result<X> =>
  elementwise(
    'reluDerivative',
    x,
    options,
    slopeDerivative,
    slopeDerivatives,
    0,
    atKink('reluDerivative', options.atZero, 0),
  );

/**
 * The backward pass: dy where x > 0, 0 elsewhere. It selects and does not multiply, so that an infinite dy leaves nothing of itself at an
 * input that is not positive. A NaN in x counts as not positive. `out` takes dx and may be `dy` or `x` itself.
 *
 * @example
 * import { reluBackward } from 'reluminate';
 * reluBackward([-1, 0, 2], [Infinity, 3, 4]); // => [0, 0, 4]
 */
export function reluBackward<G extends FloatArray>(x: FloatArray, dy: G, options: OutOption<G> = {}): Result<G> {
  const operation = 'reluBackward';
  const values = asFloats(operation, 'x', x);
  const upstream = asFloats(operation, 'dy', dy);
  if (upstream.length !== values.length)
    throw new RangeError(`${operation}: dy must have length ${values.length} (that of x), got ${upstream.length}`);
  const dx = targetFor(operation, dy, options.out, 'dy');
  refuseOverlap(operation, options.out, 'x', x);
  for (let i = 0; i < dx.length; i++) dx[i] = values[i]! > 0 ? upstream[i]! : 0;
  return deliver(dy, options.out, dx);
}

/**
 * f''(x): 0, except that the kink at 0 is a point mass of 1, for which 0 is given. NaN for NaN.
 *
 * @example
 * import { reluSecondDerivative } from 'reluminate';
 * reluSecondDerivative([-1, 0, 1]); // => [0, 0, 0]
 */
export const reluSecondDerivative = <X extends Elements>(x: X, options: OutOption<X> = {}): Result<X> =>
  elementwise('reluSecondDerivative', x, options, flat, flats);

/**
 * ReLU as a `Rectifier`. It has no slope that could be learned; leaky ReLU with slope 0 has, and the same values.
 *
 * @example
 * import { reluRectifier } from 'reluminate';
 * reluRectifier().moments(0, 1).secondMoment; // => 0.5
 */
export const reluRectifier = (): Rectifier => ({
  name: 'relu',
  label: 'ReLU',
  parameters: {},
  value,
  derivative: x => slopeDerivative(x, 0, 0),
  secondDerivative: flat,
  slopeGradient: null,
  inverse: null,
  range: [0, Number.POSITIVE_INFINITY],
  lipschitz: 1,
  monotone: true,
  kinks: [0],
  moments: (mean, std) => slopeMoments(mean, std, 0, 0),
});
