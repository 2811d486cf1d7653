import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from './attributes.js';
import type { ConstantLookup } from './constants.js';
import { batchNormOf } from './layers.js';
import type { NodeProto } from './proto.js';
import { readsOf, type Scope } from './scope.js';

/**
 * What is known of a value channel by channel without running the model. `constant[c]` is 1 where channel c does not depend on
 * the model's input; `level[c]` is then its value where it is one number at every position, else NaN.
 * `axis` counts from the front, or is -1 for "the last, whatever the rank".
 * `layout` says how a flattened value keeps its channels: each a block of neighbours, or every `channels`-th element.
 */
export interface Channels {
  readonly axis: number;
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
}

const isChannels = (knowledge: Knowledge): knowledge is Channels => typeof knowledge === 'object';

const channelsOf = (count: number, axis: number): Channels => ({
  axis,
  constant: new Uint8Array(count),
  level: new Float64Array(count).fill(Number.NaN),
  layout: 'plain',
});

/** What is known of a value so far; a missing optional input and anything the file spells out are constant. */
const knowledgeOf = ({ scope, lookup, known }: Context, value: string | undefined): Knowledge =>
  !value ? 'constant' : (known.get(value) ?? (lookup(scope, value) ? 'constant' : 'varying'));

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
  (intsAttribute(node, 'pads')?.some(pad => pad !== 0) ?? false) || stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME');

