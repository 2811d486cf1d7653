import { floatAttribute, intAttribute, intsAttribute, isStandard, stringAttribute } from './attributes.js';
import type { ConstantLookup } from './constants.js';
import { batchNormOf, layerWeight, perChannel } from './layers.js';
import type { NodeProto } from './proto.js';
import { type Ranks, ranksOf } from './ranks.js';
import { readsOf, type Scope } from './scope.js';

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

interface Context {
  readonly scope: Scope;
  readonly lookup: ConstantLookup;
  readonly known: Map<string, Knowledge>;
  readonly ranks: Ranks;
  /** Ranges of channels that the outputs of each Split take, once they have been asked for. */
  readonly splits: Map<NodeProto, readonly Range[]>;
}

const isChannels = (knowledge: Knowledge): knowledge is Channels => typeof knowledge === 'object';

const channelsOf = (count: number, axis: number): Channels => ({
  axis,
  rank: null,
  constant: new Uint8Array(count),
  level: new Float64Array(count).fill(Number.NaN),
  layout: 'plain',
});

/** What is known of a value so far; a missing optional input and anything the file spells out are constant. */
const knowledgeOf = ({ scope, lookup, known }: Context, value: string | undefined): Knowledge =>
  !value ? 'constant' : (known.get(value) ?? (lookup(scope, value) ? 'constant' : 'varying'));

/** The number of axes of a value, null where the file does not tell. */
const rankOf = ({ scope, lookup, ranks }: Context, value: string): number | null =>
  ranks.get(value) ?? lookup(scope, value)?.dims.length ?? null;

/** Whether an axis that an attribute names, from the front or from the back, is that of the channels; null where the file does not tell. */
function isChannelAxis({ axis, rank }: Channels, named: number): boolean | null {
  const at = named < 0 && rank !== null ? named + rank : named;
  return at === axis ? true : at < 0 === axis < 0 ? false : null;
}

