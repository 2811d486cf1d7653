import type { Command } from 'commander';
import { plural, significant } from '../report/numbers.js';
import { parseInitializer } from '../theory/initializer.js';
import type { LogSpread } from '../theory/log-spread.js';
import { describeNetwork, type NetworkDescription } from '../theory/network.js';
import { type NormRatio, normRatio } from '../theory/norm-ratio.js';
import { hasRandomSlope, sideSlopes } from '../theory/side-slopes.js';
import { type Signal, signal } from '../theory/signal.js';
import { type SignalSimulation, type SignalSimulationOptions, simulateSignal } from '../theory/signal-simulation.js';
import { type SignalTrend, stableWithin } from '../theory/signal-trend.js';
import { parseFigureFile, writeFigure } from './figure-file.js';
import { parseCount, parseSeed } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { answerEach, type NamedNetwork, parseNetworks } from './theory-networks.js';

interface SignalFlags {
  readonly rectifier: string;
  readonly init: string;
  readonly simulate?: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly output?: string;
}

/** What is known of one network. */
interface SignalAnswer extends NamedNetwork {
  readonly signal: Signal;
  /** The gradient's, where it is exact: for rectifiers that are two fixed lines through 0. */
  readonly gradientSpread: NormRatio | null;
  readonly simulation: SignalSimulation | null;
}

/** The number whose natural logarithm is given, which may be outside the range of float64. */
export function fromLog(log: number): string {
  if (!Number.isFinite(log) || Math.abs(log) < 690) return significant(Math.exp(log));
  const exponent = Math.floor(log / Math.LN10);
  const [mantissa, sign] = [10 ** (log / Math.LN10 - exponent), exponent < 0 ? '−' : ''];
  return `${mantissa.toFixed(2)}e${sign}${Math.abs(exponent)}`;
}

const shownRows = 12;

/** A dozen depths, the input and the output among them. */
function shownDepths(last: number): number[] {
  const step = Math.ceil(last / (shownRows - 1));
  const depths = Array.from({ length: Math.ceil(last / step) }, (_, at) => at * step);
  return [...depths, last];
}

const measured = ({ logMean, mean, standardError, logMedian }: LogSpread): string[] => [
  fromLog(logMean),
  Number.isNaN(standardError) || mean === 0 ? '' : `± ${significant(standardError, 2)}`,
  fromLog(logMedian),
];

function rows({ signal: { depths }, simulation }: SignalAnswer): string[][] {
  return shownDepths(depths.length - 1).map(depth => {
    const at = depths[depth]!;
    const found = simulation?.depths[depth];
    return [
      String(depth),
      String(at.width),
      fromLog(at.logActivationSecondMoment),
      ...(found ? measured(found.activation) : []),
      fromLog(at.logGradientSecondMoment),
      ...(found ? measured(found.gradient) : []),
    ];
  });
}

const trend = ({ logRatio, factorPerLayer, verdict }: SignalTrend): string =>
  `changes by a factor ${fromLog(logRatio)} (${significant(factorPerLayer)} per layer): ${verdict}`;

function sentences({ signal: { forward, backward, exactFor }, gradientSpread, simulation, network }: SignalAnswer) {
  const lines = [
    `Forward: from input to output the root mean square of the activations ${trend(forward)}.`,
    `Backward: from output to input the norm of the gradient ${trend(backward)}.`,
    exactFor === 'every width'
      ? 'These are exact means over random networks.'
      : 'These are exact in the limit of wide networks; at these widths they are approximations.',
  ];
  if (gradientSpread !== null && gradientSpread.logSpread > 0.01)
    lines.push(
      `At these widths networks differ: ln |g|² at the input has a standard deviation of about ${significant(Math.sqrt(gradientSpread.logSpread), 2)}, and a typical network has ${significant(Math.exp(-gradientSpread.logSpread / 2), 2)} times the mean |g|².`,
    );
  if (simulation !== null) {
    const ratios = [...simulation.gradientNormRatios].sort((a, b) => a - b);
    const [least, most] = [ratios[0]!, ratios.at(-1)!].map(ratio => significant(ratio));
    lines.push(
      `Measured (${plural(simulation.networks, 'network')}, ${plural(simulation.inputs, 'input')} each, seed ${simulation.seed}): the norm of the gradient changes by factors from ${least} to ${most}.`,
    );
  }
  const unstable = [forward, backward].some(({ verdict }) => verdict !== 'stable');
  if (unstable && heKeeps(network)) lines.push("Weights scaled by the rectifier's gain (--init he) keep both.");
  return `${lines.join('\n')}\n`;
}

