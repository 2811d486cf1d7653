import { Matrix, QrDecomposition } from 'ml-matrix';
import { createRandom, type Random } from '../random.js';
import { whole } from '../rectifiers/parameters.js';
import type { WeightDistribution } from './initializer.js';
import { checkNetwork, type LayerDescription, type NetworkDescription } from './network.js';

/** The numbers of a dense layer. */
export interface LayerWeights {
  /** Row-major [fanOut, fanIn]: weight j * fanIn + i leads from input i to unit j. */
  readonly weights: Float64Array<ArrayBuffer>;
  /** One for each unit, fanOut in all. */
  readonly biases: Float64Array<ArrayBuffer>;
}

/** How the numbers of a layer are drawn: `initialize` or `raiInitialize`. */
export type DrawLayer = (layer: LayerDescription, random: Random) => LayerWeights;

export interface InitializeOptions {
  /** The same seed gives the same network (default 0). */
  readonly seed?: number | undefined;
  /** How each layer is drawn (default `initialize`, by the law of the layer). */
  readonly draw?: DrawLayer | undefined;
}

/** A random number with mean 0 and variance 1. */
type Standard = (random: Random) => number;
const standardNormal: Standard = random => random.normal();
const standardUniform: Standard = random => Math.sqrt(3) * (2 * random.uniform() - 1);
const standardOf = (distribution: WeightDistribution) =>
  distribution === 'uniform' ? standardUniform : standardNormal;

/** Independent numbers with mean 0 and the given variance; none are drawn for a variance of 0. */
function independent(count: number, variance: number, standard: Standard, random: Random): Float64Array<ArrayBuffer> {
  const values = new Float64Array(count);
  const std = Math.sqrt(variance);
  if (std > 0) for (let i = 0; i < count; i++) values[i] = std * standard(random);
  return values;
}

/**
 * A row-major [rows, columns] matrix whose rows (where they are the fewer) or columns are orthonormal, distributed evenly over all such matrices:
 * Q of the QR decomposition of a Gaussian matrix, its columns signed so that R has a positive diagonal (Mezzadri 2007, "How to generate
 * random matrices from the classical compact groups").
 */
function orthonormal(rows: number, columns: number, random: Random): Float64Array<ArrayBuffer> {
  const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
  const gaussian = Matrix.from1DArray(long, short, independent(long * short, 1, standardNormal, random));
  const { orthogonalMatrix: q, upperTriangularMatrix: r } = new QrDecomposition(gaussian);
  const signs = Float64Array.from({ length: short }, (_, k) => (r.get(k, k) < 0 ? -1 : 1));
  const values = new Float64Array(rows * columns);
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++)
      values[j * columns + i] = rows >= columns ? signs[i]! * q.get(j, i) : signs[j]! * q.get(i, j);
  return values;
}

function drawWeights(layer: LayerDescription, random: Random): Float64Array<ArrayBuffer> {
  const { fanIn, fanOut, weightVariance, distribution } = layer;
  if (distribution !== 'orthogonal')
    return independent(fanIn * fanOut, weightVariance / fanIn, standardOf(distribution), random);
  // The squares of an orthonormal matrix add up to its shorter side, so their mean is 1 / max(fanIn, fanOut).
  const scale = Math.sqrt((weightVariance * Math.max(fanIn, fanOut)) / fanIn);
  return orthonormal(fanOut, fanIn, random).map(value => scale * value);
}

/** What `initialize` does, for a layer of a network that has been checked. */
export function drawByLaw(layer: LayerDescription, random: Random): LayerWeights {
  const { distribution, fanOut, biasVariance } = layer;
  const weights = drawWeights(layer, random);
  return { weights, biases: independent(fanOut, biasVariance, standardOf(distribution), random) };
}

/**
 * Weights and biases of a layer, drawn by its law: independent normal or uniform weights of variance σ_w² / fanIn, or a (semi-)orthogonal
 * matrix (Saxe, McClelland & Ganguli 2013) whose squared weights have that mean; biases of variance σ_b², uniform where weights
 * are, else normal. Throws a RangeError for a layer that is none.
 *
 * @example
 * import { createRandom, initialize, parseInitializer } from 'reluminate/theory';
 * const shape = { fanIn: 3, fanOut: 2, rectifier: null };
 * const { weights, biases } = initialize({ ...shape, ...parseInitializer('lecun').law(shape) }, createRandom(0));
 * weights.length; // => 6
 * Array.from(biases); // => [0, 0]
 */
export function initialize(layer: LayerDescription, random: Random): LayerWeights {
  checkNetwork('initialize', [layer]);
  return drawByLaw(layer, random);
}

/**
 * Weights and biases of every layer of a network, drawn one after the other from one seeded generator. Throws a RangeError for a network
 * that is none.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, initializeNetwork, parseInitializer } from 'reluminate/theory';
 * const net = describeNetwork([8, 16, 4], { rectifier: parseRectifier('relu'), initializer: parseInitializer('orthogonal') });
 * initializeNetwork(net, { seed: 1 }).map(({ weights }) => weights.length); // => [128, 64]
 */
export function initializeNetwork(
  network: NetworkDescription,
  { seed = 0, draw = drawByLaw }: InitializeOptions = {},
): LayerWeights[] {
  checkNetwork('initializeNetwork', network);
  const random = createRandom(whole('initializeNetwork', 'seed', seed, 0));
  return network.map(layer => draw(layer, random));
}
