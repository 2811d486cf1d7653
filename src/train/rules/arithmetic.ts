import { Failure } from '../../failure.js';
import { type RuleContext, rule, sumTo } from '../rule.js';
import { step } from './elementwise.js';

/** A rule for z = f(a, b) with broadcasting; `partials` write dz ∂f/∂a and dz ∂f/∂b in the shape of z. */
const binary = (...partials: ((context: RuleContext, dz: string, a: string, b: string, z: string) => string)[]) =>
  rule((context, dz) => {
    const { node } = context;
    const [a, b] = node.input as [string, string];
    const z = node.output[0] as string;
    return partials.map((partial, index) => {
      const input = node.input[index] as string;
      if (!context.wants(index)) return null;
      return sumTo(context, partial(context, dz, a, b, z), context.dims(z), context.dims(input));
    });
  });

const same = (_: RuleContext, dz: string) => dz;

export const add = binary(same, same);
export const sub = binary(same, (context, dz) => context.op('Neg', [dz]));
export const mul = binary(
  (context, dz, _, b) => context.op('Mul', [dz, b]),
  (context, dz, a) => context.op('Mul', [dz, a]),
);
export const div = binary(
  (context, dz, _, b) => context.op('Div', [dz, b]),
  (context, dz, _, b, z) => context.op('Neg', [context.op('Div', [context.op('Mul', [dz, z]), b])]),
);
export const pow = binary(
  (context, dz, a, b) => {
    const less = context.op('Pow', [a, context.op('Sub', [b, context.scalar(1)])]);
    return context.op('Mul', [dz, context.op('Mul', [less, b])]);
  },
  (context, dz, a, _, z) => context.op('Mul', [dz, context.op('Mul', [z, context.op('Log', [a])])]),
);

/** The gradient goes to the larger of two inputs, where they are equal to the second. */
const extreme = (larger: 0 | 1) =>
  rule((context, dz) => {
    const { node } = context;
    const z = node.output[0] as string;
    if (node.input.length === 1) return [dz];
    if (node.input.length > 2)
      throw new Failure(
        'input',
        `${node.opType} must have at most two inputs to be differentiated, got ${node.input.length}`,
      );
    const [a, b] = node.input as [string, string];
    const first = step(context, context.op('Sub', larger === 0 ? [a, b] : [b, a]));
    const toFirst = context.op('Mul', [dz, first]);
    const gradients = [() => toFirst, () => context.op('Sub', [dz, toFirst])];
    return gradients.map((gradient, index) =>
      context.wants(index)
        ? sumTo(context, gradient(), context.dims(z), context.dims(node.input[index] as string))
        : null,
    );
  });

export const max = extreme(0);
export const min = extreme(1);

/** Each of any number of addends gets the gradient. */
export const sum = rule((context, dz) => {
  const z = context.node.output[0] as string;
  return context.node.input.map((input, index) =>
    context.wants(index) ? sumTo(context, dz, context.dims(z), context.dims(input)) : null,
  );
});
