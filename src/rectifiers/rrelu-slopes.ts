import { describe, type Elements } from './floats.js';
import { finite, fitted, positive, refuseMisspelled, refuseNonObject, whole } from './parameters.js';
import { philoxInto } from './philox.js';

/**
 * Which number is drawn: `'uniform'` the slope itself, r ~ U(lower, upper) (PyTorch; default 1/8 to 1/3), or `'xu2015'` what
 * the input is divided by, 1/r ~ U(lower, upper) (Xu, Wang, Chen & Li 2015; default 3 to 8).
 */
export type RreluConvention = 'uniform' | 'xu2015';

export interface RreluOptions {
  readonly convention?: RreluConvention | undefined;
  readonly lower?: number | undefined;
  readonly upper?: number | undefined;
}

export interface NoiseOptions {
  /** What the noise is made from: a whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Another whole number, to tell layers or steps that share a seed apart (default 0). */
  readonly stream?: number | undefined;
  /** The index of the first element given in the whole tensor, for work in parts (default 0; at most 2^52, so that indices stay exact). */
  readonly offset?: number | undefined;
}

/** A convention with its bounds, checked. */
export interface Distribution {
  readonly convention: RreluConvention;
  readonly lower: number;
  readonly upper: number;
}

export function distributionOf(operation: string, options: RreluOptions): Distribution {
  refuseNonObject(operation, options, '{ lower: 0.125, upper: 0.333 }');
  if (options.lower === undefined || options.upper === undefined)
    refuseMisspelled(operation, options, 'lower', 'upper', 'convention', 'seed', 'stream', 'offset');
  const convention = options.convention ?? 'uniform';
  if (convention !== 'uniform' && convention !== 'xu2015')
    throw new RangeError(`${operation}: convention must be 'uniform' or 'xu2015', got ${describe(convention)}`);
  const inverted = convention === 'xu2015';
  const lower = finite(operation, 'lower', options.lower ?? (inverted ? 3 : 1 / 8));
  const upper = finite(operation, 'upper', options.upper ?? (inverted ? 8 : 1 / 3));
  if (lower > upper)
    throw new RangeError(`${operation}: lower must be at most upper, got lower ${lower} and upper ${upper}`);
  if (inverted) positive(operation, 'lower', lower, " with convention 'xu2015', which divides by it");
  return { convention, lower, upper };
}

export const meanOf = ({ convention, lower, upper }: Distribution): number =>
  convention === 'uniform' ? (lower + upper) / 2 : 2 / (lower + upper);

/** The slope of evaluation as functions of x use it (see `fitted`). */
export const meanSlopeOf = (operation: string, options: RreluOptions, x?: Elements): number =>
  fitted(operation, 'the mean slope', meanOf(distributionOf(operation, options)), x);

/**
 * The slope of evaluation: the mean (lower + upper) / 2, or 2 / (lower + upper) as Xu et al. 2015 use it at test time.
 *
 * @example
 * import { rreluMeanSlope } from 'reluminate';
 * rreluMeanSlope({ lower: 0.25, upper: 0.5 }); // => 0.375
 * rreluMeanSlope({ convention: 'xu2015', lower: 3, upper: 5 }); // => 0.25
 */
export const rreluMeanSlope = (options: RreluOptions = {}): number => meanOf(distributionOf('rreluMeanSlope', options));

/** E r and E r² of the slope in training. */
export function slopeExpectations({ convention, lower, upper }: Distribution): readonly [number, number] {
  if (convention === 'uniform') return [(lower + upper) / 2, (lower * lower + lower * upper + upper * upper) / 3];
  const spread = (upper - lower) / lower;
  return [spread === 0 ? 1 / lower : Math.log1p(spread) / (upper - lower), 1 / (lower * upper)];
}

/** What the slopes of training are made from, checked: plain numbers, so that any thread can make them. */
export interface Noise {
  readonly inverted: boolean;
  readonly lower: number;
  readonly span: number;
  readonly upper: number;
  /** Index of the first element. */
  readonly offset: number;
  readonly key: readonly [number, number];
  readonly stream: readonly [number, number];
}

const words = (value: number): [number, number] => [value >>> 0, Math.floor(value / 2 ** 32)];

/** The noise that options ask for, its bounds in float32 where `float32` says so. */
export function noiseOf(operation: string, options: RreluOptions & NoiseOptions, float32: boolean): Noise {
  refuseNonObject(operation, options, '{ seed: 1 }');
  const { convention, lower, upper } = distributionOf(operation, options);
  const seed = whole(operation, 'seed', options.seed, 0);
  const stream = whole(operation, 'stream', options.stream ?? 0, 0);
  const offset = whole(operation, 'offset', options.offset ?? 0, 0);
  if (offset > 2 ** 52) throw new RangeError(`${operation}: offset must be at most 2^52, got ${offset}`);
  const round = float32 ? Math.fround : (value: number) => value;
  const [low, high] = [round(lower), round(upper)];
  const span = round(high - low);
  if (!Number.isFinite(low) || !Number.isFinite(span))
    throw new RangeError(
      `${operation}: lower, upper and their difference must be finite${float32 ? ' in float32' : ''}, got lower ${lower} and upper ${upper}`,
    );
  const inverted = convention === 'xu2015';
  return { inverted, lower: low, span, upper: high, offset, key: words(seed), stream: words(stream) };
}

/**
 * The slopes of training, element by element: word i mod 4 of Philox's block i div 4, of which 24 bits make u in [0, 1), gives
 * lower + (upper - lower) u; `'xu2015'` takes its reciprocal. All in float32 where `float32` says so, step by step.
 */
export function slopeSource(noise: Noise, float32: boolean): (i: number) => number {
  const { inverted, lower, span, upper, offset, key, stream } = noise;
  const round = float32 ? Math.fround : (value: number) => value;
  const numbers = new Uint32Array(4);
  let block = -1;
  return i => {
    const index = offset + i;
    const needed = Math.floor(index / 4);
    if (needed !== block) {
      block = needed;
      philoxInto(numbers, ...words(block), ...stream, ...key);
    }
    const uniform = (numbers[index % 4]! >>> 8) / 2 ** 24;
    const drawn = Math.min(round(lower + round(span * uniform)), upper);
    return inverted ? round(1 / drawn) : drawn;
  };
}

/**
 * The slopes that `rreluTrain` uses for the elements `offset` to `offset + count - 1`: a function of the seed, the stream and the
 * index alone, so that they never need storing. As float64; a Float32Array is rectified with slopes computed in float32.
 *
 * @example
 * import { rreluSlopes } from 'reluminate';
 * const slopes = rreluSlopes(1000, { seed: 7 });
 * slopes.every(slope => slope >= 1 / 8 && slope <= 1 / 3); // => true
 * rreluSlopes(1, { seed: 7, offset: 500 })[0] === slopes[500]; // => true
 */
export function rreluSlopes(count: number, options: RreluOptions & NoiseOptions): Float64Array<ArrayBuffer> {
  const slope = slopeSource(noiseOf('rreluSlopes', options, false), false);
  return Float64Array.from({ length: whole('rreluSlopes', 'count', count, 0) }, (_, i) => slope(i));
}
