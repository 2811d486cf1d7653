import { whole } from '../rectifiers/parameters.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { type BornDeadBounds, boundsOfNetwork, hiddenWidths } from './born-dead.js';
import {
  type BornDeadEstimate,
  type BornDeadOptions,
  type CountedShare,
  simulateBornDead,
} from './born-dead-simulation.js';
import type { Initializer } from './initializer.js';
import { describeNetwork } from './network.js';

export interface BornDeadMapOptions extends Omit<BornDeadOptions, 'inputs' | 'onProgress'> {
  /** Units of every hidden layer, of each row of networks. */
  readonly widths: readonly number[];
  /** Layers of weights, of which the last has no rectifier. */
  readonly depths: readonly number[];
  readonly rectifier: Rectifier;
  readonly initializer: Initializer;
  /** d, the number of inputs of the network (default 1). */
  readonly dimension?: number | undefined;
  /** How many inputs are tested where two do not decide (default 256). */
  readonly testInputs?: number | undefined;
  /** Told how many networks are done, of all widths together. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** One network of the map. */
export interface BornDeadCell {
  readonly width: number;
  readonly depth: number;
  /** Null where the theory of `bornDeadBounds` does not apply: other rectifiers, biases, orthogonal weights, another way of drawing. */
  readonly bounds: BornDeadBounds | null;
  readonly dead: CountedShare;
  readonly pointDead: CountedShare;
}

export interface BornDeadMap {
  /** By width, then depth. */
  readonly cells: readonly BornDeadCell[];
  /** Networks drawn for each width; they are cut off at each depth. */
  readonly networks: number;
  readonly test: BornDeadEstimate['test'];
  /** How many inputs were tested. */
  readonly testInputs: number;
  /** How many threads did the work. */
  readonly threads: number;
}

const never: CountedShare = { count: 0, probability: 0, standardError: 0 };

/**
 * The probability of being born dead over widths and depths: bounds, and a simulation for each width, whose deepest networks are cut off
 * at the other depths. Depth counts layers of weights, the output's included, as Lu et al. 2019 do, so that depth 1 has no
 * rectifier and is never dead. Throws a RangeError for no widths or depths, for ones that are not whole numbers from 1 up, and as `simulateBornDead`, whose
 * options it takes.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { bornDeadMap, parseInitializer } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he'), networks: 1000 };
 * const { cells } = await bornDeadMap({ ...options, widths: [2, 4], depths: [2, 10] });
 * cells.map(({ width, depth }) => [width, depth]); // => [[2, 2], [2, 10], [4, 2], [4, 10]]
 * cells[0].dead.probability; // => 0
 */
export async function bornDeadMap(options: BornDeadMapOptions): Promise<BornDeadMap> {
  const operation = 'bornDeadMap';
  const { widths, depths, rectifier, initializer, dimension = 1, testInputs, onProgress, ...simulation } = options;
  whole(operation, 'dimension', dimension, 1);
  for (const [name, values] of Object.entries({ widths, depths })) {
    if (values.length === 0) throw new RangeError(`${operation}: ${name} must hold a number or more, got none`);
    values.forEach((value, at) => {
      whole(operation, `${name}[${at}]`, value, 1);
    });
  }
  const deepest = Math.max(...depths);
  const cells: BornDeadCell[] = [];
  let last: BornDeadEstimate | null = null;
  for (const [at, width] of widths.entries()) {
    const network = describeNetwork([dimension, ...hiddenWidths(width, deepest), 1], { rectifier, initializer });
    const estimate: BornDeadEstimate = await simulateBornDead(network, {
      ...simulation,
      inputs: testInputs,
      onProgress: (done, total) => onProgress?.(at * total + done, widths.length * total),
    });
    for (const depth of depths) {
      const { dead, pointDead } = estimate.byLayer[depth - 2] ?? { dead: never, pointDead: never };
      const bounds = options.draw === undefined ? boundsOfNetwork(network.slice(0, depth - 1), dimension) : null;
      cells.push({ width, depth, bounds, dead, pointDead });
    }
    last = estimate;
  }
  const { networks, test, inputs, threads } = last as BornDeadEstimate;
  return { cells, networks, test, testInputs: inputs, threads };
}
