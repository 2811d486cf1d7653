import { floatAttribute, intAttribute } from '../../onnx/attributes.js';
import { channelIndex, connectionsOf } from '../../onnx/connections.js';
import type { Constant } from '../../onnx/constants.js';
import { perChannel } from '../../onnx/layers.js';
import type { NodeProto } from '../../onnx/proto.js';
import { channelsOfValue, operandAxis } from './operands.js';
import type { Cutting, Rule, Tying } from './rule.js';

const isConvolution = ({ opType }: NodeProto) => opType === 'Conv' || opType === 'ConvTranspose';
const groupsOf = (node: NodeProto) => (isConvolution(node) ? intAttribute(node, 'group', 1) : 1);

/** Whether the first axis of a layer's weight is that of its outputs. */
const outputsFirst = (node: NodeProto) =>
  node.opType === 'Conv' || (node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1);

const range = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Whether a layer's bias can be sliced: one number for each output, or one for all. */
function biasRefusal({ context }: Tying, node: NodeProto, outputs: number): string | null {
  const name = node.input[2];
  if (!name) return null;
  const bias = context.lookup(context.scope, name);
  if (!bias) return 'its bias is computed';
  if (isConvolution(node)) return bias.data.length === outputs ? null : 'its bias does not fit its weights';
  const like = channelsOfValue(context, node.output[0]);
  const axis = like && operandAxis(context, name, like);
  return typeof axis === 'string' ? axis : null;
}

/** A grouped convolution needs groups of one size, so that a group goes as a whole: its inputs and its outputs. */
function tieGroups(tying: Tying, node: NodeProto, inputs: number, outputs: number, groups: number): string | null {
  const [x, y] = [node.input[0] as string, node.output[0] as string];
  const input = channelsOfValue(tying.context, x);
  if (input?.layout !== 'plain' || input.axis !== 1 || input.constant.length !== inputs)
    return 'it is grouped, and the channels of its input are not known';
  const [inEach, outEach] = [inputs / groups, outputs / groups];
  for (let group = 0; group < groups; group++) {
    for (let at = 0; at < inEach; at++) tying.tie(y, group * outEach, x, group * inEach + at);
    for (let at = 1; at < outEach; at++) tying.tie(y, group * outEach, y, group * outEach + at);
  }
  return null;
}

/** Which rows of a weight and which inputs of the layer a cut keeps. */
function keptOf(cutting: Cutting, node: NodeProto, inputs: number, outputs: number) {
  const { context } = cutting;
  const keptOutputs = cutting.kept(node.output[0]) ?? range(outputs);
  const keptChannels = cutting.kept(node.input[0]);
  const channels = channelsOfValue(context, node.input[0]);
  const index = channels && channelIndex(node, channels, inputs);
  if (!keptChannels || !index) return { keptOutputs, keptInputs: range(inputs), index };
  const stays = new Set(keptChannels);
  return { keptOutputs, keptInputs: range(inputs).filter(input => stays.has(index(input))), index };
}

/** The weight of an ungrouped layer with only some outputs and inputs, after `change` has had its say on each number. */
function cutWeight(
  { dims, data }: Constant,
  first: readonly number[],
  second: readonly number[],
): { dims: number[]; values: Float64Array } {
  const [, columns, ...kernel] = dims as [number, number, ...number[]];
  const positions = kernel.reduce((a, b) => a * b, 1);
  const values = new Float64Array(first.length * second.length * positions);
  let to = 0;
  for (const row of first)
    for (const column of second) {
      const from = (row * columns + column) * positions;
      for (let at = 0; at < positions; at++) values[to++] = data[from + at] as number;
    }
  return { dims: [first.length, second.length, ...kernel], values };
}

/** Numbers of a weight that join one input to one output: where they start, and how many. */
const kernelAt = (node: NodeProto, { dims }: Constant) => {
  const [, columns, ...kernel] = dims as [number, number, ...number[]];
  const count = kernel.reduce((a, b) => a * b, 1);
  const byOutput = outputsFirst(node);
  return {
    count,
    start: (output: number, input: number) => (byOutput ? output * columns + input : input * columns + output) * count,
  };
};

/** A copy of the weight in which the carrier's channel does the work of those that are folded into it. */
function carried(node: NodeProto, weight: Constant, cutting: Cutting, outputs: number): Constant {
  const carrier = cutting.carrier(node);
  const folded = cutting.folded(node.input[0]);
  if (!carrier || folded.length === 0) return weight;
  const data = Float64Array.from(weight.data);
  const { count, start } = kernelAt(node, weight);
  for (const { channel, level } of folded)
    for (let output = 0; output < outputs; output++)
      for (let at = 0; at < count; at++)
        data[start(output, carrier.channel) + at]! +=
          (level / carrier.level) * (weight.data[start(output, channel) + at] as number);
  cutting.count(node, folded.length);
  return { ...weight, data };
}

