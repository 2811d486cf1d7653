import { type AuditReport, type Verdict, verdicts } from '../audit/report.js';
import { Failure } from '../failure.js';

/** A condition on the totals of an audit under which the command fails, for example `silent>5%`. */
export interface FailOn {
  readonly text: string;
  readonly subject: Verdict | 'dead';
  readonly strict: boolean;
  readonly limit: number;
  /** Whether the limit is a share of all units in percent, or a number of units. */
  readonly percent: boolean;
}

const subjects: readonly string[] = ['dead', ...verdicts];
const onSamples: readonly string[] = ['silent', 'rare', 'dormant', 'linear', 'healthy'];

/** Reads a condition `SUBJECT>NUMBER`, `SUBJECT>=NUMBER`, either with `%`; the subject is a verdict or `dead`. Throws a usage Failure for anything else. */
export function parseFailOn(text: string): FailOn {
  const match = /^\s*([a-z-]+)\s*(>=?)\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text);
  if (!match || !subjects.includes(match[1] as string))
    throw new Failure(
      'usage',
      `--fail-on: the condition must be a verdict (${subjects.join(', ')}), > or >=, and a number of units or a percentage, got '${text}'`,
    );
  const [, subject, operator, limit, percent] = match as unknown as [string, string, string, string, string];
  return {
    text: text.trim(),
    subject: subject as FailOn['subject'],
    strict: operator === '>',
    limit: Number(limit),
    percent: percent === '%',
  };
}

/** Throws a usage Failure for a condition that an audit without data cannot decide: it would pass every model. */
export function requireData(conditions: readonly FailOn[], hasData: boolean): void {
  const undecidable = conditions.find(({ subject }) => onSamples.includes(subject));
  if (!hasData && undecidable)
    throw new Failure('usage', `--fail-on: '${undecidable.text}' needs samples, got neither --data nor --synthetic`);
}

/** What a condition found when it is violated, in words; null when it holds. */
export function violation({ subject, strict, limit, percent, text }: FailOn, { totals }: AuditReport): string | null {
  const count = subject === 'dead' ? totals.dead : totals.counts[subject];
  const value = percent ? (100 * count) / Math.max(totals.units, 1) : count;
  if (strict ? value <= limit : value < limit) return null;
  return `${text} is violated: ${count} of ${totals.units} units${percent ? `, ${value.toFixed(2)} %` : ''}`;
}