/** The connections of a Conv, ConvTranspose, Gemm or MatMul with constant weights; null for other nodes. */
export function connectionsOf(scope: Scope, node: NodeProto, lookup: ConstantLookup): Connections | null {
  const weight = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(node.opType)
    ? lookup(scope, node.input[1] as string)
    : null;
  if (!weight || weight.dims.length < 2) return null;
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
  if (weight.dims.length !== 2 || intAttribute(node, 'transA', 0) !== 0) return null;
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

/** Maps an input index of a matrix product to the channel it belongs to, where the input is a flattened map of fewer channels; null where the sizes do not fit. */
function channelIndex(input: Channels, inputs: number): ((index: number) => number) | null {
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
  if (input === 'constant') return 'constant';
  const result = channelsOf(connections.outputs, connections.axis);
  if (!bias) return result;
  const index = isChannels(input) ? channelIndex(input, connections.inputs) : null;
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
  return { ...input, level: input.level.map((x, channel) => (input.constant[channel] ? level(x, channel) : Number.NaN)) };
}

/** One number for each channel of `like` from a constant operand of an elementwise node, or null where it varies otherwise. */
function operandLevels({ scope, lookup }: Context, value: string, like: Channels): Float64Array | null {
  const constant = lookup(scope, value);
  const count = like.constant.length;
  if (!constant || like.layout !== 'plain') return null;
  if (constant.data.length === 1) return new Float64Array(count).fill(constant.data[0] as number);
  if (constant.data.length !== count) return null;
  const { dims } = constant;
  const last = dims.length - 1;
  const axis = dims.indexOf(count);
  const fits = like.axis === -1 ? axis === last : like.axis === 1 ? axis !== last || dims.length === 2 || count === 1 : false;
  return fits ? Float64Array.from(constant.data) : null;
}

function throughBinary(context: Context, node: NodeProto): Knowledge {
  const operate = binary[node.opType] as (a: number, b: number) => number;
  const combine = (left: string, leftKnows: Knowledge, right: string): Knowledge => {
    const rightKnows = knowledgeOf(context, right);
    if (leftKnows === 'constant' && rightKnows === 'constant') return 'constant';
    const like = isChannels(leftKnows) ? leftKnows : isChannels(rightKnows) ? rightKnows : null;
    if (!like) return 'varying';
    const count = like.constant.length;
    const side = (value: string, knows: Knowledge): Channels | null => {
      if (isChannels(knows))
        return knows.constant.length === count && knows.axis === like.axis && knows.layout === like.layout ? knows : null;
      if (knows === 'varying') return channelsOf(count, like.axis);
      const levels = operandLevels(context, value, like) ?? new Float64Array(count).fill(Number.NaN);
      return { ...like, constant: new Uint8Array(count).fill(1), level: levels };
    };
    const a = side(left, leftKnows);
    const b = side(right, rightKnows);
    if (!a || !b) return 'varying';
    const result = { ...like, constant: new Uint8Array(count), level: new Float64Array(count).fill(Number.NaN) };
    for (let channel = 0; channel < count; channel++) {
      const zeroed = node.opType === 'Mul' && (a.level[channel] === 0 || b.level[channel] === 0);
      if (zeroed || (a.constant[channel] && b.constant[channel])) {
        result.constant[channel] = 1;
        result.level[channel] = zeroed ? 0 : operate(a.level[channel] as number, b.level[channel] as number);
      }
    }
    return result;
  };
  const [first, ...rest] = node.input.filter(name => name !== '') as [string, ...string[]];
  return rest.reduce<Knowledge>((knows, name) => combine(first, knows, name), knowledgeOf(context, first));
}

function throughConcat(context: Context, node: NodeProto): Knowledge {
  const parts = node.input.map(name => knowledgeOf(context, name));
  if (parts.every(part => part === 'constant')) return 'constant';
  const axis = intAttribute(node, 'axis', 1);
  if (!parts.every(isChannels)) return 'varying';
  const [first] = parts as [Channels, ...Channels[]];
  if (parts.some(part => part.axis !== first.axis || part.layout !== 'plain')) return 'varying';
  if (axis === first.axis) {
    return {
      ...first,
      constant: Uint8Array.from(parts.flatMap(part => [...part.constant])),
      level: Float64Array.from(parts.flatMap(part => [...part.level])),
    };
  }
  if (axis < 0 || parts.some(part => part.constant.length !== first.constant.length)) return 'varying';
  return {
    ...first,
    constant: first.constant.map((_, channel) => (parts.every(part => part.constant[channel]) ? 1 : 0)),
    level: first.level.map((level, channel) => (parts.every(part => part.level[channel] === level) ? level : Number.NaN)),
  };
}

/** The range of channels a Slice or one output of a Split takes, or null where it is not a constant stride-1 range of the channel axis. */
function rangeOf({ scope, lookup }: Context, node: NodeProto, output: number, input: Channels): { from: number; to: number } | 'other axis' | null {
  const count = input.constant.length;
  const list = (name: string | undefined, attribute: string) =>
    (name ? lookup(scope, name)?.data : intsAttribute(node, attribute)) ?? null;
  if (node.opType === 'Split') {
    const axis = intAttribute(node, 'axis', 0);
    if (axis !== input.axis) return axis >= 0 && input.axis >= 0 ? 'other axis' : null;
    const even = Math.ceil(count / node.output.length);
    const given = list(node.input[1], 'split');
    const sizes = given ? Array.from(given) : node.output.map((_, part) => Math.min(even, count - part * even));
    const from = sizes.slice(0, output).reduce((a, b) => a + b, 0);
    return { from, to: from + (sizes[output] as number) };
  }
  const starts = list(node.input[1], 'starts');
  const ends = list(node.input[2], 'ends');
  if (!starts || !ends) return null;
  const axes = list(node.input[3], 'axes') ?? Array.from(starts, (_, axis) => axis);
  const steps = list(node.input[4], 'steps');
  const position = Array.from(axes).indexOf(input.axis);
  if (Array.from(axes).some(axis => axis < 0) || input.axis < 0) return null;
  if (position < 0) return 'other axis';
  if (steps && steps[position] !== 1) return null;
  const clamp = (at: number) => Math.max(0, Math.min(count, at < 0 ? at + count : at));
  return { from: clamp(starts[position] as number), to: clamp(ends[position] as number) };
}

function throughShape(context: Context, node: NodeProto, input: Channels): Knowledge {
  const { axis } = input;
  switch (node.opType) {
    case 'Transpose': {
      const perm = intsAttribute(node, 'perm');
      const moved = perm ? perm.indexOf(axis < 0 ? axis + perm.length : axis) : -1;
      return moved < 0 || input.layout !== 'plain' ? 'varying' : { ...input, axis: moved };
    }
    case 'Flatten':
      return intAttribute(node, 'axis', 1) === 1 && input.layout === 'plain' ? flattened(input) : 'varying';
    case 'Reshape': {
      const target = node.input[1] ? context.lookup(context.scope, node.input[1])?.data : null;
      const toMatrix = target?.length === 2 && ((target[0] as number) <= 0 || target[0] === 1 || target[1] === -1);
      return toMatrix && input.layout === 'plain' ? flattened(input) : 'varying';
    }
    case 'Squeeze':
    case 'Unsqueeze': {
      const axes = (node.input[1] ? context.lookup(context.scope, node.input[1])?.data : null) ?? intsAttribute(node, 'axes');
      if (!axes || axis < 0 || Array.from(axes).some(item => item < 0 || item <= axis)) return 'varying';
      return input;
    }
    default:
      return 'varying';
  }
}

/** A map of channels flattened to a matrix: neighbours belong together when the channel axis came before the positions, and alternate when it came last. */
function flattened(input: Channels): Knowledge {
  if (input.axis === 1) return { ...input, layout: 'block' };
  return input.axis > 1 ? { ...input, axis: 1, layout: 'cycle' } : 'varying';
}

/** A reduction over positions keeps the channels apart; its level is not worth computing. */
function throughReduction(node: NodeProto, input: Channels): Knowledge {
  const axes = intsAttribute(node, 'axes');
  const keeps = intAttribute(node, 'keepdims', 1) === 1 || (axes?.every(axis => axis > input.axis) ?? false);
  return axes && keeps && input.axis >= 0 && axes.every(axis => axis >= 0 && axis !== input.axis)
    ? { ...input, level: new Float64Array(input.level.length).fill(Number.NaN) }
    : 'varying';
}

function transfer(context: Context, node: NodeProto, output: number): Knowledge {
  const { opType } = node;
  if (opType === 'Constant' || ofShapes.has(opType)) return 'constant';
  if (random.test(opType)) return 'varying';
  const inputs = readsOf(node).map(name => knowledgeOf(context, name));
  if (inputs.every(knowledge => knowledge === 'constant')) return 'constant';
  const connections = connectionsOf(context.scope, node, context.lookup);
  if (connections) return throughWeights(context, node, connections);
  if (opType in binary) return throughBinary(context, node);
  if (opType === 'Concat') return throughConcat(context, node);
  const first = knowledgeOf(context, node.input[0]);
  if (readsOf(node).some(name => name !== node.input[0] && knowledgeOf(context, name) !== 'constant')) return 'varying';
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
  if (opType in unary) {
    const level = unary[opType];
    return mapLevels(first, level ? x => level(x, node) : () => Number.NaN);
  }
  if (opType === 'Clip' || opType === 'Pad' || keepsChannels.has(opType)) {
    const [low, high] = [1, 2].map(at => (node.input[at] ? context.lookup(context.scope, node.input[at]!)?.data[0] : undefined));
    const clip = (x: number) =>
      Math.min(Math.max(x, low ?? floatAttribute(node, 'min', -Infinity)), high ?? floatAttribute(node, 'max', Infinity));
    if (opType === 'Clip') return mapLevels(first, clip);
    return padsChannels(context, node, first) ? 'varying' : mapLevels(first, x => (x === 0 && opType !== 'InstanceNormalization' ? 0 : Number.NaN));
  }
  if (keepsLevel.has(opType)) return first.axis === 1 && first.layout === 'plain' ? { ...first } : 'varying';
  if (opType === 'Split' || opType === 'Slice') {
    const range = first.layout === 'plain' ? rangeOf(context, node, output, first) : null;
    if (range === 'other axis') return first;
    return range
      ? { ...first, constant: first.constant.slice(range.from, range.to), level: first.level.slice(range.from, range.to) }
      : 'varying';
  }
  if (opType.startsWith('Reduce')) return throughReduction(node, first);
  return throughShape(context, node, first);
}

/** Whether a Pad may widen the channel axis, or pads with something other than 0. */
function padsChannels({ scope, lookup }: Context, node: NodeProto, input: Channels): boolean {
  if (node.opType !== 'Pad') return false;
  const pads = node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'pads');
  if (node.input[3] || !pads || input.axis < 0) return true;
  return pads[input.axis] !== 0 || pads[input.axis + pads.length / 2] !== 0;
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

/**
 * Follows constants forward through the main graph: for every value, which of its channels do not depend on the model's input,
 * and at what level they sit. `pinned` adds channels that are constant for another reason (weights too small to matter, a unit
 * that stays silent). Sound: a channel is called constant only where every path to it is understood.
 */
export function propagateConstants(scope: Scope, lookup: ConstantLookup, pinned: Pinned = new Map()): Map<string, Knowledge> {
  const context: Context = { scope, lookup, known: new Map() };
  for (const node of scope.nodes) {
    node.output.forEach((value, output) => {
      if (value !== '') context.known.set(value, pin(transfer(context, node, output), pinned.get(value)));
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
 * that do not occur in the result are read by nothing. Constant channels need none of their inputs.
 */
export function propagateReads(scope: Scope, lookup: ConstantLookup, known: ReadonlyMap<string, Knowledge>): Map<string, Reads> {
  const reads = new Map<string, Reads>();
  const add = (value: string, flags: Reads) => reads.set(value, merge(reads.get(value), flags));
  for (const output of scope.outputs) add(output, 'all');
  const context: Context = { scope, lookup, known: known as Map<string, Knowledge> };
  for (const node of [...scope.nodes].reverse()) {
    const wanted = node.output.map(value => (value === '' ? undefined : neededOf(reads.get(value), known.get(value))));
    if (wanted.every(flags => flags === undefined || (flags !== 'all' && !flags.includes(1)))) continue;
    for (const value of new Set(readsOf(node))) add(value, passedBack(context, node, value, wanted));
  }
  return reads;
}

/** The channels of an output whose inputs matter: those that are read and not constant. */
function neededOf(reads: Reads | undefined, knowledge: Knowledge | undefined): Reads | undefined {
  if (reads === undefined || knowledge === 'constant') return undefined;
  if (!knowledge || !isChannels(knowledge)) return reads;
  return knowledge.constant.map((constant, channel) => (!constant && (reads === 'all' || reads[channel]) ? 1 : 0));
}

function passedBack(context: Context, node: NodeProto, value: string, wanted: readonly (Reads | undefined)[]): Reads {
  const input = knowledgeOf(context, value);
  const [flags] = wanted;
  if (!isChannels(input) || flags === undefined || flags === 'all') return splitBack(context, node, input, wanted);
  const count = input.constant.length;
  const connections = value === node.input[0] ? connectionsOf(context.scope, node, context.lookup) : null;
  if (connections) {
    const index = channelIndex(input, connections.inputs);
    if (!index || flags.length !== connections.outputs) return 'all';
    const result = new Uint8Array(count);
    connections.visit((from, to) => {
      if (flags[to]) result[index(from)] = 1;
    });
    return result;
  }
  if (node.opType === 'Concat') {
    let from = 0;
    let result: Reads | undefined;
    for (const name of node.input) {
      const part = knowledgeOf(context, name);
      if (!isChannels(part)) return 'all';
      if (name === value) {
        const sameAxis = flags.length !== part.constant.length || intAttribute(node, 'axis', 1) === part.axis;
        result = merge(result, sameAxis ? flags.slice(from, from + part.constant.length) : flags);
      }
      from += part.constant.length;
    }
    return result ?? 'all';
  }
  if (node.opType === 'Split' || node.opType === 'Slice') return splitBack(context, node, input, wanted);
  const channelwise =
    node.opType in unary ||
    node.opType in binary ||
    keepsLevel.has(node.opType) ||
    keepsChannels.has(node.opType) ||
    ['Clip', 'Pad', 'BatchNormalization', 'Transpose', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze'].includes(node.opType) ||
    node.opType.startsWith('Reduce');
  return channelwise && flags.length === count ? flags : 'all';
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
