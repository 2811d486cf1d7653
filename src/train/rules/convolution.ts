import { intAttribute } from '../../onnx/attributes.js';
import { elements, type RuleContext, rule } from '../rule.js';
import {
  convAttributes,
  convTransposeAttributes,
  transposedWindowsOf,
  views,
  type Windows,
  windowsOf,
  withoutRows,
} from './windows.js';

/** A value and its dimensions [N, C, …]. */
interface Tensor {
  readonly value: string;
  readonly dims: readonly number[];
}

/** From so many channels in a group on, one product per position of the kernel beats one product for all (measured). */
const manyChannels = 8;

const joined = (context: RuleContext, parts: readonly string[], axis: number): string =>
  parts.length === 1 ? (parts[0] as string) : context.op('Concat', parts, { axis });

/** A convolution as its weights' gradient sees it: windows over `large` [N, inputs, …], one for each position of `small` [N, outputs, …]. */
interface Meeting {
  readonly large: Tensor;
  readonly small: Tensor;
  readonly windows: Windows;
  readonly groups: number;
}

/** Where each channel has weights of its own, products are elementwise: [channels, positions of the kernel]. */
function depthwiseWeights(context: RuleContext, { large, small, windows, groups }: Meeting): string {
  const counts = small.dims.slice(2);
  const axes = context.ints([0, ...counts.map((_, axis) => axis + 2)]);
  const sums = views(context, large.value, windows, counts).map(view => {
    const sum = context.op('ReduceSum', [context.op('Mul', [view, small.value]), axes], { keepdims: 0 });
    return context.op('Reshape', [sum, context.ints([groups, 1])]);
  });
  return joined(context, sums, 1);
}

/** The channels of a value [N, …] apart by group, each with `length` elements: [N, groups, channels of a group, length]. */
const byGroup =
  (context: RuleContext, { large, groups }: Meeting, length: number) =>
  (value: string): string =>
    context.op('Reshape', [value, context.ints([large.dims[0] as number, groups, -1, length])]);

/** a bᵀ for each group, of a [N, groups, A, L] and b [N, groups, B, L], summed over samples: [groups, A, B]. */
function product(context: RuleContext, a: string, b: string): string {
  const turned = context.op('Transpose', [b], { perm: [0, 1, 3, 2] });
  return context.op('ReduceSum', [context.op('MatMul', [a, turned]), context.ints([0])], { keepdims: 0 });
}

/** Of few channels, those that all positions of the kernel see are put side by side, so that the product is large enough. */
function joinedWeights(context: RuleContext, meeting: Meeting): string {
  const { large, small, windows, groups } = meeting;
  const counts = small.dims.slice(2);
  const apartByGroup = byGroup(context, meeting, elements(counts));
  const seen = views(context, large.value, windows, counts).map(apartByGroup);
  const all = product(context, joined(context, seen, 2), apartByGroup(small.value));
  const apart = context.op('Reshape', [
    all,
    context.ints([groups, seen.length, -1, (small.dims[1] as number) / groups]),
  ]);
  return context.op('Transpose', [apart], { perm: [0, 3, 2, 1] });
}

/**
 * `small` moved along its first spatial axis to where each row of the kernel meets `large`, with stride 1: [N, outputs, rows of the kernel, …] with as many rows as `large`, 0 where
 * nothing is met.
 */
function movedRows(context: RuleContext, { large, small, windows }: Meeting): string {
  const [samples, channels, rows, ...rest] = small.dims as [number, number, number];
  const height = large.dims[2] as number;
  const width = elements(rest);
  const flat = context.op('Reshape', [small.value, context.ints([samples, channels, rows * width])]);
  const zeros = (count: number) =>
    count > 0 ? [context.op('ConstantOfShape', [context.ints([samples, channels, count * width])])] : [];
  const parts = Array.from({ length: windows.kernel[0] as number }, (_, row) => {
    const shift = row * (windows.dilations[0] as number) - (windows.begin[0] as number);
    const [from, to] = [Math.max(0, -shift), Math.min(rows, height - shift)];
    if (to <= from) return zeros(height);
    const bounds = [from * width, to * width].map(bound => context.ints([bound]));
    const kept = from === 0 && to === rows ? flat : context.op('Slice', [flat, ...bounds, context.ints([2])]);
    return [...zeros(from + shift), kept, ...zeros(height - to - shift)];
  });
  return joined(context, parts.flat(), 2);
}

/**
 * Each position of the kernel has its product with what the windows see there. With stride 1 the rows of the kernel share one, since it takes less time to move `small`, whose rows
 * lie one after the other, than `large` (measured).
 */
