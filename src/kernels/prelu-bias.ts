import { asFloats, targetFor } from '../rectifiers/floats.js';
import type { Layout, Slopes } from '../rectifiers/layout.js';
import { rectify } from '../rectifiers/prelu.js';
import { apartFrom, float32 } from './arrays.js';
import { arrange, type ChannelSlopes, channelSlopes } from './parameters.js';
import { checkPath, perform } from './path.js';
import type { ForwardOptions } from './prelu.js';

/** Slopes and biases with as many of the one as of the other. */
export interface Biased extends ChannelSlopes {
  readonly biases: Float32Array;
  /** How many of each the caller gave: 1 where they are shared. */
  readonly given: { readonly slopes: number; readonly biases: number };
}

const filled = (values: Float32Array, channels: number): Float32Array =>
  values.length === channels ? values : new Float32Array(channels).fill(values[0]!);

/** Slopes and biases checked against the layout, as `channelSlopes` does it. */
export function withBiases(
  operation: string,
  slopes: Slopes,
  bias: Slopes,
  layout: Layout | undefined,
  length: number,
): Biased {
  const laid = channelSlopes(operation, slopes, layout, length);
  const given = typeof bias === 'number' ? Float64Array.of(bias) : asFloats(operation, 'bias', bias);
  const channels = layout?.channels ?? length;
  if (given.length !== 1 && given.length !== channels)
    throw new RangeError(
      layout === undefined
        ? `${operation}: bias must have length 1 (shared) or ${length} (one for each element of x) where no layout is given, got ${given.length}`
        : `${operation}: bias must have length ${channels} (channels), got ${given.length}`,
    );
  const biases = new Float32Array(given);
  const at = biases.findIndex(value => !Number.isFinite(value));
  if (at >= 0) throw new RangeError(`${operation}: bias must be finite in float32, got ${given[at]} (channel ${at})`);
  const most = Math.max(given.length, laid.slopes.length);
  const inner = laid.slopes.length === most ? laid.inner : (layout?.inner ?? 1);
  return {
    slopes: filled(laid.slopes, most),
    biases: filled(biases, most),
    inner,
    given: { slopes: laid.slopes.length, biases: given.length },
  };
}

/** x + b_c, rounded to float32. */
export const shifted = (x: Float32Array, { biases, inner }: Biased): Float32Array =>
  x.map((value, i) => value + biases[Math.floor(i / inner) % biases.length]!);

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
  const biased = withBiases('preluBias', slopes, bias, layout, source.length);
  const target = targetFor('preluBias', source, out) as Float32Array;
  if (path === 'scalar') return rectify('preluBias', shifted(source, biased), slopes, { layout, out: target }) as X;
  const slopesApart = apartFrom(target, biased.slopes);
  const parameters = arrange(
    { slopes: slopesApart, biases: biased.biases, kinks: null, inner: biased.inner },
    source.length,
  );
  perform('preluBias', { kernel: 'forwardBias', inputs: [source], mask: null, output: target, parameters }, path);
  return target as X;
}
