import { describe } from '../rectifiers/floats.js';
import { finite, positive, whole } from '../rectifiers/parameters.js';
import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';
import { type Initializer, type LayerShape, type WeightLaw, weightDistributions } from './initializer.js';

/** A dense layer at initialization: its shape, the law of its weights, and the rectifier behind them. */
export interface LayerDescription extends LayerShape, WeightLaw {}

/** A plain network at initialization, from the input to the output; the last layer usually has no rectifier. */
export type NetworkDescription = readonly LayerDescription[];

export interface NetworkOptions {
  /** Behind every layer but the last: one for all, or one for each of them in order. */
  readonly rectifier: Rectifier | readonly Rectifier[];
  /** How weights are drawn: one for all layers, or one for each of them in order, the last included. */
  readonly initializer: Initializer | readonly Initializer[];
  /** Behind the last layer (default null: none). */
  readonly last?: Rectifier | null | undefined;
}

/** One thing for each of `count` layers: the one that is given, or as many as there are layers. */
function forEachLayer<T>(name: string, given: T | readonly T[], count: number, which: string): readonly T[] {
  if (!Array.isArray(given)) return new Array<T>(count).fill(given as T);
  if (given.length !== count)
    throw new RangeError(
      `describeNetwork: ${name} must be one, or one for each of ${count} ${which}, got ${given.length}`,
    );
  return given;
}

/**
 * The network whose layers have these widths, input first: n widths make n - 1 layers. Throws a RangeError for fewer than two widths, for
 * widths that are not whole numbers from 1 up, and for lists of rectifiers or initializers that do not fit them.
 *
 * @example
 * import { parseRectifier, parseRectifiers } from 'reluminate';
 * import { describeNetwork, parseInitializer } from 'reluminate/theory';
 * const initializer = parseInitializer('he');
 * const net = describeNetwork([784, 256, 10], { rectifier: parseRectifier('relu'), initializer });
 * net.map(({ fanIn, fanOut }) => `${fanIn} to ${fanOut}`); // => ["784 to 256", "256 to 10"]
 * const mixed = describeNetwork([8, 8, 8, 1], { rectifier: parseRectifiers('relu,leaky:0.2'), initializer });
 * mixed.map(({ rectifier }) => rectifier?.name ?? 'none'); // => ["relu", "leaky:0.2", "none"]
 */
export function describeNetwork(
  widths: readonly number[],
  { rectifier, initializer, last = null }: NetworkOptions,
): NetworkDescription {
  if (!Array.isArray(widths) || widths.length < 2)
    throw new RangeError(
      `describeNetwork: there must be two widths or more, input first, got ${Array.isArray(widths) ? widths.length : describe(widths)}`,
    );
  widths.forEach((width, at) => {
    whole('describeNetwork', `width ${at}`, width, 1);
  });
  const count = widths.length - 1;
  const rectifiers = [...forEachLayer('rectifier', rectifier, count - 1, 'layers but the last'), last];
  const initializers = forEachLayer('initializer', initializer, count, 'layers');
  return initializers.map((each, at) => {
    const behind = rectifiers[at] as Rectifier | null;
    if (typeof (each as Partial<Initializer> | null | undefined)?.law !== 'function')
      throw new TypeError(
        `describeNetwork: initializer must be an initializer, such as parseInitializer('he'), got ${describe(each)}`,
      );
    if (behind !== null) checkRectifier('describeNetwork', behind);
    const shape = { fanIn: widths[at] as number, fanOut: widths[at + 1] as number, rectifier: behind };
    return { ...shape, ...each.law(shape) };
  });
}

/**
 * The widths that a short text stands for: `784-256-256-10`, input first; `256x100` stands for a hundred widths of 256, 100,000 at most. Throws a
 * RangeError for other texts, a TypeError for what is none.
 *
 * @example
 * import { parseWidths } from 'reluminate/theory';
 * parseWidths('784-256x2-10'); // => [784, 256, 256, 10]
 */
export function parseWidths(text: string): number[] {
  if (typeof text !== 'string')
    throw new TypeError(`parseWidths: the widths must be a string such as 784-256x2-10, got ${describe(text)}`);
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
 * The network, once it is one: whole fans from 1 up that chain, positive weight variances, bias variances of 0 or more, distributions and
 * rectifiers that are known. Throws an error that names the layer (from 0) otherwise.
 */
export function checkNetwork(operation: string, network: NetworkDescription): NetworkDescription {
  if (!Array.isArray(network))
    throw new RangeError(`${operation}: the network must be layers, got ${describe(network)}`);
  if (network.length === 0) throw new RangeError(`${operation}: the network must have a layer, got none`);
  (network as NetworkDescription).forEach((layer, at) => {
    if (typeof layer !== 'object' || layer === null)
      throw new TypeError(`${operation}: layer ${at} must be a layer's description, got ${describe(layer)}`);
    whole(operation, `fanIn of layer ${at}`, layer.fanIn, 1);
    whole(operation, `fanOut of layer ${at}`, layer.fanOut, 1);
    positive(operation, `weightVariance of layer ${at}`, layer.weightVariance);
    if (finite(operation, `biasVariance of layer ${at}`, layer.biasVariance) < 0)
      throw new RangeError(`${operation}: biasVariance of layer ${at} must be at least 0, got ${layer.biasVariance}`);
    if (!weightDistributions.includes(layer.distribution))
      throw new RangeError(
        `${operation}: distribution of layer ${at} must be one of ${weightDistributions.join(', ')}, got ${describe(layer.distribution)}`,
      );
    if (layer.rectifier !== null) checkRectifier(operation, layer.rectifier, `rectifier of layer ${at}`);
    const before = at === 0 ? layer.fanIn : network[at - 1].fanOut;
    if (layer.fanIn !== before)
      throw new RangeError(
        `${operation}: fanIn of layer ${at} must be ${before}, the fanOut of the layer before, got ${layer.fanIn}`,
      );
  });
  return network;
}
