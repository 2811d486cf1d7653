import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { count, plural, significant } from '../report/numbers.js';
import { boundsOfNetwork, minimalWidth } from '../theory/born-dead.js';
import { type BornDeadCell, type BornDeadMap, bornDeadMap } from '../theory/born-dead-map.js';
import { type BornDeadOptions, simulateBornDead } from '../theory/born-dead-simulation.js';
import { type Initializer, parseInitializer } from '../theory/initializer.js';
import { parseWidths } from '../theory/network.js';
import { raiInitialize } from '../theory/rai.js';
import { four } from './four-digits.js';
import { orUsage } from './refusals.js';
import { table } from './table.js';
import { networkOf, shownLayers } from './theory-networks.js';

/** What `theory born-dead` is told; a net, or widths and depths. */
export interface BornDeadFlags {
  readonly width: number[];
  readonly depth: number[];
  readonly net?: string;
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

/** How layers are drawn: by an initializer's law, or by RAI, which has no law. */
function parseInit(name: string): { initializer: Initializer; draw?: typeof raiInitialize } {
  return name.trim().toLowerCase() === 'rai'
    ? { initializer: parseInitializer('he'), draw: raiInitialize }
    : { initializer: parseInitializer(name) };
}

/** The columns of bounds and simulation, in the order of `cells`. */
const oddsTitles = ['lower bound', 'simulated', '± std. error', 'upper bound', 'exact', 'one input dead'];

const orBlank = (x: number | null | undefined): string => (x === null || x === undefined ? '' : four(x));

/** What is known of one network. */
type Odds = Pick<BornDeadCell, 'bounds' | 'dead' | 'pointDead'>;

function oddsCells({ bounds, dead, pointDead }: Odds, test: BornDeadMap['test']): string[] {
  const isExact = test === 'never';
  const simulated = isExact ? ['', ''] : [four(dead.probability), significant(dead.standardError, 2)];
  const exact = isExact ? 0 : bounds?.exact;
  return [
    orBlank(bounds?.lower),
    ...simulated,
    ...[bounds?.upper, exact, bounds?.pointDeath ?? pointDead.probability].map(orBlank),
  ];
}

type Simulation = Pick<BornDeadMap, 'networks' | 'test' | 'testInputs' | 'threads'>;

function explanation(
  { networks, test, testInputs, threads }: Simulation,
  areBounded: boolean,
  flags: BornDeadFlags,
  seconds: number,
) {
  const isShallow = flags.net === undefined ? Math.max(...flags.depth) === 1 : parseWidths(flags.net).length === 2;
  if (isShallow) return 'Exact: a network of depth 1 has no rectifier, so it is never born dead.\n';
  if (test === 'never')
    return 'Exact: no layer has a rectifier that is flat anywhere, so some gradient always gets through: never born dead.\n';
  const each = flags.net === undefined ? ' for each width' : '';
  const drawn = `Simulated with ${plural(networks, 'network')}${each}, in ${seconds.toFixed(1)} s on ${plural(threads, 'thread')}: dead is a network in which every`;
  const inputs =
    test === 'every input'
      ? 'real input meets a layer without gradient; x = 1 and x = −1 decide it.'
      : `one of ${count(testInputs)} normal inputs meets a layer without gradient, which is no less likely than for all inputs.`;
  const theory = areBounded
    ? 'Bounds, "exact" and "one input dead" are closed forms (Lu et al. 2019; the upper bound is a tighter one).'
    : 'No bounds are known here (they need ReLU, independent weights and biases of 0); "one input dead" is simulated too.';
  return `${drawn}\n${inputs}\n${theory}\n`;
}

/** What is known best: the exact value, the bounds where they say more than the simulation, or the simulation. */
function best({ bounds, dead }: Odds): string {
  if (bounds !== null && bounds.exact !== null) return `${four(bounds.exact)} (exact)`;
  if (bounds !== null && bounds.upper < dead.standardError)
    return `from ${four(bounds.lower)} to ${four(bounds.upper)} (bounds)`;
  return `${four(dead.probability)} ± ${significant(dead.standardError, 2)} (simulated)`;
}

/** A sentence or two for one network of equal widths. */
function verdict(cell: BornDeadCell, wanted: number, inputs: number): string {
  const { depth, width, bounds } = cell;
  const odds = `Depth ${depth}, width ${width}: the odds of being born dead are ${best(cell)}.`;
  if (bounds === null) return `${odds}\n`;
  const { sufficient, necessary } = minimalWidth({ depth, probability: wanted, inputs });
  const enough = `For ${four(100 * wanted)} % or less, width ${sufficient} is enough`;
  return `${odds}\n${enough}${necessary < sufficient ? ` and ${necessary} is needed (bounds)` : ''}.\n`;
}

/** What the library refuses while it works is a mistake of usage, too. */
const awaited = <T>(work: Promise<T>): Promise<T> =>
  work.catch(cause =>
    orUsage<never>(() => {
      throw cause;
    }),
  );

/** The odds over widths and depths: what to print, as data and as text, and the figure. */
export async function mapOf(flags: BornDeadFlags, options: BornDeadOptions): Promise<[object, string, BornDeadMap]> {
  const { width: widths, depth: depths, inputs: dimension, testInputs, atMost } = flags;
  const start = performance.now();
  const [rectifier, init] = orUsage(() => [parseRectifier(flags.rectifier), parseInit(flags.init)] as const);
  const asked = { widths, depths, dimension, testInputs, rectifier, ...init, ...options };
  const map = await awaited(bornDeadMap(asked));
  const seconds = (performance.now() - start) / 1000;
  const rows = map.cells.map(cell => [String(cell.width), String(cell.depth), ...oddsCells(cell, map.test)]);
  const areBounded = map.cells.every(({ bounds }) => bounds !== null);
  const only = map.cells.length === 1 && map.test !== 'never' ? (map.cells[0] as BornDeadCell) : null;
  const text = [
    `${table(['width', 'depth', ...oddsTitles], rows)}\n${explanation(map, areBounded, flags, seconds)}`,
    only === null ? '' : orUsage(() => verdict(only, atMost, dimension)),
  ];
  return [
    { rectifier: rectifier.name, init: flags.init, inputs: dimension, seed: flags.seed, seconds, ...map },
    text.join(''),
    map,
  ];
}

/** The odds of one network, layer by layer: of the network that ends behind each hidden layer. */
export async function networkOdds(
  net: string,
  flags: BornDeadFlags,
  options: BornDeadOptions,
): Promise<[object, string]> {
  const start = performance.now();
  const { rectifier, network, draw } = orUsage(() => {
    const { initializer, draw } = parseInit(flags.init);
    return { ...networkOf(parseWidths(net), flags.rectifier, initializer), draw };
  });
  const estimate = await awaited(simulateBornDead(network, { ...options, inputs: flags.testInputs, draw }));
  const seconds = (performance.now() - start) / 1000;
  const inputs = network[0]!.fanIn;
  const layers = estimate.byLayer.map((shares, at) => ({
    width: network[at]!.fanOut,
    bounds: draw === undefined ? boundsOfNetwork(network.slice(0, at + 1), inputs) : null,
    ...shares,
  }));
  const rows =
    layers.length === 0
      ? []
      : shownLayers(1, layers.length).map(layer => {
          const { width, ...odds } = layers[layer - 1]!;
          return [String(layer), String(width), ...oddsCells(odds, estimate.test)];
        });
  const last = layers.at(-1);
  const text = [
    rows.length === 0 ? '' : `${table(['hidden layers', 'width', ...oddsTitles], rows)}\n`,
    explanation({ ...estimate, testInputs: estimate.inputs }, last?.bounds != null, flags, seconds),
    last && estimate.test !== 'never' ? `${net}: the odds of being born dead are ${best(last)}.\n` : '',
  ];
  const { networks, test, threads } = estimate;
  const law = { net, rectifier, init: flags.init, seed: flags.seed, seconds };
  return [{ ...law, networks, test, testInputs: estimate.inputs, threads, layers }, text.join('')];
}
