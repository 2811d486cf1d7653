import { describe } from '../rectifiers/floats.js';
import { finite, positive, whole } from '../rectifiers/parameters.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import type { Initializer, LayerShape, WeightLaw } from './initializer.js';

/** A dense layer at initialization: its shape, the law of its weights, and the rectifier behind them. */
export interface LayerDescription extends LayerShape, WeightLaw {}

/** A plain network at initialization, from the input to the output; the last layer usually has no rectifier. */
export type NetworkDescription = readonly LayerDescription[];

export interface NetworkOptions {
  /** Behind every layer but the last. */
  readonly rectifier: Rectifier;
  readonly initializer: Initializer;
  /** Behind the last layer (default null: none). */
  readonly last?: Rectifier | null | undefined;
}

/**
 * The network whose layers have these widths, input first: n widths make n - 1 layers. Throws a RangeError for fewer than two widths
 * and for widths that are not whole numbers from 1 up.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, parseInitializer } from 'reluminate/theory';
 * const net = describeNetwork([784, 256, 10], { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') });
 * net.map(({ fanIn, fanOut }) => `${fanIn} to ${fanOut}`); // => ["784 to 256", "256 to 10"]
 */
export function describeNetwork(
  widths: readonly number[],
  { rectifier, initializer, last = null }: NetworkOptions,
): NetworkDescription {
  if (widths.length < 2)
    throw new RangeError(`describeNetwork: there must be two widths or more, input first, got ${widths.length}`);
  widths.forEach((width, at) => {
    whole('describeNetwork', `width ${at}`, width, 1);
  });
  return widths.slice(1).map((fanOut, at) => {
    const isLast = at === widths.length - 2;
    const shape = { fanIn: widths[at] as number, fanOut, rectifier: isLast ? last : rectifier };
    return { ...shape, ...initializer.law(shape) };
  });
}

/**
 * The widths that a short text stands for: `784-256-256-10`, input first; `256x100` stands for a hundred widths of 256, 100,000 at most. Throws a
 * RangeError for other texts.
 *
 * @example
 * import { parseWidths } from 'reluminate/theory';
 * parseWidths('784-256x2-10'); // => [784, 256, 256, 10]
 */
export function parseWidths(text: string): number[] {
  const widths = text.split('-').flatMap(part => {
    const match = /^\s*(\d+)(?:x(\d+))?\s*$/.exec(part);
    const [width, times] = [Number(match?.[1]), Number(match?.[2] ?? 1)];
    if (!match || width < 1 || times < 1)
      throw new RangeError(`parseWidths: widths must be written like 784-256x2-10, got '${text}'`);
    if (times > 100_000)
      throw new RangeError(`parseWidths: a width must be repeated at most 100,000 times, got '${text}'`);
    return new Array<number>(times).fill(width);
  });
  if (widths.length < 2) throw new RangeError(`parseWidths: there must be two widths or more, got '${text}'`);
  return widths;
}

/**
 * The network, once it is one: whole fans from 1 up that chain, positive weight variances, bias variances of 0 or more. Throws a
 * RangeError that names the layer (from 0) otherwise.
 */
export function checkNetwork(operation: string, network: NetworkDescription): NetworkDescription {
  if (!Array.isArray(network) || network.length === 0)
    throw new RangeError(`${operation}: the network must have a layer, got ${describe(network)}`);
  (network as NetworkDescription).forEach((layer, at) => {
    whole(operation, `fanIn of layer ${at}`, layer.fanIn, 1);
    whole(operation, `fanOut of layer ${at}`, layer.fanOut, 1);
    positive(operation, `weightVariance of layer ${at}`, layer.weightVariance);
    if (finite(operation, `biasVariance of layer ${at}`, layer.biasVariance) < 0)
      throw new RangeError(`${operation}: biasVariance of layer ${at} must be at least 0, got ${layer.biasVariance}`);
    const before = at === 0 ? layer.fanIn : network[at - 1].fanOut;
    if (layer.fanIn !== before)
      throw new RangeError(
        `${operation}: fanIn of layer ${at} must be ${before}, the fanOut of the layer before, got ${layer.fanIn}`,
      );
  });
  return network;
}
