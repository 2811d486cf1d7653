import { elements, type RuleContext, rule, sumTo } from '../rule.js';
import { stepFromZero } from './masks.js';

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

/** b aᵇ⁻¹, in one pass for squares; aᵇ log a for the exponent. */
export const pow = binary(
  (context, dz, a, b) => {
    const exponents = context.constant(1);
    const [only] = exponents ?? [];
    const less =
      exponents?.length === 1 && only === 2 ? a : context.op('Pow', [a, context.op('Sub', [b, context.scalar(1)])]);
    return context.op('Mul', [dz, context.op('Mul', [less, b])]);
  },
  (context, dz, a, _, z) => context.op('Mul', [dz, context.op('Mul', [z, context.op('Log', [a])])]),
);

/** The gradient goes to the largest (smallest) input; where several are, to the last of them, so that max(x, 0) has slope 0 at 0. */
const extreme = (difference: (x: string, z: string) => [string, string]) =>
  rule((context, dz) => {
    const { node } = context;
    const z = node.output[0] as string;
    const gradients: (string | null)[] = [];
    let rest = dz;
    for (let index = node.input.length - 1; index >= 0; index--) {
      const input = node.input[index] as string;
      const attained = () => stepFromZero(context, context.op('Sub', difference(input, z)));
      const share: string = index === 0 ? rest : context.op('Mul', [rest, attained()]);
      gradients[index] = context.wants(index) ? sumTo(context, share, context.dims(z), context.dims(input)) : null;
      if (!node.input.some((_, before) => before < index && context.wants(before))) break;
      rest = context.op('Sub', [rest, share]);
    }
    return gradients;
  });

export const max = extreme((x, z) => [x, z]);
export const min = extreme((x, z) => [z, x]);

/** Each of any number of addends gets the gradient, or its share of it. */
const addends = (share: (count: number) => number) =>
  rule((context, dz) => {
    const { node } = context;
    const z = node.output[0] as string;
    const part = share(node.input.length);
    const scaled = part === 1 ? dz : context.op('Mul', [dz, context.scalar(part)]);
    return node.input.map((input, index) =>
      context.wants(index) ? sumTo(context, scaled, context.dims(z), context.dims(input)) : null,
    );
  });

export const sum = addends(() => 1);
export const mean = addends(count => 1 / count);

/** z is a where the condition holds, b elsewhere. */
export const where = rule((context, dz) => {
  const { node } = context;
  const [condition, a, b] = node.input as [string, string, string];
  const z = node.output[0] as string;
  const chosen = (index: number, choices: readonly [string, string]) => {
    if (!context.wants(index)) return null;
    const part = context.op('Where', [condition, ...choices]);
    return sumTo(context, part, context.dims(z), context.dims(index === 1 ? a : b));
  };
  const zero = context.scalar(0);
  return [null, chosen(1, [dz, zero]), chosen(2, [zero, dz])];
});

/** A copy for each repetition: the sum over them. */
export const expand = rule((context, dz) => {
  const [input] = context.node.input as [string];
  const [from, to] = [context.dims(context.node.output[0] as string), context.dims(input)];
  return [
    elements(from) === elements(to) ? context.op('Reshape', [dz, context.ints(to)]) : sumTo(context, dz, from, to),
  ];
});