/** Elementwise functions of one number: a constant goes in, a constant comes out. Where the level is not worth computing it becomes NaN. */
const unary: Readonly<Record<string, ((x: number, node: NodeProto) => number) | null>> = {
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
const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
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
const keepsLevel = new Set('MaxPool GlobalMaxPool GlobalAveragePool Resize Upsample'.split(' '));
/** Operators that keep channels apart but may change the level at borders. */
const keepsChannels = new Set('AveragePool LpPool InstanceNormalization'.split(' '));
/** Operators whose result depends on shapes only. */
const ofShapes = new Set('Shape Size'.split(' '));
const random = /^(Random|Multinomial|Bernoulli)/;

/** How an operator with weights connects channels: calls `visit(input, output, sum)` for every pair with a nonzero weight, `sum` being its sum over kernel positions. */
interface Connections {
  readonly inputs: number;
  readonly outputs: number;
  readonly axis: number;
  /** Whether positions at the border see padding instead of the input, so that a constant input does not give a constant level. */
  readonly padded: boolean;
  visit(each: (input: number, output: number, sum: number) => void): void;
}

const isPadded = (node: NodeProto): boolean =>
  (intsAttribute(node, 'pads')?.some(pad => pad !== 0) ?? false) ||
  stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME');

/** The connections of a Conv, ConvTranspose, Gemm or MatMul with constant weights; null for other nodes. */
export function connectionsOf(scope: Scope, node: NodeProto, lookup: ConstantLookup): Connections | null {
  const weight = layerWeight(scope, node, lookup);
  if (!weight) return null;
  const { data } = weight;
  const [first, second, ...kernel] = weight.dims as [number, number, ...number[]];
  const positions = kernel.reduce((a, b) => a * b, 1);
  const sumAt = (start: number): { sum: number; nonzero: boolean } => {
    let sum = 0;
    let nonzero = false;
    for (let at = start; at < start + positions; at++) {
      const item = data[at] as number;
      sum += item;
      nonzero ||= item !== 0;
    }
    return { sum, nonzero };
  };
  if (node.opType === 'Conv') {
    const group = intAttribute(node, 'group', 1);
    const outputsPerGroup = first / group;
    return {
      inputs: second * group,
      outputs: first,
      axis: 1,
      padded: isPadded(node),
      visit(each) {
        for (let output = 0; output < first; output++) {
          const from = Math.floor(output / outputsPerGroup) * second;
          for (let input = 0; input < second; input++) {
            const { sum, nonzero } = sumAt((output * second + input) * positions);
            if (nonzero) each(from + input, output, sum);
          }
        }
      },
    };
  }
  if (node.opType === 'ConvTranspose') {
    const group = intAttribute(node, 'group', 1);
    const inputsPerGroup = first / group;
    return {
      inputs: first,
      outputs: second * group,
      axis: 1,
      padded: true,
      visit(each) {
        for (let input = 0; input < first; input++) {
          const to = Math.floor(input / inputsPerGroup) * second;
          for (let output = 0; output < second; output++) {
            const { sum, nonzero } = sumAt((input * second + output) * positions);
            if (nonzero) each(input, to + output, sum);
          }
        }
      },
    };
  }
  if (intAttribute(node, 'transA', 0) !== 0) return null;
  const byRow = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
  const alpha = node.opType === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1;
  const [inputs, outputs] = byRow ? [second, first] : [first, second];
  return {
    inputs,
    outputs,
    axis: node.opType === 'Gemm' ? 1 : -1,
    padded: false,
    visit(each) {
      for (let at = 0; at < data.length; at++) {
        const item = data[at] as number;
        if (item === 0) continue;
        const row = Math.floor(at / second);
        const column = at - row * second;
        if (byRow) each(column, row, alpha * item);
        else each(row, column, alpha * item);
      }
    },
  };
}

/**
 * Maps an input index of a layer with weights to the channel it belongs to, where the input may be a flattened map of fewer channels;
 * null where the channels lie on another axis than the layer sums over, or the sizes do not fit.
 */
export function channelIndex(
  { opType }: NodeProto,
  input: Channels,
  inputs: number,
): ((index: number) => number) | null {
  const { axis, rank } = input;
  const isLast = axis === -1 || axis + 1 === rank;
  const isSummed = opType === 'MatMul' ? isLast : axis === 1 || (opType === 'Gemm' && isLast);
  if (!isSummed) return null;
  const count = input.constant.length;
  if (count === inputs && input.layout === 'plain') return index => index;
  if (inputs % count !== 0 || input.layout === 'plain') return null;
  const each = inputs / count;
  return input.layout === 'block' ? index => Math.floor(index / each) : index => index % count;
}

/** The bias of a layer with weights, for each output; null where it is not a constant of one number each. */
function biasOf({ scope, lookup }: Context, node: NodeProto, outputs: number): ((output: number) => number) | null {
  if (!node.input[2]) return () => 0;
  const data = lookup(scope, node.input[2])?.data;
  const beta = node.opType === 'Gemm' ? floatAttribute(node, 'beta', 1) : 1;
  if (data?.length === 1) return () => beta * (data[0] as number);
  return data?.length === outputs ? output => beta * (data[output] as number) : null;
}

function throughWeights(context: Context, node: NodeProto, connections: Connections): Knowledge {
  const input = knowledgeOf(context, node.input[0]);
  const bias = biasOf(context, node, connections.outputs);
  const result = channelsOf(connections.outputs, connections.axis);
  if (!bias) return result;
  if (input === 'constant') return 'constant';
  const index = isChannels(input) ? channelIndex(node, input, connections.inputs) : null;
  const known = isChannels(input) && index ? { input, index } : null;
  result.constant.fill(1);
  for (let output = 0; output < connections.outputs; output++) result.level[output] = bias(output);
  connections.visit((from, to, sum) => {
    const channel = known ? known.index(from) : -1;
    if (!known || known.input.constant[channel] === 0) {
      result.constant[to] = 0;
      result.level[to] = Number.NaN;
    } else {
      const level = known.input.level[channel] as number;
      result.level[to]! += level === 0 ? 0 : connections.padded ? Number.NaN : level * sum;
    }
  });
  return result;
}

function mapLevels(input: Channels, level: (x: number, channel: number) => number): Channels {
  return {
    ...input,
    level: input.level.map((x, channel) => (input.constant[channel] ? level(x, channel) : Number.NaN)),
  };
}

/** One number for each channel of `like` from a constant operand of an elementwise node, or null where it varies otherwise. */
function operandLevels({ scope, lookup }: Context, value: string, like: Channels): Float64Array | null {
  const constant = lookup(scope, value);
  return constant && like.layout === 'plain' ? perChannel(constant, like.constant.length, like.axis, like.rank) : null;
}

/** Sums, maxima and minima of more operands than this are left alone: each takes a pass over all channels. */
const mostOperands = 256;

function throughBinary(context: Context, node: NodeProto): Knowledge {
  const operate = binary[node.opType] as (a: number, b: number) => number;
  const operands = node.input.filter(name => name !== '');
  const ranks = operands.map(name => rankOf(context, name));
  const result = ranks.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0);
  /** Whether an operand is sure to have no more than one channel. */
  const isSingle = (name: string): boolean => {
    const knows = knowledgeOf(context, name);
    return isChannels(knows) ? knows.constant.length === 1 : context.lookup(context.scope, name)?.data.length === 1;
  };
  const combine = (left: string | null, leftKnows: Knowledge, right: string): Knowledge => {
    const rightKnows = knowledgeOf(context, right);
    if (leftKnows === 'constant' && rightKnows === 'constant') return 'constant';
    const [like] = [leftKnows, rightKnows].filter(isChannels).sort((a, b) => b.constant.length - a.constant.length);
    // Operands of more axes move those of the others; where the ranks are not known, only the last axis is sure to stay.
    if (!like || (like.axis >= 0 && like.rank !== result)) return 'varying';
    const count = like.constant.length;
    // A value of one channel takes the channels of what it is combined with, so those must be known.
    if (count === 1 && !operands.every(isSingle)) return 'varying';
    const side = (value: string | null, knows: Knowledge): Channels | null => {
      if (isChannels(knows)) {
        const { length } = knows.constant;
        if (knows.axis !== like.axis || knows.rank !== like.rank || knows.layout !== like.layout) return null;
        return length === count ? knows : length === 1 && like.layout === 'plain' ? widened(knows, count) : null;
      }
      if (knows === 'varying') return channelsOf(count, like.axis);
      const levels = (value && operandLevels(context, value, like)) || new Float64Array(count).fill(Number.NaN);
      return { ...like, constant: new Uint8Array(count).fill(1), level: levels };
    };
    const a = side(left, leftKnows);
    const b = side(right, rightKnows);
    if (!a || !b) return 'varying';
    const combined = { ...like, constant: new Uint8Array(count), level: new Float64Array(count).fill(Number.NaN) };
    for (let channel = 0; channel < count; channel++) {
      const zeroed = node.opType === 'Mul' && (a.level[channel] === 0 || b.level[channel] === 0);
      if (zeroed || (a.constant[channel] && b.constant[channel])) {
        combined.constant[channel] = 1;
        combined.level[channel] = zeroed ? 0 : operate(a.level[channel] as number, b.level[channel] as number);
      }
    }
    return combined;
  };
  const [first, ...rest] = operands as [string, ...string[]];
  if (rest.length > mostOperands) return 'varying';
  // Behind the first pair the left side is a result without a name.
  return rest.reduce<Knowledge>(
    (knows, name, at) => combine(at === 0 ? first : null, knows, name),
    knowledgeOf(context, first),
  );
}

