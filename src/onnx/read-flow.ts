import { intAttribute } from './attributes.js';
import {
  binary,
  type Context,
  isChannelAxis,
  isChannels,
  type Knowledge,
  keepsChannels,
  keepsLevel,
  knowledgeOf,
  rangeOf,
  unary,
} from './channels.js';
import { channelIndex, connectionsOf } from './connections.js';
import type { ConstantLookup } from './constants.js';
import type { NodeProto } from './proto.js';
import { ranksOf } from './ranks.js';
import { readsOf, type Scope } from './scope.js';
import { sourcesOf } from './sources.js';

/** Which channels of a value some output of the model depends on: all, or one flag for each channel. */
export type Reads = Uint8Array | 'all';

const merge = (a: Reads | undefined, b: Reads): Reads => {
  if (a === undefined) return b;
  if (a === 'all' || b === 'all' || a.length !== b.length) return 'all';
  return a.map((flag, channel) => flag | (b[channel] as number));
};

/**
 * Follows the outputs backward through the main graph: for every value, which of its channels some output depends on. Values
 * that do not occur in the result are read by nothing. Constant channels need no inputs that vary.
 *
 * @example
 * import { constantLookup, indexGraph, propagateConstants, propagateReads } from 'reluminate/onnx';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v'], ['y'])],
 *   inputs: [valueInfo('x', ['batch', 1])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [1, 2], [1, -1]), floatTensor('v', [2, 1], [3, 0])],
 * });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const lookup = constantLookup(new Map());
 * const reads = propagateReads(scope, lookup, propagateConstants(scope, lookup));
 * Array.from(reads.get('h')); // => [1, 0]
 */
export function propagateReads(
  scope: Scope,
  lookup: ConstantLookup,
  known: ReadonlyMap<string, Knowledge>,
): Map<string, Reads> {
  const reads = new Map<string, Reads>();
  const add = (value: string, flags: Reads) => reads.set(value, merge(reads.get(value), flags));
  for (const output of scope.outputs) add(output, 'all');
  const context: Context = {
    scope,
    lookup,
    known: known as Map<string, Knowledge>,
    ranks: ranksOf(scope, lookup),
    splits: new Map(),
  };
  for (const node of [...scope.nodes].reverse()) {
    const read = node.output.map(value => (value === '' ? {} : readOf(reads.get(value), known.get(value))));
    for (const isConstant of [false, true]) {
      const wanted = read.map(({ varying, constant }) => (isConstant ? constant : varying));
      if (wanted.every(flags => flags === undefined || (flags !== 'all' && !flags.includes(1)))) continue;
      const parts = node.opType === 'Concat' ? concatBack(context, node, wanted[0]) : null;
      for (const value of new Set(readsOf(node))) {
        const back = parts ? (parts.get(value) ?? 'all') : passedBack(context, node, value, wanted);
        if (!isConstant) add(value, back);
        else {
          const input = knowledgeOf(context, value);
          if (isChannels(input))
            add(
              value,
              input.constant.map((flag, at) => flag & (back === 'all' ? 1 : (back[at] as number))),
            );
        }
      }
    }
  }
  return reads;
}

/**
 * The channels of an output that are read: those that vary, and apart from them those that are constant. A constant channel needs
 * those of its inputs that are constant and make it so; one that is constant by itself, say by weights of 0, needs none.
 */
function readOf(reads: Reads | undefined, knowledge: Knowledge | undefined): { varying?: Reads; constant?: Reads } {
  if (reads === undefined || knowledge === 'constant') return {};
  if (!knowledge || !isChannels(knowledge)) return { varying: reads };
  const flags = (wanted: 0 | 1) =>
    knowledge.constant.map((constant, channel) => (constant === wanted && (reads === 'all' || reads[channel]) ? 1 : 0));
  return { varying: flags(0), constant: flags(1) };
}

function passedBack(context: Context, node: NodeProto, value: string, wanted: readonly (Reads | undefined)[]): Reads {
  const input = knowledgeOf(context, value);
  const [flags, ...others] = wanted;
  const onlyFirst = others.every(other => other === undefined);
  if (!isChannels(input) || flags === undefined || flags === 'all' || !onlyFirst)
    return splitBack(context, node, input, wanted);
  const count = input.constant.length;
  const connections = value === node.input[0] ? connectionsOf(context.scope, node, context.lookup) : null;
  if (connections) {
    const index = channelIndex(node, input, connections.inputs);
    if (!index || flags.length !== connections.outputs) return 'all';
    const result = new Uint8Array(count);
    connections.visit((from, to) => {
      if (flags[to]) result[index(from)] = 1;
    });
    return result;
  }
  if (node.opType === 'Split' || node.opType === 'Slice') return splitBack(context, node, input, wanted);
  const sources = value === node.input[0] ? sourcesOf(context, node, input) : null;
  if (sources) {
    const result = new Uint8Array(count);
    for (const [channel, from] of sources.entries()) if (flags[channel]) for (const at of from) result[at] = 1;
    return result;
  }
  const channelwise =
    Object.hasOwn(unary, node.opType) ||
    Object.hasOwn(binary, node.opType) ||
    keepsLevel.has(node.opType) ||
    keepsChannels.has(node.opType) ||
    ['Clip', 'Pad', 'BatchNormalization', 'Transpose', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze'].includes(
      node.opType,
    ) ||
    node.opType.startsWith('Reduce');
  return channelwise && flags.length === count ? flags : 'all';
}

/** What a Concat passes back to each of its inputs: their parts of the flags, or all of them where it joins along another axis. Inputs it says nothing of are read in full. */
function concatBack(context: Context, node: NodeProto, flags: Reads | undefined): Map<string, Reads> {
  const back = new Map<string, Reads>();
  if (flags === undefined || flags === 'all') return back;
  let from = 0;
  for (const name of node.input) {
    const part = knowledgeOf(context, name);
    if (!isChannels(part)) return new Map();
    const count = part.constant.length;
    const sameAxis = flags.length !== count || isChannelAxis(part, intAttribute(node, 'axis', 1));
    back.set(name, merge(back.get(name), sameAxis ? flags.slice(from, from + count) : flags));
    from += count;
  }
  return back;
}

/** What a Split or Slice passes back: the channels its outputs take; everything for other nodes. */
function splitBack(context: Context, node: NodeProto, input: Knowledge, wanted: readonly (Reads | undefined)[]): Reads {
  if (!isChannels(input) || input.layout !== 'plain' || !['Split', 'Slice'].includes(node.opType)) return 'all';
  const result = new Uint8Array(input.constant.length);
  for (const [output, flags] of wanted.entries()) {
    const range = rangeOf(context, node, output, input);
    if (range === null) return 'all';
    if (flags === undefined) continue;
    const [from, to] = range === 'other axis' ? [0, result.length] : [range.from, range.to];
    for (let channel = from; channel < to; channel++) if (flags === 'all' || flags[channel - from]) result[channel] = 1;
  }
  return result;
}
