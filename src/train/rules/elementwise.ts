import { floatAttribute } from '../../onnx/attributes.js';
import { float } from '../../onnx/build.js';
import { type RuleContext, rule, sumTo } from '../rule.js';
import type { Writer } from '../writer.js';

/**
 * 1 where x > 0, 0 elsewhere: HardSigmoid with the steepest slope there is. One pass without branches, several times faster than Where,
 * Cast(Greater) or Sign (measured). Below 3e-39, which is subnormal, a value counts in part.
 */
export const step = (writer: Writer, x: string): string =>
  writer.op('HardSigmoid', [x], { alpha: float(3.4e38), beta: float(0) });

/** A rule for y = f(x) where dx = dy f'(x) and `derivative` writes f'(x). */
const unary = (derivative: (context: RuleContext, x: string, y: string) => string) =>
  rule((context, dy) => {
    const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
    return [context.op('Mul', [dy, derivative(context, x, y)])];
  });

/** slope + (1 - slope) step(x): the derivative of a rectifier with this slope below 0. */
function sided(context: RuleContext, x: string, slope: string, rest: string): string {
  const passed = context.op('Mul', [step(context, x), rest]);
  return context.op('Add', [passed, slope]);
}

export const identity = rule((_, dy) => [dy]);
export const neg = rule((context, dy) => [context.op('Neg', [dy])]);
export const relu = unary((context, _, y) => step(context, y));
export const exp = unary((_, __, y) => y);
export const sigmoid = unary((context, _, y) => {
  const rest = context.op('Sub', [context.scalar(1), y]);
  return context.op('Mul', [y, rest]);
});
export const tanh = unary((context, _, y) => context.op('Sub', [context.scalar(1), context.op('Mul', [y, y])]));
export const log = rule((context, dy) => [context.op('Div', [dy, context.node.input[0] as string])]);
export const sqrt = rule((context, dy) => {
  const half = context.op('Mul', [dy, context.scalar(0.5)]);
  return [context.op('Div', [half, context.node.output[0] as string])];
});
export const abs = unary((context, x) => context.op('Sign', [x]));
export const softplus = unary((context, x) => context.op('Sigmoid', [x]));

export const leakyRelu = unary((context, x) => {
  const alpha = floatAttribute(context.node, 'alpha', 0.01);
  return sided(context, x, context.scalar(alpha), context.scalar(1 - alpha));
});

/** α eˣ = y + α below 0, 1 above. */
export const elu = unary((context, x, y) => {
  const alpha = floatAttribute(context.node, 'alpha', 1);
  const below = context.op('Add', [context.op('Min', [y, context.scalar(0)]), context.scalar(alpha)]);
  const above = context.op('Mul', [step(context, x), context.op('Sub', [context.scalar(1), below])]);
  return context.op('Add', [below, above]);
});

/** 1 strictly between the bounds, 0 elsewhere. Bounds are attributes up to opset 10, inputs since. */
export const clip = unary((context, x) => {
  const { node } = context;
  const bound = (index: number, name: string, none: number) => {
    const given = node.input[index];
    if (given) return given;
    const attribute = floatAttribute(node, name, none);
    return Number.isFinite(attribute) && Math.abs(attribute) < 3.4e38 ? context.scalar(attribute) : null;
  };
  const [low, high] = [bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY)];
  const sides = [
    ...(low === null ? [] : [step(context, context.op('Sub', [x, low]))]),
    ...(high === null ? [] : [step(context, context.op('Sub', [high, x]))]),
  ];
  if (sides.length === 0) return context.scalar(1);
  return sides.length === 1 ? (sides[0] as string) : context.op('Mul', sides);
});

/** dx = dy (a + (1 - a) step(x)), da = Σ dy min(x, 0) over what shares a. */
export const prelu = rule((context, dy) => {
  const [x, slope] = context.node.input as [string, string];
  const dx = () => context.op('Mul', [dy, sided(context, x, slope, context.op('Sub', [context.scalar(1), slope]))]);
  const dslope = () => {
    const terms = context.op('Mul', [dy, context.op('Min', [x, context.scalar(0)])]);
    return sumTo(context, terms, context.dims(x), context.dims(slope));
  };
  return [context.wants(0) ? dx() : null, context.wants(1) ? dslope() : null];
});