/** Channels that a value of one channel takes when it is combined with one of `count`. */
const widened = (input: Channels, count: number): Channels => ({
  ...input,
  constant: new Uint8Array(count).fill(input.constant[0] as number),
  level: new Float64Array(count).fill(input.level[0] as number),
});

/** Channels of one value beyond this are not followed: a file that concatenates a value with itself again and again would exhaust memory. */
const mostChannels = 2 ** 20;

function throughConcat(context: Context, node: NodeProto): Knowledge {
  const parts = node.input.map(name => knowledgeOf(context, name));
  if (parts.every(part => part === 'constant')) return 'constant';
  if (!parts.every(isChannels)) return 'varying';
  const [first] = parts as [Channels, ...Channels[]];
  if (parts.some(part => part.axis !== first.axis || part.layout !== 'plain')) return 'varying';
  const joinsChannels = isChannelAxis(first, intAttribute(node, 'axis', 1));
  if (joinsChannels === null) return 'varying';
  if (joinsChannels) {
    if (parts.reduce((sum, part) => sum + part.constant.length, 0) > mostChannels) return 'varying';
    return {
      ...first,
      constant: Uint8Array.from(parts.flatMap(part => [...part.constant])),
      level: Float64Array.from(parts.flatMap(part => [...part.level])),
    };
  }
  if (parts.some(part => part.constant.length !== first.constant.length)) return 'varying';
  return {
    ...first,
    constant: first.constant.map((_, channel) => (parts.every(part => part.constant[channel]) ? 1 : 0)),
    level: first.level.map((level, channel) =>
      parts.every(part => part.level[channel] === level) ? level : Number.NaN,
    ),
  };
}

