import { dissect, type Flow, joinPinned } from '../../audit/anatomy.js';
import { type Cost, keptCost } from '../../audit/cost.js';
import type { InputRanges } from '../../audit/prove/box.js';
import type { Context, Pinned } from '../../onnx/channels.js';
import { propagateConstants } from '../../onnx/constant-flow.js';
import { constantLookup } from '../../onnx/constants.js';
import { inlineFunctions } from '../../onnx/functions.js';
import { copyModel, inputSpecs, type Model, mainGraph } from '../../onnx/model.js';
import type { NodeProto } from '../../onnx/proto.js';
import { ranksOf } from '../../onnx/ranks.js';
import { propagateReads } from '../../onnx/read-flow.js';
import type { SessionOptions } from '../../onnx/runtime.js';
import { indexGraph, nodeName } from '../../onnx/scope.js';
import type { InputSpec } from '../../onnx/tensor-data.js';
import { flushTiny } from '../flush.js';
import { provedDead } from '../proved-dead.js';
import type { Repaired } from '../repaired.js';
import { cutChannels } from './cut.js';
import { type Decision, decide } from './decide.js';
import { addends, join, joinables } from './join.js';
import { clearNegligible } from './negligible.js';
import { costOf, type Ground, History, type PruneReport, shapesOfLayers } from './report.js';
import { sweepInitializers, sweepNodes, takeNames } from './sweep.js';
import { tieChannels } from './ties.js';

/** How to prune. */
export interface PruneOptions extends SessionOptions {
  /** Widths that were a multiple of this stay one (default 8: other widths make ONNX Runtime leave its blocked layout); 1 removes all that can go. */
  readonly align?: number;
  /** What the inputs may be: units that no such input lets fire go too (docs/proofs.md), and the outputs stay for such inputs. */
  readonly ranges?: InputRanges;
  /** Units that are constant on the caller's word, say silent on data: for values of the main graph, channel and level. */
  readonly constants?: Pinned;
  /** Inputs with free dimensions fixed, for the count of multiply-adds and for `ranges`; by default what the model declares, with a batch of one. */
  readonly inputs?: readonly InputSpec[];
}

/** The initializers keep the names they had as far as they can. */
function tidy(model: Model, replaced: ReadonlyMap<string, string>): void {
  sweepInitializers(model);
  takeNames(model, replaced);
  // Before this version initializers had to be inputs too.
  if (replaced.size > 0 && model.proto.irVersion < 4n) model.proto.irVersion = 4n;
}

/** Initializers of the original that could be fed as inputs, and cannot be any more. */
function inputsDropped(original: Model, model: Model): string[] {
  const left = new Set(mainGraph(model).input.map(({ name }) => name));
  return mainGraph(original).input.flatMap(({ name }) => (left.has(name) ? [] : [name]));
}

/** Channels that are constant for another reason than the graph: by a proof, or on the caller's word. */
interface Claims {
  readonly proved: Pinned;
  readonly word: Pinned;
}

const noClaims: Claims = { proved: new Map(), word: new Map() };

interface Decided {
  readonly context: Context;
  readonly decision: Decision;
  /** Claimed units that stay. */
  readonly stayed: readonly { value: string; unit: number; reason: string }[];
}

const countOf = (pinned: Pinned): number => [...pinned.values()].reduce((sum, { size }) => sum + size, 0);

/**
 * Decides with channels that are claimed to be constant. One that stays has to be left as it was, with all that feeds it. Where it is constant on the caller's word the claim
 * is taken back; where that is proved it stays true, so that other units may rest on it.
 */
