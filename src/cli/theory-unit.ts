import type { Command } from 'commander';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { biasForFiringRate, type UnitFate, unitFate } from '../theory/unit-death.js';
import { four } from './four-digits.js';
import { jsonText } from './json.js';
import { parseCount, parseNumber, parseShare } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface UnitFlags {
  readonly bias: number;
  readonly weightNorm: number;
  readonly inputStd: number;
  readonly inputMean: number;
  readonly samples: number;
  readonly rectifier: string;
  readonly firingRate?: number;
  readonly json?: boolean;
}

const rows = (fate: UnitFate, samples: number, label: string): string[][] => [
  ['share of inputs it fires on', 'Φ((b + w·μ)/‖Σ^½w‖)', four(fate.firingRate)],
  ['share of inputs it is silent on', 'Φ(−(b + w·μ)/‖Σ^½w‖)', four(fate.silence)],
  [`odds of silence on all of ${samples} inputs`, 'silence^N', four(fate.silentOnAll)],
  ['inputs until it first fires, on average', '1/firing rate', four(fate.inputsUntilFiring)],
  ['never fires nearer to the mean than, in input std', 'max(0, −z)', four(fate.silentRadius)],
  [`share of the squared gradient that ${label} lets through`, 'E f′²', four(fate.gradientShare)],
];

/** Adds `reluminate theory unit` to the command. */
export function addUnitCommand(theory: Command): void {
  theory
    .command('unit')
    .description('whether a unit is dead, given its bias and the norm of its weights')
    .requiredOption('--bias <b>', 'bias of the unit', parseNumber)
    .requiredOption('--weight-norm <‖w‖>', 'Euclidean norm of its weights', parseNumber)
    .option('--input-std <s>', 'standard deviation of each input', parseNumber, 1)
    .option('--input-mean <m>', 'w·μ, what the inputs’ means add to the bias', parseNumber, 0)
    .option('--samples <n>', 'independent inputs it has to be silent on', parseCount, 1000)
    .option('--rectifier <name>', 'such as relu, leaky:0.01', 'relu')
    .option('--firing-rate <p>', 'also say which bias would give this firing rate', parseShare)
    .option('--json', 'print JSON instead of the table')
    .action(({ samples, rectifier: name, firingRate, json, ...unit }: UnitFlags) => {
      const { fate, rectifier, wanted } = orUsage(() => {
        const rectifier = parseRectifier(name);
        const wanted = firingRate === undefined ? null : biasForFiringRate(firingRate, unit);
        return { rectifier, wanted, fate: unitFate(unit, { samples, rectifier }) };
      });
      if (json) {
        const data = { exact: true, ...unit, samples, rectifier: rectifier.name, ...fate };
        process.stdout.write(jsonText({ ...data, ...(wanted === null ? {} : { biasWanted: wanted }) }));
        return;
      }
      process.stdout.write(table(['the unit', 'formula', 'value'], rows(fate, samples, rectifier.label)));
      process.stdout.write(
        '\nExact for Gaussian inputs; a trained unit’s inputs are not, and `reluminate audit` measures it.\n',
      );
      if (wanted !== null)
        process.stdout.write(
          `A bias of ${four(wanted)} makes it fire on ${four(100 * (firingRate as number))} % of its inputs.\n`,
        );
    });
}
