import { describe } from '../rectifiers/floats.js';
import { finite, positive } from '../rectifiers/parameters.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { gain } from './gain.js';

/** How the entries of a weight matrix are drawn; `'orthogonal'` draws the matrix as a whole. */
export type WeightDistribution = (typeof weightDistributions)[number];

export const weightDistributions = ['normal', 'uniform', 'orthogonal'] as const;

/** What an initializer has to know of a layer. */
export interface LayerShape {
  readonly fanIn: number;
  readonly fanOut: number;
  /** What follows the weights; null where nothing does. */
  readonly rectifier: Rectifier | null;
}

/** How the weights and biases of a layer are drawn, all with mean 0. */
export interface WeightLaw {
  /** σ_w²: fanIn times the variance of a weight. */
  readonly weightVariance: number;
  /** σ_b²: the variance of a bias; 0 for biases of 0. */
  readonly biasVariance: number;
  /** Of weights; biases are uniform where weights are, normal elsewhere. */
  readonly distribution: WeightDistribution;
}

/** A named rule that gives each layer its law. */
export interface Initializer {
  readonly name: string;
  law(layer: LayerShape): WeightLaw;
}

const gainSquared = ({ rectifier }: LayerShape): number => (rectifier === null ? 1 : gain(rectifier) ** 2);

const unbiased = (name: string, distribution: WeightDistribution, variance: (layer: LayerShape) => number) => ({
  name,
  law: (layer: LayerShape): WeightLaw => ({ weightVariance: variance(layer), biasVariance: 0, distribution }),
});

const glorot = ({ fanIn, fanOut }: LayerShape): number => (2 * fanIn) / (fanIn + fanOut);
const saxe = (layer: LayerShape): number => (gainSquared(layer) * layer.fanIn) / Math.max(layer.fanIn, layer.fanOut);

/** The initializers that have no parameters, by name. */
const named: readonly Initializer[] = [
  unbiased('he', 'normal', gainSquared),
  unbiased('he-uniform', 'uniform', gainSquared),
  unbiased('he-fan-out', 'normal', layer => (gainSquared(layer) * layer.fanIn) / layer.fanOut),
  unbiased('xavier', 'normal', glorot),
  unbiased('xavier-uniform', 'uniform', glorot),
  unbiased('lecun', 'normal', () => 1),
  unbiased('lecun-uniform', 'uniform', () => 1),
  unbiased('orthogonal', 'orthogonal', saxe),
  {
    name: 'pytorch',
    law: ({ fanIn }) => ({ weightVariance: 1 / 3, biasVariance: 1 / (3 * fanIn), distribution: 'uniform' }),
  },
];

/** The names that `parseInitializer` knows, besides `normal:σ_w²`. */
export const initializerNames: readonly string[] = named.map(({ name }) => name);

/**
 * Normal weights of variance σ_w² / fanIn and biases of variance σ_b² (default 0), whatever the layer. Throws a RangeError unless σ_w² is positive
 * and σ_b² at least 0.
 *
 * @example
 * import { normalInitializer } from 'reluminate/theory';
 * normalInitializer(1.5, 0.1).law({ fanIn: 10, fanOut: 10, rectifier: null }).biasVariance; // => 0.1
 */
export function normalInitializer(weightVariance: number, biasVariance = 0): Initializer {
  positive('normalInitializer', 'weightVariance', weightVariance);
  if (finite('normalInitializer', 'biasVariance', biasVariance) < 0)
    throw new RangeError(`normalInitializer: biasVariance must be at least 0, got ${biasVariance}`);
  return {
    name: `normal:${weightVariance}${biasVariance === 0 ? '' : `,${biasVariance}`}`,
    law: () => ({ weightVariance, biasVariance, distribution: 'normal' }),
  };
}

/**
 * The initializer that a short name stands for. `he`, `he-uniform`, `he-fan-out` (He et al. 2015, with the gain of the layer's
 * rectifier), `xavier`, `xavier-uniform` (Glorot & Bengio 2010), `lecun`, `lecun-uniform` (LeCun et al. 1998), `orthogonal` (Saxe et al. 2013,
 * times the gain), `pytorch` (what nn.Linear does: σ_w² = 1/3, uniform, biases too), or `normal:σ_w²` and `normal:σ_w²,σ_b²`.
 * Throws a RangeError for other names and for variances that are not positive.
 *
 * @example
 * import { parseInitializer } from 'reluminate/theory';
 * parseInitializer('xavier').law({ fanIn: 300, fanOut: 100, rectifier: null }).weightVariance; // => 1.5
 * parseInitializer('normal:1.5').law({ fanIn: 10, fanOut: 10, rectifier: null }).weightVariance; // => 1.5
 */
export function parseInitializer(spelling: string): Initializer {
  if (typeof spelling !== 'string')
    throw new TypeError(`parseInitializer: the name must be a string, got ${describe(spelling)}`);
  const text = spelling.trim().toLowerCase();
  const found = named.find(({ name }) => name === text);
  if (found) return found;
  const numbers = /^normal:([^,]+)(?:,([^,]+))?$/.exec(text);
  if (numbers) return normalInitializer(Number(numbers[1]), Number(numbers[2] ?? 0));
  throw new RangeError(
    `parseInitializer: the name must be one of ${initializerNames.join(', ')} or normal:VARIANCE, got '${spelling}'`,
  );
}