function decideWith(model: Model, claims: Claims, align: number): Decided {
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const ranks = ranksOf(scope, lookup);
  const stayed: { value: string; unit: number; reason: string }[] = [];
  // Those that go, as far as is known.
  let { proved, word } = claims;
  for (;;) {
    const known = propagateConstants(scope, lookup, joinPinned(claims.proved, word));
    const fed = proved === claims.proved ? known : propagateConstants(scope, lookup, joinPinned(proved, word));
    const context: Context = { scope, lookup, known, ranks, splits: new Map() };
    const decision = decide(context, propagateReads(scope, lookup, fed), tieChannels(context), word, align);
    const isFollowed = (value: string) => typeof known.get(value) === 'object';
    const going = (pinned: Pinned): Pinned =>
      new Map(
        [...pinned].map(([value, units]) => [
          value,
          new Map([...units].filter(([unit]) => isFollowed(value) && decision.goes(value, unit))),
        ]),
      );
    const note = (pinned: Pinned) => {
      for (const [value, units] of pinned)
        for (const unit of units.keys()) {
          if (isFollowed(value) && decision.goes(value, unit)) continue;
          const reason = isFollowed(value) ? decision.reason(value, unit) : 'its channels are not followed';
          stayed.push({ value, unit, reason: reason ?? 'it is not constant in the graph' });
        }
    };
    note(word);
    const [provedGoing, wordGoing] = [going(proved), going(word)];
    if (countOf(provedGoing) === countOf(proved) && countOf(wordGoing) === countOf(word)) {
      note(claims.proved);
      return { context, decision, stayed };
    }
    [proved, word] = [provedGoing, wordGoing];
  }
}

/** By what each unit is known to be dead, the surest first: a function of the rectifier's output and the unit, for units that go. */
function groundsOf(model: Model, { proved, word }: Claims): (value: string, unit: number) => Ground {
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const flowOf = (pinned: Pinned): Flow => {
    const known = propagateConstants(scope, lookup, pinned);
    return { known, reads: propagateReads(scope, lookup, known) };
  };
  const flows: [Ground, Flow][] = [['file', flowOf(new Map())]];
  if (proved.size > 0) flows.push(['proof', flowOf(proved)]);
  const isIdle = ({ known, reads }: Flow, value: string, unit: number): boolean => {
    const [channels, flags] = [known.get(value), reads.get(value)];
    return (typeof channels === 'object' && channels.constant[unit] === 1) || (flags !== 'all' && flags?.[unit] !== 1);
  };
  const rest: Ground = word.size > 0 ? 'word' : proved.size > 0 ? 'proof' : 'file';
  return (value, unit) => flows.find(([, flow]) => isIdle(flow, value, unit))?.[0] ?? rest;
}

/** Whether any channel of a value goes. */
const goesAny = ({ context, decision }: Decided): boolean =>
  [...context.known].some(
    ([value, channels]) =>
      typeof channels === 'object' && channels.constant.some((_, channel) => decision.goes(value, channel)),
  );

/**
 * Cuts, in place, until nothing more goes: what goes may set free what it was tied to, since a convolution of one group is an ordinary one. Calls `note` before each round, and what
 * it gives with what the round folded. Gives the last decision and the nodes that nothing read any more.
 */
function cutAll(
  model: Model,
  first: Decided,
  align: number,
  note: (next: Decided) => (folded: ReadonlyMap<NodeProto, number>) => void = () => () => {},
): { last: Decided; nodesRemoved: string[] } {
  const nodesRemoved: string[] = [];
  let last = first;
  while (goesAny(last)) {
    const after = note(last);
    const { folded, replaced } = cutChannels(model, last.context, last.decision);
    after(folded);
    nodesRemoved.push(...sweepNodes(model));
    tidy(model, replaced);
    last = decideWith(model, noClaims, align);
  }
  return { last, nodesRemoved };
}

/** A concatenation in place of an addition must save this share of the model's multiply-adds or of its parameters, and add to neither. */
const leastSaving = 0.005;
/** Each attempt prunes a copy of the whole model. */
const mostAttempts = 32;

