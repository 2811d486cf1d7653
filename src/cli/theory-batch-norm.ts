import { type Command, Option } from 'commander';
import { Failure } from '../failure.js';
import { significant } from '../report/numbers.js';
import type { NormalizedUnit } from '../theory/batch-norm.js';
import { type RedundancyOptions, redundancies } from '../theory/batch-norm-redundancies.js';
import { jsonText } from './json.js';
import { parseNumber, parseNumbers } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface BatchNormFlags {
  readonly gamma: number;
  readonly beta: number;
  readonly slope: number;
  readonly next: readonly number[];
  readonly nextBias: boolean;
  readonly slopeIs: NonNullable<RedundancyOptions['slope']>;
  readonly slopeRange?: readonly number[];
  readonly json?: boolean;
}

const number = (value: number) => significant(value, 6);
const list = (values: readonly number[]) => values.map(number).join(', ');

/** Adds `reluminate theory batch-norm` to `reluminate theory`. */
export function addBatchNormCommand(theory: Command): void {
  theory
    .command('batch-norm')
    .description('which of gamma, beta, slope and next weights cannot be told apart, and their canonical form')
    .requiredOption('--gamma <x>', 'scale of the channel', parseNumber)
    .requiredOption('--beta <x>', 'shift of the channel', parseNumber)
    .requiredOption('--slope <a>', 'negative slope of the rectifier behind it', parseNumber)
    .option('--next <list>', 'weights of the next layer that read the channel', parseNumbers, [1])
    .option('--no-next-bias', 'the next layer has no biases that could take up a constant')
    .addOption(
      new Option('--slope-is <how>', 'the slope is learned for this channel, shared by channels, or fixed')
        .choices(['learned', 'shared', 'fixed'])
        .default('learned'),
    )
    .option('--slope-range <from,to>', 'the slopes that a constraint allows (default: all)', parseNumbers)
    .option('--json', 'print JSON')
    .action(({ gamma, beta, slope, next, nextBias, slopeIs, slopeRange, json }: BatchNormFlags) => {
      if (slopeRange && slopeRange.length !== 2)
        throw new Failure('usage', `--slope-range: it must be two numbers, got ${slopeRange.length}`);
      const unit: NormalizedUnit = { gamma, beta, negativeSlope: slope, nextWeights: next, nextHasBias: nextBias };
      const range = slopeRange as [number, number] | undefined;
      const found = orUsage(() => redundancies(unit, { slope: slopeIs, slopeRange: range }));
      const { canonical, twin, redundant, parameters, sentences } = found;
      if (json) {
        process.stdout.write(jsonText({ unit, ...found }));
        return;
      }
      const row = (name: string, one: Omit<NormalizedUnit, 'nextHasBias'>, shift: readonly number[]) => [
        name,
        ...[one.gamma, one.beta, one.negativeSlope].map(number),
        list(one.nextWeights),
        list(shift),
      ];
      const none = next.map(() => 0);
      const rows = [row('given', unit, none), row('canonical', canonical, canonical.nextBiasShift)];
      if (twin) rows.push(row('twin', twin, none));
      const titles = ['', 'gamma', 'beta', 'slope', 'next weights', 'added to the next biases'];
      process.stdout.write(
        `${table(titles, rows)}\nAll rows compute the same (exact). ${redundant} of ${parameters} parameters ${redundant === 1 ? 'is' : 'are'} redundant.\n${sentences.join('\n')}\n`,
      );
    });
}
