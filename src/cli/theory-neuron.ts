import type { Command } from 'commander';
import { parseRectifiers } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { significant } from '../report/numbers.js';
import { dyingNeuron, type NeuronStep, neuronFate, traceNeuron } from '../theory/dying-neuron.js';
import { parseFigureFile, parseFigureWidth, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { parseCount, parseNumber, parseNumbers, parseSeed } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface NeuronFlags {
  readonly inputs: number[];
  readonly targets: number[];
  readonly weight: number;
  readonly bias: number;
  readonly learningRate: number;
  readonly steps: number;
  readonly every?: number;
  readonly json?: boolean;
  readonly output?: string;
  readonly figureWidth: number;
}

interface Course {
  readonly rectifier: Rectifier;
  readonly trace: readonly NeuronStep[];
}

const defaults = ['relu', 'leaky:0.01', 'leaky:0.1', 'prelu'];

const three = (x: number): string => significant(x);

const titles = ['step', 'weight', 'bias', 'pre-activations', 'loss', '∂L/∂w', '∂L/∂b'];
/** What a learned slope adds. */
const slopeTitles = ['slope a', '∂L/∂a'];

/** The steps 0, 1, 2, 5, 10, 20, … and the last, or every so many. */
function shown(trace: readonly NeuronStep[], every: number | undefined): NeuronStep[] {
  const isRound = (step: number) => step === 0 || /^[125]0*$/.test(String(step));
  return trace.filter(
    ({ step }) => step === trace.length - 1 || (every === undefined ? isRound(step) : step % every === 0),
  );
}

const cells = ({ step, slope, slopeGradient, ...state }: NeuronStep): string[] => [
  String(step),
  ...[state.weight, state.bias].map(three),
  state.preActivations.map(three).join(' '),
  ...[state.loss, state.weightGradient, state.biasGradient].map(three),
  ...(slope === null ? [] : [slope, slopeGradient as number].map(three)),
];

function traceTable(trace: readonly NeuronStep[], every: number | undefined): string {
  const extra = trace[0]?.slope === null ? [] : slopeTitles;
  return table([...titles, ...extra], shown(trace, every).map(cells));
}

function sentence({ rectifier: { label }, trace }: Course): string {
  const { silentFrom, firesAgainAt, dead } = neuronFate(trace);
  const last = trace.at(-1) as NeuronStep;
  const end = `loss ${three(last.loss)} after ${last.step} steps`;
  if (silentFrom === null) return `${label}: it never falls silent; ${end}.`;
  const fell = `${label}: all pre-activations are negative from step ${silentFrom}`;
  if (dead) return `${fell}; every gradient is exactly 0, and it stays dead; ${end}.`;
  if (firesAgainAt !== null) return `${fell}; it fires again at step ${firesAgainAt}; ${end}.`;
  const whisper = trace[silentFrom] as NeuronStep;
  const gradient = three(Math.hypot(whisper.weightGradient, whisper.biasGradient));
  const slope = last.slope === null ? '' : `, slope ${three(last.slope)}`;
  return `${fell}; its gradient, ${gradient} there, is not 0, but it has not fired again; ${end}${slope}.`;
}

/** Adds `reluminate theory neuron` to the command. */
export function addNeuronCommand(theory: Command): void {
  theory
    .command('neuron')
    .description('one neuron that dies or does not, computed step by step')
    .argument('[rectifiers...]', `rectifiers such as relu, leaky:0.01 (default: ${defaults.join(' ')})`)
    .option('--inputs <list>', 'numbers separated by commas', parseNumbers, [...dyingNeuron.inputs])
    .option('--targets <list>', 'what the neuron should give for them', parseNumbers, [...dyingNeuron.targets])
    .option('--weight <w>', 'where it starts', parseNumber, dyingNeuron.weight)
    .option('--bias <b>', 'where it starts', parseNumber, dyingNeuron.bias)
    .option('--learning-rate <ε>', 'of full-batch gradient descent', parseNumber, dyingNeuron.learningRate)
    .option('--steps <n>', 'how many steps', parseSeed, dyingNeuron.steps)
    .option('--every <n>', 'show every so many steps (default: 0, 1, 2, 5, 10, 20, … and the last)', parseCount)
    .option('--json', 'print every step as JSON instead of the tables')
    .option('-o, --output <file>', 'draw the courses: .svg, .png or .html', parseFigureFile)
    .option(
      '--figure-width <n>',
      'width of the drawing; below 640 the panels stand one under the other',
      parseFigureWidth,
      960,
    )
    .action(async (names: string[], { every, json, output, figureWidth, ...flags }: NeuronFlags) => {
      await requireFigureFile(output);
      const courses: Course[] = orUsage(() =>
        (names.length > 0 ? names : defaults)
          .flatMap(parseRectifiers)
          .map(rectifier => ({ rectifier, trace: traceNeuron({ ...flags, rectifier }) })),
      );
      const data = courses.map(({ rectifier, trace }) => ({ rectifier: rectifier.name, ...neuronFate(trace), trace }));
      const tables = courses.map(({ rectifier, trace }) => `${rectifier.label}\n${traceTable(trace, every)}\n`);
      process.stdout.write(
        json
          ? jsonText({ exact: true, ...flags, rectifiers: data })
          : `${tables.join('')}Computed in float64, nothing is random.\n${courses.map(sentence).join('\n')}\n`,
      );
      if (output !== undefined) {
        const { dyingNeuronFigure } = await import('../figures/dying-neuron.js');
        const curves = courses.map(({ rectifier: { label }, trace }) => ({ label, trace }));
        await writeFigure(output, dyingNeuronFigure(curves, { width: figureWidth }), 'Dying neuron');
      }
    });
}
