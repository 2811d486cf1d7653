import { type OutOption, targetFor } from '../rectifiers/floats.js';
import { relu as scalar } from '../rectifiers/relu.js';
import { float32 } from './arrays.js';
import { checkPath, type PathOption, perform } from './path.js';

/**
 * `relu` of a Float32Array at memory speed: max(x, 0), 0 at -0 and NaN for NaN. `out` takes the result and may be `x`. Throws a
 * TypeError or RangeError for arrays that do not fit and a `path` that cannot be taken.
 *
 * @example
 * import { relu } from 'reluminate/kernels';
 * Array.from(relu(Float32Array.of(-2, 0, 3))); // => [0, 0, 3]
 */
export function relu(x: Float32Array, { out, path }: OutOption<Float32Array> & PathOption = {}): Float32Array {
  checkPath('relu', path);
  const source = float32('relu', 'x', x);
  if (path === 'scalar') return scalar(source, { out });
  const target = targetFor('relu', source, out) as Float32Array;
  const parameters = {
    slopes: new Float32Array(1),
    seconds: null,
    inner: Math.max(2, source.length),
    repeat: 1,
    channels: 1,
  };
  perform('relu', { kernel: 'relu', inputs: [source], mask: null, output: target, parameters }, path);
  return target;
}
