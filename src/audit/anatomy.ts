import type { Knowledge, Pinned } from '../onnx/channels.js';
import { propagateConstants } from '../onnx/constant-flow.js';
import { type Constant, type ConstantLookup, constantLookup } from '../onnx/constants.js';
import { inlineFunctions } from '../onnx/functions.js';
import { feedingLayer, type LinearLayer, unitAxisLookup, weightNorms } from '../onnx/layers.js';
import type { Model } from '../onnx/model.js';
import { propagateReads, type Reads } from '../onnx/read-flow.js';
import { findRectifiers, type Rectifier } from '../onnx/rectifiers.js';
import { allScopes, indexGraph, type Scope } from '../onnx/scope.js';

/** One rectifier with all that the file alone tells about its units. */
export interface RectifiedLayer {
  readonly rectifier: Rectifier;
  /** Number of units, null where the file does not tell. */
  readonly units: number | null;
  /** Axis of the units in the rectifier's input: from the front, or from the back (-1 is the last) where the rank is not known; null where the file does not tell. */
  readonly axis: number | null;
  /** The single layer that feeds it, null for a residual sum or weights that are computed. */
  readonly feed: LinearLayer | null;
  /** Euclidean norm of each unit's incoming weights, batch norm folded in. */
  readonly norms: Float64Array | null;
  /** Weights of a unit: `zero`, `negligible` (at most 1e-7 of the layer's largest norm and 1e-5, lost in float32 rounding), or `null` for weights that matter. */
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
  /** What is constant without counting on float32 rounding: with negligible weights taken as they are. */
  readonly exact: ReadonlyMap<string, Knowledge>;
}

/** Constant channels of two sources; where both know one, the second has its say. */
export const joinPinned = (first: Pinned, second: Pinned): Pinned =>
  new Map([
    ...first,
    ...[...second].map(([value, units]) => [value, new Map([...(first.get(value) ?? []), ...units])] as const),
  ]);

/** The flow in which further channels are constant. */
export function flowWith({ scope, lookup, pinned }: Anatomy, further: Pinned): Flow {
  const known = propagateConstants(scope, lookup, joinPinned(pinned, further));
  return { known, reads: propagateReads(scope, lookup, known) };
}

/** Below this share of the layer's largest weight norm a unit's weighted inputs are lost in the rounding of a float32 sum (2^-24 = 6e-8). */
const negligible = 1e-7;
/** A unit with a larger norm than this is alive whatever its layer's largest: one unit of enormous weights does not make its neighbours vanish. */
const largestVanished = 1e-5;

function vanishedUnits(norms: Float64Array): ('zero' | 'negligible' | null)[] {
  const largest = norms.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), 0);
  const limit = Math.min(negligible * largest, largestVanished);
  return Array.from(norms, norm => (norm === 0 ? 'zero' : norm <= limit ? 'negligible' : null));
}

/**
 * The anatomy in which further channels are surely constant, such as those of units proved dead.
 *
 * @example
 * import { dissect, withProved } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v', 'c'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 1])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [1, 1], [-1]), floatTensor('v', [1, 1], [5]), floatTensor('c', [1], [2])],
 * });
 * const anatomy = dissect({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * // Where x is positive, h is 0.
 * const positive = withProved(anatomy, new Map([['h', new Map([[0, 0]])]]));
 * const levelOf = ({ known }) => known.get('y').level[0];
 * [levelOf(anatomy), levelOf(positive)]; // => [null, 2]
 */
export function withProved(anatomy: Anatomy, proved: Pinned): Anatomy {
  if (proved.size === 0) return anatomy;
  const exact = propagateConstants(anatomy.scope, anatomy.lookup, proved);
  return { ...anatomy, ...flowWith(anatomy, proved), pinned: joinPinned(anatomy.pinned, proved), exact };
}

