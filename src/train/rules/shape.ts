import { Failure } from '../../failure.js';
import { intAttribute, intsAttribute, stringAttribute } from '../../onnx/attributes.js';
import { constantInput, type Rule, type RuleContext, reshaped, rule, sumOver } from '../rule.js';

const input = (context: RuleContext) => context.dims(context.node.input[0] as string);

/** The elements stay in their order, so that the gradient only has to be given the shape of the input. */
export const reshape = rule((context, dy) => [context.op('Reshape', [dy, context.ints(input(context))])]);

/** The inverse permutation. */
export const transpose = rule((context, dy) => {
  const rank = input(context).length;
  const perm = intsAttribute(context.node, 'perm') ?? [...Array(rank).keys()].reverse();
  return [context.op('Transpose', [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
});

/** Each part gets its piece of the gradient. */
export const concat = rule((context, dy) => {
  const { node } = context;
  const axis = intAttribute(node, 'axis', 0);
  if (node.input.length === 1) return [dy];
  const lengths = node.input.map(name => context.dims(name).at(axis) as number);
  return context.ops('Split', [dy, context.ints(lengths)], node.input.length, { axis });
});

/** The pieces side by side, zeros for those through which nothing flows back. */
export const split: Rule = (context, gradients) => {
  const parts = context.node.output.map((name, index) => gradients[index] ?? zeros(context, name));
  return [
    parts.length === 1
      ? (parts[0] as string)
      : context.op('Concat', parts, { axis: intAttribute(context.node, 'axis', 0) }),
  ];
};

/** Zeros in the shape of a value, made where they are used. */
export function zeros(context: RuleContext, value: string): string {
  return context.op('ConstantOfShape', [context.ints(context.dims(value))]);
}

/**
 * Zeros around and between the elements. Steps backwards turn the gradient round first; zeros between are padded behind each element as
 * an axis of its own.
 */
export const slice = rule((context, dy) => {
  const dims = input(context);
  const taken = context.dims(context.node.output[0] as string);
  const starts = constantInput(context, 1, 'starts') as readonly number[];
  const axes = (constantInput(context, 3, 'axes') ?? [...starts.keys()]).map(axis =>
    axis < 0 ? axis + dims.length : axis,
  );
  const steps = constantInput(context, 4, 'steps') ?? starts.map(() => 1);
  const first = dims.map(() => 0);
  const stride = dims.map(() => 1);
  const backwards: number[] = [];
  for (const [at, axis] of axes.entries()) {
    const [dim, step, start] = [dims[axis] as number, steps[at] as number, starts[at] as number];
    const from = Math.min(Math.max(start < 0 ? start + dim : start, 0), step < 0 ? dim - 1 : dim);
    const count = taken[axis] as number;
    if (step < 0) backwards.push(axis);
    first[axis] = step < 0 ? from + (count - 1) * step : from;
    stride[axis] = Math.abs(step);
  }
  if (taken.includes(0)) return [zeros(context, context.node.input[0] as string)];
  let gradient = dy;
  if (backwards.length > 0) {
    const [last, end] = [backwards.map(() => -1), backwards.map(() => -(2 ** 31))];
    gradient = context.op('Slice', [
      gradient,
      context.ints(last),
      context.ints(end),
      context.ints(backwards),
      context.ints(last),
    ]);
  }
  let spacing = [...taken];
  if (stride.some(step => step > 1)) {
    const behind = stride.map(step => step - 1);
    const pads = [...taken.flatMap(() => [0, 0]), ...behind.flatMap(zeros => [0, zeros])];
    const single = context.op('Reshape', [gradient, context.ints(taken.flatMap(count => [count, 1]))]);
    spacing = taken.map((count, axis) => count * (stride[axis] as number));
    gradient = context.op('Reshape', [context.op('Pad', [single, context.ints(pads)]), context.ints(spacing)]);
  }
  const behind = dims.map((dim, axis) => dim - (first[axis] as number) - (spacing[axis] as number));
  const pads = [...first, ...behind];
  return [pads.every(pad => pad === 0) ? gradient : context.op('Pad', [gradient, context.ints(pads)])];
});

/** Padding of constants is cut off again (and what was cut off is filled with zeros). */
export const pad = rule((context, dy) => {
  const { node } = context;
  const mode = stringAttribute(node, 'mode', 'constant');
  if (mode !== 'constant') throw new Failure('input', `its mode must be constant to be differentiated, got ${mode}`);
  if (context.wants(2))
    throw new Failure('input', 'its padding value must not depend on a parameter, got one that does');
  const rank = input(context).length;
  const pads = constantInput(context, 1, 'pads') as readonly number[];
  const axes = constantInput(context, 3, 'axes') ?? [...Array(rank).keys()];
  const all = Array<number>(2 * rank).fill(0);
  for (const [at, axis] of axes.entries()) {
    const front = axis < 0 ? axis + rank : axis;
    all[front] = -(pads[at] as number);
    all[front + rank] = -(pads[at + axes.length] as number);
  }
  return [context.op('Pad', [dy, context.ints(all.map(pad => pad + 0))])];
});

/** Each element gets the sum of the gradients of its copies, which are an axis of their own in front of what they repeat. */
export const tile = rule((context, dy) => {
  const dims = input(context);
  const tiled = context.dims(context.node.output[0] as string);
  const apart = dims.flatMap((dim, axis) => [(tiled[axis] as number) / dim, dim]);
  const copies = dims.flatMap((_, axis) => (apart[2 * axis] === 1 ? [] : [2 * axis]));
  if (copies.length === 0) return [dy];
  const summed = sumOver(context, reshaped(context, dy, tiled, apart), apart, copies);
  return [context.op('Reshape', [summed, context.ints(dims)])];
});

/** The blocks go back to the channels that they came from: SpaceToDepth is the inverse of the mode DCR; in CRD the place in the block is the faster index of a channel. */
export const depthToSpace = rule((context, dy) => {
  const { node } = context;
  const size = intAttribute(node, 'blocksize', 1);
  if (stringAttribute(node, 'mode', 'DCR') === 'DCR') return [context.op('SpaceToDepth', [dy], { blocksize: size })];
  const [samples, channels, height, width] = input(context) as [number, number, number, number];
  const blocks = context.ints([samples, channels / size ** 2, height, size, width, size]);
  const turned = context.op('Transpose', [context.op('Reshape', [dy, blocks])], { perm: [0, 1, 3, 5, 2, 4] });
  return [context.op('Reshape', [turned, context.ints([samples, channels, height, width])])];
});

export const spaceToDepth = rule((context, dy) => [
  context.op('DepthToSpace', [dy], { blocksize: intAttribute(context.node, 'blocksize', 1) }),
]);

/** What was cut off gets none. */
export const trilu = rule((context, dy) => {
  const [, diagonal] = context.node.input;
  return [context.op('Trilu', diagonal ? [dy, diagonal] : [dy], { upper: intAttribute(context.node, 'upper', 1) })];
});
