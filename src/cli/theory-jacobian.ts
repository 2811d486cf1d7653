import type { Command } from 'commander';
import { plural, significant } from '../report/numbers.js';
import { type JacobianSpread, jacobian } from '../theory/jacobian.js';
import { type JacobianSimulation, simulateJacobian } from '../theory/jacobian-simulation.js';
import { parseFigureFile, writeFigure } from './figure-file.js';
import { parseCount, parseSeed } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { answerEach, type NamedNetwork, parseNetworks } from './theory-networks.js';

interface JacobianFlags {
  readonly rectifier: string;
  readonly init: string;
  readonly networks: number;
  readonly seed: number;
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

const orRounding = (value: number): string => (value === 0 ? '0 *' : significant(value));

const row = ({ label, limit, simulation }: JacobianAnswer): string[] => [
  label,
  significant(limit.variance),
  significant(simulation.variance),
  Number.isNaN(simulation.standardError) ? '' : `± ${significant(simulation.standardError, 2)}`,
  significant(limit.directions),
  significant(simulation.largest),
  orRounding(simulation.middle),
  orRounding(simulation.smallest),
  Number.isFinite(simulation.conditionNumber) ? significant(simulation.conditionNumber) : '∞ *',
];

function explanation(answers: readonly JacobianAnswer[]): string {
  const { limit, simulation } = answers[0]!;
  const best = answers.reduce((least, answer) => (answer.limit.variance < least.limit.variance ? answer : least));
  const { directions } = best.limit;
  const passing = directions < 1 ? 'less than one passes' : `about ${significant(directions)} pass`;
  const isHidden = answers.some(answer => answer.simulation.smallest === 0);
  return [
    `Variance of s² (relative to the square of its mean) and directions are exact in the limit of wide networks; the rest is measured on ${plural(simulation.networks, 'network')}, seed ${simulation.seed},`,
    'singular values s over the root of their mean square, medians over networks.',
    ...(isHidden ? ['* 0 as far as float64 can tell.'] : []),
    `Of ${plural(limit.singularValues, 'direction')} in and out, ${passing} ${answers.length > 1 ? `with ${best.label}, which spreads them least` : `with ${best.label}`}.`,
  ].join('\n');
}

/** Adds `reluminate theory jacobian` to the command. */
export function addJacobianCommand(theory: Command): void {
  theory
    .command('jacobian')
    .description('how unequally a network passes the directions of its input: singular values of the Jacobian')
    .argument('<widths>', 'units of every layer, input first, such as 128x17')
    .option('--rectifier <names>', 'rectifiers behind all layers but the last, separated by commas', 'relu')
    .option('--init <names>', 'how weights are drawn, one for each rectifier: he, orthogonal, pytorch, …', 'he')
    .option('--networks <n>', 'how many networks are drawn', parseCount, 4)
    .option('--seed <n>', 'seed of the simulation', parseSeed, 0)
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the singular values: .svg, .png or .html', parseFigureFile)
    .action(async (widths: string, { rectifier, init, networks, seed, json, output }: JacobianFlags) => {
      const described = orUsage(() => parseNetworks(widths, rectifier, init));
      const answers = answerEach(
        described,
        (named, onProgress): JacobianAnswer => ({
          ...named,
          limit: jacobian(named.network),
          simulation: simulateJacobian(named.network, { networks, seed, onProgress }),
        }),
      );
      if (output !== undefined) {
        const { jacobianSpectrum } = await import('../figures/jacobian-spectrum.js');
        await writeFigure(output, jacobianSpectrum(answers), 'Singular values of the Jacobian');
      }
      if (json) {
        const data = answers.map(({ label, rectifier: { name }, initializer, limit, simulation }) => ({
          rectifier: name,
          initializer: initializer.name,
          label,
          limit,
          simulation: {
            ...simulation,
            spectra: simulation.spectra.map(one => ({ ...one, singularValues: Array.from(one.singularValues) })),
          },
        }));
        process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
        return;
      }
      process.stdout.write(`${table(titles, answers.map(row))}\n${explanation(answers)}\n`);
    });
}
