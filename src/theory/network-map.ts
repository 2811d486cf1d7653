import { describe } from '../rectifiers/floats.js';
import { finite, whole } from '../rectifiers/parameters.js';
import { type CorrelationMap, checkMap, correlation, correlationBehind } from './correlation-map.js';
import { checkNetwork, type NetworkDescription } from './network.js';
import { slopeOfRectifier } from './rectifier-layer.js';
import { signal } from './signal.js';

/**
 * How the rectified layers of a network are connected, as plain data: `{ depth }`, so many in a row (0: a wire); `{ chain }`, structures one
 * after the other; or a sum of two, w times the shortcut (default a wire) plus √(1 - w²) times the branch, which keeps the variance.
 */
export type NetworkStructure =
  | { readonly depth: number }
  | { readonly chain: readonly NetworkStructure[] }
  | { readonly branch: NetworkStructure; readonly shortcut?: NetworkStructure; readonly shortcutWeight: number };

/** Whatever says how rectified layers are connected: a structure, or a network's description, whose rectified layers are counted. */
export type NetworkLike = NetworkStructure | NetworkDescription;

/** Correlations are followed layer by layer, so that there is a limit. */
const mostLayers = 100_000;

/** How many rectified layers a structure has, once it is one. */
function countLayers(operation: string, structure: NetworkStructure): number {
  if (typeof structure === 'object' && structure !== null) {
    if ('depth' in structure) return whole(operation, 'depth', structure.depth, 0);
    if ('chain' in structure) return structure.chain.reduce((sum, part) => sum + countLayers(operation, part), 0);
    if ('branch' in structure) {
      const weight = finite(operation, 'shortcutWeight', structure.shortcutWeight);
      if (weight < 0 || weight > 1)
        throw new RangeError(`${operation}: shortcutWeight must be from 0 to 1, got ${weight}`);
      return countLayers(operation, structure.branch) + countLayers(operation, structure.shortcut ?? { depth: 0 });
    }
  }
  throw new TypeError(`${operation}: the network must have a depth, a chain or a branch, got ${describe(structure)}`);
}

const isDescription = (network: NetworkLike): network is NetworkDescription => Array.isArray(network);

/** The structure, once it has from 1 to 100,000 rectified layers. */
function checkStructure(operation: string, structure: NetworkStructure): NetworkStructure {
  const layers = countLayers(operation, structure);
  if (layers < 1 || layers > mostLayers)
    throw new RangeError(`${operation}: the network must have from 1 to 100,000 rectified layers, got ${layers}`);
  return structure;
}

/** How the rectified layers of a network are connected, for a leaky ReLU that is to replace its rectifiers: ReLUs and leaky ReLUs, or it is refused. */
export function structureOf(operation: string, network: NetworkLike): NetworkStructure {
  if (!isDescription(network)) return checkStructure(operation, network);
  const rectifiers = checkNetwork(operation, network).flatMap(({ rectifier }) => rectifier ?? []);
  for (const rectifier of rectifiers) slopeOfRectifier(operation, rectifier);
  return checkStructure(operation, { depth: rectifiers.length });
}

/** What a checked structure makes of a number, each rectified layer taking it further and sums being weighed by w² and 1 - w². */
export function through(structure: NetworkStructure, start: number, layer: (x: number) => number): number {
  if ('chain' in structure) return structure.chain.reduce((x, part) => through(part, x, layer), start);
  if ('branch' in structure) {
    const share = structure.shortcutWeight ** 2;
    const shortcut = structure.shortcut ? through(structure.shortcut, start, layer) : start;
    return share * shortcut + (1 - share) * through(structure.branch, start, layer);
  }
  let x = start;
  for (let at = 0; at < structure.depth; at++) x = layer(x);
  return x;
}

/**
 * The largest number that the structure or one of its subnetworks makes of `start`: the subnetwork maximizing function of Zhang, Botev &
 * Martens 2022, appendix B, for layers that take no number down and keep the order. Of the parts of a chain none exceeds the whole
 * then, but a branch on its own may exceed the sum that it belongs to.
 */
export function largestThrough(structure: NetworkStructure, start: number, layer: (x: number) => number): number {
  const parts =
    'chain' in structure
      ? structure.chain
      : 'branch' in structure
        ? [structure.branch, structure.shortcut ?? { depth: 0 }]
        : [];
  return Math.max(through(structure, start, layer), ...new Set(parts.map(part => largestThrough(part, start, layer))));
}

/** Standard deviations that correlations are computed for: beyond these a rectifier is two lines, or a constant, to float64. */
const within = (std: number): number => Math.min(1e100, Math.max(1e-100, std));

/**
 * What the layers of a plain network make of the correlation of two inputs of second moment 1, each with its own weights, biases and rectifier: of
 * pre-activations (σ_w² m c + σ_b²)/(σ_w² m + σ_b²), m the second moment before the layer, and behind the rectifier C at their variance.
 */
function throughLayers(network: NetworkDescription, c: number): number {
  const { depths } = signal(network);
  return network.reduce((correlated, { weightVariance, biasVariance, rectifier }, at) => {
    const logSignal = Math.log(weightVariance) + depths[at]!.logActivationSecondMoment;
    const shared = biasVariance === 0 ? 0 : 1 / (1 + Math.exp(logSignal - Math.log(biasVariance)));
    const before = correlated + (1 - correlated) * shared;
    const std = Math.sqrt(depths[at + 1]!.preActivationVariance as number);
    return rectifier === null ? before : correlationBehind(rectifier, within(std), before);
  }, c);
}

/**
 * What a whole network makes of the correlation c of two inputs, in the limit of wide layers; range [-1, 1].
 *
 * Of a structure, with one map for all of its layers: the map composed as they are connected, where a sum of independent branches with weights w and
 * √(1 - w²) gives w² c_shortcut + (1 - w²) c_branch. It holds where the weights keep the pre-activations' variance (gain √(1/E f²)) and there are no biases.
 *
 * Of a description, with the rectifier, weights and biases of each layer, for inputs of second moment 1: biases, which both inputs share, make them
 * more alike (Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos", equation 5).
 *
 * Throws a RangeError for c outside [-1, 1], a structure without rectified layers or with more than 100,000, and a description that is none.
 *
 * @example
 * import { parseRectifier, parseRectifiers } from 'reluminate';
 * import { correlationMap, describeNetwork, networkCorrelation, parseInitializer } from 'reluminate/theory';
 * const map = correlationMap(parseRectifier('relu'));
 * networkCorrelation({ depth: 50 }, map, 0).toFixed(4); // => "0.9879"
 * networkCorrelation({ branch: { depth: 50 }, shortcutWeight: 0.8 }, map, 0).toFixed(4); // => "0.3556"
 * const options = { rectifier: parseRectifiers('relu,leaky:0.2'), initializer: parseInitializer('he') };
 * networkCorrelation(describeNetwork([64, 64, 64, 10], options), 0).toFixed(4); // => "0.4263"
 */
export function networkCorrelation(network: NetworkDescription, c: number): number;
export function networkCorrelation(network: NetworkStructure, map: CorrelationMap, c: number): number;
export function networkCorrelation(network: NetworkLike, ...rest: [number] | [CorrelationMap, number]): number {
  const operation = 'networkCorrelation';
  const c = correlation(operation, rest.at(-1) as number);
  if (isDescription(network)) return throughLayers(checkNetwork(operation, network), c);
  const structure = checkStructure(operation, network);
  if (rest.length === 1) throw new TypeError(`${operation}: map must be given with a structure, got none`);
  return through(structure, c, checkMap(operation, rest[0]).value);
}
