import { floatAttribute, intAttribute, intsAttribute, isStandard, stringAttribute } from './attributes.js';
import {
  binary,
  type Channels,
  type Context,
  channelsOf,
  isChannelAxis,
  isChannels,
  type Knowledge,
  keepsChannels,
  keepsLevel,
  knowledgeOf,
  type Pinned,
  rangeOf,
  rankOf,
  unary,
} from './channels.js';
import { type Connections, channelIndex, connectionsOf, isPadded } from './connections.js';
import type { ConstantLookup } from './constants.js';
import { batchNormOf, perChannel } from './layers.js';
import type { NodeProto } from './proto.js';
import { ranksOf } from './ranks.js';
import { readsOf, type Scope } from './scope.js';
import { sourcesOf } from './sources.js';

/** Operators whose result depends on shapes only. */
const ofShapes = new Set('Shape Size'.split(' '));
const random = /^(Random|Multinomial|Bernoulli)/;

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
  const fits = constant && (like.layout === 'plain' || constant.data.length === 1);
  return fits ? perChannel(constant, like.constant.length, like.axis, like.rank) : null;
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
      if (!target || input.layout !== 'plain') return 'varying';
      if (keepsMap(context, target, input)) return input;
      return keepsBatch(context, target, input) ? flattened(input) : 'varying';
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

/** Whether a number of rows is that of the batch: 0 stands for it, or it is what an input of the model declares. */
const isBatch = ({ scope }: Context, rows: number): boolean =>
  rows === 0 ||
  scope.graph.input.some(({ type }) => {
    const first = type?.value.case === 'tensorType' ? type.value.value.shape?.dim[0]?.value : undefined;
    return first?.case === 'dimValue' && Number(first.value) === rows;
  });

/**
 * Whether a Reshape makes a matrix of one row for each sample: of 0, the batch's size or -1 rows, and -1 features or a number of them
 * that holds each channel the same number of times (a whole map of it, as far as the file tells).
 */
function keepsBatch(context: Context, target: ArrayLike<number>, { constant }: Channels): boolean {
  const [rows, features] = [target[0], target[1]] as [number, number];
  if (target.length !== 2 || (rows === -1 && features === -1)) return false;
  const isWhole = features === -1 || (features > 0 && features % constant.length === 0);
  return isWhole && (rows === -1 || rows === 1 || isBatch(context, rows));
}

/** Whether a Reshape leaves samples and channels as they are, and puts the positions of a map in other rows: [0, C, -1]. */
const keepsMap = (context: Context, target: ArrayLike<number>, { axis, constant }: Channels): boolean =>
  target.length > 2 &&
  axis === 1 &&
  isBatch(context, target[0] as number) &&
  [0, constant.length].includes(target[1] as number);

/** A map of channels flattened to a matrix: neighbours belong together when the channel axis came before the positions, and alternate when it came last. */
function flattened(input: Channels): Knowledge {
  if (input.axis === 1) return { ...input, layout: 'block' };
  const isLast = input.axis === -1 || (input.axis > 1 && input.axis + 1 === input.rank);
  return isLast ? { ...input, axis: 1, layout: 'cycle' } : 'varying';
}

/** Reductions whose result for equal numbers is that number. */
const keepsEqual = new Set('ReduceMean ReduceMax ReduceMin'.split(' '));

/** A reduction over positions keeps the channels apart; where it changes the level, that is not worth computing. */
function throughReduction({ scope, lookup }: Context, node: NodeProto, input: Channels): Knowledge {
  const named = node.input[1] ? lookup(scope, node.input[1])?.data : intsAttribute(node, 'axes');
  if (!named || named.length === 0 || input.axis < 0 || input.rank === null || input.layout !== 'plain')
    return 'varying';
  const axes = Array.from(named, axis => (axis < 0 ? axis + (input.rank as number) : axis));
  const keepsAxes = intAttribute(node, 'keepdims', 1) === 1 || axes.every(axis => axis > input.axis);
  if (!keepsAxes || axes.includes(input.axis)) return 'varying';
  return keepsEqual.has(node.opType)
    ? input
    : { ...input, level: new Float64Array(input.level.length).fill(Number.NaN) };
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
    const averages = opType === 'AveragePool' && !isPadded(node) && intAttribute(node, 'ceil_mode', 0) === 0;
    const stays = (x: number) => (averages || (x === 0 && opType !== 'InstanceNormalization') ? x : Number.NaN);
    return isMap ? mapLevels(first, stays) : 'varying';
  }
  if (keepsLevel.has(opType)) return isMap && !resizesChannels(context, node, first) ? { ...first } : 'varying';
  if (opType === 'Slice') {
    const range = first.layout === 'plain' ? rangeOf(context, node, 0, first) : null;
    return range ? (range === 'other axis' ? first : sliced(first, range)) : 'varying';
  }
  if (opType.startsWith('Reduce')) return throughReduction(context, node, first);
  const sources = sourcesOf(context, node, first);
  if (sources) return joinedFrom(first, sources);
  return throughShape(context, node, first);
}

/** Channels that are each made of the given ones: constant where all of these are, and of one level where all have the same. */
function joinedFrom(input: Channels, sources: readonly (readonly number[])[]): Channels {
  const levelOf = (channels: readonly number[]) => {
    const [first] = channels.map(channel => input.level[channel] as number) as [number];
    return channels.every(channel => input.level[channel] === first) ? first : Number.NaN;
  };
  return {
    ...input,
    constant: Uint8Array.from(sources, channels => (channels.every(channel => input.constant[channel] === 1) ? 1 : 0)),
    level: Float64Array.from(sources, levelOf),
  };
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
 *
 * @example
 * import { constantLookup, indexGraph, propagateConstants } from 'reluminate/onnx';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['y'])],
 *   inputs: [valueInfo('x', ['batch', 2])],
 *   initializers: [floatTensor('w', [2, 2], [1, 0, 3, 0]), floatTensor('b', [2], [0.5, -1])],
 * });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const known = propagateConstants(scope, constantLookup(new Map()));
 * Array.from(known.get('y').constant); // => [0, 1]
 * known.get('z').level[1]; // => -1
 * known.get('y').level[1]; // => 0
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
