import { intAttribute } from '../../onnx/attributes.js';
import { elements, type RuleContext, rule } from '../rule.js';
import {
  convAttributes,
  convTransposeAttributes,
  transposedWindowsOf,
  views,
  type Windows,
  windowsOf,
} from './windows.js';

/** A value and its dimensions [N, C, …]. */
interface Tensor {
  readonly value: string;
  readonly dims: readonly number[];
}

/** From so many channels in a group on, one product per position of the kernel beats one product for all (measured). */
const manyChannels = 8;

/**
 * The gradient of a convolution's weights, [outputs, inputs / groups, …kernel]: for each position of the kernel the product of `small` with what the
 * windows of `large` see there, summed over windows and samples. The factor that is turned is the one that takes less time (measured).
 */
function weightGradient(context: RuleContext, large: Tensor, small: Tensor, windows: Windows, groups: number): string {
  const [samples, inputs] = large.dims as [number, number];
  const outputs = small.dims[1] as number;
  const [cg, og] = [inputs / groups, outputs / groups];
  const counts = small.dims.slice(2);
  const seen = views(context, large.value, windows, counts);
  const positions = seen.length;
  const spatial = elements(counts);
  const settled = (value: string) => context.op('Reshape', [value, context.ints([outputs, cg, ...windows.kernel])]);
  const side = (parts: readonly string[], axis: number) =>
    parts.length === 1 ? (parts[0] as string) : context.op('Concat', parts, { axis });
  if (cg === 1 && og === 1) {
    const axes = context.ints([0, ...counts.map((_, axis) => axis + 2)]);
    const sums = seen.map(view => {
      const sum = context.op('ReduceSum', [context.op('Mul', [view, small.value]), axes], { keepdims: 0 });
      return context.op('Reshape', [sum, context.ints([groups, 1])]);
    });
    return settled(side(sums, 1));
  }
  const rowsOf = (value: string, channels: number) =>
    context.op('Reshape', [value, context.ints([samples, groups, channels, spatial])]);
  const product = (a: string, b: string) => {
    const turned = context.op('Transpose', [b], { perm: [0, 1, 3, 2] });
    return context.op('ReduceSum', [context.op('MatMul', [a, turned]), context.ints([0])], { keepdims: 0 });
  };
  const folded = (value: string, dims: readonly number[], perm: readonly number[]) =>
    settled(context.op('Transpose', [context.op('Reshape', [value, context.ints(dims)])], { perm }));
  const given = rowsOf(small.value, og);
  const unfolded = seen.map(view => rowsOf(view, cg));
  if (cg < manyChannels) return folded(product(side(unfolded, 2), given), [groups, positions, cg, og], [0, 3, 2, 1]);
  const each = unfolded.map(view => product(given, view));
  return folded(side(each, 0), [positions, groups, og, cg], [1, 2, 3, 0]);
}

const biasGradient = (context: RuleContext, dy: string) => {
  const rank = context.dims(context.node.output[0] as string).length;
  const axes = [...Array(rank).keys()].filter(axis => axis !== 1);
  return context.op('ReduceSum', [dy, context.ints(axes)], { keepdims: 0 });
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
    context.wants(1) ? weightGradient(context, large, small, windows, group) : null,
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
    context.wants(1) ? weightGradient(context, large, small, windows, group) : null,
    context.wants(2) ? biasGradient(context, dy) : null,
  ];
});
