import { describe, expect, test } from 'vitest';
import { type AuditReport, verdicts } from '../audit/report.js';
import { Failure } from '../failure.js';
import { parseFailOn, requireData, violation } from './fail-on.js';

/** A report of so many units, of which some are silent and some vanished. */
const reportOf = (units: number, silent: number, vanished: number): AuditReport => {
  const counts = Object.fromEntries(verdicts.map(verdict => [verdict, 0])) as AuditReport['totals']['counts'];
  return { totals: { units, counts: { ...counts, silent, vanished }, dead: silent + vanished } } as AuditReport;
};

const violated = (condition: string, report: AuditReport): string | null => violation(parseFailOn(condition), report);

describe('a condition', () => {
  test('is a verdict or dead, an operator and a number of units or a share', () => {
    expect(parseFailOn('silent>5%')).toEqual({
      text: 'silent>5%',
      subject: 'silent',
      strict: true,
      limit: 5,
      percent: true,
    });
    expect(parseFailOn(' proved-dead >= 0.5 ')).toEqual({
      text: 'proved-dead >= 0.5',
      subject: 'proved-dead',
      strict: false,
      limit: 0.5,
      percent: false,
    });
    for (const subject of ['dead', ...verdicts]) expect(parseFailOn(`${subject}>0`).subject).toBe(subject);
  });

  test.each([
    '',
    'silent',
    'silent>',
    '>5',
    'silent>-1',
    'silent<5',
    'silent=5',
    'dying>5',
    'Silent>5',
    'silent>5%%',
    'silent>.5',
    'silent>1e3',
    'silent>5 units',
    'silent>>5',
    'constructor>0',
  ])('%j is refused', text => {
    expect(() => parseFailOn(text)).toThrow(Failure);
    expect(() => parseFailOn(text)).toThrow(/^--fail-on: the condition must be a verdict \(dead, vanished, /);
  });

  test('on sample verdicts needs samples, on the others not', () => {
    for (const subject of ['silent', 'rare', 'dormant', 'linear', 'healthy'])
      expect(() => requireData([parseFailOn('vanished>0'), parseFailOn(`${subject}>0`)], false)).toThrow(
        `'${subject}>0' needs samples`,
      );
    for (const subject of ['dead', 'vanished', 'proved-dead', 'proved-linear', 'unobserved'])
      expect(() => requireData([parseFailOn(`${subject}>0`)], false)).not.toThrow();
    expect(() => requireData([parseFailOn('silent>0')], true)).not.toThrow();
  });
});

describe('a violation', () => {
  test('lies beyond the limit, or on it with >=', () => {
    const report = reportOf(200, 10, 3);
    expect(violated('silent>9', report)).toBe('silent>9 is violated: 10 of 200 units');
    expect(violated('silent>10', report)).toBeNull();
    expect(violated('silent>=10', report)).toBe('silent>=10 is violated: 10 of 200 units');
    expect(violated('silent>5%', report)).toBeNull();
    expect(violated('silent>=5%', report)).toBe('silent>=5% is violated: 10 of 200 units, 5.00 %');
    expect(violated('dead>12', report)).toBe('dead>12 is violated: 13 of 200 units');
    expect(violated('healthy>0', report)).toBeNull();
  });

  test('is none in a model without units', () => {
    expect(violated('dead>0%', reportOf(0, 0, 0))).toBeNull();
    expect(violated('dead>=0', reportOf(0, 0, 0))).toBe('dead>=0 is violated: 0 of 0 units');
  });
});
