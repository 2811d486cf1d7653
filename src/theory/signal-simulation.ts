import { createRandom } from '../random.js';
import { finite, positive, whole } from '../rectifiers/parameters.js';
import { initializeNetwork } from './initialize.js';
import { type LogSpread, logSpread } from './log-spread.js';
import { checkNetwork, type LayerDescription, type NetworkDescription } from './network.js';
import { backwardPass, forwardPass, logMeanSquare } from './passes.js';
import { refuseRandomSlopes } from './side-slopes.js';
import { checkWork } from './work-limit.js';

export interface SignalSimulationOptions {
  /** How many networks are drawn (default 16). */
  readonly networks?: number | undefined;
  /** How many inputs, each with a gradient at the output, run through each network (default 4). */
  readonly inputs?: number | undefined;
  /** The same seed gives the same numbers (default 0). */
  readonly seed?: number | undefined;
  /** E x² of the input's elements, which are normal (default 1). */
  readonly inputSecondMoment?: number | undefined;
  /** Told after each network how many are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Mean squares over the units of one layer, over networks and inputs; depth 0 is the input. */
export interface SimulatedDepth {
  readonly depth: number;
  readonly width: number;
  /** Of the activations. */
  readonly activation: LogSpread;
  /** Of the gradient at the activations, where its mean square is 1 at the output. */
  readonly gradient: LogSpread;
}

export interface SignalSimulation {
  readonly networks: number;
  readonly inputs: number;
  readonly seed: number;
  /** From the input (0) to the output. */
  readonly depths: readonly SimulatedDepth[];
  /** ln of the norm of the gradient at each depth over that at the output, [networks, inputs, depths]; -Infinity where none arrives. */
  readonly logGradientNorms: readonly (readonly (readonly number[])[])[];
  /** Networks through which no gradient came to the input, whatever the input: they are dead. */
  readonly dead: number;
}

/** What a simulation may cost, in multiplications: about a minute. */
const greatestWork = 6e10;
/** Weights of one network, which are all kept in memory: 800 MB. */
const greatestNetwork = 1e8;

/** What drawing the weights of a layer costs, in multiplications: independent ones 30 each, a QR decomposition for orthogonal ones. */
const drawingCost = ({ fanIn, fanOut, distribution }: LayerDescription): number =>
  fanIn * fanOut * (distribution === 'orthogonal' ? 30 + 6 * Math.min(fanIn, fanOut) : 30);

/** What one network costs, in multiplications, once it fits in memory. */
function workOf(network: NetworkDescription, inputs: number): number {
  const weights = network.reduce((sum, { fanIn, fanOut }) => sum + fanIn * fanOut, 0);
  if (weights > greatestNetwork)
    throw new RangeError(`simulateSignal: the network must have at most ${greatestNetwork} weights, got ${weights}`);
  return network.reduce((sum, layer) => sum + drawingCost(layer), 0) + 2 * inputs * weights;
}

/** So many normal numbers with mean 0 and the given standard deviation. */
const normals = (count: number, std: number, random: { normal(): number }): Float64Array =>
  Float64Array.from({ length: count }, () => std * random.normal());

/**
 * Second moments of activations and gradients, layer by layer, measured: networks are drawn, normal inputs run forward and normal
 * gradients backward through them, in float64. The mean carries its standard error over networks. The distribution is nearly log-normal
 * and widens with depth over width: in deep, narrow networks few samples carry the mean, and the median says what a network typically
 * does (Hanin & Nica 2018, "Products of many large random matrices and gradients in deep neural networks"). Throws a RangeError for a network that is none, for random slopes (RReLU), for counts that are not whole numbers from 1 up, and
 * for more work than about a minute's.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, parseInitializer, parseWidths, simulateSignal } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') };
 * const { depths } = simulateSignal(describeNetwork(parseWidths('64x5'), options), { networks: 8, seed: 1 });
 * const { mean, standardError } = depths[4].gradient;
 * [mean, standardError]; // => [1, 0]
 * Math.abs(depths[0].gradient.mean - 1) < 4 * depths[0].gradient.standardError; // => true
 */
export function simulateSignal(
  network: NetworkDescription,
  { networks = 16, inputs = 4, seed = 0, inputSecondMoment = 1, onProgress }: SignalSimulationOptions = {},
): SignalSimulation {
  checkNetwork('simulateSignal', network);
  refuseRandomSlopes('simulateSignal', network);
  whole('simulateSignal', 'networks', networks, 1);
  whole('simulateSignal', 'inputs', inputs, 1);
  whole('simulateSignal', 'seed', seed, 0);
  const std = Math.sqrt(positive('simulateSignal', 'inputSecondMoment', inputSecondMoment));
  checkWork('simulateSignal', networks, greatestWork / workOf(network, inputs));
  const random = createRandom(seed);
  const passes = Array.from({ length: networks }, (_, at) => {
    const layers = initializeNetwork(network, { seed: random.integer(2 ** 32) });
    const group = Array.from({ length: inputs }, () => {
      const { activations, derivatives } = forwardPass(network, layers, normals(network[0]!.fanIn, std, random));
      const gradients = backwardPass(layers, derivatives, normals(network.at(-1)!.fanOut, 1, random));
      const logAtOutput = logMeanSquare(gradients.at(-1)!);
      return {
        activations: activations.map(logMeanSquare),
        gradients: gradients.map(gradient => logMeanSquare(gradient) - logAtOutput),
      };
    });
    onProgress?.(at + 1, networks);
    return group;
  });
  const widths = [network[0]!.fanIn, ...network.map(({ fanOut }) => fanOut)];
  const logGradientNorms = passes.map(group =>
    group.map(({ gradients }) =>
      gradients.map((logSquare, depth) => (logSquare + Math.log(widths[depth]! / widths.at(-1)!)) / 2),
    ),
  );
  return {
    networks,
    inputs,
    seed,
    depths: widths.map((width, depth) => ({
      depth,
      width,
      activation: logSpread(passes.map(group => group.map(({ activations }) => activations[depth]!))),
      gradient: logSpread(passes.map(group => group.map(({ gradients }) => gradients[depth]!))),
    })),
    logGradientNorms,
    dead: logGradientNorms.filter(group => group.every(norms => norms[0] === Number.NEGATIVE_INFINITY)).length,
  };
}

/** How a share of networks keeps the norm of the gradient. */
export interface KeptShare {
  /** Networks in which the gradient at the input has, for every input, a norm within the factor of that at the output. */
  readonly networks: number;
  /** Pairs of network and input of which that holds. */
  readonly gradients: number;
}

/**
 * How many of the networks of a simulation keep the norm of the gradient, from the output to the input, within a factor (above 1), and how many pairs of
 * network and input do.
 * Throws a RangeError for other factors.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, keptWithin, parseInitializer, parseWidths, simulateSignal } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('leaky:1'), initializer: parseInitializer('orthogonal') };
 * keptWithin(simulateSignal(describeNetwork(parseWidths('8x9'), options), { networks: 3, inputs: 2 }), 3); // => { "networks": 3, "gradients": 6 }
 */
export function keptWithin({ logGradientNorms }: SignalSimulation, factor: number): KeptShare {
  if (!(finite('keptWithin', 'factor', factor) > 1))
    throw new RangeError(`keptWithin: factor must be greater than 1, got ${factor}`);
  const isKept = ([atInput]: readonly number[]) => Math.abs(atInput as number) <= Math.log(factor);
  return {
    networks: logGradientNorms.filter(group => group.every(isKept)).length,
    gradients: logGradientNorms.flat().filter(isKept).length,
  };
}
