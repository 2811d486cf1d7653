/** What has been counted of one rectifier's units. All arrays have one element for each unit; a tally of nothing has no samples. */
export interface Tally {
  readonly units: number;
  /** Samples seen. */
  samples: number;
  /** Samples on which the unit fired at one position or more. */
  readonly fired: Float64Array;
  /** Sum over samples of the mean of |h| over positions. */
  readonly activity: Float64Array;
  /** Statistics of the pre-activation, over all positions of the samples that were measured in full. */
  readonly full: {
    samples: number;
    /** Positions of one unit on all these samples together. */
    positions: number;
    /** Positions of each unit on those of these samples on which all its values were finite: the mean, the squares and the positive ones are of these. */
    readonly finite: Float64Array;
    readonly min: Float64Array;
    readonly max: Float64Array;
    readonly mean: Float64Array;
    /** Sum of squared deviations from the mean. */
    readonly squares: Float64Array;
    /** Number of positions with a positive pre-activation. */
    readonly positive: Float64Array;
    readonly nan: Float64Array;
    readonly infinite: Float64Array;
  };
}

/**
 * A tally of nothing, the neutral element of `mergeTallies`.
 *
 * @example
 * import { emptyTally, mergeTallies } from 'reluminate/audit';
 * const nothing = emptyTally(2);
 * [nothing.samples, ...nothing.full.max]; // => [0, null, null]
 * mergeTallies(nothing, emptyTally(2)).units; // => 2
 */
export const emptyTally = (units: number): Tally => ({
  units,
  samples: 0,
  fired: new Float64Array(units),
  activity: new Float64Array(units),
  full: {
    samples: 0,
    positions: 0,
    finite: new Float64Array(units),
    min: new Float64Array(units).fill(Infinity),
    max: new Float64Array(units).fill(-Infinity),
    mean: new Float64Array(units),
    squares: new Float64Array(units),
    positive: new Float64Array(units),
    nan: new Float64Array(units),
    infinite: new Float64Array(units),
  },
});

/**
 * Adds one sample's firing to a tally: each unit's signal, which is above the threshold exactly where the unit fired, and its mean |h|. A value that is not finite adds nothing to the activity.
 *
 * @example
 * import { addFiring, emptyTally } from 'reluminate/audit';
 * const tally = emptyTally(2);
 * for (const z of [[1.5, -1], [-0.5, -2]]) addFiring(tally, z, z.map(value => Math.max(value, 0)), 0);
 * [tally.samples, ...tally.fired]; // => [2, 1, 0]
 * Array.from(tally.activity, sum => sum / tally.samples); // => [0.75, 0]
 */
export function addFiring(
  tally: Tally,
  signal: ArrayLike<number>,
  activity: ArrayLike<number>,
  threshold: number,
): void {
  tally.samples++;
  for (let unit = 0; unit < tally.units; unit++) {
    if ((signal[unit] as number) > threshold) tally.fired[unit]!++;
    const mean = activity[unit] as number;
    if (Number.isFinite(mean)) tally.activity[unit]! += mean;
  }
}

/** One sample's pre-activation statistics: for each unit over `positions` positions. */
export interface SampleStatistics {
  readonly positions: number;
  readonly min: ArrayLike<number>;
  readonly max: ArrayLike<number>;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly positiveShare: ArrayLike<number>;
}

/**
 * Adds one sample's pre-activation statistics to a tally in float64 by the pairwise update of Chan, Golub and LeVeque (1983),
 * "Algorithms for computing the sample variance", eq. 2.1. Units whose mean is not finite on the sample keep their moments.
 *
 * @example
 * import { addFull, emptyTally } from 'reluminate/audit';
 * const tally = emptyTally(1);
 * addFull(tally, { positions: 2, min: [-1], max: [3], mean: [1], variance: [4], positiveShare: [0.5] });
 * addFull(tally, { positions: 2, min: [4], max: [6], mean: [5], variance: [1], positiveShare: [1] });
 * const { full } = tally;
 * [full.mean[0], full.squares[0] / full.positions, full.min[0], full.positive[0]]; // => [3, 6.5, -1, 3]
 */
export function addFull(tally: Tally, sample: SampleStatistics): void {
  const { full } = tally;
  full.samples++;
  full.positions += sample.positions;
  for (let unit = 0; unit < tally.units; unit++) {
    const mean = sample.mean[unit] as number;
    if (!Number.isFinite(mean)) continue;
    const before = full.finite[unit] as number;
    const after = before + sample.positions;
    const delta = mean - (full.mean[unit] as number);
    full.finite[unit] = after;
    full.min[unit] = Math.min(full.min[unit] as number, sample.min[unit] as number);
    full.max[unit] = Math.max(full.max[unit] as number, sample.max[unit] as number);
    full.mean[unit]! += (delta * sample.positions) / after;
    full.squares[unit]! +=
      (sample.variance[unit] as number) * sample.positions + (delta * delta * before * sample.positions) / after;
    full.positive[unit]! += Math.round((sample.positiveShare[unit] as number) * sample.positions);
  }
}

