import { type OutOption, type Result, refuseOverlap, targetFor } from '../rectifiers/floats.js';
import { type AtZeroOption, atKink } from '../rectifiers/kink.js';
import type { LayoutOption, Slopes } from '../rectifiers/layout.js';
import { refuseSlopesUpTo0 } from '../rectifiers/prelu.js';
import {
  backwardFor,
  type PreluGradients,
  preluBackwardFromOutput as scalarFromOutput,
} from '../rectifiers/prelu-backward.js';
import { apartFrom, float32, refuseOtherLength } from './arrays.js';
import { arrange, type ChannelSlopes, channelSlopes } from './parameters.js';
import { checkPath, type PathOption, perform } from './path.js';

/** What backward kernels take besides their arrays. */
export type BackwardOptions = LayoutOption & AtZeroOption & OutOption<Float32Array> & PathOption;

/**
 * dx, the sums of the channels and the slopes as float32: the sums are Σ dy * min(x, 0), and behind them, where there are biases to add to x first, Σ dx. `name`
 * is what `x` is called in messages; where a mask is given it has the signs of x.
 */
export function backward<G extends Float32Array>(
  operation: string,
  name: string,
  x: Float32Array,
  dy: G,
  laid: ChannelSlopes & { readonly biases?: Float32Array },
  { atZero, out, path }: BackwardOptions,
  mask: Uint8Array | null,
  check: (slopes: Float32Array) => void,
): { readonly dx: Result<G>; readonly sums: Float64Array; readonly slopes: Float32Array } {
  const dx = targetFor(operation, dy, out, 'dy') as Float32Array;
  refuseOverlap(operation, out, name, x);
  check(laid.slopes);
  const kept = apartFrom(dx, laid.slopes);
  const kink = (slope: number) => atKink(operation, atZero, slope);
  const kinks = atZero === undefined || atZero === 'slope' ? null : kept.map(kink);
  const parameters = arrange({ slopes: kept, biases: laid.biases ?? null, kinks, inner: laid.inner }, x.length);
  const kernel = parameters.biases === null ? 'backward' : 'backwardBias';
  const sums = perform(operation, { kernel, inputs: [x, dy], mask, output: dx, parameters }, path);
  return { dx: dx as Result<G>, sums, slopes: kept };
}

/** `preluBackward` for the operation that messages name. */
export function bothGradients<G extends Float32Array>(
  operation: string,
  x: Float32Array,
  dy: G,
  slopes: Slopes,
  options: BackwardOptions,
): PreluGradients<G> {
  const { path, layout, atZero, out } = options;
  checkPath(operation, path);
  const values = float32(operation, 'x', x);
  const upstream = float32(operation, 'dy', dy);
  if (path === 'scalar')
    return backwardFor<Float32Array>(operation, values, upstream, slopes, { layout, atZero, out }) as PreluGradients<G>;
  refuseOtherLength(operation, 'x', values, upstream);
  const laid = channelSlopes(operation, slopes, layout, values.length);
  const { dx, sums } = backward(operation, 'x', values, upstream as G, laid, options, null, () => {});
  return { dx, dslopes: sums };
}

/**
 * `preluBackward` of Float32Arrays at memory speed: in one pass dx = dy * (x > 0 ? 1 : a_c), bit for bit what the definition gives,
 * and dslopes_c = Σ dy * min(x, 0) over the channel as float64, within 1e-6 of Σ |dy * min(x, 0)|. `out` takes dx and may be `dy` or `x` itself.
 * Throws a TypeError or RangeError for arrays that do not fit and a `path` that cannot be taken.
 *
 * @example
 * import { preluBackward } from 'reluminate/kernels';
 * const [x, dy] = [Float32Array.of(-1, 2, -4, 8), Float32Array.of(1, 1, 0.5, 1)];
 * const { dx, dslopes } = preluBackward(x, dy, [0.5, 0.25], { layout: { outer: 1, channels: 2, inner: 2 } });
 * Array.from(dx); // => [0.5, 1, 0.125, 1]
 * Array.from(dslopes); // => [-1, -2]
 */
export const preluBackward = <G extends Float32Array>(
  x: Float32Array,
  dy: G,
  slopes: Slopes,
  options: BackwardOptions = {},
): PreluGradients<G> => bothGradients('preluBackward', x, dy, slopes, options);

/**
 * `preluBackward` for those who kept the output y instead of x: for slopes above 0, y has the sign of x, and x = y / a_c where it is
 * negative. Throws a RangeError for other slopes, and as `preluBackward`.
 *
 * @example
 * import { preluBackwardFromOutput } from 'reluminate/kernels';
 * Array.from(preluBackwardFromOutput(Float32Array.of(-0.5, 2), Float32Array.of(1, 1), 0.25).dslopes); // => [-2]
 */
export function preluBackwardFromOutput<G extends Float32Array>(
  y: Float32Array,
  dy: G,
  slopes: Slopes,
  options: BackwardOptions = {},
): PreluGradients<G> {
  const operation = 'preluBackwardFromOutput';
  const { path, layout, atZero, out } = options;
  checkPath(operation, path);
  const values = float32(operation, 'y', y);
  const upstream = float32(operation, 'dy', dy);
  if (path === 'scalar')
    return scalarFromOutput<Float32Array>(values, upstream, slopes, { layout, atZero, out }) as PreluGradients<G>;
  const check = (given: Float32Array) =>
    refuseSlopesUpTo0(operation, Float64Array.from(given), 'for y to have the sign of x');
  refuseOtherLength(operation, 'y', values, upstream);
  const laid = channelSlopes(operation, slopes, layout, values.length);
  const { dx, sums, slopes: used } = backward(operation, 'y', values, upstream as G, laid, options, null, check);
  return { dx, dslopes: sums.map((sum, c) => sum / used[c]!) };
}
