import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Failure } from '../failure.js';
import { parseFigureFile, parseFigureWidth, requireFigureFile, writeFigure } from './figure-file.js';
import { jsonText } from './json.js';
import { parseCount, parseSeed, parseShare, parseThreads } from './options.js';
import { progressOn } from './progress.js';
import { type BornDeadFlags, mapOf, networkOdds } from './theory-born-dead-odds.js';

/** Whole numbers from 1 up: `4`, `2-10`, or several of these with commas between. */
export function parseRange(text: string): number[] {
  const numbers = text.split(',').flatMap(part => {
    const [from, to = from, ...rest] = part.split('-').map(Number) as [number, ...number[]];
    const isRange = rest.length === 0 && Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 1;
    if (!isRange || to < from || to - from >= 1000)
      throw new InvalidArgumentError(`It must be a whole number from 1 up, or a range such as 2-10, got '${text}'.`);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** Odds that can be wanted: above 0 and below 1. */
function parseOdds(text: string): number {
  const odds = parseShare(text);
  if (odds === 0 || odds === 1)
    throw new InvalidArgumentError(`It must be above 0 and below 1, or 0 % and 100 %, got '${text}'.`);
  return odds;
}

function checkFlags({ net, width, depth, output, inputs }: BornDeadFlags): void {
  if (net === undefined && (width === undefined || depth === undefined))
    throw new Failure('usage', 'theory born-dead: --width and --depth must be given, or --net, got neither');
  if (net !== undefined && output !== undefined)
    throw new Failure('usage', 'theory born-dead: --output must be given with --width and --depth, got --net');
  if (net !== undefined && inputs !== 1)
    throw new Failure(
      'usage',
      `theory born-dead: --inputs must be given with --width and --depth, got --net '${net}', whose first width it is`,
    );
}

/** Adds `reluminate theory born-dead` to the command. */
export function addBornDeadCommand(theory: Command): void {
  theory
    .command('born-dead')
    .description('the odds that a network is dead before the first step')
    .option('--width <n>', 'units of every hidden layer; a range such as 2-10 makes a map', parseRange)
    .option('--depth <n>', 'layers of weights, the last one without a rectifier; or a range', parseRange)
    .addOption(
      new Option('--net <widths>', 'one network by its widths instead, input first, such as 1-16-8-4-1').conflicts([
        'width',
        'depth',
      ]),
    )
    .option(
      '--rectifier <name>',
      'such as relu, leaky:0.01, relu6; with --net also relu+leaky:0.2 for layers that take turns',
      'relu',
    )
    .option('--init <name>', 'he, xavier, orthogonal, pytorch, normal:VARIANCE, … or rai', 'he')
    .option('--inputs <n>', 'inputs of the network', parseCount, 1)
    .option(
      '--test-inputs <n>',
      'inputs a network is tested with where two do not decide, an even number',
      parseCount,
      256,
    )
    .option('--networks <n>', 'networks to draw for each width', parseCount, 100_000)
    .option(
      '--threads <n>',
      'worker threads for ReLU with independent weights or RAI, one for each core unless told; all else has one',
      parseThreads,
      availableParallelism(),
    )
    .option('--seed <n>', 'the same seed draws the same networks', parseSeed, 0)
    .option('--at-most <p>', 'odds that a width is wanted for, above 0 and below 1', parseOdds, 0.01)
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the map: .svg, .png or .html', parseFigureFile)
    .option(
      '--figure-width <n>',
      'width of the drawing; below 640 the panels stand one under the other',
      parseFigureWidth,
      960,
    )
    .action(async (flags: BornDeadFlags) => {
      checkFlags(flags);
      const { net, networks, threads, seed, output } = flags;
      await requireFigureFile(output);
      const progress = progressOn(process.stderr, 'networks');
      const onProgress = (done: number, total: number) => progress.show({ phase: 'samples', done, total });
      const options = { networks, threads, seed, onProgress };
      const work = net === undefined ? mapOf(flags, options) : networkOdds(net, flags, options);
      const [data, text, map] = await work.finally(() => progress.clear());
      process.stdout.write(flags.json ? jsonText(data) : text);
      if (output !== undefined && map !== undefined) {
        const { bornDeadMapFigure } = await import('../figures/born-dead-map.js');
        await writeFigure(output, bornDeadMapFigure(map, { width: flags.figureWidth }), 'Born dead');
      }
    });
}
