import { createRandom } from '../random.js';
import type { DeathCounter } from './born-dead-counter.js';
import type { DrawLayer, LayerWeights } from './initialize.js';
import type { NetworkDescription } from './network.js';

/**
 * Counts networks of any rectifiers whose layers are drawn by any rule, on the caller's thread. A layer silences an input where f′ is 0 at all of its
 * pre-activations: nothing before it can learn from that input. `points` are the inputs tested, row-major; layers are drawn once an
 * input gets to them, and the first that gets through makes the network alive.
 */
export function deathWalker(
  layers: NetworkDescription,
  points: Float64Array<ArrayBuffer>,
  draw: DrawLayer,
): DeathCounter {
  const inputs = layers[0]!.fanIn;
  const pass = ({ weights, biases }: LayerWeights, at: number, x: Float64Array): Float64Array | null => {
    const rectifier = layers[at]!.rectifier;
    let isSilent = true;
    const outputs = biases.map((bias, unit) => {
      let sum = bias;
      for (let i = 0; i < x.length; i++) sum += weights[unit * x.length + i]! * x[i]!;
      if (rectifier === null || rectifier.derivative(sum) !== 0) isSilent = false;
      return rectifier === null ? sum : rectifier.value(sum);
    });
    return isSilent ? null : outputs;
  };
  return ([low, high], networks, { dead, pointDead }) => {
    const random = createRandom(low! + 2 ** 32 * (high! >>> 11));
    for (let network = 0; network < networks; network++) {
      const drawn: LayerWeights[] = [];
      let last = 0;
      for (let start = 0; start < points.length && last < layers.length; start += inputs) {
        let x: Float64Array | null = points.subarray(start, start + inputs);
        let at = 0;
        for (; at < layers.length; at++) {
          drawn[at] ??= draw(layers[at]!, random);
          x = pass(drawn[at]!, at, x);
          if (x === null) break;
        }
        if (start === 0 && at < layers.length) pointDead[at]!++;
        last = Math.max(last, at);
      }
      if (last < layers.length) dead[last]!++;
    }
  };
}
