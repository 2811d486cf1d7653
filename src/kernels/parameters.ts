import { type Layout, layOut, type Slopes } from '../rectifiers/layout.js';
import { residentChannels } from './regions.js';

/** Slopes in float32 and where they apply: element i belongs to channel floor(i / inner) mod slopes.length. */
export interface ChannelSlopes {
  readonly slopes: Float32Array;
  readonly inner: number;
}

const fits = ({ outer, channels, inner }: Layout, length: number): boolean =>
  outer * channels * inner === length &&
  [outer, channels, inner].every(size => Number.isSafeInteger(size) && size >= 0);

/** Whether all are finite, in one pass without branches: 0 times infinity or NaN is NaN, which addition keeps. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}

/**
 * Slopes checked against the layout, as the rectifiers do it and with their messages. One slope and float32 slopes
 * that are sound take a short cut: they are neither copied nor converted.
 */
export function channelSlopes(
  operation: string,
  slopes: Slopes,
  layout: Layout | undefined,
  length: number,
): ChannelSlopes {
  if (typeof slopes === 'number') {
    const one = Float32Array.of(slopes);
    if (layout === undefined && Number.isFinite(one[0])) return { slopes: one, inner: length };
  } else if (slopes instanceof Float32Array && slopes.length > 1 && layout?.channels === slopes.length) {
    if (fits(layout, length) && allFinite(slopes)) return { slopes, inner: layout.inner };
  }
  const laid = layOut(operation, slopes, layout, length, true);
  return { slopes: Float32Array.from(laid.slopes), inner: laid.layout.inner };
}

/** Parameters of each channel as the kernels take them: runs of `inner` elements, or where `inner` is 1 rows of `slopes.length`. */
export interface Parameters {
  readonly slopes: Float32Array;
  /** What is added to x; null where nothing is. */
  readonly biases: Float32Array | null;
  /** The factors at 0; null where they are the slopes. */
  readonly kinks: Float32Array | null;
  readonly inner: number;
  /** How often each channel of the caller is repeated side by side: entry p is channel floor(p / repeat) mod `channels`. */
  readonly repeat: number;
  /** The caller's channels. */
  readonly channels: number;
}

/** Runs shorter than this are laid out as rows, with the parameters of each element beside those of the next. */
const shortRun = 32;

/** Rows shorter than this are laid out several at a time. */
const shortRow = 256;

const repeated = (values: Float32Array, each: number, times: number): Float32Array => {
  const result = new Float32Array(values.length * each * times);
  for (let p = 0; p < result.length; p++) result[p] = values[Math.floor(p / each) % values.length]!;
  return result;
};

/** The parameters of a pass over one run, with `slopes` where others have slopes. */
export const oneRun = (slopes: Float32Array, length: number): Parameters => ({
  slopes,
  biases: null,
  kinks: null,
  inner: Math.max(2, length),
  repeat: 1,
  channels: 1,
});

/**
 * The same parameters arranged so that runs and rows are long enough to be fast, where there are few enough to repeat. Callers write the object out: one made by
 * spreading another costs each call a microsecond and a half (measured).
 */
export function arrange(
  { slopes, biases, kinks, inner }: Pick<Parameters, 'slopes' | 'biases' | 'kinks' | 'inner'>,
  length: number,
): Parameters {
  const channels = slopes.length;
  const asRows = channels > 1 && inner < shortRun && channels * inner <= residentChannels;
  const each = asRows ? inner : 1;
  const width = channels * each;
  const rows = channels > 1 && each === inner;
  const times = rows ? Math.max(1, Math.floor(Math.min(shortRow, length) / width)) : 1;
  if (each === 1 && times === 1) return { slopes, biases, kinks, inner, repeat: 1, channels };
  return {
    slopes: repeated(slopes, each, times),
    biases: biases && repeated(biases, each, times),
    kinks: kinks && repeated(kinks, each, times),
    inner: 1,
    repeat: each,
    channels,
  };
}

/** Sums of the arranged channels, of one kind after those of another, added up by the caller's. */
export function gather(sums: Float64Array, { slopes, repeat, channels }: Parameters): Float64Array {
  const arranged = slopes.length;
  if (arranged === channels) return sums;
  const kinds = sums.length / arranged;
  const result = new Float64Array(kinds * channels);
  for (let kind = 0; kind < kinds; kind++)
    for (let p = 0; p < arranged; p++)
      result[kind * channels + (Math.floor(p / repeat) % channels)]! += sums[kind * arranged + p]!;
  return result;
}
