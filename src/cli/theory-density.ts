import type { Command } from 'commander';
import { leakyReluRectifier } from '../rectifiers/leaky-relu.js';
import { significant } from '../report/numbers.js';
import { describeSlope, type SlopeDescription } from '../theory/negative-slope.js';
import { outputDistribution } from '../theory/output-distribution.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { parseNumber, parseNumbers } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface DensityFlags {
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
export function addDensityCommand(theory: Command): void {
  theory
    .command('density')
    .description('what a slope does to its input: monotone or folded, preimages, distribution of the output')
    .option('--slopes <list>', 'negative slopes, separated by commas', parseNumbers, [0.25, 0, -0.5])
    .option('--mean <m>', 'mean of the Gaussian pre-activation', parseNumber, 0)
    .option('--std <s>', 'standard deviation of the pre-activation', parseNumber, 1)
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the distributions: .svg, .png or .html', parseFigureFile)
    .action(async ({ slopes, mean, std, json, output }: DensityFlags) => {
      await requireFigureFile(output);
      const answers = orUsage(() =>
        slopes.map(slope => ({
          described: describeSlope(slope),
          distribution: outputDistribution(slope, { mean, std }),
          moments: leakyReluRectifier(slope).moments(mean, std),
        })),
      );
      const data = answers.map(({ described, distribution: { massAtZero }, moments }) => ({
        ...described,
        massAtZero,
        outputMean: moments.mean,
        outputSecondMoment: moments.secondMoment,
      }));
      const rows = answers.map(({ described, distribution, moments }) => [
        significant(described.negativeSlope),
        yes(described.monotone),
        ...[described.preimages.below, described.preimages.at, described.preimages.above].map(n => significant(n)),
        described.range[0] < 0 ? '(−∞, ∞)' : '[0, ∞)',
        ...[described.lipschitz, distribution.massAtZero, moments.mean, moments.secondMoment].map(n => significant(n)),
      ]);
      const sentences = answers.map(({ described }) => sentence(described));
      const explanation = `Exact, for a pre-activation of mean ${significant(mean)} and standard deviation ${significant(std)}.`;
      process.stdout.write(
        json
          ? jsonText({ mean, std, slopes: data })
          : `${table(titles, rows)}\n${explanation}\n${sentences.join('\n')}\n`,
      );
      if (output !== undefined) {
        const { outputDensity } = await import('../figures/output-density.js');
        const drawn = answers.map(({ distribution }) => distribution);
        await writeFigure(output, outputDensity(drawn), 'Distribution of the output');
      }
    });
}