/** Replaces additions by concatenations, in place, one after the other as long as that leaves a smaller model; and decides what goes. */
function joinWherePaying(
  model: Model,
  claims: Claims,
  align: number,
  shapes: ReadonlyMap<string, readonly number[]>,
): Decided & { joined: string[] } {
  const joined: string[] = [];
  const first = decideWith(model, claims, align);
  // One input may be repeated along the batch of another, which the shapes for one sample do not show.
  const batches = new Set(inputSpecs(model).map(({ dims: [batch] }) => batch));
  if (batches.size > 1) return { joined, ...first };
  const candidates = joinables(first.context, first.decision, shapes).sort((a, b) => b.tied - a.tied);
  if (candidates.length === 0) return { joined, ...first };
  /** What the model costs once all is cut. */
  const costNow = (): Cost => {
    const trial = copyModel(model);
    cutAll(trial, decideWith(trial, claims, align), align);
    return keptCost(indexGraph(trial), constantLookup(trial.external), null, shapes);
  };
  let best = costNow();
  for (const candidate of candidates.slice(0, mostAttempts)) {
    const { replaced, undo } = join(model, first.context, candidate);
    const cost = costNow();
    const ratios = [cost.parameters / best.parameters, (cost.multiplyAdds ?? 1) / (best.multiplyAdds ?? 1)];
    if (Math.max(...ratios) > 1 || Math.min(...ratios) > 1 - leastSaving) {
      undo();
      continue;
    }
    joined.push(nodeName(candidate.add));
    tidy(model, replaced);
    best = cost;
  }
  return { joined, ...decideWith(model, claims, align) };
}

/**
 * Removes units whose output is constant or that nothing reads: slices of the weights that make them, of everything on the way
 * that holds a number for each channel, and of the weights that read them, with the constant folded into the readers' biases. Tiny weights are flushed first.
 * Exact but for the rounding of what is folded and for the order in which a shorter sum is added; for inputs in `ranges` where these are given; units in `constants` are as
 * constant as the caller says. What is dead and could not go is listed in the report, with the reason. Throws a RangeError for an `align` that is no whole number above 0, a Failure
 * for `ranges` that do not fit the inputs.
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
  { align = 8, ranges, constants = new Map(), inputs, ...session }: PruneOptions = {},
): Promise<Repaired<PruneReport>> {
  if (!(Number.isSafeInteger(align) && align >= 1))
    throw new RangeError(`prune: align must be a whole number above 0, got ${align}`);
  const flush = flushTiny(original);
  const model = inlineFunctions(flush.model);
  const nodesRemoved = sweepNodes(model);
  const negligible = clearNegligible(model, dissect(model));
  nodesRemoved.push(...sweepNodes(model));
  tidy(model, negligible.replaced);
  const proved = ranges ? await provedDead(dissect(model), ranges, inputs, session) : new Map();
  const claims: Claims = { proved, word: constants };
  const shapes = await shapesOfLayers(model, inputs, session, addends(indexGraph(model)));
  const history = new History(indexGraph(model), constantLookup(model.external), groundsOf(model, claims));
  const first = joinWherePaying(model, claims, align, shapes);
  for (const { value, unit, reason } of first.stayed) history.stayedOnClaim(first.context, value, unit, reason);
  const cut = cutAll(model, first, align, next => history.record(next.context, next.decision, dissect(model)));
  nodesRemoved.push(...cut.nodesRemoved);
  const report: PruneReport = {
    align,
    flushed: flush.report.flushed,
    negligible: negligible.units,
    rectifiedUnits: history.removed.file + history.removed.proof + history.removed.word,
    provedUnits: history.removed.proof,
    unitsOnWord: history.removed.word,
    layers: history.prunedLayers(),
    left: history.left(cut.last.context, cut.last.decision, dissect(model)),
    joined: first.joined,
    nodesRemoved,
    inputsDropped: inputsDropped(original, model),
    before: await costOf(inlineFunctions(original), inputs, session),
    after: await costOf(model, inputs, session),
  };
  return { model, report };
}
