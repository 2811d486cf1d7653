import type { Anatomy, Flow } from '../audit/anatomy.js';
import { floatAttribute, intAttribute, isStandard } from '../onnx/attributes.js';
import {
  binary,
  type Channels,
  type Context,
  isChannelAxis,
  isChannels,
  keepsChannels,
  keepsLevel,
  rangeOf,
  unary,
} from '../onnx/channels.js';
import { channelIndex, connectionsOf } from '../onnx/connections.js';
import { layerWeight } from '../onnx/layers.js';
import type { NodeProto } from '../onnx/proto.js';
import { ranksOf } from '../onnx/ranks.js';
import { nodeName } from '../onnx/scope.js';
import { sourcesOf } from '../onnx/sources.js';
import { isOwn } from './own-tensor.js';

/** A layer that reads a unit, the inputs of its weight that belong to the unit, and the constant that arrives there. */
export interface Reader {
  readonly node: NodeProto;
  readonly inputs: readonly number[];
  readonly level: number;
}

/** A channel of a value. */
export interface ChannelOf {
  readonly value: string;
  readonly channel: number;
}

/** Everything that a unit of constant output does: the layers that read it, and the channels it goes through on the way. */
export interface Outgoing {
  readonly readers: readonly Reader[];
  readonly through: readonly ChannelOf[];
}

/** Operators that give a channel of their first input on as the same channel. */
const alongFirst = new Set('Clip Pad BatchNormalization Transpose Flatten Reshape Squeeze Unsqueeze'.split(' '));
const passesFirst = ({ opType }: NodeProto): boolean =>
  Object.hasOwn(unary, opType) ||
  keepsLevel.has(opType) ||
  keepsChannels.has(opType) ||
  alongFirst.has(opType) ||
  opType.startsWith('Reduce');

const described = (node: NodeProto): string => `${node.opType} '${nodeName(node)}'`;

/** Why a layer cannot take the constant of a unit that it reads, null where it can. */
function obstacle({ scope, lookup }: Anatomy, node: NodeProto, level: number, padded: boolean): string | null {
  if (!isOwn(scope, node.input[1], node))
    return `the weights of ${described(node)}, which reads it, are shared or computed`;
  if (!layerWeight(scope, node, lookup)?.data.every(Number.isFinite))
    return `${described(node)} reads it with weights that are NaN or infinite, which 0 does not silence`;
  if (level === 0) return null;
  if (Number.isNaN(level)) return `its constant differs by position where ${described(node)} reads it`;
  if (padded) return `${described(node)} reads its constant with padding, so that it is no constant at the border`;
  if (node.opType === 'MatMul' || !node.input[2]) return null;
  const weight = layerWeight(scope, node, lookup);
  const bias = lookup(scope, node.input[2]);
  const outputs = weight?.dims[node.opType === 'Conv' || intAttribute(node, 'transB', 0) === 1 ? 0 : 1];
  const isFull = bias?.data.length === outputs && bias?.dims.at(-1) === outputs;
  const counts = floatAttribute(node, 'beta', 1) !== 0;
  return isOwn(scope, node.input[2], node) && isFull && counts
    ? null
    : `the bias of ${described(node)}, which would take its constant, is shared, computed or one for all`;
}

/**
 * Follows a channel that is constant forward to the layers with weights that read it. Returns one sentence instead where it reaches something that cannot do
 * without it: an output of the model, a sum with channels that vary, an operator that is not understood.
 */
export function outgoing(anatomy: Anatomy, flow: Flow, start: ChannelOf): Outgoing | string {
  const { scope, lookup } = anatomy;
  const known = flow.known;
  const context: Context = { scope, lookup, known: new Map(known), ranks: ranksOf(scope, lookup), splits: new Map() };
  const readers: Reader[] = [];
  const through: ChannelOf[] = [];
  const seen = new Set<string>();
  const pending = [start];

  /** Where a channel comes out of a node that keeps channels apart; a sentence where that is not known. */
  const passed = (node: NodeProto, value: string, channel: number, input: Channels): ChannelOf[] | string => {
    const at = node.input.indexOf(value);
    const isFurther = node.output.some((name, index) => index > 0 && name !== '' && scope.consumers.has(name));
    if (node.opType === 'Split' || node.opType === 'Slice') {
      if (at !== 0) return `${described(node)} is not followed`;
      const found: ChannelOf[] = [];
      for (const [output, name] of node.output.entries()) {
        const range = rangeOf(context, node, output, input);
        if (range === null) return `${described(node)} is not followed`;
        if (range === 'other axis') found.push({ value: name, channel });
        else if (channel >= range.from && channel < range.to)
          found.push({ value: name, channel: channel - range.from });
      }
      return found;
    }
    const [output] = node.output as [string];
    if (isFurther) return `${described(node)} is not followed`;
    if (node.opType === 'Concat') {
      const joins = isChannelAxis(input, intAttribute(node, 'axis', 1));
      if (joins === null) return `${described(node)} is not followed`;
      const found: ChannelOf[] = [];
      let from = 0;
      for (const name of node.input) {
        const part = known.get(name);
        if (!part || !isChannels(part)) return `${described(node)} is not followed`;
        if (name === value) found.push({ value: output, channel: joins ? from + channel : channel });
        from += part.constant.length;
      }
      return found;
    }
    const sources = at === 0 ? sourcesOf(context, node, input) : null;
    if (sources)
      return [...sources.keys()]
        .filter(to => sources[to]?.includes(channel))
        .map(to => ({ value: output, channel: to }));
    const isBinary = Object.hasOwn(binary, node.opType);
    if (!isBinary && !(at === 0 && passesFirst(node))) return `${described(node)} is not followed`;
    const result = known.get(output);
    if (!result || !isChannels(result) || result.constant.length !== input.constant.length)
      return isBinary ? `${described(node)} mixes it with others` : `${described(node)} is not followed`;
    return [{ value: output, channel }];
  };

  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, channel } = next;
    const key = `${channel} ${value}`;
    if (seen.has(key)) continue;
    seen.add(key);
    through.push(next);
    if (scope.outputs.has(value)) return `output '${value}' of the model shows it`;
    const input = known.get(value);
    if (!input || !isChannels(input) || input.constant[channel] !== 1) {
      const writer = scope.producer.get(value);
      return `${writer ? described(writer) : `'${value}'`} mixes it with channels that vary, as a residual sum does`;
    }
    for (const node of scope.consumers.get(value) ?? []) {
      if (!isStandard(node) || !node.input.includes(value)) return `${described(node)} is not followed`;
      const connections = node.input.indexOf(value) === 0 ? connectionsOf(scope, node, lookup) : null;
      if (!connections) {
        const found = passed(node, value, channel, input);
        if (typeof found === 'string') return found;
        pending.push(...found);
        continue;
      }
      const index = channelIndex(node, input, connections.inputs);
      if (!index || node.input.lastIndexOf(value) !== 0) return `${described(node)} is not followed`;
      if (node.opType === 'Conv' && intAttribute(node, 'group', 1) === connections.inputs && connections.inputs > 1) {
        const each = connections.outputs / connections.inputs;
        for (let unit = 0; unit < each; unit++)
          pending.push({ value: node.output[0] as string, channel: channel * each + unit });
        continue;
      }
      const level = input.level[channel] as number;
      const reason = obstacle(anatomy, node, level, connections.padded);
      if (reason) return reason;
      const inputs = Array.from({ length: connections.inputs }, (_, at) => at).filter(at => index(at) === channel);
      readers.push({ node, inputs, level });
    }
  }
  return { readers, through };
}