type Range = { readonly from: number; readonly to: number } | 'other axis' | null;

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
function rangeOf(context: Context, node: NodeProto, output: number, input: Channels): Range {
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

function throughShape(context: Context, node: NodeProto, input: Channels): Knowledge {
  const { axis } = input;
  const { opType } = node;
  switch (opType) {
    case 'Transpose': {
      const perm = intsAttribute(node, 'perm');
      const moved = perm ? perm.indexOf(axis < 0 ? axis + perm.length : axis) : -1;
      return moved < 0 || input.layout !== 'plain' ? 'varying' : { ...input, axis: moved };
    }
    case 'Flatten':
      return intAttribute(node, 'axis', 1) === 1 && input.layout === 'plain' ? flattened(input) : 'varying';
    case 'Reshape': {
      const target = node.input[1] ? context.lookup(context.scope, node.input[1])?.data : null;
      return target && input.layout === 'plain' && keepsBatch(context, target, input) ? flattened(input) : 'varying';
    }
    case 'Squeeze':
    case 'Unsqueeze': {
      const given = node.input[1] ? context.lookup(context.scope, node.input[1])?.data : intsAttribute(node, 'axes');
      const rank = opType === 'Squeeze' ? input.rank : rankOf(context, node.output[0] as string);
      const axes = Array.from(given ?? [-1], item => (item < 0 && rank !== null ? item + rank : item));
      return axis < 0 || input.layout !== 'plain' || axes.some(item => item < 0 || item <= axis) ? 'varying' : input;
    }
    default:
      return 'varying';
  }
}

/**
 * Whether a Reshape makes a matrix of one row for each sample: [0, -1], the batch's size and -1, or -1 and a number of features
 * that holds each channel the same number of times (a whole map of it, as far as the file tells).
 */
function keepsBatch({ scope }: Context, target: ArrayLike<number>, { constant }: Channels): boolean {
  const [rows, features] = [target[0], target[1]] as [number, number];
  if (target.length !== 2) return false;
  if (rows === -1) return features % constant.length === 0;
  const batches = scope.graph.input.map(({ type }) => {
    const first = type?.value.case === 'tensorType' ? type.value.value.shape?.dim[0]?.value : undefined;
    return first?.case === 'dimValue' ? Number(first.value) : null;
  });
  return features === -1 && (rows === 0 || rows === 1 || batches.includes(rows));
}

/** A map of channels flattened to a matrix: neighbours belong together when the channel axis came before the positions, and alternate when it came last. */
function flattened(input: Channels): Knowledge {
  if (input.axis === 1) return { ...input, layout: 'block' };
  const isLast = input.axis === -1 || (input.axis > 1 && input.axis + 1 === input.rank);
  return isLast ? { ...input, axis: 1, layout: 'cycle' } : 'varying';
}

/** A reduction over positions keeps the channels apart; its level is not worth computing. */
function throughReduction({ scope, lookup }: Context, node: NodeProto, input: Channels): Knowledge {
  const named = node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'axes');
  if (!named || named.length === 0 || input.axis < 0 || input.rank === null || input.layout !== 'plain')
    return 'varying';
  const axes = Array.from(named, axis => (axis < 0 ? axis + (input.rank as number) : axis));
  const keepsAxes = intAttribute(node, 'keepdims', 1) === 1 || axes.every(axis => axis > input.axis);
  return keepsAxes && !axes.includes(input.axis)
    ? { ...input, level: new Float64Array(input.level.length).fill(Number.NaN) }
    : 'varying';
}