/** What the folded inputs of an unpadded layer add to each of its outputs; null where that is nothing. */
function foldedSums(
  node: NodeProto,
  weight: Constant,
  cutting: Cutting,
  index: (input: number) => number,
  inputs: number,
  outputs: number,
): Float64Array | null {
  const levels = new Map(cutting.folded(node.input[0]).map(({ channel, level }) => [channel, level]));
  if (levels.size === 0) return null;
  const { count, start } = kernelAt(node, weight);
  const sums = new Float64Array(outputs);
  for (let input = 0; input < inputs; input++) {
    const level = levels.get(index(input));
    if (level === undefined) continue;
    for (let output = 0; output < outputs; output++)
      for (let at = 0; at < count; at++) sums[output]! += level * (weight.data[start(output, input) + at] as number);
  }
  if (sums.every(sum => sum === 0)) return null;
  cutting.count(node, levels.size);
  return sums;
}

/** Slices the bias to the outputs that stay, and adds what the folded inputs contributed. */
function cutBias(
  cutting: Cutting,
  node: NodeProto,
  outputs: number,
  kept: readonly number[],
  sums: Float64Array | null,
) {
  const { context } = cutting;
  const bias = node.input[2] ? context.lookup(context.scope, node.input[2]) : null;
  if (!sums) {
    if (!bias || bias.data.length === 1 || kept.length === outputs) return;
    const axis = isConvolution(node) ? 0 : bias.dims.length - 1;
    if (bias.dims[axis] === outputs) cutting.slice(node, 2, axis, kept);
    return;
  }
  const alpha = node.opType === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1;
  const added = kept.map(output => alpha * (sums[output] as number));
  const own = bias && (isConvolution(node) ? Float64Array.from(bias.data) : perChannel(bias, outputs, -1, 2));
  if (node.opType === 'MatMul' || (bias && !own)) {
    if (bias && kept.length < outputs && bias.dims[bias.dims.length - 1] === outputs)
      cutting.slice(node, 2, bias.dims.length - 1, kept);
    cutting.addBehind(node, added);
    return;
  }
  const beta = node.opType === 'Gemm' ? floatAttribute(node, 'beta', 1) : 1;
  node.attribute = node.attribute.filter(({ name }) => name !== 'beta');
  cutting.set(
    node,
    2,
    [kept.length],
    kept.map((output, at) => beta * (own?.[output] ?? 0) + (added[at] as number)),
    1,
  );
}

/** Layers with weights: inputs and outputs go on their own, unless the layer is grouped. */
export const layer: Rule = {
  tie(tying, node) {
    const { context } = tying;
    const connections = connectionsOf(context.scope, node, context.lookup);
    if (!connections) return 'its weights are computed';
    const { inputs, outputs } = connections;
    if (!channelsOfValue(context, node.output[0])) return 'its channels are not followed through it';
    const refused = biasRefusal(tying, node, outputs);
    if (refused) return refused;
    const groups = groupsOf(node);
    if (groups > 1) return tieGroups(tying, node, inputs, outputs, groups);
    const input = channelsOfValue(context, node.input[0]);
    if (input && !channelIndex(node, input, inputs))
      tying.hold(node.input[0] as string, 'it does not sum over its channels');
    return null;
  },
  cut(cutting, node) {
    const { context } = cutting;
    const connections = connectionsOf(context.scope, node, context.lookup);
    const weight = context.lookup(context.scope, node.input[1] as string);
    const [x, y] = [node.input[0], node.output[0]];
    if (!connections || !weight || (!cutting.kept(x) && !cutting.kept(y))) return;
    const { inputs, outputs } = connections;
    const { keptOutputs, keptInputs, index } = keptOf(cutting, node, inputs, outputs);
    const groups = groupsOf(node);
    const byOutput = outputsFirst(node);
    if (groups > 1) {
      cutting.slice(node, 1, 0, byOutput ? keptOutputs : keptInputs);
      cutBias(cutting, node, outputs, keptOutputs, null);
      const group = node.attribute.find(({ name }) => name === 'group');
      if (group) group.i = BigInt((keptOutputs.length * groups) / outputs);
      return;
    }
    const changed = connections.padded ? carried(node, weight, cutting, outputs) : weight;
    const sums = connections.padded || !index ? null : foldedSums(node, weight, cutting, index, inputs, outputs);
    const { dims, values } = byOutput
      ? cutWeight(changed, keptOutputs, keptInputs)
      : cutWeight(changed, keptInputs, keptOutputs);
    cutting.set(node, 1, dims, values);
    cutBias(cutting, node, outputs, keptOutputs, sums);
  },
};
