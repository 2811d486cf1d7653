import { intAttribute, isStandard } from '../../onnx/attributes.js';
import { type Context, isChannels } from '../../onnx/channels.js';
import type { NodeProto } from '../../onnx/proto.js';
import { readsOf } from '../../onnx/scope.js';

/** One number of a computed shape: the number itself, the count of channels of a value, or null for something else. */
type Size = number | null | { readonly channelsOf: string };

/** The computed shapes of a graph, and the values whose count of channels is read in a way that is not followed. */
export interface Sizes {
  readonly lists: ReadonlyMap<string, readonly Size[]>;
  readonly readCounts: ReadonlySet<string>;
}

const isCount = (size: Size): size is { channelsOf: string } => typeof size === 'object' && size !== null;
const passing = new Set('Identity Cast Unsqueeze Squeeze'.split(' '));

/** What a node makes of lists of sizes; null where it does something else. */
function derived(
  context: Context,
  node: NodeProto,
  lists: ReadonlyMap<string, readonly Size[]>,
): readonly Size[] | null {
  const { scope, lookup, ranks, known } = context;
  const [first] = node.input;
  const numbers = (name: string | undefined): number[] | null => {
    const data = name ? lookup(scope, name)?.data : undefined;
    return data && data.length <= 64 ? Array.from(data) : null;
  };
  const list = (name: string): readonly Size[] | null => lists.get(name) ?? numbers(name);
  if (!isStandard(node) || !first) return null;
  if (node.opType === 'Shape') {
    const knowledge = known.get(first);
    const rank = ranks.get(first);
    if (!knowledge || !isChannels(knowledge) || rank === undefined || node.attribute.length > 0) return null;
    const axis = knowledge.axis < 0 ? knowledge.axis + rank : knowledge.axis;
    return Array.from({ length: rank }, (_, at) => (at === axis ? { channelsOf: first } : null));
  }
  const input = list(first);
  if (passing.has(node.opType)) return input;
  if (node.opType === 'Concat') {
    const parts = node.input.map(list);
    return parts.every(part => part !== null) ? parts.flat() : null;
  }
  if (!input) return null;
  if (node.opType === 'Gather') {
    const at = numbers(node.input[1]);
    return at && intAttribute(node, 'axis', 0) === 0
      ? at.map(index => input[index < 0 ? index + input.length : index] ?? null)
      : null;
  }
  if (node.opType === 'Slice') {
    const [starts, ends, axes, steps] = [1, 2, 3, 4].map(at => numbers(node.input[at]));
    const plain = (!node.input[3] || axes?.[0] === 0) && (!node.input[4] || steps?.[0] === 1);
    return starts?.length === 1 && ends?.length === 1 && plain ? input.slice(starts[0], ends[0]) : null;
  }
  return null;
}

/** The input of a Resize that gives the sizes of its result; null for other nodes. */
export const sizesInput = (node: NodeProto): string | null =>
  node.opType === 'Resize' && isStandard(node) ? node.input[3] || null : null;

/**
 * Follows shapes that are computed from values with channels, as exporters write them for Resize: Shape, Slice, Gather and Concat. A
 * count of channels that gets anywhere else than to the sizes of a Resize pins the channels of its value.
 */
export function followSizes(context: Context): Sizes {
  const lists = new Map<string, readonly Size[]>();
  const readCounts = new Set<string>();
  const { scope, known } = context;
  for (const node of scope.nodes) {
    const [first] = node.input;
    const result = derived(context, node, lists);
    if (result && node.output[0]) {
      lists.set(node.output[0], result);
      if (scope.outputs.has(node.output[0]))
        for (const size of result) if (isCount(size)) readCounts.add(size.channelsOf);
      continue;
    }
    if ((node.opType === 'Shape' || node.opType === 'Size') && first && known.has(first)) readCounts.add(first);
    for (const name of readsOf(node))
      if (name !== sizesInput(node))
        for (const size of lists.get(name) ?? []) if (isCount(size)) readCounts.add(size.channelsOf);
  }
  return { lists, readCounts };
}