/** What follows for the outputs of a node from what is known of its inputs, as a function of the output's position. */
function transfer(context: Context, node: NodeProto): (output: number) => Knowledge {
  const { opType } = node;
  if (!isStandard(node) || random.test(opType)) return () => 'varying';
  if (opType === 'Constant' || ofShapes.has(opType)) return () => 'constant';
  const varying = new Set(readsOf(node).filter(name => knowledgeOf(context, name) !== 'constant'));
  if (varying.size === 0) return () => 'constant';
  if (opType === 'Split') return output => (varying.size === 1 ? throughSplit(context, node, output) : 'varying');
  // Further outputs, such as the indices of MaxPool or the mask of Dropout, are other things than the first.
  return output => (output === 0 ? throughFirst(context, node, varying) : 'varying');
}

function throughSplit(context: Context, node: NodeProto, output: number): Knowledge {
  const first = knowledgeOf(context, node.input[0]);
  const range = isChannels(first) && first.layout === 'plain' ? rangeOf(context, node, output, first) : null;
  return range ? (range === 'other axis' ? first : sliced(first as Channels, range)) : 'varying';
}

const sliced = (input: Channels, { from, to }: { from: number; to: number }): Channels => ({
  ...input,
  constant: input.constant.slice(from, to),
  level: input.level.slice(from, to),
});

/** What follows for the first output of a node that has other than constant inputs, `varying`. */
function throughFirst(context: Context, node: NodeProto, varying: ReadonlySet<string>): Knowledge {
  const { opType } = node;
  const connections = connectionsOf(context.scope, node, context.lookup);
  if (connections) return throughWeights(context, node, connections);
  if (Object.hasOwn(binary, opType)) return throughBinary(context, node);
  if (opType === 'Concat') return throughConcat(context, node);
  const first = knowledgeOf(context, node.input[0]);
  if (varying.size > 1 || !varying.has(node.input[0] as string)) return 'varying';
  if (opType === 'BatchNormalization') {
    const line = batchNormOf(context.scope, node, context.lookup);
    if (!line) return 'varying';
    const input = isChannels(first) && first.axis === 1 ? first : channelsOf(line.scale.length, 1);
    if (input.constant.length !== line.scale.length) return 'varying';
    const constant = input.constant.map((item, channel) => (item || line.scale[channel] === 0 ? 1 : 0));
    const at = (x: number, channel: number) =>
      (line.scale[channel] === 0 ? 0 : (line.scale[channel] as number) * x) + (line.shift[channel] as number);
    return mapLevels({ ...input, constant }, at);
  }
  if (!isChannels(first)) return 'varying';
  if (Object.hasOwn(unary, opType)) {
    const level = unary[opType];
    return mapLevels(first, x => (level && !Number.isNaN(x) ? level(x, node) : Number.NaN));
  }
  if (opType === 'Clip') {
    const [low, high] = [1, 2].map(at =>
      node.input[at] ? (context.lookup(context.scope, node.input[at]!)?.data[0] ?? Number.NaN) : undefined,
    );
    const clip = (x: number) =>
      Math.min(
        Math.max(x, low ?? floatAttribute(node, 'min', -Infinity)),
        high ?? floatAttribute(node, 'max', Infinity),
      );
    return mapLevels(first, clip);
  }
  if (opType === 'Pad') return throughPad(context, node, first);
  const isMap = first.axis === 1 && first.layout === 'plain';
  if (keepsChannels.has(opType)) {
    const stays = (x: number) => (x === 0 && opType !== 'InstanceNormalization' ? 0 : Number.NaN);
    return isMap ? mapLevels(first, stays) : 'varying';
  }
  if (keepsLevel.has(opType)) return isMap && !resizesChannels(context, node, first) ? { ...first } : 'varying';
  if (opType === 'Slice') {
    const range = first.layout === 'plain' ? rangeOf(context, node, 0, first) : null;
    return range ? (range === 'other axis' ? first : sliced(first, range)) : 'varying';
  }
  if (opType.startsWith('Reduce')) return throughReduction(context, node, first);
  return throughShape(context, node, first);
}

