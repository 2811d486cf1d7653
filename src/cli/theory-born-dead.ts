import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { count, significant } from '../report/numbers.js';
import { minimalWidth } from '../theory/born-dead.js';
import { type BornDeadCell, type BornDeadMap, bornDeadMap } from '../theory/born-dead-map.js';
import { type Initializer, parseInitializer } from '../theory/initializer.js';
import { raiInitialize } from '../theory/rai.js';
import { parseFigureFile, writeFigure } from './figure-file.js';
import { parseCount, parseSeed, parseShare, parseThreads } from './options.js';
import { progressOn } from './progress.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';

interface BornDeadFlags {
  readonly width: number[];
  readonly depth: number[];
  readonly rectifier: string;
  readonly init: string;
  readonly inputs: number;
  readonly testInputs: number;
  readonly networks: number;
  readonly threads: number;
  readonly seed: number;
  readonly atMost: number;
  readonly json?: boolean;
  readonly output?: string;
  readonly figureWidth: number;
}

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

/** How layers are drawn: by an initializer's law, or by RAI, which has no law. */
function parseInit(name: string): { initializer: Initializer; draw?: typeof raiInitialize } {
  return name.trim().toLowerCase() === 'rai'
    ? { initializer: parseInitializer('he'), draw: raiInitialize }
    : { initializer: parseInitializer(name) };
}

const titles = ['width', 'depth', 'lower bound', 'simulated', '± std. error', 'upper bound', 'exact', 'one input dead'];

const four = (x: number | null | undefined): string => (x === null || x === undefined ? '' : significant(x, 4));

function cells({ width, depth, bounds, dead, pointDead }: BornDeadCell, test: BornDeadMap['test']): string[] {
  const isExact = test === 'never';
  const simulated = isExact ? ['', ''] : [four(dead.probability), significant(dead.standardError, 2)];
  const exact = isExact ? 0 : bounds?.exact;
  const rest = [bounds?.upper, exact, bounds?.pointDeath ?? pointDead.probability].map(four);
  return [String(width), String(depth), four(bounds?.lower), ...simulated, ...rest];
}

function explanation({ cells, networks, test, testInputs }: BornDeadMap, seconds: number): string {
  if (test === 'never')
    return 'Exact: no layer has a rectifier that is flat anywhere, so some gradient always gets through: never born dead.\n';
  const drawn = `Simulated with ${count(networks)} networks for each width, in ${seconds.toFixed(1)} s: dead is a network in which every`;
  const inputs =
    test === 'every input'
      ? 'real input meets a layer without gradient; x = 1 and x = −1 decide it.'
      : `one of ${count(testInputs)} normal inputs meets a layer without gradient, which is no less likely than for all inputs.`;
  const theory = cells.every(({ bounds }) => bounds !== null)
    ? 'Bounds, "exact" and "one input dead" are closed forms (Lu et al. 2019; the upper bound is a tighter one).'
    : 'No bounds are known here (they need ReLU, independent weights and biases of 0); "one input dead" is simulated too.';
  return `${drawn}\n${inputs}\n${theory}\n`;
}

/** What is known best: the exact value, the bounds where they say more than the simulation, or the simulation. */
function best({ bounds, dead }: BornDeadCell): string {
  if (bounds !== null && bounds.exact !== null) return `${four(bounds.exact)} (exact)`;
  if (bounds !== null && bounds.upper < dead.standardError)
    return `from ${four(bounds.lower)} to ${four(bounds.upper)} (bounds)`;
  return `${four(dead.probability)} ± ${significant(dead.standardError, 2)} (simulated)`;
}

/** A sentence or two for one network. */
function verdict(cell: BornDeadCell, wanted: number, inputs: number): string {
  const { depth, width, bounds } = cell;
  const odds = `Depth ${depth}, width ${width}: the odds of being born dead are ${best(cell)}.`;
  if (bounds === null) return `${odds}\n`;
  const { sufficient, necessary } = minimalWidth({ depth, probability: wanted, inputs });
  const enough = `For ${four(100 * wanted)} % or less, width ${sufficient} is enough`;
  return `${odds}\n${enough}${necessary < sufficient ? ` and ${necessary} is needed (bounds)` : ''}.\n`;
}

/** Adds `reluminate theory born-dead` to the command. */
export function addBornDeadCommand(theory: Command): void {
  theory
    .command('born-dead')
    .description('the odds that a network is dead before the first step')
    .requiredOption('--width <n>', 'units of every hidden layer; a range such as 2-10 makes a map', parseRange)
    .requiredOption('--depth <n>', 'layers of weights, the last one without a rectifier; or a range', parseRange)
    .option('--rectifier <name>', 'such as relu, leaky:0.01, relu6', 'relu')
    .option('--init <name>', 'he, xavier, orthogonal, pytorch, normal:VARIANCE, … or rai', 'he')
    .option('--inputs <n>', 'inputs of the network', parseCount, 1)
    .option(
      '--test-inputs <n>',
      'inputs a network is tested with where two do not decide, an even number',
      parseCount,
      256,
    )
    .option('--networks <n>', 'networks to draw for each width', parseCount, 100_000)
    .option('--threads <n>', 'worker threads, one for each core unless told', parseThreads, availableParallelism())
    .option('--seed <n>', 'the same seed draws the same networks', parseSeed, 0)
    .option('--at-most <p>', 'odds that a width is wanted for, above 0 and below 1', parseOdds, 0.01)
    .option('--json', 'print JSON instead of the table')
    .option('-o, --output <file>', 'draw the map: .svg, .png or .html', parseFigureFile)
    .option(
      '--figure-width <n>',
      'width of the drawing; below 640 the panels stand one under the other',
      parseCount,
      960,
    )
    .action(async (flags: BornDeadFlags) => {
      const { width: widths, depth: depths, networks, threads, seed, inputs: dimension, testInputs } = flags;
      const [rectifier, init] = orUsage(() => [parseRectifier(flags.rectifier), parseInit(flags.init)] as const);
      const progress = progressOn(process.stderr, 'networks');
      const onProgress = (done: number, total: number) => progress.show({ phase: 'samples', done, total });
      const start = performance.now();
      const options = {
        widths,
        depths,
        dimension,
        testInputs,
        networks,
        threads,
        seed,
        onProgress,
        rectifier,
        ...init,
      };
      const refuse = (cause: unknown) =>
        orUsage<never>(() => {
          throw cause;
        });
      const map = await bornDeadMap(options)
        .finally(() => progress.clear())
        .catch(refuse);
      const seconds = (performance.now() - start) / 1000;
      if (flags.output !== undefined) {
        const { bornDeadMapFigure } = await import('../figures/born-dead-map.js');
        const svg = orUsage(() => bornDeadMapFigure(map, { width: flags.figureWidth }));
        await writeFigure(flags.output, svg, 'Born dead');
      }
      if (flags.json) {
        const law = { rectifier: rectifier.name, init: flags.init, inputs: dimension, seed };
        process.stdout.write(`${JSON.stringify({ ...law, seconds, ...map }, null, 2)}\n`);
        return;
      }
      process.stdout.write(
        `${table(
          titles,
          map.cells.map(cell => cells(cell, map.test)),
        )}\n${explanation(map, seconds)}`,
      );
      if (map.cells.length === 1 && map.test !== 'never')
        process.stdout.write(orUsage(() => verdict(map.cells[0] as BornDeadCell, flags.atMost, dimension)));
    });
}
