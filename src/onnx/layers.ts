import { floatAttribute, intAttribute, intsAttribute, isStandard } from './attributes.js';
import type { Constant, ConstantLookup } from './constants.js';
import { DataType, type NodeProto } from './proto.js';
import type { Scope } from './scope.js';
import { isFloatType } from './tensor.js';

/** A batch norm in inference form as the line it is: y = scale * x + shift for each channel. */
export interface BatchNorm {
  readonly node: NodeProto;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * The one layer whose weights make a value, with everything linear between the two folded in on paper:
 * value[unit] = scale[unit] * (weights[unit] . inputs) + bias[unit].
 */
export interface LinearLayer {
  readonly node: NodeProto;
  readonly op: 'Conv' | 'ConvTranspose' | 'Gemm' | 'MatMul';
  readonly weight: Constant;
  readonly units: number;
  /** Inputs of one unit: input channels of its group times kernel positions. */
  readonly fanIn: number;
  /** The nodes between the layer and the value, nearest the layer first: bias Add, batch norm, Mul, Identity … */
  readonly between: readonly NodeProto[];
  readonly batchNorm: BatchNorm | null;
  readonly scale: Float64Array;
  readonly bias: Float64Array;
}

/**
 * The line a BatchNormalization is at inference, in float64; null where its parameters are not constants or it is in training form.
 *
 * @example
 * import { batchNormOf, constantLookup, indexGraph } from 'reluminate/onnx';
 * import { float, floatTensor, graph, modelProto, node } from 'reluminate/onnx';
 * const norm = node('BatchNormalization', ['x', 'gamma', 'beta', 'mean', 'var'], ['y'], { epsilon: float(0) });
 * const numbers = Object.entries({ gamma: 2, beta: 1, mean: 3, var: 4 });
 * const main = graph({ nodes: [norm], initializers: numbers.map(([name, value]) => floatTensor(name, [1], [value])) });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const line = batchNormOf(scope, norm, constantLookup(new Map()));
 * [line.scale[0], line.shift[0]]; // => [1, -2]
 */
export function batchNormOf(scope: Scope, node: NodeProto, lookup: ConstantLookup): BatchNorm | null {
  if (node.opType !== 'BatchNormalization' || intAttribute(node, 'training_mode', 0) !== 0) return null;
  const parameters = node.input.slice(1, 5).map(name => lookup(scope, name)?.data);
  if (parameters.length < 4 || parameters.some(data => !data || data.length !== parameters[0]?.length)) return null;
  const [gamma, beta, mean, variance] = parameters.map(data => Float64Array.from(data as ArrayLike<number>)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const scale = gamma.map((g, channel) => g / Math.sqrt((variance[channel] as number) + epsilon));
  const shift = beta.map((b, channel) => b - (mean[channel] as number) * (scale[channel] as number));
  return { node, gamma, beta, scale, shift };
}

const channelAxis = { Conv: 1, ConvTranspose: 1, Gemm: -1, MatMul: -1 } as const;

/**
 * One number for each of `units` channels on `axis` (1, or -1 for the last) from a constant that broadcasts against the value;
 * null where it varies along another axis. `rank` is needed for axis 1 only.
 *
 * @example
 * import { perChannel } from 'reluminate/onnx';
 * const bias = { source: 'b', factor: 1, dims: [3, 1, 1], data: Float32Array.of(1, 2, 3) };
 * Array.from(perChannel(bias, 3, 1, 4)); // => [1, 2, 3]
 * perChannel({ ...bias, dims: [1, 1, 3] }, 3, 1, 4); // => null
 */
export function perChannel(constant: Constant, units: number, axis: number, rank: number | null): Float64Array | null {
  const { dims, data } = constant;
  if (data.length === 1) return new Float64Array(units).fill(data[0] as number);
  if (data.length !== units || (axis !== -1 && rank === null)) return null;
  const fromEnd = axis === -1 ? 1 : (rank as number) - axis;
  return dims[dims.length - fromEnd] === units ? Float64Array.from(data) : null;
}

const layerOps = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];

/**
 * The constant weight of a Conv, ConvTranspose, Gemm or MatMul. Null for other nodes, weights that are computed, and weights whose
 * rank or groups make no sense for the operator, or that are empty: whoever reads a weight may rely on its dimensions.
 *
 * @example
 * import { constantLookup, floatTensor, graph, indexGraph, layerWeight, modelProto, node } from 'reluminate/onnx';
 * const nodes = [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])];
 * const main = graph({ nodes, initializers: [floatTensor('w', [2, 3], [1, 2, 3, 4, 5, 6])] });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const lookup = constantLookup(new Map());
 * layerWeight(scope, nodes[0], lookup).dims; // => [2, 3]
 * layerWeight(scope, nodes[1], lookup); // => null
 */
export function layerWeight(scope: Scope, node: NodeProto, lookup: ConstantLookup): Constant | null {
  const weight =
    isStandard(node) && layerOps.includes(node.opType) && node.input[1] ? lookup(scope, node.input[1]) : null;
  if (!weight || weight.data.length === 0) return null;
  if (node.opType === 'Gemm' || node.opType === 'MatMul') return weight.dims.length === 2 ? weight : null;
  const group = intAttribute(node, 'group', 1);
  const divides = Number.isSafeInteger(group) && group >= 1 && (weight.dims[0] as number) % group === 0;
  return weight.dims.length >= 3 && divides ? weight : null;
}

/** Shape of a layer's weight as units and inputs: where the unit sits in the weight is `rowOf`'s concern. */
function geometry(node: NodeProto, weight: Constant): { units: number; fanIn: number } {
  const [first, second, ...kernel] = weight.dims as [number, number, ...number[]];
  const positions = kernel.reduce((a, b) => a * b, 1);
  switch (node.opType) {
    case 'Conv':
      return { units: first, fanIn: second * positions };
    case 'ConvTranspose': {
      const group = intAttribute(node, 'group', 1);
      return { units: second * group, fanIn: (first / group) * positions };
    }
    case 'Gemm':
      return intAttribute(node, 'transB', 0) ? { units: first, fanIn: second } : { units: second, fanIn: first };
    default:
      return { units: second, fanIn: first };
  }
}

/** Euclidean norms of the units' weights before anything is folded in, in float64. */
function rawNorms({ node, op, weight, units }: Pick<LinearLayer, 'node' | 'op' | 'weight' | 'units'>): Float64Array {
  const squares = new Float64Array(units);
  const { data, dims } = weight;
  const byRow = op === 'Conv' || (op === 'Gemm' && intAttribute(node, 'transB', 0) === 1);
  if (byRow) {
    const row = data.length / units;
    for (let unit = 0, at = 0; unit < units; unit++)
      for (const end = at + row; at < end; at++) squares[unit]! += (data[at] as number) ** 2;
  } else if (op === 'ConvTranspose') {
    const perGroup = dims[1] as number;
    const group = units / perGroup;
    const positions = data.length / ((dims[0] as number) * perGroup);
    const inputsPerGroup = (dims[0] as number) / group;
    for (let at = 0; at < data.length; at++) {
      const row = Math.floor(at / positions);
      const unit = Math.floor(Math.floor(row / perGroup) / inputsPerGroup) * perGroup + (row % perGroup);
      squares[unit]! += (data[at] as number) ** 2;
    }
  } else {
    for (let at = 0; at < data.length; at += units)
      for (let unit = 0; unit < units; unit++) squares[unit]! += (data[at + unit] as number) ** 2;
  }
  return squares.map(Math.sqrt);
}

/**
 * Euclidean norm of each unit's incoming weights with all that follows folded in. float64; infinite or NaN where a weight is.
 *
 * @example
 * import { constantLookup, feedingLayer, indexGraph, weightNorms } from 'reluminate/onnx';
 * import { floatTensor, graph, modelProto, node } from 'reluminate/onnx';
 * const nodes = [node('MatMul', ['x', 'w'], ['h']), node('Mul', ['h', 'two'], ['z'])];
 * const main = graph({ nodes, initializers: [floatTensor('w', [2, 2], [3, 0, 4, 0]), floatTensor('two', [], [2])] });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * Array.from(weightNorms(feedingLayer(scope, 'z', constantLookup(new Map())))); // => [10, 0]
 */
export const weightNorms = (layer: LinearLayer): Float64Array =>
  rawNorms(layer).map((norm, unit) => norm * Math.abs(layer.scale[unit] as number));

/** Exporters put a handful of nodes between a layer and its rectifier; following endless chains from each of their nodes would take quadratic time. */
const mostBetween = 32;

/**
 * Walks back from a value to the single layer that feeds it, through batch norm, constant Add, Sub, Mul and Div for each channel,
 * Identity, Cast and Dropout, 32 of them at most. Null where the value is something else, such as a residual sum or a pooled map.
 *
 * @example
 * import { constantLookup, feedingLayer, floatTensor, graph, indexGraph, modelProto, node } from 'reluminate/onnx';
 * const nodes = [node('MatMul', ['x', 'w'], ['h']), node('Add', ['h', 'b'], ['z']), node('Relu', ['z'], ['y'])];
 * const main = graph({ nodes, initializers: [floatTensor('w', [2, 1], [1, -1]), floatTensor('b', [1], [0.5])] });
 * const scope = indexGraph({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * const layer = feedingLayer(scope, 'z', constantLookup(new Map()));
 * [layer.op, layer.units, layer.fanIn, layer.bias[0]]; // => ["MatMul", 1, 2, 0.5]
 * feedingLayer(scope, 'y', constantLookup(new Map())); // => null
 */
export function feedingLayer(scope: Scope, value: string, lookup: ConstantLookup): LinearLayer | null {
  const between: NodeProto[] = [];
  let at = value;
  while (between.length <= mostBetween) {
    const node = scope.producer.get(at);
    if (!node || !isStandard(node)) return null;
    if (layerOps.includes(node.opType)) return fold(scope, node, between.reverse(), lookup);
    const next = linearInput(scope, node, lookup);
    if (next === null) return null;
    between.push(node);
    at = next;
  }
  return null;
}

/** The input a node passes on linearly, channel by channel, or null where it does something else. */
function linearInput(scope: Scope, node: NodeProto, lookup: ConstantLookup): string | null {
  const [a, b] = node.input as [string, string | undefined];
  switch (node.opType) {
    case 'Identity':
    case 'Dropout':
    case 'BatchNormalization':
      return a;
    case 'Cast':
      return isFloatType(intAttribute(node, 'to', DataType.UNDEFINED)) ? a : null;
    case 'Add':
    case 'Mul':
      return lookup(scope, b as string) ? a : lookup(scope, a) ? (b as string) : null;
    case 'Sub':
    case 'Div':
      return lookup(scope, b as string) ? a : null;
    default:
      return null;
  }
}

function fold(
  scope: Scope,
  node: NodeProto,
  between: readonly NodeProto[],
  lookup: ConstantLookup,
): LinearLayer | null {
  const weight = layerWeight(scope, node, lookup);
  if (!weight || (node.opType === 'Gemm' && intAttribute(node, 'transA', 0) !== 0)) return null;
  const op = node.opType as LinearLayer['op'];
  const { units, fanIn } = geometry(node, weight);
  const axis = channelAxis[op];
  const rank = op === 'Conv' || op === 'ConvTranspose' ? weight.dims.length : op === 'Gemm' ? 2 : null;
  const scale = new Float64Array(units).fill(op === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1);
  const bias = new Float64Array(units);
  if (node.input[2]) {
    const given = lookup(scope, node.input[2]);
    const own = given && (op === 'Gemm' ? perChannel(given, units, -1, 2) : Float64Array.from(given.data));
    if (!own || own.length !== units) return null;
    const beta = op === 'Gemm' ? floatAttribute(node, 'beta', 1) : 1;
    own.forEach((value, unit) => {
      bias[unit] = beta * value;
    });
  }
  let batchNorm: BatchNorm | null = null;
  const apply = (factor: Float64Array | null, shift: Float64Array | null) => {
    for (let unit = 0; unit < units; unit++) {
      const times = factor ? (factor[unit] as number) : 1;
      scale[unit]! *= times;
      bias[unit] = times * (bias[unit] as number) + (shift ? (shift[unit] as number) : 0);
    }
  };
  for (const step of between) {
    if (step.opType === 'BatchNormalization') {
      batchNorm = batchNormOf(scope, step, lookup);
      if (!batchNorm || batchNorm.scale.length !== units) return null;
      apply(batchNorm.scale, batchNorm.shift);
      continue;
    }
    if (!['Add', 'Sub', 'Mul', 'Div'].includes(step.opType)) continue;
    const known = lookup(scope, step.input[1] as string) ?? lookup(scope, step.input[0] as string);
    const values = known && perChannel(known, units, axis, rank);
    if (!values) return null;
    if (step.opType === 'Add') apply(null, values);
    else if (step.opType === 'Sub')
      apply(
        null,
        values.map(item => -item),
      );
    else if (step.opType === 'Mul') apply(values, null);
    else
      apply(
        values.map(item => 1 / item),
        null,
      );
  }
  return { node, op, weight, units, fanIn, between, batchNorm, scale, bias };
}

/** Looks up the axis on which a value's channels or features lie: 1 behind convolutions, -1 (the last) behind matrix products; null where the graph does not tell. */
export type UnitAxisLookup = (scope: Scope, value: string) => number | null;

const channelsFirst = new Set(
  'Conv ConvTranspose BatchNormalization InstanceNormalization GroupNormalization LRN MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool'.split(
    ' ',
  ),
);
const featuresLast = new Set('Gemm MatMul LayerNormalization Flatten Einsum'.split(' '));
const axisLost = new Set('Reshape Squeeze Unsqueeze'.split(' '));

/**
 * A lookup for one model, which remembers what it has found.
 *
 * @example
 * import { constantLookup, graph, indexGraph, modelProto, node, unitAxisLookup } from 'reluminate/onnx';
 * const nodes = [node('Conv', ['x', 'w'], ['z']), node('Relu', ['z'], ['map']), node('MatMul', ['map', 'v'], ['y'])];
 * const scope = indexGraph({ name: 'm', proto: modelProto(graph({ nodes })), external: new Map(), bytes: 0 });
 * const axisOf = unitAxisLookup(constantLookup(new Map()));
 * [axisOf(scope, 'map'), axisOf(scope, 'y'), axisOf(scope, 'x')]; // => [1, -1, null]
 */
export function unitAxisLookup(constants: ConstantLookup): UnitAxisLookup {
  const known = new Map<Scope, Map<string, number | null>>();
  const axisOf = (scope: Scope, node: NodeProto): number | null => {
    if (channelsFirst.has(node.opType)) return 1;
    if (featuresLast.has(node.opType)) return -1;
    if (axisLost.has(node.opType)) return null;
    const through = (name: string | undefined): number | null =>
      name && !constants(scope, name) ? lookup(scope, name) : null;
    if (node.opType === 'Transpose') {
      const perm = intsAttribute(node, 'perm');
      const before = through(node.input[0]);
      const after = before === null || !perm ? -1 : perm.indexOf(before < 0 ? before + perm.length : before);
      return after < 0 ? null : after;
    }
    for (const name of node.input) {
      const axis = through(name);
      if (axis !== null) return axis;
    }
    return null;
  };
  /** Takes the nodes in their order, so that a chain of any length is followed without recursion. */
  const scan = (scope: Scope): Map<string, number | null> => {
    const found = new Map<string, number | null>();
    known.set(scope, found);
    for (const node of scope.nodes) {
      const axis = axisOf(scope, node);
      for (const value of node.output) found.set(value, axis);
    }
    return found;
  };
  const lookup: UnitAxisLookup = (scope, value) => {
    const axis = (known.get(scope) ?? scan(scope)).get(value);
    return axis === undefined && scope.parent ? lookup(scope.parent, value) : (axis ?? null);
  };
  return lookup;
}
