import { type OutOption, targetFor } from '../rectifiers/floats.js';
import type { LayoutOption, Slopes } from '../rectifiers/layout.js';
import { type NegativeSlopeOption, leakyRelu as scalarLeaky } from '../rectifiers/leaky-relu.js';
import { prelu as scalar } from '../rectifiers/prelu.js';
import { apartFrom, float32 } from './arrays.js';
import { arrange, channelSlopes } from './parameters.js';
import { checkPath, type PathOption, perform } from './path.js';

/** What forward kernels take besides their arrays. */
export type ForwardOptions = LayoutOption & OutOption<Float32Array> & PathOption;

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
export function prelu(x: Float32Array, slopes: Slopes, options: ForwardOptions = {}): Float32Array {
  const { layout, out, path } = options;
  checkPath('prelu', path);
  const source = float32('prelu', 'x', x);
  if (path === 'scalar') return scalar(source, slopes, { layout, out });
  const laid = channelSlopes('prelu', slopes, layout, source.length);
  const target = targetFor('prelu', source, out) as Float32Array;
  const parameters = arrange({ ...laid, slopes: apartFrom(target, laid.slopes) }, null, source.length);
  perform('prelu', { kernel: 'forward', inputs: [source], mask: null, output: target, parameters }, path);
  return target;
}

/**
 * `leakyRelu` of a Float32Array at memory speed: `prelu` with one slope, `negativeSlope` (default 0.01) or `alpha`.
 *
 * @example
 * import { leakyRelu } from 'reluminate/kernels';
 * Array.from(leakyRelu(Float32Array.of(-4, 0, 4), { negativeSlope: 0.25 })); // => [-1, 0, 4]
 */
export function leakyRelu(
  x: Float32Array,
  { out, path, ...slope }: NegativeSlopeOption & OutOption<Float32Array> & PathOption = {},
): Float32Array {
  checkPath('leakyRelu', path);
  const source = float32('leakyRelu', 'x', x);
  if (path === 'scalar') return scalarLeaky(source, { ...slope, out });
  // f(-1) = -a, once the definition has checked a.
  const laid = channelSlopes('leakyRelu', -scalarLeaky(-1, slope), undefined, source.length);
  const target = targetFor('leakyRelu', source, out) as Float32Array;
  const parameters = arrange(laid, null, source.length);
  perform('leakyRelu', { kernel: 'forward', inputs: [source], mask: null, output: target, parameters }, path);
  return target;
}