/** A Pad that leaves the channel axis alone; a level stays where the border is filled with the same number. */
function throughPad({ scope, lookup }: Context, node: NodeProto, input: Channels): Knowledge {
  const pads = node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'pads');
  if (node.input[3] || !pads || input.axis < 0 || input.layout !== 'plain') return 'varying';
  if (pads[input.axis] !== 0 || pads[input.axis + pads.length / 2] !== 0) return 'varying';
  const fills = stringAttribute(node, 'mode', 'constant') === 'constant';
  const value = node.input[2] ? lookup(scope, node.input[2])?.data[0] : floatAttribute(node, 'value', 0);
  return mapLevels(input, x => (!fills || x === value ? x : Number.NaN));
}

/** Whether a Resize or Upsample changes the number of channels or fills in numbers of its own. */
function resizesChannels({ scope, lookup }: Context, node: NodeProto, { axis, constant }: Channels): boolean {
  if (node.opType !== 'Resize' && node.opType !== 'Upsample') return false;
  const factor = node.input.slice(1, 4).map(name => (name ? lookup(scope, name)?.data : undefined));
  const [scales, sizes] = node.input.length > 2 ? [factor[1], factor[2]] : [factor[0], undefined];
  const keeps = (!scales?.length || scales[axis] === 1) && (!sizes?.length || sizes[axis] === constant.length);
  const partly = intsAttribute(node, 'axes') !== null;
  return !keeps || partly || stringAttribute(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize';
}

function pin(knowledge: Knowledge, pinned: ReadonlyMap<number, number> | undefined): Knowledge {
  if (!pinned || !isChannels(knowledge)) return knowledge;
  const result = { ...knowledge, constant: knowledge.constant.slice(), level: knowledge.level.slice() };
  for (const [channel, level] of pinned) {
    if (result.constant[channel]) continue;
    result.constant[channel] = 1;
    result.level[channel] = level;
  }
  return result;
}

/** Channels with the rank of their value, and their axis counted from the front where that is known. */
function placed(knowledge: Knowledge, rank: number | null): Knowledge {
  if (!isChannels(knowledge)) return knowledge;
  const axis = knowledge.axis < 0 && rank !== null ? knowledge.axis + rank : knowledge.axis;
  return { ...knowledge, rank, axis };
}

/** Channels of all values together beyond this are not followed (a model of a thousand values of a thousand channels has 2^20): memory must not grow with nodes times channels. */
const mostFollowed = 2 ** 23;

/**
 * Follows constants forward through the main graph: for every value, which of its channels do not depend on the model's input,
 * and at what level they sit. `pinned` adds channels that are constant for another reason (weights too small to matter, a unit
 * that stays silent). Sound: a channel is called constant only where every path to it is understood.
 */
export function propagateConstants(
  scope: Scope,
  lookup: ConstantLookup,
  pinned: Pinned = new Map(),
): Map<string, Knowledge> {
  const context: Context = { scope, lookup, known: new Map(), ranks: ranksOf(scope, lookup), splits: new Map() };
  let budget = mostFollowed;
  for (const node of scope.nodes) {
    const knowledge = transfer(context, node);
    node.output.forEach((value, output) => {
      if (value === '') return;
      const found = placed(knowledge(output), context.ranks.get(value) ?? null);
      if (isChannels(found)) budget -= found.constant.length;
      context.known.set(value, isChannels(found) && budget < 0 ? 'varying' : pin(found, pinned.get(value)));
    });
  }
  return context.known;
}

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
