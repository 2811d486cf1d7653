import { InvalidArgumentError } from 'commander';
import type { SlopeConstraint } from '../rectifiers/slope-constraint.js';
import type { Schedule } from '../train/schedule.js';
import { parseNumbers } from './options.js';

const two = (text: string): [number, number] => {
  const numbers = parseNumbers(text);
  if (numbers.length !== 2) throw new InvalidArgumentError(`It must be two numbers such as 0,1, got '${text}'.`);
  return numbers as [number, number];
};

/** What holds the slopes, as a flag's value: `0,1` (clamped to it after each step), `softplus`, or `sigmoid:0,1`. */
export function parseConstraint(text: string): SlopeConstraint {
  if (text === 'none' || text === 'softplus') return { kind: text };
  const [kind, numbers] = text.startsWith('sigmoid:')
    ? (['sigmoid', text.slice(8)] as const)
    : (['projection', text] as const);
  const [lower, upper] = two(numbers);
  return { kind, lower, upper };
}

/** A schedule as a flag's value: `constant`, `cosine`, `linear`, or `step:30,0.1` (every 30 steps times 0.1). */
export function parseSchedule(text: string): Schedule {
  if (text === 'constant' || text === 'cosine' || text === 'linear') return { kind: text };
  if (!text.startsWith('step:'))
    throw new InvalidArgumentError(`It must be constant, cosine, linear or step:EVERY,FACTOR, got '${text}'.`);
  const [every, factor] = two(text.slice(5));
  return { kind: 'step', every, factor };
}
