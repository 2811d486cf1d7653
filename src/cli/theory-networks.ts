import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { type Initializer, parseInitializer } from '../theory/initializer.js';
import { describeNetwork, type NetworkDescription, parseWidths } from '../theory/network.js';
import { progressOn } from './progress.js';
import { orUsage } from './refusals.js';

/** A network that the command line describes, and its name there. */
export interface NamedNetwork {
  readonly label: string;
  /** As `--rectifier` has it. */
  readonly rectifier: string;
  readonly initializer: string;
  readonly network: NetworkDescription;
}

/** The parts of a list separated by commas, where a comma before a number belongs to a part: `rrelu:0.1,0.3`, `normal:σ_w²,σ_b²`. */
const parts = (list: string): string[] => list.split(/,(?=\s*[a-z]|\s*$)/i);

/** Rectifiers of one network, which its layers take in turn: `relu+leaky:0.2`. */
const inTurn = (part: string): Rectifier[] => part.split(/\+(?=\s*[a-z]|\s*$)/i).map(parseRectifier);

/** How a flag for the rectifier of a network, and one for those of several networks, explain themselves. */
export const rectifierHelp =
  'behind all layers but the last, such as relu, or relu+leaky:0.2 for layers that take turns';
export const rectifiersHelp = `${rectifierHelp}; several networks with commas between`;

/** The network of a chain of widths whose layers take rectifiers such as `relu+leaky:0.2` in turn. Throws a RangeError for more of them than there are layers. */
export function networkOf(widths: readonly number[], rectifiers: string, initializer: Initializer): NamedNetwork {
  const turns = inTurn(rectifiers);
  const count = widths.length - 2;
  if (turns.length > 1 && turns.length > count)
    throw new RangeError(
      `--rectifier: there must be at most one for each of ${count} layers but the last, got ${turns.length} in '${rectifiers}'`,
    );
  const rectifier = Array.from({ length: count }, (_, at) => turns[at % turns.length] as Rectifier);
  return {
    label: `${turns.map(({ label }) => label).join(' + ')}, ${initializer.name}`,
    rectifier: turns.map(({ name }) => name).join('+'),
    initializer: initializer.name,
    network: describeNetwork(widths, { rectifier, initializer }),
  };
}

/**
 * The networks of one chain of widths for a list of rectifiers and a list of initializers: first with first, second with second; a list of
 * one goes with all of the other. Throws a RangeError for lists of other lengths.
 */
export function parseNetworks(widths: string, rectifiers: string, initializers: string): NamedNetwork[] {
  const chain = parseWidths(widths);
  const [all, laws] = [parts(rectifiers), parts(initializers).map(parseInitializer)];
  const count = Math.max(all.length, laws.length);
  for (const { length } of [all, laws])
    if (length !== 1 && length !== count)
      throw new RangeError(
        `--init: there must be one initializer for each rectifier, or one of either, got ${laws.length} for ${all.length}`,
      );
  return Array.from({ length: count }, (_, at) =>
    networkOf(chain, all[all.length === 1 ? 0 : at] as string, laws[laws.length === 1 ? 0 : at] as Initializer),
  );
}

const mostRows = 12;

/** A dozen layers at most, the first and the last among them. */
export function shownLayers(first: number, last: number): number[] {
  const step = Math.max(1, Math.ceil((last - first) / (mostRows - 1)));
  return [...Array.from({ length: Math.ceil((last - first) / step) }, (_, at) => first + at * step), last];
}

/** What is known of each network, with the progress of all simulations on standard error; what the library refuses is a mistake of usage. */
export function answerEach<T>(
  networks: readonly NamedNetwork[],
  answer: (named: NamedNetwork, onProgress: (done: number, total: number) => void) => T,
): T[] {
  const progress = progressOn(process.stderr, 'networks');
  try {
    return orUsage(() =>
      networks.map((named, at) =>
        answer(named, (done, total) =>
          progress.show({ phase: 'samples', done: at * total + done, total: networks.length * total }),
        ),
      ),
    );
  } finally {
    progress.clear();
  }
}
