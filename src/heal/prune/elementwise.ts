import { intsAttribute } from '../../onnx/attributes.js';
import { batchNormOf } from '../../onnx/layers.js';
import type { NodeProto } from '../../onnx/proto.js';
import { channelsOfValue, isAlike, isFixed, operandAxis, positionsOf } from './operands.js';
import { type Cutting, type Rule, type Tying, tieAll } from './rule.js';
import { sizesInput } from './sizes.js';

const [first, result] = [(node: NodeProto) => node.input[0] as string, (node: NodeProto) => node.output[0] as string];

/** Operators that treat each channel alone and hold no numbers of their own for it. */
export const channelwise: Rule = {
  tie: (tying, node) => tieAll(tying, first(node), result(node)),
  cut: () => {},
};

/** Operators with a vector of one number for each channel at some inputs. */
const withVectors = (inputs: readonly number[], refuse: (tying: Tying, node: NodeProto) => string | null): Rule => ({
  tie: (tying, node) => refuse(tying, node) ?? tieAll(tying, first(node), result(node)),
  cut(cutting, node) {
    const kept = cutting.kept(result(node));
    if (kept) for (const input of inputs) cutting.slice(node, input, 0, kept);
  },
});

export const batchNorm = withVectors([1, 2, 3, 4], ({ context }, node) =>
  batchNormOf(context.scope, node, context.lookup) ? null : 'its parameters are computed or it is in training form',
);

export const instanceNorm = withVectors([1, 2], ({ context }, node) =>
  [1, 2].every(input => context.lookup(context.scope, node.input[input] as string))
    ? null
    : 'its parameters are computed',
);

/** Operators of several operands that broadcast: those with channels of their own are tied, constants are sliced. */
export const broadcasting: Rule = {
  tie(tying, node) {
    const { context } = tying;
    const like = channelsOfValue(context, result(node));
    if (!like) return 'its channels are not followed through it';
    for (const name of node.input) {
      const channels = channelsOfValue(context, name);
      if (channels?.constant.length === 1 && like.constant.length > 1) continue;
      if (channels) {
        if (!isAlike(channels, like)) return 'its operands have their channels on different axes';
        tieAll(tying, name, result(node));
        continue;
      }
      if (!isFixed(context, name)) return 'the channels of one of its operands are not known';
      const axis = operandAxis(context, name, like);
      if (typeof axis === 'string') return axis;
    }
    return null;
  },
  cut(cutting, node) {
    const { context } = cutting;
    const kept = cutting.kept(result(node));
    const like = channelsOfValue(context, result(node));
    if (!kept || !like) return;
    node.input.forEach((name, input) => {
      if (channelsOfValue(context, name)) return;
      const found = operandAxis(context, name, like);
      if (typeof found === 'string' || found.axis === null) return;
      const size = context.lookup(context.scope, name)?.dims[found.axis] as number;
      cutting.slice(node, input, found.axis, positionsOf(like, size, kept));
    });
  },
};

/** Where a Resize or Upsample takes its scales from. */
const scalesInput = (node: NodeProto): string | null =>
  (node.opType === 'Resize' && node.input.length > 2 ? node.input[2] : node.input[1]) || null;

/** Resize keeps the channels; its sizes name their number. */
export const resize: Rule = {
  tie(tying, node) {
    const { context, sizes } = tying;
    const constant = (name: string) => context.lookup(context.scope, name);
    const tied = tieAll(tying, first(node), result(node));
    if (tied) return tied;
    const given = sizesInput(node);
    if (!given) {
      const scales = scalesInput(node);
      return !scales || constant(scales) ? null : 'its scales are computed';
    }
    if (constant(given)) return null;
    const count = sizes.lists.get(given)?.[channelsOfValue(context, first(node))?.axis ?? -1];
    if (typeof count !== 'object' || count === null) return 'its sizes are computed';
    return tieAll(tying, count.channelsOf, first(node));
  },
  cut(cutting: Cutting, node) {
    const { context } = cutting;
    const kept = cutting.kept(result(node));
    const given = sizesInput(node);
    const axis = channelsOfValue(context, first(node))?.axis;
    const sizes = given && context.lookup(context.scope, given);
    if (!kept || !sizes || axis === undefined || sizes.data.length === 0) return;
    cutting.setIntegers(
      node,
      3,
      Array.from(sizes.data, (size, at) => (at === axis ? kept.length : size)),
    );
  },
};

/** Squeeze that names no axes takes out any axis of length 1, the channels' too once one is left. */
export const squeeze: Rule = {
  tie(tying, node) {
    const named = node.input[1] || intsAttribute(node, 'axes') !== null;
    return named ? tieAll(tying, first(node), result(node)) : 'it does not say which axes it takes out';
  },
  cut: () => {},
};

/** Reshape of a map to one row for each sample, or of its positions only: the number of features or channels is part of its target. */
export const reshape: Rule = {
  tie: (tying, node) => tieAll(tying, first(node), result(node)),
  cut(cutting, node) {
    const { context } = cutting;
    const kept = cutting.kept(result(node));
    const target = node.input[1] && context.lookup(context.scope, node.input[1]);
    const channels = channelsOfValue(context, result(node));
    if (!kept || !target || !channels) return;
    const [rows, features, ...positions] = target.data as unknown as [number, number, ...number[]];
    if (features > 0)
      cutting.setIntegers(node, 1, [rows, (features / channels.constant.length) * kept.length, ...positions]);
  },
};
