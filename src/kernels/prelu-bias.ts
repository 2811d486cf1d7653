import { asFloats, targetFor } from '../rectifiers/floats.js';
import type { Layout, Slopes } from '../rectifiers/layout.js';
import { rectify } from '../rectifiers/prelu.js';
import { apartFrom, float32 } from './arrays.js';
import { arrange, type ChannelSlopes, channelSlopes } from './parameters.js';
import { checkPath, perform } from './path.js';
import type { ForwardOptions } from './prelu.js';

interface Biased extends ChannelSlopes {
  readonly biases: Float32Array;
}

const filled = (values: Float32Array, channels: number): Float32Array =>
  values.length === channels ? values : new Float32Array(channels).fill(values[0]!);

/** Slopes and biases with as many of the one as of the other. */
function withBiases(slopes: Slopes, bias: Slopes, layout: Layout | undefined, length: number): Biased {
  const laid = channelSlopes('preluBias', slopes, layout, length);
  const given = typeof bias === 'number' ? Float64Array.of(bias) : asFloats('preluBias', 'bias', bias);
  const channels = layout?.channels ?? length;
  if (given.length !== 1 && given.length !== channels)
    throw new RangeError(
      layout === undefined
        ? `preluBias: bias must have length 1 (shared) or ${length} (one for each element of x) where no layout is given, got ${given.length}`
        : `preluBias: bias must have length ${channels} (channels), got ${given.length}`,
    );
  const biases = new Float32Array(given);
  const at = biases.findIndex(value => !Number.isFinite(value));
  if (at >= 0) throw new RangeError(`preluBias: bias must be finite in float32, got ${given[at]} (channel ${at})`);
  const most = Math.max(given.length, laid.slopes.length);
  const inner = laid.slopes.length === most ? laid.inner : (layout?.inner ?? 1);
  return { slopes: filled(laid.slopes, most), biases: filled(biases, most), inner };
}

/** The definition: the sum rounded to float32, then `prelu` of it. */
function byDefinition(
  x: Float32Array,
  { biases, inner }: Biased,
  slopes: Slopes,
  { layout, out }: ForwardOptions,
): Float32Array {
  const sums = x.map((value, i) => value + biases[Math.floor(i / inner) % biases.length]!);
  return rectify('preluBias', sums, slopes, { layout, out });
}

/**
 * A layer's bias and rectifier in one pass: `prelu` of x + b_c, where the bias is shared (a number or one element) or per channel
 * like the slopes. The sum is rounded to float32 first, so that the result is bit for bit that of two passes. `out` takes the
 * result and may be `x`. Throws a TypeError or RangeError for arrays that do not fit, a bias that is not finite and a `path`
 * that cannot be taken.
 *
 * @example
 * import { preluBias } from 'reluminate/kernels';
 * const layout = { outer: 1, channels: 2, inner: 2 };
 * Array.from(preluBias(Float32Array.of(-1, 2, -4, 8), [-1, 2], 0.5, { layout })); // => [-1, 1, -1, 10]
 */
export function preluBias<X extends Float32Array>(x: X, bias: Slopes, slopes: Slopes, options: ForwardOptions = {}): X {
  const { layout, out, path } = options;
  checkPath('preluBias', path);
  const source = float32('preluBias', 'x', x);
  const biased = withBiases(slopes, bias, layout, source.length);
  const target = targetFor('preluBias', source, out) as Float32Array;
  if (path === 'scalar') return byDefinition(source, biased, slopes, { layout, out: target }) as X;
  const parameters = arrange({ ...biased, slopes: apartFrom(target, biased.slopes), kinks: null }, source.length);
  perform('preluBias', { kernel: 'forwardBias', inputs: [source], mask: null, output: target, parameters }, path);
  return target as X;
}
