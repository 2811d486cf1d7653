import { floatAttribute, intAttribute, intsAttribute } from './attributes.js';
import type { ConstantLookup } from './constants.js';
import type { NodeProto } from './proto.js';
import type { Ranks } from './ranks.js';
import type { Scope } from './scope.js';

/**
 * What is known of a value channel by channel without running the model. `constant[c]` is 1 where channel c does not depend on
 * the model's input; `level[c]` is then its value where it is one number at every position, else NaN.
 * `axis` counts from the front, or is -1 for "the last" where the rank is not known.
 * `layout` says how a flattened value keeps its channels: each a block of neighbours, or every `channels`-th element.
 */
export interface Channels {
  readonly axis: number;
  /** Number of axes of the value, null where the file does not tell. */
  readonly rank: number | null;
  readonly constant: Uint8Array;
  readonly level: Float64Array;
  readonly layout: 'plain' | 'block' | 'cycle';
}

/** A value as a whole: `constant` (does not depend on the input), `varying` (nothing is known channel by channel), or its channels. */
export type Knowledge = Channels | 'constant' | 'varying';

/** Channels of a value that are known to be constant whatever the graph says, with their level (NaN where unknown). */
export type Pinned = ReadonlyMap<string, ReadonlyMap<number, number>>;

export interface Context {
  readonly scope: Scope;
  readonly lookup: ConstantLookup;
  readonly known: Map<string, Knowledge>;
  readonly ranks: Ranks;
  /** Ranges of channels that the outputs of each Split take, once they have been asked for. */
  readonly splits: Map<NodeProto, readonly Range[]>;
}

export const isChannels = (knowledge: Knowledge): knowledge is Channels => typeof knowledge === 'object';

export const channelsOf = (count: number, axis: number): Channels => ({
  axis,
  rank: null,
  constant: new Uint8Array(count),
  level: new Float64Array(count).fill(Number.NaN),
  layout: 'plain',
});

/** What is known of a value so far; a missing optional input and anything the file spells out are constant. */
export const knowledgeOf = ({ scope, lookup, known }: Context, value: string | undefined): Knowledge =>
  !value ? 'constant' : (known.get(value) ?? (lookup(scope, value) ? 'constant' : 'varying'));

/** The number of axes of a value, null where the file does not tell. */
export const rankOf = ({ scope, lookup, ranks }: Context, value: string): number | null =>
  ranks.get(value) ?? lookup(scope, value)?.dims.length ?? null;

/** Whether an axis that an attribute names, from the front or from the back, is that of the channels; null where the file does not tell. */
export function isChannelAxis({ axis, rank }: Channels, named: number): boolean | null {
  const at = named < 0 && rank !== null ? named + rank : named;
  return at === axis ? true : at < 0 === axis < 0 ? false : null;
}

/** Elementwise functions of one number: a constant goes in, a constant comes out. Where the level is not worth computing it becomes NaN. */
export const unary: Readonly<Record<string, ((x: number, node: NodeProto) => number) | null>> = {
  Relu: x => Math.max(x, 0),
  LeakyRelu: (x, node) => (x > 0 ? x : floatAttribute(node, 'alpha', 0.01) * x),
  Neg: x => -x,
  Abs: Math.abs,
  Identity: x => x,
  Dropout: x => x,
  Exp: Math.exp,
  Tanh: Math.tanh,
  Sigmoid: x => 1 / (1 + Math.exp(-x)),
  Sqrt: Math.sqrt,
  HardSwish: x => (x * Math.max(0, Math.min(6, x + 3))) / 6,
  ThresholdedRelu: (x, node) => (x > floatAttribute(node, 'alpha', 1) ? x : 0),
  Cast: null,
  Elu: null,
  Selu: null,
  Celu: null,
  Gelu: null,
  Mish: null,
  Erf: null,
  Softplus: null,
  Softsign: null,
  HardSigmoid: null,
  Log: null,
  Reciprocal: null,
  Floor: null,
  Ceil: null,
  Round: null,
  Sign: null,
  Not: null,
  Sin: null,
  Cos: null,
};

/** Elementwise functions of two numbers that broadcast. */
export const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Sum: (a, b) => a + b,
  Pow: (a, b) => a ** b,
  PRelu: (a, b) => (a > 0 ? a : a * b),
};

/** Operators that keep channels apart and a constant level as it is. */
export const keepsLevel = new Set('MaxPool GlobalMaxPool GlobalAveragePool Resize Upsample'.split(' '));
/** Operators that keep channels apart but may change the level at borders. */
export const keepsChannels = new Set('AveragePool LpPool InstanceNormalization'.split(' '));

export type Range = { readonly from: number; readonly to: number } | 'other axis' | null;

/** The range of channels each output of a Split takes; null where its sizes are not known or do not add up. */
function splitRanges({ scope, lookup }: Context, node: NodeProto, input: Channels): readonly Range[] {
  const outputs = node.output.length;
  const count = input.constant.length;
  const splitsChannels = isChannelAxis(input, intAttribute(node, 'axis', 0));
  if (!splitsChannels) return node.output.map(() => (splitsChannels === null ? null : 'other axis'));
  const even = Math.ceil(count / outputs);
  const given = node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'split');
  if (given === undefined) return node.output.map(() => null);
  const sizes = given ?? node.output.map((_, part) => Math.max(0, Math.min(even, count - part * even)));
  let from = 0;
  const ranges = node.output.map((_, output) => {
    const to = from + (sizes[output] as number);
    const range = { from, to };
    from = to;
    return range;
  });
  const fits = sizes.length === outputs && sizes.every((size: number) => size >= 0) && from === count;
  return fits ? ranges : node.output.map(() => null);
}

/** The range of channels a Slice or one output of a Split takes, or null where it is not a constant stride-1 range of the channel axis. */
export function rangeOf(context: Context, node: NodeProto, output: number, input: Channels): Range {
  const { scope, lookup, splits } = context;
  if (node.opType === 'Split') {
    const known = splits.get(node) ?? splitRanges(context, node, input);
    splits.set(node, known);
    return known[output] ?? null;
  }
  const count = input.constant.length;
  /** A list given as input or attribute; undefined where it is computed, null where there is none. */
  const list = (name: string | undefined, attribute: string) =>
    name ? lookup(scope, name)?.data : intsAttribute(node, attribute);
  const starts = list(node.input[1], 'starts');
  const ends = list(node.input[2], 'ends');
  const named = list(node.input[3], 'axes');
  const steps = list(node.input[4], 'steps');
  if (!starts || !ends || starts.length !== ends.length || named === undefined || steps === undefined) return null;
  const are = Array.from(named ?? starts.map((_, axis) => axis), axis => isChannelAxis(input, axis));
  if (are.includes(null)) return null;
  const position = are.indexOf(true);
  if (position < 0) return 'other axis';
  if (steps && steps[position] !== 1) return null;
  const clamp = (at: number) => Math.max(0, Math.min(count, at < 0 ? at + count : at));
  return { from: clamp(starts[position] as number), to: clamp(ends[position] as number) };
}
