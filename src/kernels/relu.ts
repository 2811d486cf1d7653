import { type OutOption, refuseOverlap, targetFor } from '../rectifiers/floats.js';
import { relu as scalar, reluBackward as scalarBackward } from '../rectifiers/relu.js';
import { float32, refuseOtherLength } from './arrays.js';
import { oneRun } from './parameters.js';
import { checkPath, type PathOption, perform } from './path.js';

/** The parameters of a pass that has none. */
const withoutSlopes = (length: number) => oneRun(new Float32Array(1), length);

/**
 * `relu` of a Float32Array at memory speed: max(x, 0), 0 at -0 and NaN for NaN. `out` takes the result and may be `x`. Throws a
 * TypeError or RangeError for arrays that do not fit and a `path` that cannot be taken.
 *
 * @example
 * import { relu } from 'reluminate/kernels';
 * Array.from(relu(Float32Array.of(-2, 0, 3))); // => [0, 0, 3]
 */
export function relu<X extends Float32Array>(x: X, { out, path }: OutOption<Float32Array> & PathOption = {}): X {
  checkPath('relu', path);
  const source = float32('relu', 'x', x);
  if (path === 'scalar') return scalar(source, { out }) as X;
  const target = targetFor('relu', source, out) as Float32Array;
  const parameters = withoutSlopes(source.length);
  perform('relu', { kernel: 'relu', inputs: [source], mask: null, output: target, parameters }, path);
  return target as X;
}

/**
 * `reluBackward` of Float32Arrays at memory speed: dy where x > 0, 0 elsewhere, whatever dy is. `out` takes dx and may be `dy` or `x`
 * itself. Throws a TypeError or RangeError for arrays that do not fit and a `path` that cannot be taken.
 *
 * @example
 * import { reluBackward } from 'reluminate/kernels';
 * Array.from(reluBackward(Float32Array.of(-1, 0, 2), Float32Array.of(Infinity, 3, 4))); // => [0, 0, 4]
 */
export function reluBackward<G extends Float32Array>(
  x: Float32Array,
  dy: G,
  { out, path }: OutOption<Float32Array> & PathOption = {},
): G {
  const operation = 'reluBackward';
  checkPath(operation, path);
  const values = float32(operation, 'x', x);
  const upstream = float32(operation, 'dy', dy);
  if (path === 'scalar') return scalarBackward(values, upstream, { out }) as G;
  refuseOtherLength(operation, 'x', values, upstream);
  const dx = targetFor(operation, upstream, out, 'dy') as Float32Array;
  refuseOverlap(operation, out, 'x', x);
  const inputs = [values, upstream];
  perform(
    operation,
    { kernel: 'reluBackward', inputs, mask: null, output: dx, parameters: withoutSlopes(dx.length) },
    path,
  );
  return dx as G;
}
