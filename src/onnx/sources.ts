import { intAttribute, stringAttribute } from './attributes.js';
import { type Channels, type Context, isChannelAxis } from './channels.js';
import type { NodeProto } from './proto.js';

/** Gather along the channels, with one list of constant indices: the channel that each index names. */
function gathered({ scope, lookup }: Context, node: NodeProto, input: Channels): number[][] | null {
  const indices = node.input[1] ? lookup(scope, node.input[1]) : null;
  if (indices?.dims.length !== 1 || !isChannelAxis(input, intAttribute(node, 'axis', 0))) return null;
  const count = input.constant.length;
  const taken = Array.from(indices.data, index => (index < 0 ? index + count : index));
  return taken.every(channel => channel >= 0 && channel < count) ? taken.map(channel => [channel]) : null;
}

/** DepthToSpace: the block² channels whose positions interleave in one. */
function interleaved(node: NodeProto, { axis, rank, constant }: Channels): number[][] | null {
  const block = intAttribute(node, 'blocksize', 0) ** 2;
  const results = constant.length / block;
  if (axis !== 1 || rank !== 4 || !(results >= 1) || !Number.isInteger(results)) return null;
  const byColumn = stringAttribute(node, 'mode', 'DCR') === 'CRD';
  const from = (channel: number, at: number) => (byColumn ? channel * block + at : at * results + channel);
  return Array.from({ length: results }, (_, channel) => Array.from({ length: block }, (_, at) => from(channel, at)));
}

/**
 * For an operator that takes channels to other places, Gather or DepthToSpace: the channels of its first input that each channel of its result is made of. Null for other
 * operators, and where the file does not tell.
 */
export function sourcesOf(context: Context, node: NodeProto, input: Channels): readonly (readonly number[])[] | null {
  if (input.layout !== 'plain') return null;
  if (node.opType === 'Gather') return gathered(context, node, input);
  return node.opType === 'DepthToSpace' ? interleaved(node, input) : null;
}
