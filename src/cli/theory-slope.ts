import { type Command, Option } from 'commander';
import { Failure } from '../failure.js';
import { plural, significant } from '../report/numbers.js';
import { dksLeaky } from '../theory/dks-leaky.js';
import { parseWidths } from '../theory/network.js';
import type { NetworkStructure } from '../theory/network-map.js';
import { resNetDepths } from '../theory/res-net.js';
import { minTailoredDepth, reachableCorrelation, tailoredSlope } from '../theory/tailored-slope.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { four } from './four-digits.js';
import { jsonText } from './json.js';
import { parseCount, parseNumber } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { addResNetOptions, type ResNetFlags, resNetName, resNetOf } from './theory-res-net.js';

interface SlopeFlags extends ResNetFlags {
  readonly depth?: number[];
  readonly net?: string;
  readonly resnet?: number[];
  readonly eta: number;
  readonly zeta?: number;
  readonly json?: boolean;
  readonly output?: string;
}

/** A network that the flags describe: what was asked, and what to call it. */
interface AskedNetwork {
  readonly asked: object;
  readonly name: string;
  readonly network: NetworkStructure;
}

const six = (x: number) => significant(x, 6);

const parseDepths = (text: string): number[] => text.split(',').map(parseCount);

/** The plain network of a chain of widths: all of its layers are rectified but the last. */
function plainNetwork(net: string): AskedNetwork {
  const depth = parseWidths(net).length - 2;
  if (depth === 0) throw new RangeError(`--net: there must be a hidden layer, such as 784-256-10, got '${net}'`);
  return { asked: { net, depth }, name: `${net}, ${plural(depth, 'rectified layer')}`, network: { depth } };
}

function networksOf(flags: SlopeFlags): AskedNetwork[] {
  const { depth: depths, net, resnet, shortcutWeight, resnetVersion } = flags;
  if (net !== undefined) return [plainNetwork(net)];
  if (resnet !== undefined)
    return resnet.map(depth => ({
      asked: { resnet: depth, shortcutWeight, version: resnetVersion },
      name: resNetName(depth, flags),
      network: resNetOf(depth, flags),
    }));
  if (depths === undefined)
    throw new Failure('usage', 'theory slope: --depth, --net or --resnet must be given, got none of them');
  return depths.map(depth => ({ asked: { depth }, name: `depth ${depth}`, network: { depth } }));
}

/** From which network of the kind on there is a tailored slope. */
function fromWhere(flags: SlopeFlags): string {
  if (flags.resnet === undefined) {
    const depth = minTailoredDepth(flags.eta);
    return depth === null ? 'No plain network of up to 100,000 layers has one' : `From depth ${depth} on one exists`;
  }
  const first = resNetDepths.find(depth => reachableCorrelation(resNetOf(depth, flags)) >= flags.eta);
  return first === undefined
    ? `No ResNet of up to ${resNetDepths.at(-1)} layers has one`
    : `From ResNet-${first} on one exists`;
}

const answerTat = ({ asked, name, network }: AskedNetwork, eta: number) => ({
  name,
  answer: { ...asked, found: tailoredSlope(network, { eta }), reluReaches: reachableCorrelation(network) },
});

function tatText(answers: ReturnType<typeof answerTat>[], flags: SlopeFlags): string {
  const rows = answers.map(({ name, answer: { found, reluReaches } }) => [
    name,
    ...(found === null ? ['none', '', ''] : [six(found.negativeSlope), six(found.outputScale), four(found.reached)]),
    six(reluReaches),
  ]);
  const usage = `Draw weights with standard deviation 1/√fanIn and multiply the outputs of leaky ReLU by the output scale; or leave the outputs
as they are and take the output scale as the weights' gain, standard deviation gain/√fanIn. Of orthogonal inputs (c = 0) the
network then makes the correlation η = ${flags.eta}.\n`;
  const none = answers
    .filter(({ answer }) => answer.found === null)
    .map(({ name, answer }) => `No slope exists for ${name}: even ReLU only reaches ${four(answer.reluReaches)}.\n`);
  const where = `${fromWhere(flags)} for η = ${flags.eta}; where none does, ReLU with gain √2 keeps inputs further apart than η asks.\n`;
  const titles = ['network', 'slope a', 'output scale', 'c = 0 becomes', 'with ReLU'];
  const parts = [table(titles, rows), '\n', ...none];
  if (none.length > 0) parts.push(where);
  if (none.length < answers.length) parts.push(usage);
  return [...parts, 'Exact for wide layers.\n'].join('');
}

