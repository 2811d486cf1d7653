import { dissect } from '../../audit/anatomy.js';
import type { Context, Pinned } from '../../onnx/channels.js';
import { propagateConstants } from '../../onnx/constant-flow.js';
import { constantLookup } from '../../onnx/constants.js';
import { inlineFunctions } from '../../onnx/functions.js';
import type { Model } from '../../onnx/model.js';
import { ranksOf } from '../../onnx/ranks.js';
import { propagateReads } from '../../onnx/read-flow.js';
import type { SessionOptions } from '../../onnx/runtime.js';
import { indexGraph, nodeName } from '../../onnx/scope.js';
import type { InputSpec } from '../../onnx/tensor-data.js';
import { flushTiny } from '../flush.js';
import type { Repaired } from '../repaired.js';
import { cutChannels } from './cut.js';
import { type Decision, decide } from './decide.js';
import { join, joinables } from './join.js';
import { clearNegligible } from './negligible.js';
import { costOf, History, type PruneReport, shapesOfLayers } from './report.js';
import { sweepInitializers, sweepNodes, takeNames } from './sweep.js';
import { tieChannels } from './ties.js';
import { workLeft } from './work.js';

/** How to prune. */
export interface PruneOptions extends SessionOptions {
  /** Widths that were a multiple of this stay one (default 8: other widths make ONNX Runtime leave its blocked layout); 1 removes all that can go. */
  readonly align?: number;
  /** Units that are constant on the caller's word, say silent on data: for values of the main graph, channel and level. */
  readonly constants?: Pinned;
  /** Inputs with free dimensions fixed, for the count of multiply-adds; by default what the model declares, with a batch of one. */
  readonly inputs?: readonly InputSpec[];
}

/** The initializers keep the names they had as far as they can. */
function tidy(model: Model, replaced: ReadonlyMap<string, string>): void {
  sweepInitializers(model);
  takeNames(model, replaced);
  // Before this version initializers had to be inputs too.
  if (replaced.size > 0 && model.proto.irVersion < 4n) model.proto.irVersion = 4n;
}

interface Decided {
  readonly context: Context;
  readonly decision: Decision;
  /** Units that are constant on the caller's word and stay. */
  readonly stayed: readonly { value: string; unit: number; reason: string }[];
}

/** Decides with the caller's constants; those that stay are taken back, for what they need to be as they were must stay too. */
function decideWith(model: Model, constants: Pinned, align: number): Decided {
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const ranks = ranksOf(scope, lookup);
  const stayed: { value: string; unit: number; reason: string }[] = [];
  let pinned = constants;
  for (;;) {
    const known = propagateConstants(scope, lookup, pinned);
    const context: Context = { scope, lookup, known, ranks, splits: new Map() };
    const decision = decide(context, propagateReads(scope, lookup, known), tieChannels(context), pinned, align);
    const going = new Map<string, Map<number, number>>();
    let isSame = true;
    for (const [value, channels] of pinned) {
      const followed = typeof known.get(value) === 'object';
      const goes = (unit: number) => followed && decision.goes(value, unit);
      going.set(value, new Map([...channels].filter(([unit]) => goes(unit))));
      for (const unit of channels.keys()) {
        if (goes(unit)) continue;
        isSame = false;
        const reason = followed ? decision.reason(value, unit) : 'its channels are not followed';
        stayed.push({ value, unit, reason: reason ?? 'it is not constant in the graph' });
      }
    }
    if (isSame) return { context, decision, stayed };
    pinned = going;
  }
}

/** Whether any channel of a value goes. */
const goesAny = ({ context, decision }: Decided): boolean =>
  [...context.known].some(
    ([value, channels]) =>
      typeof channels === 'object' && channels.constant.some((_, channel) => decision.goes(value, channel)),
  );

/** A concatenation in place of an addition must save this share of the model's multiply-adds or of its weights, and add to neither. */
const leastSaving = 0.005;
/** Each attempt follows the whole model once. */
const mostAttempts = 32;

