import type { Reads } from '../onnx/read-flow.js';
import { nodeName } from '../onnx/scope.js';
import type { Anatomy, Flow, RectifiedLayer } from './anatomy.js';
import { causeOf, type Evidence, remedyOf } from './cause.js';
import { firingInterval } from './interval.js';
import type { LayerBounds } from './prove/prove.js';
import { boundsOfUnit } from './prove/proved-units.js';
import { deadVerdicts, type LayerReport, type PreActivation, type UnitReport, type Verdict } from './report.js';
import type { Tally } from './tally.js';
import {
  type ConstantPreActivation,
  isFlatBelow,
  judge,
  slopeCounts,
  slopeKindOf,
  type Thresholds,
  verdictCounts,
} from './verdict.js';

/** One rectified layer and what was counted of it. */
export interface Examined {
  readonly layer: RectifiedLayer;
  readonly tally: Tally | null;
  readonly unobservedBecause: string | null;
  /** What was proved of its pre-activations; null where that was not asked for. */
  readonly bounds: LayerBounds | null;
}

function constantOf({ layer }: Examined, unit: number, { known, exact }: Anatomy): ConstantPreActivation | null {
  const own = layer.vanished[unit];
  if (own && layer.feed) return { by: 'own weights', exact: own === 'zero', level: layer.feed.bias[unit] as number };
  const value = layer.rectifier.input;
  const knowledge = known.get(value);
  if (layer.rectifier.scope.parent || !knowledge || knowledge === 'varying') return null;
  if (knowledge === 'constant') return { by: 'constant inputs', exact: true, level: Number.NaN };
  if (knowledge.constant.length !== layer.units || !knowledge.constant[unit]) return null;
  const proof = exact.get(value);
  const isProved = typeof proof === 'object' && proof.constant[unit] === 1;
  return { by: 'constant inputs', exact: isProved, level: knowledge.level[unit] as number };
}

const finiteOrNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

function preActivationOf({ full }: Tally, unit: number): PreActivation | null {
  if (full.samples === 0) return null;
  const [min, max] = [full.min[unit] as number, full.max[unit] as number];
  const seen = min <= max;
  return {
    samples: full.samples,
    min: seen ? finiteOrNull(min) : null,
    max: seen ? finiteOrNull(max) : null,
    mean: seen ? finiteOrNull(full.mean[unit]) : null,
    variance: seen ? finiteOrNull((full.squares[unit] as number) / (full.finite[unit] as number)) : null,
    positiveShare: seen ? (full.positive[unit] as number) / (full.finite[unit] as number) : null,
    nan: full.nan[unit] as number,
    infinite: full.infinite[unit] as number,
  };
}

/** Whether an output of the model depends on the unit, as far as the graph tells. */
function isRead({ layer }: Examined, unit: number, reads: ReadonlyMap<string, Reads>): boolean {
  if (layer.rectifier.scope.parent) return true;
  const flags = reads.get(layer.rectifier.output);
  return flags === 'all' || (flags !== undefined && (flags.length !== layer.units || flags[unit] === 1));
}

/** Whether a unit gave nothing but 0 on every sample: it never fired, its negative side is flat, and nothing was NaN. */
const isSilent = ({ layer, tally }: Examined, unit: number): boolean =>
  tally !== null &&
  tally.samples > 0 &&
  tally.fired[unit] === 0 &&
  tally.full.nan[unit] === 0 &&
  isFlatBelow(layer, unit);

/** Units that gave nothing but 0 on every sample. */
export const silentUnits = (examined: Examined): number[] =>
  Array.from(examined.tally?.fired.keys() ?? []).filter(unit => isSilent(examined, unit));

/** Whether a unit gives nothing but a constant: one that never fires does where its negative side is flat, or its pre-activation is constant. */
const isDead = (verdict: Verdict, examined: Examined, unit: number, isConstant: boolean): boolean =>
  deadVerdicts.includes(verdict) &&
  (verdict !== 'silent' || isSilent(examined, unit)) &&
  (verdict !== 'proved-dead' || isConstant || isFlatBelow(examined.layer, unit));

