import { Failure } from '../../failure.js';
import { intAttribute, stringAttribute } from '../../onnx/attributes.js';
import { type RuleContext, rule } from '../rule.js';
import { zeros } from './shape.js';

const axisOf = (context: RuleContext) => intAttribute(context.node, 'axis', 0);

/** Every element gets the sum of the gradients of its copies. */
export const gather = rule((context, dy) => {
  const [data, indices] = context.node.input as [string, string];
  const dims = context.dims(data);
  const count = context.dims(indices).length;
  const axis = axisOf(context) < 0 ? axisOf(context) + dims.length : axisOf(context);
  const perm = [...Array(dims.length - 1 + count).keys()];
  const indexed = perm.slice(axis, axis + count);
  const front = [...indexed, ...perm.filter(item => !indexed.includes(item))];
  const rows = axis === 0 ? dy : context.op('Transpose', [dy], { perm: front });
  const turned = [dims[axis] as number, ...dims.filter((_, at) => at !== axis)];
  const empty = context.op('ConstantOfShape', [context.ints(turned)]);
  const tuples = context.op('Unsqueeze', [indices, context.ints([count])]);
  const summed = context.op('ScatterND', [empty, tuples, rows], { reduction: 'add' });
  if (axis === 0) return [summed];
  const order = dims.map((_, at) => (at === axis ? 0 : at < axis ? at + 1 : at));
  return [context.op('Transpose', [summed], { perm: order })];
});

export const gatherElements = rule((context, dy) => {
  const [data, indices] = context.node.input as [string, string];
  return [
    context.op('ScatterElements', [zeros(context, data), indices, dy], { axis: axisOf(context), reduction: 'add' }),
  ];
});

export const gatherND = rule((context, dy) => {
  const [data, indices] = context.node.input as [string, string];
  if (intAttribute(context.node, 'batch_dims', 0) !== 0)
    throw new Failure('input', 'batch_dims must be 0 to be differentiated, got others');
  return [context.op('ScatterND', [zeros(context, data), indices, dy], { reduction: 'add' })];
});

/** What is scattered is read back from the gradient. Only sums have a rule. */
const scattered = (read: (context: RuleContext, dy: string, indices: string) => string) =>
  rule((context, dy) => {
    const reduction = stringAttribute(context.node, 'reduction', 'none');
    if (reduction !== 'add')
      throw new Failure('input', `its reduction must be add to be differentiated, got ${reduction}`);
    return [dy, null, context.wants(2) ? read(context, dy, context.node.input[1] as string) : null];
  });

export const scatterElements = scattered((context, dy, indices) =>
  context.op('GatherElements', [dy, indices], { axis: axisOf(context) }),
);
export const scatterND = scattered((context, dy, indices) => context.op('GatherND', [dy, indices]));
