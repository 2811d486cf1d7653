import type { Command } from 'commander';
import { Failure } from '../failure.js';
import { parseRectifiers } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { count } from '../report/numbers.js';
import { initializeNetwork } from '../theory/initialize.js';
import { parseInitializer } from '../theory/initializer.js';
import { randomSlice } from '../theory/input-slice.js';
import { regionsLowerBound, regionsUpperBound, reluRegionsUpperBound } from '../theory/linear-regions.js';
import { describeNetwork, parseWidths } from '../theory/network.js';
import { lineRegions, type NetworkRegions, planeRegions } from '../theory/plane-regions.js';
import { rectifierLayers } from '../theory/rectifier-layer.js';
import { parseFigureFile, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { parseNumbers, parseSeed } from './options.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface RegionFlags {
  readonly rectifier: string;
  readonly init: string;
  readonly seed: number;
  readonly box: number[];
  readonly json?: boolean;
  readonly output?: string;
}

interface Answer {
  readonly widths: readonly number[];
  readonly initializer: string;
  readonly isUnbiased: boolean;
  readonly seed: number;
  readonly range: readonly [number, number];
  readonly counted: readonly { readonly rectifier: Rectifier; readonly found: NetworkRegions }[];
}

const big = (value: bigint): string => value.toLocaleString('en-US');

/** What is known of the largest number of regions, for so many hidden layers of these widths. */
function limits(dimensions: number, hidden: readonly number[]) {
  const isWide = hidden.every(width => width >= dimensions);
  return {
    reached: isWide ? regionsLowerBound(dimensions, hidden) : null,
    atMost: regionsUpperBound(dimensions, hidden),
    reluAtMost: reluRegionsUpperBound(dimensions, hidden),
  };
}

function limitLines(dimensions: number, hidden: readonly number[]): string[] {
  const { reached, atMost, reluAtMost } = limits(dimensions, hidden);
  const where = dimensions === 1 ? 'a line' : 'a plane';
  if (hidden.length === 1)
    return [
      `At most ${big(atMost)} regions of ${where} (exact maximum of one hidden layer, every slope but 1: Zaslavsky 1975).`,
    ];
  return [
    ...(reached === null
      ? []
      : [
          `Some weights make at least ${big(reached)} regions of ${where} (Montúfar et al. 2014 for ReLU; their folding can be written with every slope but 1).`,
        ]),
    `None exceed ${big(atMost)} (every slope: Montúfar 2017)${reluAtMost < atMost ? `, with ReLU ${big(reluAtMost)} (Serra et al. 2018)` : ''}.`,
  ];
}

/** How the rectifiers compare, in words that hold for what was counted. */
function comparison({ counted, widths }: Answer): string[] {
  const merged = counted.filter(({ found }) => found.linearRegions < found.regions.length);
  const lines = merged.map(
    ({ rectifier, found }) =>
      `${rectifier.label}: ${count(found.regions.length - found.linearRegions)} of its activation regions compute the same as one beside them.`,
  );
  if (counted.length === 1) return lines;
  return [
    'The kinks of the first hidden layer stand in the same places for every slope but 1.',
    ...(widths.length > 3
      ? ['Those of later layers move with the slope, so for given weights the counts may differ.']
      : []),
    ...lines,
  ];
}

/** Counts the regions of one draw of weights, shared by all rectifiers so that only the slope differs. */
function countRegions(text: string, { rectifier, init, seed, box }: RegionFlags): Answer {
  const widths = parseWidths(text);
  if (widths.length < 3) throw new RangeError(`regions: there must be a hidden layer, such as 2-8-1, got '${text}'`);
  const initializer = parseInitializer(init);
  const networks = parseRectifiers(rectifier).map(one => ({
    rectifier: one,
    network: describeNetwork(widths, { rectifier: one, initializer }),
  }));
  const first = networks[0]!.network;
  const numbers = initializeNetwork(first, { seed });
  const inputs = widths[0]!;
  const slice = inputs > 2 ? randomSlice(2, inputs, { seed }) : undefined;
  const find = inputs === 1 ? lineRegions : planeRegions;
  const range = box as [number, number];
  const counted = networks.map(({ rectifier, network }) => ({
    rectifier,
    found: find(rectifierLayers(network, numbers), { range, slice }),
  }));
  return { widths, initializer: initializer.name, isUnbiased: first[0]!.biasVariance === 0, seed, range, counted };
}

function data({ widths, initializer, seed, range, counted }: Answer): object {
  const bounds = limits(Math.min(widths[0]!, 2), widths.slice(1, -1));
  const found = counted.map(one => ({ rectifier: one.rectifier.name, ...one.found }));
  return { widths, init: initializer, seed, range, bounds, counted: found };
}

function report(answer: Answer): string {
  const { widths, initializer, isUnbiased, seed, range, counted } = answer;
  const [inputs, hidden] = [widths[0]!, widths.slice(1, -1)];
  const titles = ['rectifier', ...hidden.map((_, at) => `after layer ${at + 1}`), 'linear regions'];
  const rows = counted.map(({ rectifier: { label }, found }) => [
    label,
    ...hidden.map((_, at) => count(found.countAfterLayer[at]!)),
    count(found.linearRegions),
  ]);
  const place = ['the line of inputs', 'the plane of inputs'][inputs - 1];
  const where = place ?? `a random plane through 0 of the ${count(inputs)} inputs`;
  const [from, to] = range.map(end => String(end).replace('-', '−'));
  const lines = [
    `Counted exactly (to rounding) in ${where}, ${from} to ${to} along each axis, for one draw of weights (${initializer}, seed ${seed}) that all rectifiers share.`,
    ...(isUnbiased ? [`${initializer} draws no biases, so all kinks of the first layer meet at 0.`] : []),
    ...limitLines(Math.min(inputs, 2), hidden),
    ...comparison(answer),
  ];
  return `${table(titles, rows)}\n${lines.join('\n')}`;
}

/** Adds `reluminate theory regions` to the command. */
export function addRegionsCommand(theory: Command): void {
  theory
    .command('regions')
    .description('linear regions: how many there can be, and how many networks with random weights have')
    .argument('<widths>', 'units of every layer, input first and output last, such as 2-8-8-1')
    .option('--rectifier <names>', 'relu, leaky:SLOPE or prelu:SLOPE, separated by commas', 'relu,leaky:0.1')
    .option(
      '--init <name>',
      'how weights and biases are drawn; without biases (he, xavier, …) all kinks of the first layer meet at 0',
      'pytorch',
    )
    .option('--seed <n>', 'seed of the weights and of the plane', parseSeed, 0)
    .option('--box <from,to>', 'the segment or square counted in, along each axis', parseNumbers, [-3, 3])
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the regions: .svg, .png or .html', parseFigureFile)
    .action(async (text: string, flags: RegionFlags) => {
      if (flags.box.length !== 2) throw new Failure('usage', `--box: it must be two numbers, got ${flags.box.length}`);
      await requireFigureFile(flags.output);
      const answer = orUsage(() => countRegions(text, flags));
      process.stdout.write(flags.json ? jsonText(data(answer)) : `${report(answer)}\n`);
      if (flags.output !== undefined) {
        const { lineRegionCurves, planeRegionMap } = await import('../figures/index.js');
        const draw = answer.widths[0] === 1 ? lineRegionCurves : planeRegionMap;
        const pictures = answer.counted.map(({ rectifier: { label }, found }) => ({ label, found }));
        await writeFigure(flags.output, draw(pictures), 'Linear regions');
      }
    });
}