function weightsByPosition(context: RuleContext, meeting: Meeting): string {
  const { large, small, windows, groups } = meeting;
  const og = (small.dims[1] as number) / groups;
  const moves = windows.strides[0] === 1 && (windows.kernel[0] as number) > 1;
  const rows = moves ? (windows.kernel[0] as number) : 1;
  const counts = moves ? large.dims.slice(2, 3).concat(small.dims.slice(3)) : small.dims.slice(2);
  const apartByGroup = byGroup(context, meeting, elements(counts));
  const given = apartByGroup(moves ? movedRows(context, meeting) : small.value);
  const seen = views(context, large.value, moves ? withoutRows(windows) : windows, counts);
  const each = seen.map(view => product(context, given, apartByGroup(view)));
  const apart = context.op('Reshape', [joined(context, each, 0), context.ints([seen.length, groups, og, rows, -1])]);
  return context.op('Transpose', [apart], { perm: [1, 2, 4, 3, 0] });
}

/** The gradient of a convolution's weights, [outputs, inputs / groups, …kernel]. The factor of a product that is turned is the one that takes less time (measured). */
function weightGradient(context: RuleContext, meeting: Meeting): string {
  const { large, small, windows, groups } = meeting;
  const [inputs, outputs] = [large.dims[1] as number, small.dims[1] as number];
  const isDepthwise = inputs === groups && outputs === groups;
  const find = isDepthwise ? depthwiseWeights : inputs / groups < manyChannels ? joinedWeights : weightsByPosition;
  return context.op('Reshape', [find(context, meeting), context.ints([outputs, inputs / groups, ...windows.kernel])]);
}

const biasGradient = (context: RuleContext, dy: string) => {
  const rank = context.dims(context.node.output[0] as string).length;
  const axes = [...Array(rank).keys()].filter(axis => axis !== 1);
  return context.op('ReduceSum', [context.smallestSummand(dy), context.ints(axes)], { keepdims: 0 });
};

/**
 * Where no window is left out, dx is also a convolution with the weights turned round. It takes less time than ConvTranspose (measured) where each channel has weights
 * of its own, and where dy has no more channels than x or the kernel is one point, since it unfolds dy; null elsewhere.
 */
function turnedGradient(
  context: RuleContext,
  dy: string,
  { kernel, strides, dilations, begin, end }: Windows,
): string | null {
  const { node } = context;
  const [x, w] = node.input as [string, string];
  const group = intAttribute(node, 'group', 1);
  const [inputs, outputs] = [context.dims(x)[1] as number, context.dims(w)[0] as number];
  const isDepthwise = group > 1 && inputs === group && outputs === group;
  const isDense = group === 1 && (outputs <= inputs || elements(kernel) === 1);
  const reach = kernel.map((size, axis) => (size - 1) * (dilations[axis] as number));
  const pads = [...begin, ...end].map((pad, at) => (reach[at % kernel.length] as number) - pad);
  if (!(isDepthwise || isDense) || strides.some(stride => stride > 1) || pads.some(pad => pad < 0)) return null;
  const axes = kernel.map((_, axis) => axis + 2);
  const [last, first] = [context.ints(axes.map(() => -1)), context.ints(axes.map(() => -(2 ** 31)))];
  const turned = context.op('Slice', [w, last, first, context.ints(axes), last]);
  const weights = isDense ? context.op('Transpose', [turned], { perm: [1, 0, ...axes] }) : turned;
  return context.op('Conv', [dy, weights], { pads, dilations, group });
}

/** y = w ⋆ x + b: dx is the transposed convolution of dy with w, db the sum of dy over samples and positions. */
export const conv = rule((context, dy) => {
  const { node } = context;
  const [x, w] = node.input as [string, string];
  const y = node.output[0] as string;
  const group = intAttribute(node, 'group', 1);
  const kernel = context.dims(w).slice(2);
  const windows = windowsOf(node, kernel, context.dims(x).slice(2), context.dims(y).slice(2));
  const dx = () =>
    turnedGradient(context, dy, windows) ??
    context.op('ConvTranspose', [dy, w], { ...convTransposeAttributes(windows), group });
  const [large, small] = [
    { value: x, dims: context.dims(x) },
    { value: dy, dims: context.dims(y) },
  ];
  return [
    context.wants(0) ? dx() : null,
    context.wants(1) ? weightGradient(context, { large, small, windows, groups: group }) : null,
    context.wants(2) ? biasGradient(context, dy) : null,
  ];
});

/** The transpose of a convolution: dx is the convolution of dy with the same weights, and dy takes the part of the input in dw. */
export const convTranspose = rule((context, dy) => {
  const { node } = context;
  const [x, w] = node.input as [string, string];
  const y = node.output[0] as string;
  const group = intAttribute(node, 'group', 1);
  const kernel = context.dims(w).slice(2);
  const windows = transposedWindowsOf(node, kernel, context.dims(x).slice(2), context.dims(y).slice(2));
  const dx = () => context.op('Conv', [dy, w], { ...convAttributes(windows), group });
  const [large, small] = [
    { value: dy, dims: context.dims(y) },
    { value: x, dims: context.dims(x) },
  ];
  return [
    context.wants(0) ? dx() : null,
    context.wants(1) ? weightGradient(context, { large, small, windows, groups: group }) : null,
    context.wants(2) ? biasGradient(context, dy) : null,
  ];
});
