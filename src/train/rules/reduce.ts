import { intAttribute, intsAttribute } from '../../onnx/attributes.js';
import { type RuleContext, rule } from '../rule.js';

/** The gradient of a reduction, with the reduced axes back as axes of length 1. */
function withAxes(context: RuleContext, value: string): string {
  const { node } = context;
  const dims = context.dims(node.input[0] as string);
  if (intAttribute(node, 'keepdims', 1) === 1) return value;
  const given = context.constant(1) ?? intsAttribute(node, 'axes') ?? [...dims.keys()];
  const axes = new Set(given.map(axis => (axis < 0 ? axis + dims.length : axis)));
  return context.op('Reshape', [value, context.ints(dims.map((dim, axis) => (axes.has(axis) ? 1 : dim)))]);
}

const elements = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function spread(context: RuleContext, dy: string): string {
  const dims = context.dims(context.node.input[0] as string);
  return context.op('Expand', [withAxes(context, dy), context.ints(dims)]);
}

export const reduceSum = rule((context, dy) => [spread(context, dy)]);

export const reduceMean = rule((context, dy) => {
  const [x, y] = [context.node.input[0] as string, context.node.output[0] as string];
  const share = elements(context.dims(y)) / elements(context.dims(x));
  return [spread(context, context.op('Mul', [dy, context.scalar(share)]))];
});
