import { type Command, Option } from 'commander';
import { Failure } from '../failure.js';
import { count, percent, plural, significant } from '../report/numbers.js';
import { boundsOfNetwork } from '../theory/born-dead.js';
import { parseInitializer } from '../theory/initializer.js';
import type { LogSpread } from '../theory/log-spread.js';
import type { NetworkDescription } from '../theory/network.js';
import { type NormRatio, normRatio, shareWithin } from '../theory/norm-ratio.js';
import { hasRandomSlope, sideSlopes } from '../theory/side-slopes.js';
import { type Signal, signal } from '../theory/signal.js';
import {
  keptWithin,
  type SignalSimulation,
  type SignalSimulationOptions,
  simulateSignal,
} from '../theory/signal-simulation.js';
import { type SignalTrend, stableWithin, trendOf } from '../theory/signal-trend.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { parseCount, parseNumber, parseSeed } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { answerEach, type NamedNetwork, parseNetworks, rectifiersHelp, shownLayers } from './theory-networks.js';

interface SignalFlags {
  readonly rectifier: string;
  readonly init: string;
  readonly simulate?: number;
  readonly seed: number;
  readonly inputSecondMoment: number;
  readonly figure: 'moments' | 'gradient-norm';
  readonly json?: boolean;
  readonly output?: string;
}

/** What is known of one network. */
interface SignalAnswer extends NamedNetwork {
  readonly signal: Signal;
  /** The gradient's, where it is exact: for rectifiers that are two fixed lines through 0. */
  readonly gradientSpread: NormRatio | null;
  /** The trend of the gradient's norm in a typical network (the median of a log-normal), where the spread is known. */
  readonly typicalBackward: SignalTrend | null;
  readonly simulation: SignalSimulation | null;
}

/** The number whose natural logarithm is given, which may be outside the range of float64. */
export function fromLog(log: number): string {
  if (!Number.isFinite(log) || Math.abs(log) < 690) return significant(Math.exp(log));
  const exponent = Math.floor(log / Math.LN10);
  const [mantissa, sign] = [10 ** (log / Math.LN10 - exponent), exponent < 0 ? '−' : ''];
  return `${mantissa.toFixed(2)}e${sign}${Math.abs(exponent)}`;
}

const measured = ({ logMean, mean, standardError, logMedian }: LogSpread): string[] => [
  fromLog(logMean),
  Number.isNaN(standardError) || mean === 0 ? '' : `± ${significant(standardError, 2)}`,
  fromLog(logMedian),
];