const answerDks = ({ asked, name, network }: AskedNetwork, zeta: number) => ({
  name,
  answer: { ...asked, found: dksLeaky(network, { zeta }) },
});

function dksText(answers: ReturnType<typeof answerDks>[], zeta: number): string {
  const rows = answers.map(({ name, answer: { found } }) =>
    found === null
      ? [name, 'none']
      : [name, ...[found.negativeSlope, found.outputShift, found.outputScale, found.localSlope].map(six)],
  );
  return `${table(['network', 'slope a', 'output shift', 'output scale', 'C′(1) per layer'], rows)}
Draw weights with standard deviation 1/√fanIn, add the output shift to the outputs of leaky ReLU and multiply by the output scale:
the network's correlation map then keeps 0 and has slope ζ = ${four(zeta)} at 1. No slope exists where a layer would have to have
more than ReLU's, 1.467. Exact for wide layers.\n`;
}

/** Adds `reluminate theory slope` to the command. */
export function addSlopeCommand(theory: Command): void {
  const command = theory
    .command('slope')
    .description('the leaky slope that keeps the signal alive at a depth (TAT, DKS), with its output scale')
    .option('--depth <n,...>', 'rectified layers of a plain network, or of several', parseDepths)
    .addOption(
      new Option(
        '--net <widths>',
        'a plain network by its widths instead, input first, such as 784-256x20-10',
      ).conflicts('depth'),
    )
    .addOption(
      new Option('--resnet <n,...>', `standard ResNets instead: ${resNetDepths.join(', ')} layers`)
        .argParser(parseDepths)
        .conflicts(['depth', 'net']),
    );
  addResNetOptions(command)
    .option('--eta <η>', 'what the network is to make of the correlation of orthogonal inputs', parseNumber, 0.9)
    .addOption(
      new Option('--zeta <ζ>', 'Deep Kernel Shaping instead: the slope of the correlation map at 1, such as 1.5')
        .argParser(parseNumber)
        .conflicts('eta'),
    )
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw tailored slopes against depth: .svg, .png or .html', parseFigureFile)
    .action(async (flags: SlopeFlags) => {
      const { depth: depths, net, eta, zeta, json, output } = flags;
      const networks = orUsage(() => networksOf(flags));
      if (output !== undefined && (depths === undefined || zeta !== undefined))
        throw new Failure(
          'usage',
          `theory slope: --output must be given with --depth and --eta, got ${zeta !== undefined ? '--zeta' : net === undefined ? '--resnet' : '--net'}`,
        );
      await requireFigureFile(output);
      const print = (answer: object, text: string) =>
        process.stdout.write(json ? jsonText({ exact: true, ...answer }) : text);
      if (zeta !== undefined) {
        const answers = orUsage(() => networks.map(network => answerDks(network, zeta)));
        print({ method: 'dks', zeta, networks: answers.map(({ answer }) => answer) }, dksText(answers, zeta));
        return;
      }
      const answers = orUsage(() => networks.map(network => answerTat(network, eta)));
      const minDepth = flags.resnet === undefined ? { minDepth: minTailoredDepth(eta) } : {};
      const data = { method: 'tat', eta, ...minDepth, networks: answers.map(({ answer }) => answer) };
      print(data, tatText(answers, flags));
      if (output !== undefined && depths !== undefined) {
        const { tailoredSlopeByDepth } = await import('../figures/tailored-slope-by-depth.js');
        const etas = [...new Set([0.5, 0.7, 0.9, 0.95, eta])].sort((a, b) => a - b);
        const deepest = Math.max(1000, 10 ** Math.ceil(Math.log10(Math.max(...depths))));
        const marked = depths.length === 1 ? depths[0] : undefined;
        await writeFigure(output, tailoredSlopeByDepth(etas, { depth: marked, deepest }), 'Tailored slopes');
      }
    });
}