/**
 * The tally of two sets of samples together, from the tallies of each. Counts and extremes are exact; means and variances agree with
 * those of one pass to float64 rounding. Throws a RangeError for tallies of different layers.
 *
 * @example
 * import { addFiring, emptyTally, mergeTallies } from 'reluminate/audit';
 * const [left, right] = [emptyTally(2), emptyTally(2)];
 * addFiring(left, [1.5, -1], [0.75, 0], 0);
 * addFiring(right, [-0.5, -2], [0, 0], 0);
 * Array.from(mergeTallies(left, right).fired); // => [1, 0]
 */
export function mergeTallies(a: Tally, b: Tally): Tally {
  if (a.units !== b.units)
    throw new RangeError(`mergeTallies: both must have the same units, got ${a.units} and ${b.units}`);
  const sum = (x: Float64Array, y: Float64Array) => x.map((item, unit) => item + (y[unit] as number));
  const finite = sum(a.full.finite, b.full.finite);
  const delta = b.full.mean.map((mean, unit) => mean - (a.full.mean[unit] as number));
  /** The share of the right side in a unit's positions. */
  const share = (unit: number) => (b.full.finite[unit] as number) / Math.max(finite[unit] as number, 1);
  return {
    units: a.units,
    samples: a.samples + b.samples,
    fired: sum(a.fired, b.fired),
    activity: sum(a.activity, b.activity),
    full: {
      samples: a.full.samples + b.full.samples,
      positions: a.full.positions + b.full.positions,
      finite,
      min: a.full.min.map((item, unit) => Math.min(item, b.full.min[unit] as number)),
      max: a.full.max.map((item, unit) => Math.max(item, b.full.max[unit] as number)),
      mean: a.full.mean.map((mean, unit) => mean + (delta[unit] as number) * share(unit)),
      squares: sum(a.full.squares, b.full.squares).map(
        (item, unit) => item + (delta[unit] as number) ** 2 * (a.full.finite[unit] as number) * share(unit),
      ),
      positive: sum(a.full.positive, b.full.positive),
      nan: sum(a.full.nan, b.full.nan),
      infinite: sum(a.full.infinite, b.full.infinite),
    },
  };
}

type Jsonable<T> = T extends Float64Array
  ? (number | null)[]
  : T extends object
    ? { [K in keyof T]: Jsonable<T[K]> }
    : T;

/** A tally as JSON: arrays of numbers, with null for the infinities of an extreme that was never seen. */
export type TallyJson = Jsonable<Tally>;

/**
 * Turns a tally into JSON, to be merged by another process.
 *
 * @example
 * import { addFiring, emptyTally, tallyToJson } from 'reluminate/audit';
 * const tally = emptyTally(2);
 * addFiring(tally, [1.5, -1], [1.5, 0], 0);
 * tallyToJson(tally).fired; // => [1, 0]
 * tallyToJson(tally).full.min; // => [null, null]
 */
export const tallyToJson = (tally: Tally): TallyJson =>
  JSON.parse(JSON.stringify(tally, (_, value) => (value instanceof Float64Array ? Array.from(value) : value)));

/**
 * Reads a tally back from JSON.
 *
 * @example
 * import { addFiring, emptyTally, mergeTallies, tallyFromJson, tallyToJson } from 'reluminate/audit';
 * const tally = emptyTally(2);
 * addFiring(tally, [1.5, -1], [1.5, 0], 0);
 * const text = JSON.stringify(tallyToJson(tally));
 * const other = tallyFromJson(JSON.parse(text));
 * Array.from(mergeTallies(tally, other).fired); // => [2, 0]
 */
export function tallyFromJson(json: TallyJson): Tally {
  const array = (items: readonly (number | null)[], missing = 0) => Float64Array.from(items, item => item ?? missing);
  const { full } = json;
  return {
    units: json.units,
    samples: json.samples,
    fired: array(json.fired),
    activity: array(json.activity),
    full: {
      samples: full.samples,
      positions: full.positions,
      finite: array(full.finite),
      min: array(full.min, Infinity),
      max: array(full.max, -Infinity),
      mean: array(full.mean),
      squares: array(full.squares),
      positive: array(full.positive),
      nan: array(full.nan),
      infinite: array(full.infinite),
    },
  };
}
