import { finite, positive, whole } from '../rectifiers/parameters.js';

/**
 * How the learning rate changes with the steps. `constant`; `step`: times `factor` after every `every` steps; `cosine`: half a cosine down to
 * `last` times the rate at the last step (Loshchilov & Hutter 2017, without restarts); `linear`: a line to the same. `warmup` steps rise
 * linearly before.
 */
export type Schedule = { readonly warmup?: number } & (
  | { readonly kind: 'constant' }
  | { readonly kind: 'step'; readonly every: number; readonly factor: number }
  | { readonly kind: 'cosine'; readonly last?: number }
  | { readonly kind: 'linear'; readonly last?: number }
);

const unknownKind = ({ kind }: { readonly kind: unknown }) =>
  new RangeError(`train: schedule.kind must be 'constant', 'step', 'cosine' or 'linear', got '${kind}'`);

/** Whether the number of all steps decides the rate of each. */
export const spansSteps = ({ kind }: Schedule): boolean => kind === 'cosine' || kind === 'linear';

/** The schedule, once it is one for a training of so many steps. Throws a RangeError otherwise. */
export function checkSchedule(schedule: Schedule, steps: number): Schedule {
  const { kind, warmup = 0 } = schedule;
  if (whole('train', 'schedule.warmup', warmup, 0) > steps)
    throw new RangeError(`train: schedule.warmup must be at most ${steps} (the steps), got ${warmup}`);
  if (kind === 'step') {
    whole('train', 'schedule.every', schedule.every, 1);
    positive('train', 'schedule.factor', schedule.factor);
  } else if (kind === 'cosine' || kind === 'linear') {
    if (finite('train', 'schedule.last', schedule.last ?? 0) < 0)
      throw new RangeError(`train: schedule.last must be at least 0, got ${schedule.last}`);
  } else if (kind !== 'constant') throw unknownKind(schedule);
  return schedule;
}

/**
 * What the learning rate is multiplied by at a step (from 0) of `steps`. Throws a RangeError for a schedule that is none.
 *
 * @example
 * import { rateAt } from 'reluminate/train';
 * rateAt({ kind: 'cosine' }, 50, 101).toFixed(3); // => "0.500"
 * rateAt({ kind: 'constant', warmup: 4 }, 0, 100); // => 0.25
 */
export function rateAt(schedule: Schedule, step: number, steps: number): number {
  const { warmup = 0 } = schedule;
  if (step < warmup) return (step + 1) / warmup;
  const share = Math.min(1, (step - warmup) / Math.max(1, steps - 1 - warmup));
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'step':
      return schedule.factor ** Math.floor((step - warmup) / schedule.every);
    case 'cosine': {
      const { last = 0 } = schedule;
      return last + ((1 - last) * (1 + Math.cos(Math.PI * share))) / 2;
    }
    case 'linear': {
      const { last = 0 } = schedule;
      return 1 + (last - 1) * share;
    }
    default:
      throw unknownKind(schedule);
  }
}