/** Judges every unit of a layer. `onData` is the flow in which the silent units of the data count as constant. */
export function judgeLayer(
  examined: Examined,
  flow: Anatomy,
  onData: Flow,
  slopeLost: boolean,
  thresholds: Thresholds,
): LayerReport {
  const { layer, tally, unobservedBecause, bounds: layerBounds } = examined;
  const found = layerBounds && 'lower' in layerBounds ? layerBounds : null;
  const { rectifier, feed, norms, slopes } = layer;
  const count = layer.units ?? tally?.units ?? found?.upper.length ?? 0;
  const activities = tally ? tally.activity.map(sum => sum / Math.max(tally.samples, 1)) : null;
  const layerActivity = activities ? activities.reduce((a, b) => a + b, 0) / Math.max(count, 1) : 0;
  const knownOnData = onData.known.get(rectifier.input);
  const constantOnData =
    typeof knownOnData === 'object' && knownOnData.constant.length === count ? knownOnData.constant : null;
  const units = Array.from({ length: count }, (_, unit): UnitReport => {
    const constant = constantOf(examined, unit, flow);
    const bounds = found?.upper.length === count ? boundsOfUnit(found, unit) : null;
    const judgement = judge(unit, constant, tally, layerActivity, rectifier, thresholds, bounds);
    const activity = activities && layerActivity > 0 ? (activities[unit] as number) / layerActivity : null;
    const read = isRead(examined, unit, flow.reads);
    const inputsDead = !constant && constantOnData?.[unit] === 1;
    const evidence: Evidence = {
      layer,
      unit,
      judgement,
      constant,
      tally,
      bounds,
      inputsDead,
      activity,
      slopeLost,
      read,
    };
    const slope = slopes ? (slopes.values[slopes.shared ? 0 : unit] as number) : null;
    return {
      index: unit,
      verdict: judgement.verdict,
      certainty: judgement.certainty,
      dead: isDead(judgement.verdict, examined, unit, constant !== null),
      stuck: judgement.stuck,
      firedSamples: tally ? (tally.fired[unit] as number) : null,
      firingRate: tally && tally.samples > 0 ? firingInterval(tally.fired[unit] as number, tally.samples) : null,
      activity: finiteOrNull(activity ?? undefined),
      read,
      preActivation: tally ? preActivationOf(tally, unit) : null,
      bounds: bounds && { lower: bounds.lower, upper: bounds.upper },
      constant: constant ? finiteOrNull(constant.level) : null,
      negativeSlope: finiteOrNull(slope ?? undefined),
      slopeKind: slope === null || !Number.isFinite(slope) ? null : slopeKindOf(slope),
      bias: finiteOrNull(feed?.bias[unit]),
      weightNorm: finiteOrNull(norms?.[unit]),
      cause: causeOf(evidence),
      remedy: remedyOf(evidence),
    };
  });
  const batchNorm = feed?.batchNorm;
  const homogeneous = ['relu', 'leaky-relu', 'prelu'].includes(rectifier.kind);
  const sorted = slopes ? slopes.values.filter(Number.isFinite).sort() : null;
  return {
    name: rectifier.name,
    op: rectifier.kind,
    spelling: rectifier.spelling,
    path: rectifier.scope.path,
    channels: layer.units ?? tally?.units ?? found?.upper.length ?? null,
    unitAxis: layer.axis,
    fedBy: feed && {
      name: nodeName(feed.node),
      op: [feed.op, ...feed.between.map(node => node.opType)].join(' + '),
      fanIn: feed.fanIn,
    },
    counts: verdictCounts(units.map(unit => unit.verdict)),
    dead: units.filter(unit => unit.dead).length,
    slopes:
      slopes && sorted && sorted.length > 0
        ? {
            shared: slopes.shared,
            min: sorted[0] as number,
            median: sorted[sorted.length >> 1] as number,
            max: sorted[sorted.length - 1] as number,
            counts: slopeCounts(units.flatMap(unit => unit.slopeKind ?? [])),
          }
        : null,
    batchNorm:
      batchNorm && homogeneous
        ? {
            name: nodeName(batchNorm.node),
            redundant: batchNorm.gamma.filter(gamma => gamma > 0).length,
            mirrored: batchNorm.gamma.filter(gamma => gamma < 0).length,
            zero: batchNorm.gamma.filter(gamma => gamma === 0).length,
          }
        : null,
    unobservedBecause,
    boundedBy: found?.method ?? null,
    unboundedBecause: layerBounds && 'unbounded' in layerBounds ? layerBounds.unbounded : null,
    units,
  };
}

/** Layers of slope 0 in a model most of whose rectifiers leak: there a slope may have been lost on the way to ONNX. */
export function slopesLost(layers: readonly RectifiedLayer[]): boolean[] {
  const leaks = ({ slopes }: RectifiedLayer) => slopes?.values.some(slope => slope !== 0) ?? false;
  const leaking = layers.filter(leaks).length;
  return layers.map(layer => leaking > layers.length / 2 && layer.rectifier.kind !== 'relu6' && !leaks(layer));
}