/** Replaces additions by concatenations, in place, one after the other as long as that leaves less work; and decides what goes. */
function joinWherePaying(
  model: Model,
  constants: Pinned,
  align: number,
  shapes: ReadonlyMap<string, readonly number[]>,
): Decided & { joined: string[] } {
  const joined: string[] = [];
  let best = decideWith(model, constants, align);
  const candidates = joinables(best.context, best.decision).sort((a, b) => b.tied - a.tied);
  for (const candidate of candidates.slice(0, mostAttempts)) {
    const { replaced, undo } = join(model, best.context, candidate);
    const attempt = decideWith(model, constants, align);
    const ratios = [shapes, new Map()].map(
      by => workLeft(attempt.context, attempt.decision, by) / workLeft(best.context, best.decision, by),
    );
    if (Math.max(...ratios) > 1 || Math.min(...ratios) > 1 - leastSaving) {
      undo();
      continue;
    }
    joined.push(nodeName(candidate.add));
    tidy(model, replaced);
    best = decideWith(model, constants, align);
  }
  return { joined, ...best };
}

/**
 * Removes units whose output is constant or that nothing reads: slices of the weights that make them, of everything on the way
 * that holds a number for each channel, and of the weights that read them, with the constant folded into the readers' biases. Tiny weights are flushed first.
 * Exact but for the rounding of what is folded and for the order in which a shorter sum is added; units in `constants` are as constant as the
 * caller says. What is dead and could not go is listed in the report, with the reason. Throws a RangeError for an `align` that is no whole number above 0.
 *
 * @example
 * import { prune } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, readModel, valueInfo, writeModel } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [
 *     floatTensor('w', [2, 3], [1, 0, 0, 1, 0, 0]),
 *     floatTensor('b', [3], [0, 3, -1]),
 *     floatTensor('v', [3, 1], [1, 0.5, 7]),
 *   ],
 * });
 * const { model, report } = await prune({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 }, { align: 1 });
 * report.layers.map(({ node, units, folded }) => [node, units.removed, folded]); // => [["z", [1, 2], 0], ["y", [], 1]]
 * [report.before.parameters, report.after.parameters]; // => [12, 5]
 */
export async function prune(
  original: Model,
  { align = 8, constants = new Map(), inputs, ...session }: PruneOptions = {},
): Promise<Repaired<PruneReport>> {
  if (!(Number.isSafeInteger(align) && align >= 1))
    throw new RangeError(`prune: align must be a whole number above 0, got ${align}`);
  const flush = flushTiny(original);
  const model = inlineFunctions(flush.model);
  const nodesRemoved = sweepNodes(model);
  const negligible = clearNegligible(model, dissect(model));
  nodesRemoved.push(...sweepNodes(model));
  tidy(model, negligible.replaced);
  const shapes = await shapesOfLayers(model, inputs, session);
  const history = new History(indexGraph(model), constantLookup(model.external));
  const first = joinWherePaying(model, constants, align, shapes);
  for (const { value, unit, reason } of first.stayed) history.stayedOnWord(first.context, value, unit, reason);
  // What goes may set free what it was tied to: a convolution of one group is an ordinary one.
  let next: Decided = first;
  while (goesAny(next)) {
    const note = history.record(next.context, next.decision, dissect(model));
    const { folded, replaced } = cutChannels(model, next.context, next.decision);
    note(folded);
    nodesRemoved.push(...sweepNodes(model));
    tidy(model, replaced);
    next = decideWith(model, new Map(), align);
  }
  const report: PruneReport = {
    align,
    flushed: flush.report.flushed,
    negligible: negligible.units,
    rectifiedUnits: history.rectifiedUnits,
    layers: history.prunedLayers(),
    left: history.left(next.context, next.decision, dissect(model)),
    joined: first.joined,
    nodesRemoved,
    before: await costOf(inlineFunctions(original), inputs, session),
    after: await costOf(model, inputs, session),
  };
  return { model, report };
}
