import { finite, whole } from '../rectifiers/parameters.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import type { LayerWeights } from './initialize.js';
import type { NetworkDescription } from './network.js';

/** A dense layer with its numbers and, behind it, a rectifier with one kink at 0. */
export interface RectifierLayer extends LayerWeights {
  readonly fanIn: number;
  readonly fanOut: number;
  /** The slope a of x for x > 0, a x else; null where nothing follows the weights. */
  readonly negativeSlope: number | null;
}

/**
 * The slope on the negative side of a rectifier that is two straight lines meeting at 0: ReLU, leaky ReLU, PReLU. Throws a RangeError for
 * others.
 */
export function slopeOfRectifier(operation: string, { name, parameters }: Rectifier): number {
  const slope = name === 'relu' ? 0 : parameters.negativeSlope;
  if (slope === undefined)
    throw new RangeError(
      `${operation}: the rectifier must be two lines that meet at 0 (relu, leaky, prelu), got ${name}`,
    );
  return slope;
}

/**
 * A described network with numbers for it, such as `initializeNetwork` draws: what `planeRegions` and `lineRegions` take. Throws a RangeError
 * for rectifiers other than ReLU, leaky ReLU and PReLU and for another number of layers.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, initializeNetwork, parseInitializer, rectifierLayers } from 'reluminate/theory';
 * const net = describeNetwork([2, 4, 1], { rectifier: parseRectifier('leaky:0.1'), initializer: parseInitializer('pytorch') });
 * rectifierLayers(net, initializeNetwork(net)).map(({ negativeSlope }) => negativeSlope); // => [0.1, null]
 */
export function rectifierLayers(network: NetworkDescription, numbers: readonly LayerWeights[]): RectifierLayer[] {
  if (numbers.length !== network.length)
    throw new RangeError(`rectifierLayers: there must be numbers for ${network.length} layers, got ${numbers.length}`);
  return network.map(({ fanIn, fanOut, rectifier }, at) => ({
    fanIn,
    fanOut,
    ...(numbers[at] as LayerWeights),
    negativeSlope: rectifier === null ? null : slopeOfRectifier('rectifierLayers', rectifier),
  }));
}

/** Throws a RangeError that names the layer (from 0) unless the layers chain and hold as many finite numbers as their shapes say. */
export function checkLayers(operation: string, layers: readonly RectifierLayer[]): void {
  if (layers.length === 0) throw new RangeError(`${operation}: there must be a layer, got none`);
  layers.forEach(({ fanIn, fanOut, weights, biases, negativeSlope }, at) => {
    const expected = at === 0 ? whole(operation, 'fanIn of layer 0', fanIn, 1) : layers[at - 1]!.fanOut;
    if (fanIn !== expected)
      throw new RangeError(
        `${operation}: fanIn of layer ${at} must be ${expected}, the fanOut of the layer before, got ${fanIn}`,
      );
    whole(operation, `fanOut of layer ${at}`, fanOut, 1);
    for (const [name, values, length] of [
      ['weights', weights, fanIn * fanOut],
      ['biases', biases, fanOut],
    ] as const) {
      if (values.length !== length)
        throw new RangeError(`${operation}: ${name} of layer ${at} must be ${length} numbers, got ${values.length}`);
      for (const value of values) finite(operation, `each of the ${name} of layer ${at}`, value);
    }
    if (negativeSlope !== null) finite(operation, `negativeSlope of layer ${at}`, negativeSlope);
  });
}
