import { createRandom } from '../random.js';
import { describe } from '../rectifiers/floats.js';
import { whole } from '../rectifiers/parameters.js';
import type { CountedLayer, CountedNetwork, DeathCounter } from './born-dead-counter.js';
import { countDeaths } from './born-dead-threads.js';
import { deathWalker } from './born-dead-walk.js';
import { canDie, isRelu } from './can-die.js';
import { type DrawLayer, drawByLaw } from './initialize.js';
import { checkNetwork, type LayerDescription, type NetworkDescription } from './network.js';
import { raiInitialize, raiSigma } from './rai.js';

/** How many of the networks, and what that says of the probability. */
export interface CountedShare {
  readonly count: number;
  /** count / networks. */
  readonly probability: number;
  /** √(p (1 − p) / networks) with p = (count + 1) / (networks + 2), so that it is not 0 where nothing or everything was counted; 0 where the answer is exact. */
  readonly standardError: number;
}

/** What a simulation found. */
export interface BornDeadEstimate {
  readonly networks: number;
  /** Networks that are dead for every input tested. */
  readonly dead: CountedShare;
  /** Networks that are dead for the first input tested, which is 1 where there is one input. */
  readonly pointDead: CountedShare;
  /** The same for the network that ends behind each rectified layer: at index k, k + 1 such layers. */
  readonly byLayer: readonly { readonly dead: CountedShare; readonly pointDead: CountedShare }[];
  /**
   * What dead means. `'never'`: the rectifiers have no flat part, the probability is exactly 0 and nothing was drawn. `'every input'`: dead
   * for all real inputs, decided from two of them. `'sampled inputs'`: dead for the `inputs` tested, which is no less likely than for all.
   */
  readonly test: 'never' | 'every input' | 'sampled inputs';
  /** How many inputs were tested. */
  readonly inputs: number;
  /** How many threads did the work. */
  readonly threads: number;
}

