import { type OutOption, targetFor } from '../rectifiers/floats.js';
import type { LayoutOption, Slopes } from '../rectifiers/layout.js';
import { type NegativeSlopeOption, slopeOf } from '../rectifiers/leaky-relu.js';
import { rectify } from '../rectifiers/prelu.js';
import { apartFrom, float32 } from './arrays.js';
import { arrange, channelSlopes } from './parameters.js';
import { checkPath, type PathOption, perform } from './path.js';

/** What forward kernels take besides their arrays. */
export type ForwardOptions = LayoutOption & OutOption<Float32Array> & PathOption;

/** `prelu` for the operation that messages name. */
export function forward<X extends Float32Array>(
  operation: string,
  x: X,
  slopes: Slopes,
  { layout, out, path }: ForwardOptions,
): X {
  checkPath(operation, path);
  const source = float32(operation, 'x', x);
  if (path === 'scalar') return rectify(operation, source, slopes, { layout, out }) as X;
  const laid = channelSlopes(operation, slopes, layout, source.length);
  const target = targetFor(operation, source, out) as Float32Array;
  const parameters = arrange(
    { slopes: apartFrom(target, laid.slopes), biases: null, kinks: null, inner: laid.inner },
    source.length,
  );
  perform(operation, { kernel: 'forward', inputs: [source], mask: null, output: target, parameters }, path);
  return target as X;
}

/**
 * `prelu` of a Float32Array at memory speed: `x > 0 ? x : a_c * x`, bit for bit what the definition gives. Slopes are shared (a
 * number or one element), per channel or per element, as `layout` says. `out` takes the result and may be `x`. Throws a
 * TypeError or RangeError for arrays that do not fit and a `path` that cannot be taken.
 *
 * @example
 * import { prelu } from 'reluminate/kernels';
 * const x = Float32Array.of(-1, 2, -4, 8);
 * Array.from(prelu(x, 0.25)); // => [-0.25, 2, -1, 8]
 * Array.from(prelu(x, [0.5, 0.25], { layout: { outer: 1, channels: 2, inner: 2 } })); // => [-0.5, 2, -1, 8]
 * Array.from(prelu(x, [0.5, 0.25], { layout: { outer: 2, channels: 2, inner: 1 }, path: 'simd' })); // => [-0.5, 2, -2, 8]
 */
export const prelu = <X extends Float32Array>(x: X, slopes: Slopes, options: ForwardOptions = {}): X =>
  forward('prelu', x, slopes, options);

/**
 * `leakyRelu` of a Float32Array at memory speed: `prelu` with one slope, `negativeSlope` (default 0.01) or `alpha`.
 *
 * @example
 * import { leakyRelu } from 'reluminate/kernels';
 * Array.from(leakyRelu(Float32Array.of(-4, 0, 4), { negativeSlope: 0.25 })); // => [-1, 0, 4]
 */
export function leakyRelu<X extends Float32Array>(
  x: X,
  options: NegativeSlopeOption & OutOption<Float32Array> & PathOption = {},
): X {
  const slope = slopeOf('leakyRelu', options, x);
  return forward('leakyRelu', x, slope, { out: options.out, path: options.path });
}
