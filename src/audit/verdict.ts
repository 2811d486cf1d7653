import type { Rectifier } from '../onnx/rectifiers.js';
import type { RectifiedLayer } from './anatomy.js';
import { type ProvedBounds, provedBy } from './prove/proved-bounds.js';
import { type Certainty, type SlopeKind, slopeKinds, type Verdict, verdicts } from './report.js';
import type { Tally } from './tally.js';

/** Where the sample verdicts draw their lines. */
export interface Thresholds {
  /** A unit that fires on a smaller share of samples than this is `rare` (0 to 1, default 0.01). */
  readonly rareBelow: number;
  /** A unit whose E|h| is at most this share of its layer's mean is `dormant` (default 0.1; Sokar et al. 2023, "The dormant neuron phenomenon", definition 3.1). */
  readonly dormantTau: number;
}

export const defaultThresholds: Thresholds = { rareBelow: 0.01, dormantTau: 0.1 };

/** What the file alone says about a unit's pre-activation: whether it is constant, by whose doing, and at what level (NaN where that differs by position). */
export interface ConstantPreActivation {
  readonly by: 'own weights' | 'constant inputs';
  readonly exact: boolean;
  readonly level: number;
}

/** The judgement on one unit. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly certainty: Certainty;
  readonly stuck: 'silent' | 'on' | null;
}

/** Whether the negative side of a unit gives nothing at all, so that a silent unit is dead: ReLU and its clipped and thresholded kin, and slopes of exactly 0. */
export function isFlatBelow({ rectifier, slopes }: RectifiedLayer, unit: number): boolean {
  if (rectifier.kind === 'elu' || rectifier.kind === 'selu' || rectifier.kind === 'celu') return false;
  if (!slopes) return rectifier.negativeSlope?.data.every(slope => slope === 0) ?? false;
  return slopes.values[slopes.shared ? 0 : unit] === 0;
}

/** Whether data contradict proved bounds: then they left the box that the bounds are about. */
export function leavesBounds(
  unit: number,
  tally: Tally | null,
  { lower, upper }: ProvedBounds,
  threshold: number,
): boolean {
  if (!tally || tally.samples === 0) return false;
  if (upper <= threshold && (tally.fired[unit] as number) > 0) return true;
  return (tally.full.min[unit] as number) < lower || (tally.full.max[unit] as number) > upper;
}

/**
 * Judges one unit, strongest verdict first (see docs/verdicts.md). `tally` is null without data, `layerActivity` the layer's mean of E|h|,
 * `bounds` what was proved of its pre-activation.
 */
export function judge(
  unit: number,
  constant: ConstantPreActivation | null,
  tally: Tally | null,
  layerActivity: number,
  { threshold, ceiling }: Pick<Rectifier, 'threshold' | 'ceiling'>,
  { rareBelow, dormantTau }: Thresholds,
  bounds: ProvedBounds | null = null,
): Judgement {
  if (constant && !Number.isNaN(constant.level)) {
    const stuck = constant.level > threshold ? 'on' : 'silent';
    const byOwnWeights = constant.by === 'own weights';
    const certainty = constant.exact ? (byOwnWeights ? 'exact' : 'proof') : 'float32 rounding';
    return { verdict: byOwnWeights ? 'vanished' : stuck === 'on' ? 'proved-linear' : 'proved-dead', certainty, stuck };
  }
  const proved =
    bounds && !leavesBounds(unit, tally, bounds, threshold) ? provedBy({ threshold, ceiling }, bounds) : null;
  const byBounds = (verdict: Verdict): Judgement => ({ verdict, certainty: 'proof', stuck: null });
  if (proved === 'dead') return byBounds('proved-dead');
  if (!tally || tally.samples === 0)
    return proved ? byBounds('proved-linear') : { verdict: 'unobserved', certainty: 'none', stuck: null };
  const onSamples = (verdict: Verdict): Judgement => ({ verdict, certainty: 'sample', stuck: null });
  const fired = tally.fired[unit] as number;
  if (fired === 0) return onSamples('silent');
  if (fired / tally.samples < rareBelow) return onSamples('rare');
  if ((tally.activity[unit] as number) / tally.samples <= dormantTau * layerActivity) return onSamples('dormant');
  if (proved) return byBounds('proved-linear');
  const { full } = tally;
  const between = (full.min[unit] as number) > threshold && (full.max[unit] as number) <= ceiling;
  if (full.positions > 0 && between && full.finite[unit] === full.positions) return onSamples('linear');
  return onSamples('healthy');
}

/** Slopes this close to 0 or 1 make a unit behave as ReLU or as the identity for all practical purposes: half a percent of the other side's gain. */
const nearly = 0.005;

/**
 * What a negative slope makes of a unit. |a| > 1 is `expanding` also where a < -1; other negative slopes are `non-monotone`.
 *
 * @example
 * import { slopeKindOf } from 'reluminate/audit';
 * [0, 0.25, 1].map(slopeKindOf); // => ["relu-like", "leaky", "identity"]
 * [-0.5, 1.2, -2].map(slopeKindOf); // => ["non-monotone", "expanding", "expanding"]
 */
export function slopeKindOf(slope: number): SlopeKind {
  if (Math.abs(slope) > 1 + nearly) return 'expanding';
  if (Math.abs(slope) < nearly) return 'relu-like';
  if (slope < 0) return 'non-monotone';
  return slope > 1 - nearly ? 'identity' : 'leaky';
}

/** How many times each name of a fixed list occurs. */
const countsOf = <Name extends string>(names: readonly Name[], found: Iterable<Name>): Record<Name, number> => {
  const counts = Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>;
  for (const name of found) counts[name]++;
  return counts;
};

export const verdictCounts = (found: Iterable<Verdict>): Record<Verdict, number> => countsOf(verdicts, found);
export const slopeCounts = (found: Iterable<SlopeKind>): Record<SlopeKind, number> => countsOf(slopeKinds, found);
