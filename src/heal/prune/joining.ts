import { intAttribute, intsAttribute } from '../../onnx/attributes.js';
import { node as build } from '../../onnx/build.js';
import { isChannelAxis, rangeOf } from '../../onnx/channels.js';
import type { NodeProto } from '../../onnx/proto.js';
import { sourcesOf } from '../../onnx/sources.js';
import { channelsOfValue } from './operands.js';
import { type Rule, tieAll } from './rule.js';

/** Concat along the channels puts those of its inputs one behind the other; along another axis it ties them. */
export const concat: Rule = {
  tie(tying, node) {
    const { context, tie } = tying;
    const result = node.output[0] as string;
    const parts = node.input.map(name => channelsOfValue(context, name));
    const whole = channelsOfValue(context, result);
    if (!whole || parts.some(part => part === null)) return 'the channels of one of its inputs are not known';
    const joins = parts[0] && isChannelAxis(parts[0], intAttribute(node, 'axis', 1));
    if (joins === null) return 'its axis is not known';
    let from = 0;
    for (const [input, part] of parts.entries()) {
      const name = node.input[input] as string;
      if (!joins) {
        const refused = tieAll(tying, name, result);
        if (refused) return refused;
        continue;
      }
      const count = part?.constant.length ?? 0;
      for (let channel = 0; channel < count; channel++) tie(name, channel, result, from + channel);
      from += count;
    }
    return null;
  },
  cut: () => {},
};

/** Split and Slice hand on ranges of channels, or all channels where they cut another axis. */
const tieRanges: Rule['tie'] = (tying, node) => {
  const { context, tie } = tying;
  const input = node.input[0] as string;
  const channels = channelsOfValue(context, input);
  for (const [output, name] of node.output.entries()) {
    if (name === '') continue;
    const range = channels && rangeOf(context, node, output, channels);
    if (!range || !channelsOfValue(context, name)) return 'the range of channels it takes is not known';
    if (range === 'other axis') {
      const refused = tieAll(tying, input, name);
      if (refused) return refused;
      continue;
    }
    for (let channel = range.from; channel < range.to; channel++) tie(input, channel, name, channel - range.from);
  }
  return null;
};

/** Gather and DepthToSpace take channels to other places: what a channel is made of goes with it. */
export const move: Rule = {
  tie({ context, tie }, node) {
    const [input, result] = [node.input[0] as string, node.output[0] as string];
    const channels = channelsOfValue(context, input);
    const sources = channels && sourcesOf(context, node, channels);
    if (!sources || !channelsOfValue(context, result)) return 'the channels it takes are not known';
    for (const [channel, from] of sources.entries()) for (const at of from) tie(input, at, result, channel);
    return null;
  },
  cut(cutting, node) {
    const [input, result] = [node.input[0] as string, node.output[0] as string];
    const channels = channelsOfValue(cutting.context, input);
    const sources = channels && sourcesOf(cutting.context, node, channels);
    const kept = cutting.kept(input);
    if (node.opType !== 'Gather' || !sources || !kept) return;
    const place = new Map(kept.map((channel, at) => [channel, at]));
    const indices = (cutting.kept(result) ?? [...sources.keys()]).map(
      channel => place.get(sources[channel]?.[0] as number) as number,
    );
    cutting.set(node, 1, [indices.length], indices);
  },
};

const removeAttribute = (node: NodeProto, name: string): void => {
  node.attribute = node.attribute.filter(attribute => attribute.name !== name);
};

export const split: Rule = {
  tie: (tying, node) =>
    node.output.every(name => name !== '') ? tieRanges(tying, node) : 'one of its outputs is left out',
  cut(cutting, node) {
    const { context } = cutting;
    const input = node.input[0] as string;
    const channels = channelsOfValue(context, input);
    const kept = cutting.kept(input);
    if (!channels || !kept || rangeOf(context, node, 0, channels) === 'other axis') return;
    const sizes = node.output.map(
      name => cutting.kept(name)?.length ?? channelsOfValue(context, name)?.constant.length ?? 0,
    );
    removeAttribute(node, 'num_outputs');
    const attribute = node.attribute.find(({ name }) => name === 'split');
    if (attribute) attribute.ints = sizes.map(BigInt);
    else if (cutting.opset < 13) node.attribute.push(...build('', [], [], { split: sizes }).attribute);
    else cutting.setIntegers(node, 1, sizes);
  },
};

export const slice: Rule = {
  tie: tieRanges,
  cut(cutting, node) {
    const { context } = cutting;
    const input = node.input[0] as string;
    const channels = channelsOfValue(context, input);
    const kept = cutting.kept(input);
    const range = channels && rangeOf(context, node, 0, channels);
    if (!channels || !kept || !range || range === 'other axis') return;
    const before = (channel: number) => kept.filter(item => item < channel).length;
    const list = (at: number, attribute: string): number[] | null => {
      const name = node.input[at];
      return name
        ? Array.from(context.lookup(context.scope, name)?.data ?? [])
        : (intsAttribute(node, attribute) ?? null);
    };
    const [starts, ends] = [list(1, 'starts'), list(2, 'ends')];
    if (!starts || !ends) return;
    const axes = list(3, 'axes') ?? starts.map((_, axis) => axis);
    const position = axes.findIndex(axis => isChannelAxis(channels, axis));
    starts[position] = before(range.from);
    ends[position] = before(range.to);
    for (const [at, name, values] of [
      [1, 'starts', starts],
      [2, 'ends', ends],
    ] as const) {
      const attribute = node.attribute.find(item => item.name === name);
      if (attribute) attribute.ints = values.map(BigInt);
      else cutting.set(node, at, [values.length], values);
    }
  },
};