export interface BornDeadOptions {
  /** How many networks are drawn (default 100,000). */
  readonly networks?: number | undefined;
  /** The same seed gives the same counts, whatever the number of threads (default 0). */
  readonly seed?: number | undefined;
  /** Worker threads (default 1: none), up to 1024. Browsers, rectifiers other than ReLU, orthogonal weights and a `draw` other than `raiInitialize` have one. */
  readonly threads?: number | undefined;
  /** How many inputs are tested where two do not decide, an even number (default 256): standard normal ones and their opposites. */
  readonly inputs?: number | undefined;
  /** How layers are drawn (default `initialize`, by the network's laws), such as `raiInitialize`. */
  readonly draw?: DrawLayer | undefined;
  /** Told how many of the networks are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Ends the work; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What is tested, and how it is counted. */
interface Plan {
  readonly test: BornDeadEstimate['test'];
  readonly points: Float64Array<ArrayBuffer>;
  readonly network: CountedNetwork | DeathCounter;
}

function sampled(inputs: number, dimension: number, seed: number): Float64Array<ArrayBuffer> {
  const random = createRandom(seed);
  const points = new Float64Array(inputs * dimension);
  for (let at = 0; at < points.length; at += 2 * dimension)
    for (let i = at; i < at + dimension; i++) {
      points[i] = random.normal();
      points[i + dimension] = -points[i]!;
    }
  return points;
}

/** What the counter has to know of a ReLU layer; null for orthogonal weights and for a way of drawing that it does not have. */
function countedLayer(layer: LayerDescription, draw: DrawLayer | undefined): CountedLayer | null {
  const { fanIn, fanOut, weightVariance, biasVariance, distribution } = layer;
  const rai = raiSigma / Math.sqrt(fanIn);
  if (draw === raiInitialize) return { fanIn, fanOut, weightStd: rai, biasStd: rai, law: 'rai' };
  if (draw !== undefined || distribution === 'orthogonal') return null;
  const [weightStd, biasStd] = [Math.sqrt(weightVariance / fanIn), Math.sqrt(biasVariance)];
  return { fanIn, fanOut, weightStd, biasStd, law: distribution };
}

function planFor(layers: NetworkDescription, inputs: number, seed: number, draw: DrawLayer | undefined): Plan {
  const dimension = layers[0]!.fanIn;
  const areRelu = layers.every(({ rectifier }) => rectifier !== null && isRelu(rectifier));
  const isDecidable = dimension === 1 && areRelu && !draw && layers.every(({ biasVariance }) => biasVariance === 0);
  const test = isDecidable ? 'every input' : 'sampled inputs';
  const points = isDecidable ? Float64Array.of(1, -1) : sampled(inputs, dimension, seed);
  const counted = layers.flatMap(layer => countedLayer(layer, draw) ?? []);
  if (!areRelu || counted.length < layers.length)
    return { test, points, network: deathWalker(layers, points, draw ?? drawByLaw) };
  const isPair = isDecidable && counted.every(({ law }) => law === 'normal');
  return { test, points, network: { layers: counted, points: isPair ? null : points } };
}

const nothing: CountedShare = { count: 0, probability: 0, standardError: 0 };

function share(count: number, networks: number): CountedShare {
  const p = (count + 1) / (networks + 2);
  return { count, probability: count / networks, standardError: Math.sqrt((p * (1 - p)) / networks) };
}

/** The shares dead up to and with each layer, from the counts of each layer. */
function cumulative(counts: Float64Array, networks: number): CountedShare[] {
  let sum = 0;
  return Array.from(counts, count => {
    sum += count;
    return share(sum, networks);
  });
}

/**
 * How many of many random networks are born dead: for every input there is a layer at whose pre-activations f′ is 0 in all units, so that no
 * input teaches the layers before it anything, and a network of ReLU is constant. Lu, Shin, Su & Karniadakis 2019, "Dying ReLU and
 * initialization", section 3. The last layer counts only if it has a rectifier. ReLU, one input and no biases make the network positively
 * homogeneous, so that x = 1 and x = −1 decide; elsewhere a sample of inputs is tested. Throws a RangeError for a network that is none
 * and for options outside their ranges.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, parseInitializer, simulateBornDead } from 'reluminate/theory';
 * const network = describeNetwork([1, 2, 2, 1], { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') });
 * const { dead, test } = await simulateBornDead(network, { networks: 40_000 });
 * Math.abs(dead.probability - 0.15625) < 4 * dead.standardError; // => true
 * test; // => "every input"
 */
export async function simulateBornDead(
  network: NetworkDescription,
  options: BornDeadOptions = {},
): Promise<BornDeadEstimate> {
  const operation = 'simulateBornDead';
  checkNetwork(operation, network);
  const { networks = 100_000, seed = 0, threads = 1, inputs = 256, draw } = options;
  whole(operation, 'networks', networks, 1);
  whole(operation, 'seed', seed, 0);
  if (!(Number.isSafeInteger(threads) && threads >= 1 && threads <= 1024))
    throw new RangeError(`${operation}: threads must be a whole number from 1 to 1024, got ${describe(threads)}`);
  if (whole(operation, 'inputs', inputs, 2) % 2 > 0)
    throw new RangeError(`${operation}: inputs must be an even number, got ${inputs}`);
  const layers = network.at(-1)?.rectifier === null ? network.slice(0, -1) : network;
  if (!layers.some(({ rectifier }) => rectifier !== null && canDie(rectifier))) {
    const none = { dead: nothing, pointDead: nothing };
    return { networks: 0, ...none, byLayer: layers.map(() => none), test: 'never', inputs: 0, threads: 0 };
  }
  const plan = planFor(layers, inputs, seed, draw);
  const counts = await countDeaths(layers.length, plan.network, { ...options, networks, seed, threads });
  const [dead, pointDead] = [cumulative(counts.dead, networks), cumulative(counts.pointDead, networks)];
  return {
    networks,
    dead: dead.at(-1)!,
    pointDead: pointDead.at(-1)!,
    byLayer: dead.map((share, at) => ({ dead: share, pointDead: pointDead[at]! })),
    test: plan.test,
    inputs: plan.points.length / layers[0]!.fanIn,
    threads: counts.threads,
  };
}
