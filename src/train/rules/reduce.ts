import { intAttribute, intsAttribute } from '../../onnx/attributes.js';
import { constantInput, elements, type RuleContext, reshaped, rule } from '../rule.js';
import { stepFromZero } from './masks.js';

/** The axes that are reduced, counted from the front. An input since opset 13 (ReduceSum) and 18 (the others), an attribute before. */
function reducedAxes(context: RuleContext): number[] {
  const { node } = context;
  const rank = context.dims(node.input[0] as string).length;
  const given = constantInput(context, 1, 'axes') ?? intsAttribute(node, 'axes') ?? [];
  if (given.length === 0) return intAttribute(node, 'noop_with_empty_axes', 0) === 1 ? [] : [...Array(rank).keys()];
  return given.map(axis => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
}

/** A value in the shape of the output, with the reduced axes as axes of length 1. */
function withAxes(context: RuleContext, value: string, axes: readonly number[]): string {
  const dims = context.dims(context.node.input[0] as string);
  const kept = dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return reshaped(context, value, context.dims(context.node.output[0] as string), kept);
}

/** Repeats the gradient along the last axes as a product with a row, half the time of Expand (measured); Expand for others. */
export function spread(context: RuleContext, dy: string, axes: readonly number[], factor: number): string {
  const [input, output] = [context.node.input[0] as string, context.node.output[0] as string];
  const dims = context.dims(input);
  const from = dims.length - axes.length;
  if (axes.length > 0 && axes.every((axis, at) => axis === from + at)) {
    const rows = elements(dims.slice(0, from));
    const columns = elements(dims.slice(from));
    const column = reshaped(context, dy, context.dims(output), [rows, 1]);
    const matrix = context.op('Gemm', [column, context.filled([1, columns], factor)]);
    return reshaped(context, matrix, [rows, columns], dims);
  }
  const scaled = factor === 1 ? dy : context.op('Mul', [dy, context.scalar(factor)]);
  return context.op('Expand', [withAxes(context, scaled, axes), context.ints(dims)]);
}

export const reduceSum = rule((context, dy) => [spread(context, dy, reducedAxes(context), 1)]);

export const reduceMean = rule((context, dy) => {
  const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
  return [spread(context, dy, reducedAxes(context), elements(context.dims(y)) / elements(context.dims(x)))];
});

/** A rule for y = f(x) over axes where dx = dy ∂y/∂x and `derivative` writes that from x and y (and dy), axes kept. */
const over = (derivative: (context: RuleContext, x: string, y: string, dy: string) => string) =>
  rule((context, dy) => {
    const axes = reducedAxes(context);
    const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
    return [derivative(context, x, withAxes(context, y, axes), withAxes(context, dy, axes))];
  });

export const reduceSumSquare = over((context, x, _, dy) =>
  context.op('Mul', [x, context.op('Mul', [dy, context.scalar(2)])]),
);
export const reduceL1 = over((context, x, _, dy) => context.op('Mul', [context.op('Sign', [x]), dy]));
export const reduceL2 = over((context, x, y, dy) => context.op('Mul', [x, context.op('Div', [dy, y])]));
export const reduceLogSumExp = over((context, x, y, dy) =>
  context.op('Mul', [context.op('Exp', [context.op('Sub', [x, y])]), dy]),
);

/** y = log Σ x: dx = dy exp(-y). */
export const reduceLogSum = rule((context, dy) => {
  const share = context.op('Div', [dy, context.op('Exp', [context.node.output[0] as string])]);
  return [spread(context, share, reducedAxes(context), 1)];
});

/** Every element is in the sums from its own on: dx is the running sum of dy from the other end. */
export const cumSum = rule((context, dy) => {
  const { node } = context;
  const reverse = 1 - intAttribute(node, 'reverse', 0);
  return [
    context.op('CumSum', [dy, node.input[1] as string], { reverse, exclusive: intAttribute(node, 'exclusive', 0) }),
  ];
});

/** The gradient goes to the largest (smallest) elements, in equal shares where there are several. */
export function toExtremes(
  context: RuleContext,
  dy: string,
  difference: readonly [string, string],
  axes: readonly number[],
): string {
  const attained = stepFromZero(context, context.op('Sub', difference));
  const count = context.op('ReduceSum', [attained, context.ints(axes)], { keepdims: 1 });
  return context.op('Mul', [attained, context.op('Div', [dy, count])]);
}

export const reduceMax = rule((context, dy) => {
  const axes = reducedAxes(context);
  const [x, y] = [context.node.input[0] as string, withAxes(context, context.node.output[0] as string, axes)];
  return [toExtremes(context, withAxes(context, dy, axes), [x, y], axes)];
});

export const reduceMin = rule((context, dy) => {
  const axes = reducedAxes(context);
  const [x, y] = [context.node.input[0] as string, withAxes(context, context.node.output[0] as string, axes)];
  return [toExtremes(context, withAxes(context, dy, axes), [y, x], axes)];
});
