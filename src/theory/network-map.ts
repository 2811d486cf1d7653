import { describe } from '../rectifiers/floats.js';
import { finite, whole } from '../rectifiers/parameters.js';
import { type CorrelationMap, correlation } from './correlation-map.js';
import type { NetworkDescription } from './network.js';

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

/** The structure of a network, once it has from 1 to 100,000 rectified layers. */
export function structureOf(operation: string, network: NetworkLike): NetworkStructure {
  const structure = isDescription(network)
    ? { depth: network.filter(({ rectifier }) => rectifier !== null).length }
    : network;
  const layers = countLayers(operation, structure);
  if (layers < 1 || layers > mostLayers)
    throw new RangeError(`${operation}: the network must have from 1 to 100,000 rectified layers, got ${layers}`);
  return structure;
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

/**
 * What a whole network makes of the correlation of two inputs: the map of its rectifier, composed as its layers are connected; a sum of
 * independent branches with weights w and √(1 - w²) gives w² c_shortcut + (1 - w²) c_branch. All layers have the same map, as they do where the weights
 * keep the pre-activations' variance (gain √(1/E f²)). Wide layers, no biases. Range [-1, 1]. Throws a RangeError for c outside [-1, 1] and a network
 * without rectified layers or with more than 100,000.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { correlationMap, networkCorrelation } from 'reluminate/theory';
 * const map = correlationMap(parseRectifier('relu'));
 * networkCorrelation({ depth: 50 }, map, 0).toFixed(4); // => "0.9879"
 * networkCorrelation({ branch: { depth: 50 }, shortcutWeight: 0.8 }, map, 0).toFixed(4); // => "0.3556"
 */
export const networkCorrelation = (network: NetworkLike, map: CorrelationMap, c: number): number =>
  through(structureOf('networkCorrelation', network), correlation('networkCorrelation', c), map.value);
