import type { Command } from 'commander';
import { parseRectifier, rectifierNames } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { gain } from '../theory/gain.js';
import { goldenSlope } from '../theory/golden-slope.js';
import { varianceFactor } from '../theory/variance-factor.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { four, withoutRounding } from './four-digits.js';
import { jsonText } from './json.js';
import { parseNumber } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface GainFlags {
  readonly weightVariance?: number;
  readonly variance: number;
  readonly json?: boolean;
  readonly output?: string;
}

/** σ_w² of PyTorch's nn.Linear. */
const pytorch = 1 / 3;

function answer(rectifier: Rectifier, variance: number, weightVariance: number | undefined) {
  const ownGain = gain(rectifier, { variance });
  const { mean, secondMoment } = rectifier.moments(0, Math.sqrt(variance));
  const under = (law: number) => varianceFactor({ weightVariance: law, rectifier }, variance);
  return {
    rectifier: rectifier.name,
    label: rectifier.label,
    gain: ownGain,
    secondMoment,
    mean,
    he: under(ownGain ** 2),
    pytorch: under(pytorch),
    ...(weightVariance === undefined ? {} : { given: under(weightVariance) }),
  };
}

const titles = ['rectifier', 'gain', 'E f(z)²', 'E f(z)', 'He: back', 'PyTorch: forward', 'back'];

const cells = ({ label, he, pytorch: torch, given, ...one }: ReturnType<typeof answer>): string[] => [
  label,
  ...[one.gain, one.secondMoment, withoutRounding(one.mean), he.backward, torch.forward, torch.backward].map(four),
  ...(given ? [given.forward, given.backward].map(four) : []),
];

function goldenSentence(weightVariance: number, slope: number | null): string {
  const law = `With σ_w² = ${four(weightVariance)}`;
  return slope === null
    ? `${law} no negative slope keeps the signal: each layer multiplies its second moment by ${four(weightVariance / 2)} or more.\n`
    : `${law} leaky ReLU keeps the signal with the golden slope ${four(slope)} (exact).\n`;
}

const explanation = (variance: number): string => `
Exact (closed forms, or quadrature to 1e-12), for pre-activations z of mean 0 and variance ${four(variance)} and biases of 0.
Draw weights with standard deviation gain / √fanIn, as He does, and a layer multiplies the second moment of its units by 1 on the
way forward and the squared length of the gradient by "He: back". PyTorch's nn.Linear draws them with 1 / √(3 fanIn), σ_w² = 1/3,
whatever the rectifier.
`;

/** Adds `reluminate theory gain` to the command. */
export function addGainCommand(theory: Command): void {
  theory
    .command('gain')
    .description('how to scale the weights: gain, variance factors per layer, golden slope')
    .argument(
      '[rectifiers...]',
      'rectifiers such as relu, leaky:0.01, elu:1 (default: every one, with its usual parameters)',
    )
    .option(
      '--weight-variance <σ_w²>',
      'fanIn times the variance of a weight, to find its factors and its golden slope',
      parseNumber,
    )
    .option('--variance <v>', 'variance of the pre-activations; smooth rectifiers are not scale free', parseNumber, 1)
    .option('--json', 'print JSON instead of the table')
    .option(
      '-o, --output <file>',
      'draw the gain of leaky ReLU against its slope, with golden slopes: .svg, .png or .html',
      parseFigureFile,
    )
    .action(async (names: string[], { weightVariance, variance, json, output }: GainFlags) => {
      await requireFigureFile(output);
      const [answers, slope] = orUsage(() => {
        const rectifiers = (names.length > 0 ? names : rectifierNames).map(parseRectifier);
        const golden = weightVariance === undefined ? undefined : goldenSlope(weightVariance);
        return [rectifiers.map(rectifier => answer(rectifier, variance, weightVariance)), golden] as const;
      });
      const given = weightVariance === undefined ? {} : { weightVariance, goldenSlope: slope };
      const extra = weightVariance === undefined ? [] : [`σ_w² ${four(weightVariance)}: forward`, 'back'];
      const golden = weightVariance === undefined ? '' : goldenSentence(weightVariance, slope as number | null);
      process.stdout.write(
        json
          ? jsonText({ exact: true, variance, ...given, rectifiers: answers })
          : `${table([...titles, ...extra], answers.map(cells))}${explanation(variance)}${golden}`,
      );
      if (output !== undefined) {
        const { gainBySlope } = await import('../figures/gain-by-slope.js');
        const svg = gainBySlope({ weightVariances: [...new Set([pytorch, weightVariance ?? pytorch])] });
        await writeFigure(output, svg, 'Gain');
      }
    });
}
