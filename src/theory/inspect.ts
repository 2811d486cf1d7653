import type { Rectifier } from '../rectifiers/rectifier.js';
import { correlationBehind } from './correlation-map.js';
import { goldenSlope } from './golden-slope.js';
import { bentCorrelation, mixedStrength } from './leaky-correlation.js';
import { sideSlopes } from './side-slopes.js';
import { type TailoredSlope, tailoredSlope } from './tailored-slope.js';
import { varianceFactor } from './variance-factor.js';

/** A layer as its file has it: its weights measured, batch norm and all else that is linear behind it folded in. */
export interface MeasuredLayer {
  readonly name: string;
  readonly units: number;
  /** Inputs of one unit, on average. */
  readonly fanIn: number;
  /** σ_w²: the mean over the units of the squared length of their weights, which is fanIn E w² about 0. NaN or infinite where a weight is. */
  readonly weightVariance: number;
  /** The same before anything is folded in. */
  readonly ownWeightVariance: number;
  /** (E w)² / E w² of the weights before folding, from 0 to 1: 0 for weights of mean 0, as theory assumes. */
  readonly weightMeanShare: number;
  /** E b² over the units, folded. */
  readonly biasVariance: number;
  readonly hasBatchNorm: boolean;
  /** What follows, in words: the rectifier, or the operators that read the layer. */
  readonly follows: string;
  /** What follows as a function; null for nothing, or for what is not known. Slopes that differ enter as their root mean square, units weighted by their weights. */
  readonly rectifier: Rectifier | null;
  /** Whether what follows is known at all; a layer that nothing but sums and layers read is known to be linear. */
  readonly isKnown: boolean;
  /** The mean of the slopes over the units, weighted in the same way; null where the rectifier has none. */
  readonly meanSlope: number | null;
  /** Index of the layer whose output, behind its rectifier, is this layer's input as it is; null behind sums, pools and inputs of the model. */
  readonly previous: number | null;
}

/** A measured layer with what it does to a signal. Null stands where weights are not finite or what follows is not known. */
export interface InspectedLayer extends MeasuredLayer {
  /** What the layer multiplies the second moment of a unit's signal by: σ_w² E f(z)² for z ~ N(0, 1). */
  readonly forward: number | null;
  /** What it multiplies the squared length of the gradient by: σ_w² E f'(z)². */
  readonly backward: number | null;
  /** The product of `forward` over the layer and all before it in its chain. */
  readonly cumulativeForward: number | null;
  readonly cumulativeBackward: number | null;
  /** What the layers of the chain up to and with this one make of the correlation 0 of two inputs, in the limit of wide layers; null also for weights of 0. */
  readonly cumulativeCorrelation: number | null;
  /** What to multiply the weights by to make `forward` 1; null also for weights of 0. */
  readonly rescaling: number | null;
  /** The slope that makes `forward` 1, √(2/σ_w² - 1); null where none does or the rectifier is not made of two lines. */
  readonly goldenSlope: number | null;
}

/** Layers of which each reads the one before, and what they do together. */
export interface Chain {
  /** Indices of the layers, in order. */
  readonly layers: readonly number[];
  readonly forward: number;
  readonly backward: number;
  /** What they make of the correlation 0 of two inputs, their slopes as they are; null where weights are 0. */
  readonly correlation: number | null;
}

export interface Inspection {
  readonly layers: readonly InspectedLayer[];
  /** Every chain from a layer without `previous` to one that no other reads, layers without factors left out; longest first. */
  readonly chains: readonly Chain[];
  /** For as many rectifiers as the longest chain has: the slope with which a plain network makes 0.9 of the correlation of orthogonal inputs, null where even ReLU makes less. Null for no rectifiers. */
  readonly tailored: { readonly depth: number; readonly slope: TailoredSlope | null } | null;
}

/** C(c) of what follows a layer, for pre-activations of variance 1 (of any variance for two lines). */
function correlationOf({ rectifier, meanSlope }: MeasuredLayer, c: number): number {
  if (rectifier === null) return c;
  const slopes = meanSlope === null ? null : sideSlopes(rectifier);
  return slopes?.above === 1
    ? bentCorrelation(c, mixedStrength(meanSlope as number, slopes.below ** 2))
    : correlationBehind(rectifier, 1, c);
}