function rows({ signal: { depths }, simulation }: SignalAnswer): string[][] {
  return shownLayers(0, depths.length - 1).map(depth => {
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

/** The norm of a gradient that stays within this factor is said to be kept. */
const kept = 3;

function aboutSimulation(simulation: SignalSimulation): string {
  const { networks, inputs, seed, dead, logGradientNorms } = simulation;
  const ratios = logGradientNorms.flat().map(norms => norms[0]!);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map(fromLog);
  const { networks: keeping, gradients } = keptWithin(simulation, kept);
  return [
    `Measured (${plural(networks, 'network')}, ${plural(inputs, 'input')} each, seed ${seed}): the norm of the gradient changes by factors from ${least} to ${most}. It stays within a factor ${kept} in ${count(gradients)} of ${plural(ratios.length, 'gradient')}, and for all inputs in ${keeping} of ${plural(networks, 'network')}.`,
    ...(dead > 0 ? [`${dead} of ${plural(networks, 'network')} were dead: no gradient came to the input.`] : []),
  ].join('\n');
}

/** The odds that one input finds a network dead, where they are known and not small. */
function aboutDeath(network: NetworkDescription): string[] {
  const layers = network.at(-1)?.rectifier === null ? network.slice(0, -1) : network;
  const odds = boundsOfNetwork(layers, network[0]!.fanIn)?.pointDeath ?? 0;
  return odds < 0.001
    ? []
    : [`An input has odds of ${significant(odds, 4)} to meet a layer that is silent (exact; see theory born-dead).`];
}

function sentences({ signal: { forward, backward, exactFor }, ...answer }: SignalAnswer): string {
  const { gradientSpread, typicalBackward, simulation, network } = answer;
  const lines = [
    `Forward: from input to output the root mean square of the activations ${trend(forward)}.`,
    `Backward: from output to input the norm of the gradient ${trend(backward)}.`,
    exactFor === 'every width'
      ? 'These are exact means over random networks.'
      : 'These are exact in the limit of wide networks; at these widths they are approximations.',
  ];
  if (gradientSpread !== null && typicalBackward !== null && gradientSpread.logSpread > 0.01)
    lines.push(
      `At these widths networks differ: ln |g|² at the input has a standard deviation of about ${significant(Math.sqrt(gradientSpread.logSpread), 2)}. In a typical network the norm of the gradient ${trend(typicalBackward)}; it stays within a factor ${kept} in about ${percent(shareWithin(gradientSpread, kept))} of networks (as a log-normal).`,
    );
  lines.push(...aboutDeath(network));
  if (simulation !== null) lines.push(aboutSimulation(simulation));
  const unstable = [forward, backward].some(({ verdict }) => verdict !== 'stable');
  if (unstable && heKeeps(network)) lines.push("Weights scaled by the rectifier's gain (--init he) keep both.");
  return `${lines.join('\n')}\n`;
}

/** Whether the same network is stable both ways with the weights that He et al. 2015 give it. */
function heKeeps(network: NetworkDescription): boolean {
  const he = parseInitializer('he');
  const { forward, backward } = signal(network.map(layer => ({ ...layer, ...he.law(layer) })));
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

function answerFor(
  named: NamedNetwork,
  inputSecondMoment: number,
  simulation: SignalSimulationOptions | null,
): SignalAnswer {
  const { network } = named;
  const isLines = network.every(({ rectifier }) => sideSlopes(rectifier) !== null && !hasRandomSlope(rectifier));
  const means = signal(network, { inputSecondMoment });
  const gradientSpread = isLines ? normRatio(network).backward : null;
  return {
    ...named,
    signal: means,
    gradientSpread,
    typicalBackward: gradientSpread && trendOf(means.backward.logRatio - gradientSpread.logSpread / 4, network.length),
    simulation: simulation && simulateSignal(network, { ...simulation, inputSecondMoment }),
  };
}

async function draw(answers: readonly SignalAnswer[], which: SignalFlags['figure']): Promise<string> {
  if (which === 'moments') {
    const { signalByDepth } = await import('../figures/signal-by-depth.js');
    return signalByDepth(answers.map(({ simulation, ...one }) => ({ ...one, simulation: simulation ?? undefined })));
  }
  const { gradientNorms } = await import('../figures/gradient-norms.js');
  return gradientNorms(answers.map(({ label, simulation }) => ({ label, simulation: simulation as SignalSimulation })));
}

/** Adds `reluminate theory signal` to the command. */
export function addSignalCommand(theory: Command): void {
  theory
    .command('signal')
    .description('what becomes of activations and gradients with depth: vanishing, stable or exploding')
    .argument('<widths>', 'units of every layer, input first, such as 784-256x2-10')
    .option('--rectifier <names>', rectifiersHelp, 'relu')
    .option('--init <names>', 'how weights are drawn, one for each rectifier: he, pytorch, xavier, orthogonal, …', 'he')
    .option('--simulate <networks>', 'also draw so many networks and measure', parseCount)
    .option('--seed <n>', 'seed of the simulation', parseSeed, 0)
    .option('--input-second-moment <m>', 'mean square of an input', parseNumber, 1)
    .option('--json', 'print JSON instead of tables')
    .option('-o, --output <file>', 'draw against depth: .svg, .png or .html', parseFigureFile)
    .addOption(
      new Option(
        '--figure <which>',
        'what to draw: mean squares of both, or the norm of the gradient in each network simulated',
      )
        .choices(['moments', 'gradient-norm'])
        .default('moments'),
    )
    .action(async (widths: string, flags: SignalFlags) => {
      const { rectifier, init, simulate, seed, inputSecondMoment, json, output, figure } = flags;
      if (figure === 'gradient-norm' && simulate === undefined)
        throw new Failure('usage', 'theory signal: --figure gradient-norm must be given with --simulate, got none');
      await requireFigureFile(output);
      const networks = orUsage(() => parseNetworks(widths, rectifier, init));
      const answers = answerEach(networks, (named, onProgress) =>
        answerFor(named, inputSecondMoment, simulate === undefined ? null : { networks: simulate, seed, onProgress }),
      );
      const explanation = `E h² is the mean square of an activation; E g² that of the gradient at it, 1 at the output; norms and root mean squares are their roots. Stable means within a factor ${stableWithin}.`;
      process.stdout.write(
        json
          ? jsonText(answers.map(({ network: _, ...answer }) => answer))
          : `${answers.map(text).join('\n')}\n${explanation}\n`,
      );
      if (output !== undefined) await writeFigure(output, await draw(answers, figure), 'Signal by depth');
    });
}
