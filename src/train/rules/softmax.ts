import { intAttribute } from '../../onnx/attributes.js';
import { type RuleContext, rule } from '../rule.js';

/** Σ along the node's axis, kept as an axis of length 1. */
const sumAlong = (context: RuleContext, value: string): string =>
  context.op('ReduceSum', [value, context.ints([intAttribute(context.node, 'axis', -1)])], { keepdims: 1 });

/** y = log softmax(x): dx = dy - softmax(x) Σ dy. */
export const logSoftmax = rule((context, dy) => {
  const y = context.node.output[0] as string;
  const share = context.op('Mul', [context.op('Exp', [y]), sumAlong(context, dy)]);
  return [context.op('Sub', [dy, share])];
});

/** y = softmax(x): dx = y (dy - Σ y dy). */
export const softmax = rule((context, dy) => {
  const y = context.node.output[0] as string;
  const mean = sumAlong(context, context.op('Mul', [y, dy]));
  return [context.op('Mul', [y, context.op('Sub', [dy, mean])])];
});
