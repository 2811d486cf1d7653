import { type OutOption, refuseOverlap, targetFor } from '../rectifiers/floats.js';
import type { LayoutOption, Slopes } from '../rectifiers/layout.js';
import type { PreluGradients } from '../rectifiers/prelu-backward.js';
import {
  refuseSlopes0,
  signMask as scalar,
  preluBackwardFromMask as scalarBackward,
  preluBackwardFromMaskAndOutput as scalarFromBoth,
} from '../rectifiers/sign-mask.js';
import { apartFrom, float32, refuseOtherLength } from './arrays.js';
import { arrange, channelSlopes } from './parameters.js';
import { checkPath, type PathOption, perform, simdPlace } from './path.js';
import { signMaskPlain } from './plain.js';
import { backward } from './prelu-backward.js';
import { signMaskSimd } from './simd.js';

const hasBits = (mask: Uint8Array, length: number): boolean =>
  mask?.[Symbol.toStringTag] === 'Uint8Array' && mask.length === Math.ceil(length / 8);

/**
 * `signMask` of a Float32Array at memory speed: which elements are positive, one bit each, the first in the lowest bit of the
 * first byte. Throws a TypeError for what is not a Float32Array, a RangeError for a `path` that cannot be taken (`'threads'`).
 *
 * @example
 * import { signMask } from 'reluminate/kernels';
 * Array.from(signMask(Float32Array.of(1, -1, 2, 0, 0, 0, 0, 3, 4))); // => [133, 1]
 */
export function signMask(x: Float32Array, { path }: PathOption = {}): Uint8Array<ArrayBuffer> {
  checkPath('signMask', path);
  if (path === 'threads')
    throw new RangeError("signMask: path must be 'simd', 'js' or 'scalar' with a mask, got 'threads'");
  const source = float32('signMask', 'x', x);
  if (path === 'scalar') return scalar(source);
  const mask = new Uint8Array(Math.ceil(source.length / 8));
  const place = simdPlace('signMask', path, [source], source.length);
  if (place === null) signMaskPlain(source, mask);
  else signMaskSimd(source, mask, place);
  return mask;
}

/**
 * dx of `preluBackward` from the sign mask of x alone: dy where x was positive, a_c * dy elsewhere, bit for bit what the definition
 * gives, for any slopes. `out` takes dx and may be `dy`. Throws a TypeError or RangeError for arrays that do not fit and a
 * `path` that cannot be taken (`'threads'`).
 *
 * @example
 * import { preluBackwardFromMask, signMask } from 'reluminate/kernels';
 * Array.from(preluBackwardFromMask(signMask(Float32Array.of(-1, 2)), Float32Array.of(1, 1), 0.25)); // => [0.25, 1]
 */
export function preluBackwardFromMask<G extends Float32Array>(
  mask: Uint8Array,
  dy: G,
  slopes: Slopes,
  options: LayoutOption & OutOption<Float32Array> & PathOption = {},
): G {
  const operation = 'preluBackwardFromMask';
  const { layout, out, path } = options;
  checkPath(operation, path);
  const upstream = float32(operation, 'dy', dy);
  // A mask that does not fit is left to the definition, which says what is wrong with it.
  if (path === 'scalar' || !hasBits(mask, upstream.length))
    return scalarBackward(mask, upstream, slopes, { layout, out }) as G;
  const laid = channelSlopes(operation, slopes, layout, upstream.length);
  const target = targetFor(operation, upstream, out, 'dy') as Float32Array;
  refuseOverlap(operation, out, 'mask', mask);
  const parameters = arrange(
    { slopes: apartFrom(target, laid.slopes), biases: null, kinks: null, inner: laid.inner },
    upstream.length,
  );
  perform(operation, { kernel: 'mask', inputs: [upstream], mask, output: target, parameters }, path);
  return target as G;
}

/**
 * `preluBackwardFromMaskAndOutput` of Float32Arrays at memory speed: dx bit for bit, dslopes as `preluBackward`, from the sign mask of x and the
 * output y, for any slopes but 0. `out` takes dx and may be `dy` or `y`. Throws a TypeError or RangeError for arrays that do not fit, a
 * slope of 0 and a `path` that cannot be taken (`'threads'`).
 *
 * @example
 * import { prelu, preluBackwardFromMaskAndOutput, signMask } from 'reluminate/kernels';
 * const [x, dy] = [Float32Array.of(-1, 2, -3), Float32Array.of(1, 1, 1)];
 * Array.from(preluBackwardFromMaskAndOutput(signMask(x), prelu(x, -0.5), dy, -0.5).dslopes); // => [-4]
 */
export function preluBackwardFromMaskAndOutput<G extends Float32Array>(
  mask: Uint8Array,
  y: Float32Array,
  dy: G,
  slopes: Slopes,
  options: LayoutOption & OutOption<Float32Array> & PathOption = {},
): PreluGradients<G> {
  const operation = 'preluBackwardFromMaskAndOutput';
  const { layout, out, path } = options;
  checkPath(operation, path);
  const values = float32(operation, 'y', y);
  const upstream = float32(operation, 'dy', dy);
  if (path === 'scalar' || !hasBits(mask, values.length))
    return scalarFromBoth<Float32Array>(mask, values, upstream, slopes, { layout, out }) as PreluGradients<G>;
  const check = (given: Float32Array) => {
    refuseOverlap(operation, out, 'mask', mask);
    refuseSlopes0(operation, given);
  };
  refuseOtherLength(operation, 'y', values, upstream);
  const laid = channelSlopes(operation, slopes, layout, values.length);
  const { dx, sums, slopes: used } = backward(operation, 'y', values, upstream as G, laid, options, mask, check);
  return { dx, dslopes: sums.map((sum, c) => sum / Math.abs(used[c]!)) };
}
