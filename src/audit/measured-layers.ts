import { intAttribute, intsAttribute, isStandard } from '../onnx/attributes.js';
import type { ConstantLookup } from '../onnx/constants.js';
import { feedingLayer, type LinearLayer, layerWeight, weightNorms } from '../onnx/layers.js';
import type { Model } from '../onnx/model.js';
import { DataType, type NodeProto } from '../onnx/proto.js';
import { allScopes, nodeName, type Scope } from '../onnx/scope.js';
import { isFloatType } from '../onnx/tensor.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import type { MeasuredLayer } from '../theory/inspect.js';
import { dissect, type RectifiedLayer } from './anatomy.js';
import { type Gated, gatedRectifier } from './gated.js';
import { functionOf } from './measured-rectifier.js';

/** A layer with weights, the value at the end of all that is linear behind it, and the rectifier of that value, which may be a smooth one. */
interface Found {
  readonly scope: Scope;
  readonly layer: LinearLayer;
  readonly end: string;
  readonly rectified: RectifiedLayer | null;
  readonly gated: Gated | null;
}

/** The layers of a file, and how many of its rectifiers follow something else. */
export interface MeasuredLayers {
  readonly layers: readonly MeasuredLayer[];
  /** Rectifiers behind sums, pools or computed weights: no layer's weights tell their scale. */
  readonly rectifiersWithoutLayer: number;
}

/** Operators that leave a sum of their inputs, or rearrange or resample it: what a layer feeds into them is read as it is. */
const linearReaders = new Set(
  'Add Sub Sum Concat Conv ConvTranspose Gemm MatMul Split Slice Pad Resize Upsample Reshape Flatten Squeeze Unsqueeze Transpose Identity Dropout Cast MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization'.split(
    ' ',
  ),
);

/** Operators that pass every number on, in another place at most; padding is left out of account here as it is in convolutions. */
const rearranging = new Set('Identity Dropout Reshape Flatten Squeeze Unsqueeze Transpose Pad'.split(' '));

const passesOn = (node: NodeProto): boolean =>
  isStandard(node) &&
  (rearranging.has(node.opType) ||
    (node.opType === 'Cast' && isFloatType(intAttribute(node, 'to', DataType.UNDEFINED))));

/** A layer that no rectifier follows, with all that only it feeds and that is linear folded in. */
function unrectified(scope: Scope, node: NodeProto, lookup: ConstantLookup): Found | null {
  let end = node.output[0] as string;
  let layer = feedingLayer(scope, end, lookup);
  while (layer) {
    const readers = scope.consumers.get(end) ?? [];
    const next = readers.length === 1 && !scope.outputs.has(end) ? readers[0]?.output[0] : undefined;
    const longer = next ? feedingLayer(scope, next, lookup) : null;
    if (!next || longer?.node !== node)
      return { scope, layer, end, rectified: null, gated: gatedRectifier(scope, end, lookup) };
    [layer, end] = [longer, next];
  }
  return null;
}

/** Each layer of a graph with each rectifier that it feeds, in the order of the nodes. */
function layersOf(scope: Scope, rectified: readonly RectifiedLayer[], lookup: ConstantLookup): Found[] {
  const fed = new Map<NodeProto, Found[]>();
  for (const each of rectified) {
    const { rectifier, feed } = each;
    if (rectifier.scope !== scope || !feed) continue;
    const found = { scope, layer: feed, end: rectifier.input, rectified: each, gated: null };
    fed.set(feed.node, [...(fed.get(feed.node) ?? []), found]);
  }
  return scope.nodes.flatMap(node => {
    if (!layerWeight(scope, node, lookup)) return [];
    return fed.get(node) ?? unrectified(scope, node, lookup) ?? [];
  });
}

/** What follows a layer: its rectifier, or else what reads it and whether that is known to be linear. */
function whatFollows({ scope, end, rectified, gated }: Found, rectifier: Rectifier | null) {
  if (rectified) return { follows: rectified.rectifier.spelling, isKnown: rectifier !== null };
  if (gated) return { follows: gated.rectifier.label, isKnown: true };
  const readers = scope.consumers.get(end) ?? [];
  const names = [...new Set(readers.map(({ opType }) => opType)), ...(scope.outputs.has(end) ? ['output'] : [])];
  return { follows: names.join(', '), isKnown: readers.every(({ opType }) => linearReaders.has(opType)) };
}