/** Slopes for each unit. Slopes that differ by position too (`[C, H, W]`) are reported as their mean over the unit's positions. */
function unitSlopes(slope: Constant | null, units: number | null, axis: number | null, rank: number | null) {
  if (!slope) return null;
  const { dims, data } = slope;
  if (data.length === 1) return { shared: true, values: Float64Array.from(data) };
  if (units === null || axis === null) return null;
  // Slopes broadcast from the last axis; where the rank of the value is not known, the axis of the right length is taken.
  const fromEnd = axis < 0 ? -axis : rank !== null ? rank - axis : dims.length - dims.indexOf(units);
  const at = dims.length - fromEnd;
  const ofAxis = dims[at] ?? 1;
  if (ofAxis !== units && ofAxis !== 1) return null;
  const inner = dims.slice(at + 1).reduce((a, b) => a * b, 1);
  const each = data.length / ofAxis;
  const means = new Float64Array(ofAxis);
  data.forEach((item, index) => {
    means[at < 0 ? 0 : Math.floor(index / inner) % ofAxis]! += item / each;
  });
  return { shared: false, values: ofAxis === units ? means : new Float64Array(units).fill(means[0] as number) };
}

/** The number of units where no layer tells: from batch norm or slopes. */
function unitsOf(rectifier: Rectifier, feed: LinearLayer | null, knowledge: Knowledge | undefined): number | null {
  if (feed) return feed.units;
  if (typeof knowledge === 'object' && knowledge.layout === 'plain') return knowledge.constant.length;
  const slopes = rectifier.negativeSlope?.data.length ?? 1;
  return slopes > 1 && rectifier.negativeSlope?.dims.filter(dim => dim !== 1).length === 1 ? slopes : null;
}

/** The axis of the units as one slope for each tells it, from the back: -1 for `[C]`, -3 for `[C, 1, 1]`. */
function slopeAxis({ negativeSlope }: Rectifier): number | null {
  const along = negativeSlope?.dims.flatMap((dim, axis) => (dim === 1 ? [] : [axis])) ?? [];
  return along.length === 1 ? (along[0] as number) - (negativeSlope?.dims.length ?? 0) : null;
}

/**
 * Takes a model apart: its rectifiers, the weights that feed them, the units whose weights vanished, what follows from that for
 * every channel downstream, and what no output reads. Nothing is run.
 *
 * @example
 * import { dissect } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('h')],
 *   initializers: [floatTensor('w', [2, 2], [3, 0, -4, 0]), floatTensor('b', [2], [0, 1])],
 * });
 * const { layers: [layer] } = dissect({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * [layer.rectifier.kind, layer.units, ...layer.norms]; // => ["relu", 2, 5, 0]
 * layer.vanished; // => [null, "zero"]
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
    found
      .filter(({ rectifier }) => !rectifier.scope.parent)
      .map(({ rectifier, feed, vanished }) => [
        rectifier.input,
        new Map(vanished.flatMap((kind, unit) => (kind && feed ? [[unit, feed.bias[unit] as number] as const] : []))),
      ]),
  );
  const isRounded = found.some(({ vanished }) => vanished.includes('negligible'));
  const known = propagateConstants(scope, lookup, pinned);
  const reads = propagateReads(scope, lookup, known);
  const layers = found.map(({ rectifier, feed, norms, vanished }): RectifiedLayer => {
    const knowledge = known.get(rectifier.input);
    const channels = typeof knowledge === 'object' && knowledge.layout === 'plain' ? knowledge : null;
    const units = unitsOf(rectifier, feed, knowledge);
    const axis = axisOf(rectifier.scope, rectifier.input) ?? channels?.axis ?? slopeAxis(rectifier);
    const ofFeed = feed && feed.op !== 'MatMul' ? (feed.op === 'Gemm' ? 2 : feed.weight.dims.length) : null;
    const rank = channels?.rank ?? ofFeed;
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
  const exact = isRounded ? propagateConstants(scope, lookup) : known;
  return { model, scope, lookup, layers, pinned, known, exact, reads };
}
