import type { Command } from 'commander';
import { plural, significant } from '../report/numbers.js';
import { type JacobianSpread, jacobian } from '../theory/jacobian.js';
import { type JacobianSimulation, simulateJacobian } from '../theory/jacobian-simulation.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { parseCount, parseNumber, parseSeed } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { answerEach, type NamedNetwork, parseNetworks, rectifiersHelp } from './theory-networks.js';

interface JacobianFlags {
  readonly rectifier: string;
  readonly init: string;
  readonly networks: number;
  readonly seed: number;
  readonly inputSecondMoment: number;
  readonly json?: boolean;
  readonly output?: string;
}

interface JacobianAnswer extends NamedNetwork {
  readonly limit: JacobianSpread;
  readonly simulation: JacobianSimulation;
}

const titles = [
  'network',
  'variance of s²',
  'measured',
  '± s.e.',
  'directions',
  'largest s',
  'median s',
  'smallest s',
  'largest / smallest',
];

/** What a mean over networks is, where there is one that is not dead. */
const orNone = (value: number): string => (Number.isNaN(value) ? '–' : significant(value));

const orRounding = (value: number): string => (value === 0 ? '0 *' : significant(value));

const row = ({ label, limit, simulation }: JacobianAnswer): string[] => [
  label,
  significant(limit.variance),
  orNone(simulation.variance),
  Number.isNaN(simulation.standardError) ? '' : `± ${significant(simulation.standardError, 2)}`,
  significant(limit.directions),
  orRounding(simulation.largest),
  orRounding(simulation.middle),
  orRounding(simulation.smallest),
  Number.isNaN(simulation.conditionNumber)
    ? '–'
    : Number.isFinite(simulation.conditionNumber)
      ? significant(simulation.conditionNumber)
      : '∞ *',
];

function explanation(answers: readonly JacobianAnswer[]): string {
  const { limit, simulation } = answers[0]!;
  const best = answers.reduce((least, answer) => (answer.limit.variance < least.limit.variance ? answer : least));
  const { directions } = best.limit;
  const passing = directions < 1 ? 'less than one passes' : `about ${significant(directions)} pass`;
  const dead = answers.flatMap(({ label, simulation: { spectra, networks } }) => {
    const count = spectra.filter(({ logMeanSquare }) => logMeanSquare === Number.NEGATIVE_INFINITY).length;
    return count === 0
      ? []
      : [
          `${label}: ${count} of ${plural(networks, 'network')} passed nothing (a Jacobian of 0, see theory born-dead)${count === networks ? ', so there is no spread to measure' : ''}.`,
        ];
  });
  const isHidden = answers.some(answer => answer.simulation.smallest === 0);
  return [
    `Variance of s² (relative to the square of its mean) and directions are exact in the limit of wide networks; the rest is measured on ${plural(simulation.networks, 'network')}, seed ${simulation.seed},`,
    'singular values s over the root of their mean square, medians over networks.',
    ...(isHidden ? ['* 0 as far as float64 can tell.'] : []),
    ...dead,
    `Of ${plural(limit.singularValues, 'direction')} in and out, ${passing} ${answers.length > 1 ? `with ${best.label}, which spreads them least` : `with ${best.label}`}.`,
  ].join('\n');
}

/** Adds `reluminate theory jacobian` to the command. */
export function addJacobianCommand(theory: Command): void {
  theory
    .command('jacobian')
    .description('how unequally a network passes the directions of its input: singular values of the Jacobian')
    .argument('<widths>', 'units of every layer, input first, such as 128x17')
    .option('--rectifier <names>', rectifiersHelp, 'relu')
    .option('--init <names>', 'how weights are drawn, one for each rectifier: he, orthogonal, pytorch, …', 'he')
    .option('--networks <n>', 'how many networks are drawn', parseCount, 4)
    .option('--seed <n>', 'seed of the simulation', parseSeed, 0)
    .option(
      '--input-second-moment <m>',
      'mean square of an input; matters to curved rectifiers and beside biases',
      parseNumber,
      1,
    )
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the singular values: .svg, .png or .html', parseFigureFile)
    .action(
      async (widths: string, { rectifier, init, networks, seed, inputSecondMoment, json, output }: JacobianFlags) => {
        await requireFigureFile(output);
        const described = orUsage(() => parseNetworks(widths, rectifier, init));
        const answers = answerEach(
          described,
          (named, onProgress): JacobianAnswer => ({
            ...named,
            limit: jacobian(named.network, { inputSecondMoment }),
            simulation: simulateJacobian(named.network, { networks, seed, inputSecondMoment, onProgress }),
          }),
        );
        process.stdout.write(
          json
            ? jsonText(answers.map(({ network: _, ...answer }) => answer))
            : `${table(titles, answers.map(row))}\n${explanation(answers)}\n`,
        );
        if (output !== undefined) {
          const { jacobianSpectrum } = await import('../figures/jacobian-spectrum.js');
          await writeFigure(output, jacobianSpectrum(answers), 'Singular values of the Jacobian');
        }
      },
    );
}