/** The correlation that is left of 0 behind a layer, given what its factor is and what stands before it in its chain. */
function chainCorrelation(layer: MeasuredLayer, forward: number | null, before: InspectedLayer | null): number | null {
  const reached = before === null || before.forward === null ? 0 : before.cumulativeCorrelation;
  return forward === null || forward === 0 || reached === null ? null : correlationOf(layer, reached);
}

function inspectLayer(layer: MeasuredLayer, before: InspectedLayer | null): InspectedLayer {
  const { weightVariance, rectifier, isKnown } = layer;
  const isMeasured = Number.isFinite(weightVariance);
  const unit = varianceFactor({ weightVariance: 1, rectifier });
  const [forward, backward] =
    isKnown && isMeasured ? [weightVariance * unit.forward, weightVariance * unit.backward] : [null, null];
  const times = (factor: number | null, product: number | null | undefined) => factor && factor * (product ?? 1);
  return {
    ...layer,
    forward,
    backward,
    cumulativeForward: times(forward, before?.cumulativeForward),
    cumulativeBackward: times(backward, before?.cumulativeBackward),
    cumulativeCorrelation: chainCorrelation(layer, forward, before),
    rescaling: forward === null || forward === 0 ? null : 1 / Math.sqrt(forward),
    goldenSlope:
      isMeasured && weightVariance > 0 && rectifier && sideSlopes(rectifier)?.above === 1
        ? goldenSlope(weightVariance)
        : null,
  };
}

/** The chains that end in layers that no layer reads, followed back to where they begin. */
function chainsOf(layers: readonly InspectedLayer[]): Chain[] {
  const known = layers.map(({ forward }) => forward !== null);
  const read = new Set(layers.flatMap(({ previous }, at) => (previous !== null && known[at] ? [previous] : [])));
  return layers
    .flatMap((layer, last) => {
      if (!known[last] || read.has(last)) return [];
      const path = [last];
      for (let at = layer.previous; at !== null && known[at]; at = layers[at]?.previous ?? null) path.push(at);
      const [forward, backward] = [layer.cumulativeForward as number, layer.cumulativeBackward as number];
      return [{ layers: path.reverse(), forward, backward, correlation: layer.cumulativeCorrelation }];
    })
    .sort((a, b) => b.layers.length - a.layers.length);
}

/**
 * What the layers of a trained or initialized network do to a signal, its gradient and the correlation of two inputs, one by one and along chains: exact in
 * expectation for weights that are independent with mean 0 and the measured second moment, no biases, and Gaussian pre-activations of variance 1
 * (of any variance for rectifiers made of two lines). Layers come in an order in which each stands behind its `previous`. He et al. 2015, equations 9 and 13.
 * Throws a RangeError for a `previous` that does not stand before the layer.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { inspectLayers } from 'reluminate/theory';
 * const layer = {
 *   name: 'fc', units: 64, fanIn: 64, weightVariance: 1, ownWeightVariance: 1, weightMeanShare: 0, biasVariance: 0, hasBatchNorm: false,
 *   follows: 'Relu', rectifier: parseRectifier('relu'), isKnown: true, meanSlope: 0,
 * };
 * const { layers, chains } = inspectLayers([{ ...layer, previous: null }, { ...layer, previous: 0 }]);
 * layers.map(({ forward, cumulativeForward }) => [forward, cumulativeForward]); // => [[0.5, 0.5], [0.5, 0.25]]
 * chains[0].layers; // => [0, 1]
 * chains[0].correlation.toFixed(4); // => "0.4937"
 */
export function inspectLayers(layers: readonly MeasuredLayer[]): Inspection {
  const inspected: InspectedLayer[] = [];
  layers.forEach((layer, at) => {
    const { previous } = layer;
    if (previous !== null && !(Number.isInteger(previous) && previous >= 0 && previous < at))
      throw new RangeError(`inspectLayers: previous of layer ${at} must be null or an earlier layer, got ${previous}`);
    inspected.push(inspectLayer(layer, previous === null ? null : (inspected[previous] as InspectedLayer)));
  });
  const chains = chainsOf(inspected);
  const depth = chains[0]?.layers.filter(at => inspected[at]?.rectifier).length ?? 0;
  return { layers: inspected, chains, tailored: depth === 0 ? null : { depth, slope: tailoredSlope({ depth }) } };
}
