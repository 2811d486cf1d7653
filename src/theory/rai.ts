import type { Random } from '../random.js';
import { whole } from '../rectifiers/parameters.js';
import type { LayerWeights } from './initialize.js';
import type { LayerShape } from './initializer.js';

/**
 * The σ with σ²/2 + σ E X √(2/π) + E X² = 1 for X ~ Beta(2, 1), whose moments are E X = 2/3 and E X² = 1/2: 0.6007… The left side is an upper
 * bound of what a layer multiplies the second moment of its inputs by, biases aside, since relu(g + u) <= relu(g) + u for u >= 0.
 */
export const raiSigma = Math.sqrt(1 + 8 / (9 * Math.PI)) - (2 * Math.SQRT2) / (3 * Math.sqrt(Math.PI));

/**
 * Weights and biases of a layer by randomized asymmetric initialization, which makes a ReLU network less likely to be born dead: all are
 * normal with variance σ² / fanIn, σ = 0.6007, and then one of the fanIn weights and the bias of each unit, chosen at random, is replaced
 * by a number of the Beta(2, 1) distribution on [0, 1]. With this σ the expected second moment does not grow where activations exceed the biases. Lu,
 * Shin, Su & Karniadakis 2020, "Dying ReLU and initialization", section 4. The layer's own law and rectifier are not used; `draw` of
 * `initializeNetwork` takes this function. Throws a RangeError unless the fans are whole numbers from 1 up.
 *
 * @example
 * import { createRandom, raiInitialize } from 'reluminate/theory';
 * const { weights, biases } = raiInitialize({ fanIn: 3, fanOut: 2 }, createRandom(0));
 * [weights.length, biases.length]; // => [6, 2]
 */
export function raiInitialize({ fanIn, fanOut }: Pick<LayerShape, 'fanIn' | 'fanOut'>, random: Random): LayerWeights {
  whole('raiInitialize', 'fanIn', fanIn, 1);
  whole('raiInitialize', 'fanOut', fanOut, 1);
  const std = raiSigma / Math.sqrt(fanIn);
  const normals = (count: number) => Float64Array.from({ length: count }, () => std * random.normal());
  const [weights, biases] = [normals(fanOut * fanIn), normals(fanOut)];
  for (let unit = 0; unit < fanOut; unit++) {
    const chosen = random.integer(fanIn + 1);
    // The distribution function of Beta(2, 1) is x².
    const asymmetric = Math.sqrt(random.uniform());
    if (chosen < fanIn) weights[unit * fanIn + chosen] = asymmetric;
    else biases[unit] = asymmetric;
  }
  return { weights, biases };
}
