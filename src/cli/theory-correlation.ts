import { type Command, Option } from 'commander';
import { Failure } from '../failure.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { plural } from '../report/numbers.js';
import { correlationMap, limitCorrelation } from '../theory/correlation-map.js';
import { type NetworkStructure, networkCorrelation } from '../theory/network-map.js';
import { resNetDepths } from '../theory/res-net.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { four, withoutRounding } from './four-digits.js';
import { jsonText } from './json.js';
import { parseCount, parseNumber, parseNumbers } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { addResNetOptions, type ResNetFlags, resNetName, resNetOf } from './theory-res-net.js';

interface CorrelationFlags extends ResNetFlags {
  readonly depth: number;
  readonly resnet?: number;
  readonly at: number[];
  readonly variance: number;
  readonly json?: boolean;
  readonly output?: string;
}

const defaults = ['relu', 'leaky:0.01', 'prelu', 'rrelu', 'elu', 'selu', 'gelu', 'silu'];

/** The network that the flags describe, as the subject of a sentence too. */
function networkOf(flags: CorrelationFlags): { structure: NetworkStructure; makes: string } {
  const { depth, resnet } = flags;
  if (resnet !== undefined)
    return { structure: resNetOf(resnet, flags), makes: `${resNetName(resnet, flags)}, makes with each rectifier` };
  return {
    structure: { depth },
    makes: `${plural(depth, 'layer')} of each rectifier ${depth === 1 ? 'makes' : 'make'}`,
  };
}

function answer(rectifier: Rectifier, structure: NetworkStructure, { at, variance }: CorrelationFlags) {
  const map = correlationMap(rectifier, variance);
  return {
    rectifier: rectifier.name,
    label: rectifier.label,
    correlations: at.map(c => ({ c, behind: networkCorrelation(structure, map, c) })),
    tellsEqualApart: map.value(1) < 1,
    chi: map.derivative(1),
    limit: limitCorrelation(map),
  };
}

const cells = ({ label, correlations, chi, limit }: ReturnType<typeof answer>): string[] => [
  label,
  ...correlations.map(({ behind }) => four(withoutRounding(behind))),
  four(chi),
  limit === null ? 'stays' : four(withoutRounding(limit.correlation)),
];

const explanation = (makes: string, variance: number): string => `
What ${makes} of the correlation c of two inputs' pre-activations: exact for wide layers without biases (closed
forms, or quadrature to 1e-8) whose weights keep the pre-activations' variance at ${four(variance)}. C′(1) is what a layer multiplies a small squared
distance between inputs by. Where it is at most 1, depth makes all inputs the same; above 1 it tells nearly equal inputs apart.
Every pair ends where "goes to" says, whatever it started from.
`;

const noise = 'RReLU draws its slopes anew for each input, so that even equal inputs come out different.\n';

/** Adds `reluminate theory correlation` to the command. */
export function addCorrelationCommand(theory: Command): void {
  const command = theory
    .command('correlation')
    .description('what depth makes of the correlation of two inputs, for each rectifier')
    .argument('[rectifiers...]', `rectifiers such as relu, leaky:0.01, elu:1 (default: ${defaults.join(' ')})`)
    .option('--depth <n>', 'rectified layers in a row', parseCount, 1)
    .addOption(
      new Option('--resnet <n>', `a standard ResNet instead, of ${resNetDepths.join(', ')} layers`)
        .argParser(parseCount)
        .conflicts('depth'),
    );
  addResNetOptions(command)
    .option('--at <c,...>', 'correlations to start from, from -1 to 1', parseNumbers, [-0.5, 0, 0.5, 0.9])
    .option('--variance <v>', 'variance of the pre-activations; smooth rectifiers are not scale free', parseNumber, 1)
    .option('--json', 'print JSON instead of the table')
    .option(
      '-o, --output <file>',
      'draw the maps of one layer and of the depth (50 unless given): .svg, .png or .html',
      parseFigureFile,
    )
    .action(async (names: string[], flags: CorrelationFlags) => {
      const { depth, resnet, shortcutWeight, resnetVersion, at, variance, json, output } = flags;
      if (output !== undefined && resnet !== undefined)
        throw new Failure('usage', 'theory correlation: --output must be given with --depth, got --resnet');
      await requireFigureFile(output);
      const { structure, makes } = orUsage(() => networkOf(flags));
      const rectifiers = orUsage(() => (names.length > 0 ? names : defaults).map(parseRectifier));
      const answers = orUsage(() => rectifiers.map(rectifier => answer(rectifier, structure, flags)));
      const asked = resnet === undefined ? { depth } : { resnet, shortcutWeight, version: resnetVersion };
      const titles = ['rectifier', ...at.map(c => `c = ${four(c)}`), 'C′(1)', 'goes to'];
      const isNoisy = answers.some(({ tellsEqualApart }) => tellsEqualApart);
      process.stdout.write(
        json
          ? jsonText({ exact: true, ...asked, variance, rectifiers: answers })
          : `${table(titles, answers.map(cells))}${explanation(makes, variance)}${isNoisy ? noise : ''}`,
      );
      if (output !== undefined) {
        const { correlationCurves } = await import('../figures/correlation-curves.js');
        const shown = { preActivationVariance: variance, ...(depth > 1 ? { depth } : {}) };
        await writeFigure(output, correlationCurves(rectifiers, shown), 'Correlation maps');
      }
    });
}
