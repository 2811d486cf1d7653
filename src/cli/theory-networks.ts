import { parseRectifiers } from '../rectifiers/parse-rectifier.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { type Initializer, parseInitializer } from '../theory/initializer.js';
import { describeNetwork, type NetworkDescription, parseWidths } from '../theory/network.js';
import { progressOn } from './progress.js';
import { orUsage } from './refusals.js';

/** A network that the command line describes, and its name there. */
export interface NamedNetwork {
  readonly label: string;
  readonly rectifier: Rectifier;
  readonly initializer: Initializer;
  readonly network: NetworkDescription;
}

/** The initializers of a list separated by commas; a comma before a number separates the variances of `normal:σ_w²,σ_b²`. */
const parseInitializers = (list: string): Initializer[] => list.split(/,(?=\s*[a-z]|\s*$)/i).map(parseInitializer);

/**
 * The networks of one chain of widths for a list of rectifiers and a list of initializers: first with first, second with second; a list of
 * one goes with all of the other. Throws a RangeError for lists of other lengths.
 */
export function parseNetworks(widths: string, rectifiers: string, initializers: string): NamedNetwork[] {
  const chain = parseWidths(widths);
  const [all, laws] = [parseRectifiers(rectifiers), parseInitializers(initializers)];
  const count = Math.max(all.length, laws.length);
  for (const { length } of [all, laws])
    if (length !== 1 && length !== count)
      throw new RangeError(
        `--init: there must be one initializer for each rectifier, or one of either, got ${laws.length} for ${all.length}`,
      );
  return Array.from({ length: count }, (_, at) => {
    const rectifier = all[all.length === 1 ? 0 : at] as Rectifier;
    const initializer = laws[laws.length === 1 ? 0 : at] as Initializer;
    const network = describeNetwork(chain, { rectifier, initializer });
    return { label: `${rectifier.label}, ${initializer.name}`, rectifier, initializer, network };
  });
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
