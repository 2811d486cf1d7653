import { type Knowledge, type Pinned, propagateConstants, propagateReads, type Reads } from '../onnx/channels.js';
import { type Constant, type ConstantLookup, constantLookup } from '../onnx/constants.js';
import { inlineFunctions } from '../onnx/functions.js';
import { feedingLayer, type LinearLayer, perChannel, unitAxisLookup, weightNorms } from '../onnx/layers.js';
import type { Model } from '../onnx/model.js';
import { findRectifiers, type Rectifier } from '../onnx/rectifiers.js';
import { allScopes, indexGraph, type Scope } from '../onnx/scope.js';

/** One rectifier with all that the file alone tells about its units. */
export interface RectifiedLayer {
  readonly rectifier: Rectifier;
  /** Number of units, null where the file does not tell. */
  readonly units: number | null;
  /** Axis of the units in the rectifier's input: from the front, or -1 for the last; null where the file does not tell. */
  readonly axis: number | null;
  /** The single layer that feeds it, null for a residual sum or weights that are computed. */
  readonly feed: LinearLayer | null;
  /** Euclidean norm of each unit's incoming weights, batch norm folded in. */
  readonly norms: Float64Array | null;
  /** Weights of a unit: `zero`, `negligible` (at most 1e-7 of the layer's largest norm, lost in float32 rounding), or `null` for weights that matter. */
  readonly vanished: readonly ('zero' | 'negligible' | null)[];
  /** Negative slope of each unit (one for all where shared); null where the kind has none or it is computed. */
  readonly slopes: { readonly shared: boolean; readonly values: Float64Array } | null;
}

/** Which channels are constant, and which are read by an output. */
export interface Flow {
  readonly known: ReadonlyMap<string, Knowledge>;
  readonly reads: ReadonlyMap<string, Reads>;
}

/** A model taken apart without running it. */
export interface Anatomy extends Flow {
  /** The model with its local functions inlined: what the rest of the audit reads and runs. */
  readonly model: Model;
  readonly scope: Scope;
  readonly lookup: ConstantLookup;
  readonly layers: readonly RectifiedLayer[];
  /** Pre-activation channels that are constant because their weights vanished, with their level. */
  readonly pinned: Pinned;
}

/** The flow in which further channels are constant. */
export function flowWith({ scope, lookup, pinned }: Anatomy, further: Pinned): Flow {
  const known = propagateConstants(scope, lookup, new Map([...pinned, ...further]));
  return { known, reads: propagateReads(scope, lookup, known) };
}

/** Below this share of the layer's largest weight norm a unit's weighted inputs are lost in the rounding of a float32 sum (2^-24 = 6e-8). */
const negligible = 1e-7;

function vanishedUnits(norms: Float64Array): ('zero' | 'negligible' | null)[] {
  const largest = norms.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), 0);
  return Array.from(norms, norm => (norm === 0 ? 'zero' : norm <= negligible * largest ? 'negligible' : null));
}

/** Slopes for each unit. One slope for each element of a map (`[C, H, W]`) is reported as the mean over the unit's elements. */
function unitSlopes(slope: Constant | null, units: number | null, axis: number | null, rank: number | null) {
  if (!slope) return null;
  if (slope.data.length === 1) return { shared: true, values: Float64Array.from(slope.data) };
  if (units === null || axis === null) return null;
  const each = perChannel(slope, units, axis, rank);
  if (each) return { shared: false, values: each };
  const dims = slope.dims.filter(dim => dim !== 1);
  if (slope.data.length === units && dims.length === 1) return { shared: false, values: Float64Array.from(slope.data) };
  const inner = slope.data.length / units;
  if (dims[0] !== units || !Number.isInteger(inner)) return null;
  const means = new Float64Array(units);
  slope.data.forEach((item, at) => {
    means[Math.floor(at / inner)]! += item / inner;
  });
  return { shared: false, values: means };
}

/** The number of units where no layer tells: from batch norm or slopes. */
function unitsOf(rectifier: Rectifier, feed: LinearLayer | null, knowledge: Knowledge | undefined): number | null {
  if (feed) return feed.units;
  if (typeof knowledge === 'object' && knowledge.layout === 'plain') return knowledge.constant.length;
  const slopes = rectifier.negativeSlope?.data.length ?? 1;
  return slopes > 1 && rectifier.negativeSlope?.dims.filter(dim => dim !== 1).length === 1 ? slopes : null;
}

/**
 * Takes a model apart: its rectifiers, the weights that feed them, the units whose weights vanished, what follows from that for
 * every channel downstream, and what no output reads. Nothing is run.
 */
export function dissect(original: Model): Anatomy {
  const model = inlineFunctions(original);
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const axisOf = unitAxisLookup(lookup);
  const found = findRectifiers(allScopes(scope), lookup).map(rectifier => {
    const feed = feedingLayer(rectifier.scope, rectifier.input, lookup);
    const norms = feed && weightNorms(feed);
    return { rectifier, feed, norms, vanished: norms ? vanishedUnits(norms) : [] };
  });
  const pinned: Pinned = new Map(
    found.map(({ rectifier, feed, vanished }) => [
      rectifier.input,
      new Map(vanished.flatMap((kind, unit) => (kind && feed ? [[unit, feed.bias[unit] as number] as const] : []))),
    ]),
  );
  const known = propagateConstants(scope, lookup, pinned);
  const reads = propagateReads(scope, lookup, known);
  const layers = found.map(({ rectifier, feed, norms, vanished }): RectifiedLayer => {
    const units = unitsOf(rectifier, feed, known.get(rectifier.input));
    const axis = axisOf(rectifier.scope, rectifier.input);
    const rank = feed && feed.op !== 'MatMul' ? (feed.op === 'Gemm' ? 2 : feed.weight.dims.length) : null;
    return {
      rectifier,
      units,
      axis,
      feed,
      norms,
      vanished,
      slopes: unitSlopes(rectifier.negativeSlope, units, axis, rank),
    };
  });
  return { model, scope, lookup, layers, pinned, known, reads };
}
