import { floatAttribute, stringAttribute } from '../../onnx/attributes.js';
import { type RuleContext, rule } from '../rule.js';
import { steepest, step } from './masks.js';

/** A rule for y = f(x) where dx = dy f'(x) and `derivative` writes f'(x). */
export const unary = (derivative: (context: RuleContext, x: string, y: string) => string) =>
  rule((context, dy) => {
    const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
    return [context.op('Mul', [dy, derivative(context, x, y)])];
  });

const times = (context: RuleContext, value: string, factor: number): string =>
  factor === 1 ? value : context.op('Mul', [value, context.scalar(factor)]);
const plus = (context: RuleContext, value: string, term: number): string =>
  term === 0 ? value : context.op('Add', [value, context.scalar(term)]);
const oneMinus = (context: RuleContext, value: string): string => context.op('Sub', [context.scalar(1), value]);

export const identity = rule((_, dy) => [dy]);
export const neg = rule((context, dy) => [context.op('Neg', [dy])]);
/** To the type that the input has; a Cast to integers or truth values stops the gradient. */
export const cast = rule((context, dy) => [context.op('CastLike', [dy, context.node.input[0] as string])]);
export const exp = unary((_, __, y) => y);
export const sigmoid = unary((context, _, y) => context.op('Mul', [y, oneMinus(context, y)]));
export const tanh = unary((context, _, y) => oneMinus(context, context.op('Mul', [y, y])));
export const log = rule((context, dy) => [context.op('Div', [dy, context.node.input[0] as string])]);
export const sqrt = rule((context, dy) => {
  const half = context.op('Mul', [dy, context.scalar(0.5)]);
  return [context.op('Div', [half, context.node.output[0] as string])];
});
export const reciprocal = unary((context, _, y) => context.op('Neg', [context.op('Mul', [y, y])]));
export const sin = unary((context, x) => context.op('Cos', [x]));
export const cos = unary((context, x) => context.op('Neg', [context.op('Sin', [x])]));
export const abs = unary((context, x) => context.op('Sign', [x]));
export const softplus = unary((context, x) => context.op('Sigmoid', [x]));
/** 1 / (1 + |x|)² = (1 - |y|)². */
export const softsign = unary((context, _, y) => {
  const rest = oneMinus(context, context.op('Abs', [y]));
  return context.op('Mul', [rest, rest]);
});

/** 2/√π exp(-x²). */
const bell = (context: RuleContext, x: string): string =>
  times(context, context.op('Exp', [context.op('Neg', [context.op('Mul', [x, x])])]), 2 / Math.sqrt(Math.PI));
export const erf = unary(bell);

/** Φ(x) + x φ(x), or the derivative of the approximation by tanh u, u = √(2/π) (x + 0.044715 x³). */
export const gelu = unary((context, x) => {
  if (stringAttribute(context.node, 'approximate', 'none') === 'tanh') {
    const scale = Math.sqrt(2 / Math.PI);
    const square = context.op('Mul', [x, x]);
    const inner = context.op('Mul', [x, plus(context, times(context, square, scale * 0.044715), scale)]);
    const t = context.op('Tanh', [inner]);
    const slope = plus(context, times(context, square, scale * 3 * 0.044715), scale);
    const bent = context.op('Mul', [x, context.op('Mul', [oneMinus(context, context.op('Mul', [t, t])), slope])]);
    return times(context, plus(context, context.op('Add', [t, bent]), 1), 0.5);
  }
  const scaled = times(context, x, Math.SQRT1_2);
  const cumulative = times(context, plus(context, context.op('Erf', [scaled]), 1), 0.5);
  const density = times(context, bell(context, scaled), Math.SQRT1_2 / 2);
  return context.op('Add', [cumulative, context.op('Mul', [x, density])]);
});

/** y = x t with t = tanh(softplus x): t + x (1 - t²) σ(x). */
export const mish = unary((context, x) => {
  const t = context.op('Tanh', [context.op('Softplus', [x])]);
  const bent = context.op('Mul', [oneMinus(context, context.op('Mul', [t, t])), context.op('Sigmoid', [x])]);
  return context.op('Add', [t, context.op('Mul', [x, bent])]);
});

/** α where y lies strictly between 0 and 1. The steepest one is a step, through which nothing flows. */
export const hardSigmoid = rule((context, dy) => {
  const alpha = floatAttribute(context.node, 'alpha', 0.2);
  if (Math.abs(alpha) >= steepest / 2) return [];
  const y = context.node.output[0] as string;
  return [context.op('Mul', [dy, times(context, interior(context, y), alpha)])];
});

/** 1 where 0 < y < 1, for y from 0 to 1. */
const interior = (context: RuleContext, y: string): string =>
  step(context, context.op('Mul', [y, oneMinus(context, y)]));

/** y = x h with h = max(0, min(1, x/6 + 1/2)): h + x/6 where h is not at its bounds. */
export const hardSwish = unary((context, x) => {
  const clipped = context.op('Clip', [
    plus(context, times(context, x, 1 / 6), 0.5),
    context.scalar(0),
    context.scalar(1),
  ]);
  const bent = context.op('Mul', [times(context, x, 1 / 6), interior(context, clipped)]);
  return context.op('Add', [clipped, bent]);
});
