import { finite } from '../rectifiers/parameters.js';
import type { Writer } from './writer.js';

/**
 * How a gradient moves a parameter. `sgd` with momentum μ: v ← μ v + g, p ← p - ε v; Nesterov: p ← p - ε (g + μ v) (Sutskever et al. 2013, as PyTorch
 * does it). `adam` (Kingma & Ba 2015), and `adamw`, whose weight decay acts on the parameter itself (Loshchilov & Hutter 2019).
 */
export type Optimizer =
  | { readonly kind: 'sgd'; readonly momentum?: number; readonly nesterov?: boolean }
  | { readonly kind: 'adam' | 'adamw'; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number };

const share = (name: string, value: number): number => {
  if (!(finite('train', `optimizer.${name}`, value) >= 0 && value < 1))
    throw new RangeError(`train: optimizer.${name} must be from 0 up to but not including 1, got ${value}`);
  return value;
};

/** The optimizer with its defaults. Throws a RangeError for parameters it cannot have. */
export function checkOptimizer(optimizer: Optimizer) {
  if (optimizer.kind === 'sgd') {
    const momentum = share('momentum', optimizer.momentum ?? 0);
    if (optimizer.nesterov && momentum === 0)
      throw new RangeError('train: optimizer.momentum must be above 0 for nesterov, got 0');
    return { kind: 'sgd', momentum, nesterov: optimizer.nesterov ?? false } as const;
  }
  if (optimizer.kind !== 'adam' && optimizer.kind !== 'adamw')
    throw new RangeError(
      `train: optimizer.kind must be 'sgd', 'adam' or 'adamw', got '${(optimizer as { kind: unknown }).kind}'`,
    );
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer;
  if (!(finite('train', 'optimizer.epsilon', epsilon) > 0))
    throw new RangeError(`train: optimizer.epsilon must be above 0, got ${epsilon}`);
  return { kind: optimizer.kind, beta1: share('beta1', beta1), beta2: share('beta2', beta2), epsilon } as const;
}

export type CheckedOptimizer = ReturnType<typeof checkOptimizer>;

/** Names of the tensors that the optimizer keeps for each parameter, all of its dimensions and 0 at first. */
export const stateNames = (optimizer: CheckedOptimizer): readonly string[] =>
  optimizer.kind !== 'sgd' ? ['mean', 'square'] : optimizer.momentum > 0 ? ['velocity'] : [];

/** The names of the scalars that change from step to step and go into the graph. */
export const rateNames = ['rate', 'decay', 'correction'] as const;

/**
 * The scalars of step `t` (from 1) at a learning rate: `rate` multiplies the update, `decay` the parameter (AdamW), `correction` the root of
 * Adam's second moment.
 */
export function ratesAt(
  optimizer: CheckedOptimizer,
  learningRate: number,
  t: number,
): Record<(typeof rateNames)[number], number> {
  if (optimizer.kind === 'sgd') return { rate: learningRate, decay: learningRate, correction: 1 };
  const { beta1, beta2 } = optimizer;
  return { rate: learningRate / (1 - beta1 ** t), decay: learningRate, correction: 1 / Math.sqrt(1 - beta2 ** t) };
}

/** What an update works on: names of values in the graph, and how strongly this parameter's group moves and decays. */
export interface UpdateParts {
  readonly parameter: string;
  readonly gradient: string;
  readonly state: readonly string[];
  readonly rates: Readonly<Record<(typeof rateNames)[number], string>>;
  /** What the learning rate is multiplied by. */
  readonly factor: number;
  readonly weightDecay: number;
}

/** The moved parameter and its new state. */
export interface Update {
  readonly parameter: string;
  readonly state: readonly string[];
}

const times = (writer: Writer, value: string, factor: number): string =>
  factor === 1 ? value : writer.op('Mul', [value, writer.scalar(factor)]);

/** μ old + (rest) new. */
const blend = (writer: Writer, old: string, share: number, value: string, rest: number): string =>
  writer.op('Add', [times(writer, old, share), times(writer, value, rest)]);

function sgd(
  writer: Writer,
  { momentum, nesterov }: CheckedOptimizer & { kind: 'sgd' },
  parts: UpdateParts,
  gradient: string,
): Update {
  const { parameter, state, rates, factor } = parts;
  const velocity = momentum > 0 ? blend(writer, state[0] as string, momentum, gradient, 1) : null;
  const direction = velocity === null ? gradient : nesterov ? blend(writer, velocity, momentum, gradient, 1) : velocity;
  const moved = writer.op('Mul', [direction, times(writer, rates.rate, factor)]);
  return { parameter: writer.op('Sub', [parameter, moved]), state: velocity === null ? [] : [velocity] };
}

function adam(
  writer: Writer,
  { kind, beta1, beta2, epsilon }: CheckedOptimizer & { kind: 'adam' | 'adamw' },
  parts: UpdateParts,
  gradient: string,
): Update {
  const { parameter, state, rates, factor, weightDecay } = parts;
  const mean = blend(writer, state[0] as string, beta1, gradient, 1 - beta1);
  const square = blend(writer, state[1] as string, beta2, writer.op('Mul', [gradient, gradient]), 1 - beta2);
  const root = writer.op('Mul', [writer.op('Sqrt', [square]), rates.correction]);
  const direction = writer.op('Div', [mean, writer.op('Add', [root, writer.scalar(epsilon)])]);
  const moved = writer.op('Mul', [direction, times(writer, rates.rate, factor)]);
  const decayed =
    kind === 'adamw' && weightDecay > 0
      ? writer.op('Sub', [parameter, writer.op('Mul', [parameter, times(writer, rates.decay, factor * weightDecay)])])
      : parameter;
  return { parameter: writer.op('Sub', [decayed, moved]), state: [mean, square] };
}

/** Writes one parameter's update. Weight decay λ adds λ p to the gradient, except for AdamW, which shrinks the parameter itself. */
export function update(writer: Writer, optimizer: CheckedOptimizer, parts: UpdateParts): Update {
  const { parameter, gradient, weightDecay } = parts;
  const decays = weightDecay > 0 && optimizer.kind !== 'adamw';
  const whole = decays ? writer.op('Add', [gradient, times(writer, parameter, weightDecay)]) : gradient;
  return optimizer.kind === 'sgd' ? sgd(writer, optimizer, parts, whole) : adam(writer, optimizer, parts, whole);
}