/** Whether the same network is stable both ways with the weights that He et al. 2015 give it. */
function heKeeps(network: NetworkDescription): boolean {
  const widths = [network[0]!.fanIn, ...network.map(({ fanOut }) => fanOut)];
  const { rectifier } = network[0]!;
  if (rectifier === null) return false;
  const { forward, backward } = signal(describeNetwork(widths, { rectifier, initializer: parseInitializer('he') }));
  return forward.verdict === 'stable' && backward.verdict === 'stable';
}

const exactTitles = ['layer', 'width', 'E h²', 'E g²'];
const measuredTitles = [
  'layer',
  'width',
  'E h²',
  'measured',
  '± s.e.',
  'median',
  'E g²',
  'measured',
  '± s.e.',
  'median',
];

const text = (answer: SignalAnswer): string =>
  `${answer.label}\n${table(answer.simulation ? measuredTitles : exactTitles, rows(answer))}${sentences(answer)}`;

function answerFor(named: NamedNetwork, simulation: SignalSimulationOptions | null): SignalAnswer {
  const { network } = named;
  const isLines = network.every(({ rectifier }) => sideSlopes(rectifier) !== null && !hasRandomSlope(rectifier));
  return {
    ...named,
    signal: signal(network),
    gradientSpread: isLines ? normRatio(network).backward : null,
    simulation: simulation && simulateSignal(network, simulation),
  };
}

/** Adds `reluminate theory signal` to the command. */
export function addSignalCommand(theory: Command): void {
  theory
    .command('signal')
    .description('what becomes of activations and gradients with depth: vanishing, stable or exploding')
    .argument('<widths>', 'units of every layer, input first, such as 784-256x2-10')
    .option('--rectifier <names>', 'rectifiers behind all layers but the last, separated by commas', 'relu')
    .option('--init <names>', 'how weights are drawn, one for each rectifier: he, pytorch, xavier, orthogonal, …', 'he')
    .option('--simulate <networks>', 'also draw so many networks and measure', parseCount)
    .option('--seed <n>', 'seed of the simulation', parseSeed, 0)
    .option('--json', 'print JSON instead of tables')
    .option('-o, --output <file>', 'draw both against depth: .svg, .png or .html', parseFigureFile)
    .action(async (widths: string, { rectifier, init, simulate, seed, json, output }: SignalFlags) => {
      const networks = orUsage(() => parseNetworks(widths, rectifier, init));
      const answers = answerEach(networks, (named, onProgress) =>
        answerFor(named, simulate === undefined ? null : { networks: simulate, seed, onProgress }),
      );
      if (output !== undefined) {
        const { signalByDepth } = await import('../figures/signal-by-depth.js');
        const curves = answers.map(({ simulation, ...one }) => ({ ...one, simulation: simulation ?? undefined }));
        await writeFigure(output, signalByDepth(curves), 'Signal by depth');
      }
      if (json) {
        const data = answers.map(({ rectifier: { name }, initializer, network: _, ...one }) => ({
          rectifier: name,
          initializer: initializer.name,
          ...one,
        }));
        process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
        return;
      }
      process.stdout.write(
        `${answers.map(text).join('\n')}\nE h² is the mean square of an activation; E g² that of the gradient at it, 1 at the output. Stable means within a factor ${stableWithin}.\n`,
      );
    });
}
