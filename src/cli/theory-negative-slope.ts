import type { Command } from 'commander';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { significant } from '../report/numbers.js';
import { describeSlope, type SlopeDescription } from '../theory/negative-slope.js';
import { outputDistribution } from '../theory/output-distribution.js';
import { parseFigureFile, writeFigure } from './figure-file.js';
import { parseNumber, parseNumbers } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface NegativeSlopeFlags {
  readonly slopes: number[];
  readonly mean: number;
  readonly std: number;
  readonly json?: boolean;
  readonly output?: string;
}

const titles = [
  'slope',
  'monotone',
  'inputs for y < 0',
  'y = 0',
  'y > 0',
  'range',
  'Lipschitz',
  'P(y = 0)',
  'E y',
  'E y²',
];

const yes = (is: boolean): string => (is ? 'yes' : 'no');

/** What a slope means, in a sentence. */
function sentence({ negativeSlope, monotone, invertible }: SlopeDescription): string {
  const slope = `Slope ${significant(negativeSlope)}`;
  if (invertible) return `${slope}: every output has one input, so nothing is lost.`;
  if (monotone) return `${slope}: all inputs of 0 or less fall on 0, and cannot be told apart behind it.`;
  return `${slope}: the negative side is folded over the positive one; an output y > 0 comes from x = y and from x = y / ${significant(negativeSlope)}, and the function falls before it rises.`;
}

/** Adds `reluminate theory density` to the command. */
export function addNegativeSlopeCommand(theory: Command): void {
  theory
    .command('density')
    .description('what a slope does to its input: monotone or folded, preimages, distribution of the output')
    .option('--slopes <list>', 'negative slopes, separated by commas', parseNumbers, [0.25, 0, -0.5])
    .option('--mean <m>', 'mean of the Gaussian pre-activation', parseNumber, 0)
    .option('--std <s>', 'standard deviation of the pre-activation', parseNumber, 1)
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the distributions: .svg, .png or .html', parseFigureFile)
    .action(async ({ slopes, mean, std, json, output }: NegativeSlopeFlags) => {
      const answers = orUsage(() =>
        slopes.map(slope => ({
          described: describeSlope(slope),
          distribution: outputDistribution(slope, { mean, std }),
          moments: leakyReluRectifier(slope).moments(mean, std),
        })),
      );
      if (output !== undefined) {
        const { outputDensity } = await import('../figures/output-density.js');
        const drawn = answers.map(({ distribution }) => distribution);
        await writeFigure(output, outputDensity(drawn), 'Distribution of the output');
      }
      if (json) {
        const data = answers.map(({ described, distribution: { massAtZero }, moments }) => ({
          ...described,
          // JSON has no infinity.
          preimages: Object.fromEntries(Object.entries(described.preimages).map(([at, n]) => [at, jsonNumber(n)])),
          range: described.range.map(jsonNumber),
          massAtZero,
          outputMean: moments.mean,
          outputSecondMoment: moments.secondMoment,
        }));
        process.stdout.write(`${JSON.stringify({ mean, std, slopes: data }, null, 2)}\n`);
        return;
      }
      const rows = answers.map(({ described, distribution, moments }) => [
        significant(described.negativeSlope),
        yes(described.monotone),
        ...[described.preimages.below, described.preimages.at, described.preimages.above].map(n => significant(n)),
        described.range[0] < 0 ? '(−∞, ∞)' : '[0, ∞)',
        ...[described.lipschitz, distribution.massAtZero, moments.mean, moments.secondMoment].map(n => significant(n)),
      ]);
      const sentences = answers.map(({ described }) => sentence(described));
      process.stdout.write(
        `${table(titles, rows)}\nExact, for a pre-activation of mean ${significant(mean)} and standard deviation ${significant(std)}.\n${sentences.join('\n')}\n`,
      );
    });
}

const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));