/** The mean of f over the values, in float64. */
function mean(values: ArrayLike<number>, f: (value: number) => number = value => value): number {
  let total = 0;
  for (let at = 0; at < values.length; at++) total += f(values[at] as number);
  return total / values.length;
}

const square = (value: number): number => value * value;

/** What the slopes of a layer give together: a mean and a root mean square, units weighted by the squared length of their weights. */
function meanSlopes(slopes: Float64Array, squares: Float64Array): { mean: number; rootMeanSquare: number } {
  if (slopes.length === 1) return { mean: slopes[0] as number, rootMeanSquare: slopes[0] as number };
  const all = squares.reduce((a, b) => a + b, 0);
  const share = (unit: number) => (all > 0 ? (squares[unit] as number) / all : 1 / slopes.length);
  const weighted = (f: (slope: number) => number) =>
    slopes.reduce((sum, slope, unit) => sum + share(unit) * f(slope), 0);
  return { mean: weighted(slope => slope), rootMeanSquare: Math.sqrt(weighted(square)) };
}

/** A ConvTranspose's unit meets only every stride-th position of its kernel. */
const meetings = ({ node, op }: LinearLayer): number =>
  op === 'ConvTranspose' ? (intsAttribute(node, 'strides') ?? []).reduce((a, b) => a * b, 1) : 1;

function measure(found: Found, previous: number | null): MeasuredLayer {
  const { layer, rectified, gated } = found;
  const { data } = layer.weight;
  const squares = weightNorms(layer).map(square);
  const [first, second] = [mean(data), mean(data, square)];
  const slopes = rectified?.slopes?.values ?? null;
  const slope = slopes && meanSlopes(slopes, squares);
  const rectifier = rectified
    ? functionOf(rectified.rectifier, slope?.rootMeanSquare ?? null)
    : (gated?.rectifier ?? null);
  const fanIn = layer.fanIn / meetings(layer);
  return {
    name: nodeName(layer.node),
    units: layer.units,
    fanIn,
    weightVariance: mean(squares) / meetings(layer),
    ownWeightVariance: fanIn * second,
    weightMeanShare: second === 0 ? 0 : first ** 2 / second,
    biasVariance: mean(layer.bias, square),
    hasBatchNorm: layer.batchNorm !== null,
    ...whatFollows(found, rectifier),
    rectifier,
    meanSlope: slope?.mean ?? null,
    previous,
  };
}

/** The value that a layer reads, followed back through what only rearranges it. */
function source({ scope, layer }: Found): string {
  let value = layer.node.input[0] as string;
  for (let node = scope.producer.get(value); node && passesOn(node); node = scope.producer.get(value))
    value = node.input[0] as string;
  return value;
}

/**
 * Measures the layers with weights of a model, in the order in which they run: what `inspectLayers` of reluminate/theory takes.
 * Batch norm and all else that is linear behind a layer is folded into its weights first. Nothing is run. Throws a Failure for a model that
 * cannot be taken apart.
 *
 * @example
 * import { measureLayers } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 2], [1, -1, 1, 1]), floatTensor('v', [2, 1], [0.5, -0.5])],
 * });
 * const { layers } = measureLayers({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * layers.map(({ name, previous }) => [name, previous]); // => [["z", null], ["y", 0]]
 * layers.map(({ weightVariance }) => weightVariance.toFixed(6)); // => ["2.000000", "0.500000"]
 */
export function measureLayers(model: Model): MeasuredLayers {
  const { scope, lookup, layers: rectified } = dissect(model);
  const layers: MeasuredLayer[] = [];
  for (const inner of allScopes(scope)) {
    const known = new Map<string, number>();
    for (const found of layersOf(inner, rectified, lookup)) {
      layers.push(measure(found, known.get(source(found)) ?? null));
      known.set(found.rectified?.rectifier.output ?? found.gated?.output ?? found.end, layers.length - 1);
    }
  }
  return { layers, rectifiersWithoutLayer: rectified.filter(({ feed }) => feed === null).length };
}
