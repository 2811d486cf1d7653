import { Failure } from '../failure.js';
import { isStandard } from '../onnx/attributes.js';
import { constantsToInitializers } from '../onnx/constant-nodes.js';
import { type Constant, type ConstantLookup, constantLookup } from '../onnx/constants.js';
import type { Model } from '../onnx/model.js';
import { DataType, type NodeProto } from '../onnx/proto.js';
import { findRectifiers } from '../onnx/rectifiers.js';
import { indexGraph, nodeName, readsOf, type Scope } from '../onnx/scope.js';
import { dimsOf } from '../onnx/tensor.js';
import { elements } from './rule.js';

/** What a parameter does: weights multiply activations, biases are added, scales and shifts are batch norm's, slopes are rectifiers'. */
export type ParameterKind = 'weight' | 'bias' | 'scale' | 'shift' | 'slope';

/** A parameter of a model: an initializer that can be learned. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Name of the node that it belongs to. */
  readonly layer: string;
  readonly dims: readonly number[];
  /** What its numbers are multiplied by to give slopes: 2 where these are spelled c (x - |x|), 1 for all other kinds; null where slopes are no multiple of it, or of different ones. */
  readonly factor: number | null;
}

/** The kinds of a node's inputs, where they are parameters. */
const kindsByInput: Readonly<Record<string, readonly (ParameterKind | null)[]>> = {
  Gemm: ['weight', 'weight', 'bias'],
  MatMul: ['weight', 'weight'],
  Conv: [null, 'weight', 'bias'],
  ConvTranspose: [null, 'weight', 'bias'],
  BatchNormalization: [null, 'scale', 'shift'],
  LayerNormalization: [null, 'scale', 'shift'],
  InstanceNormalization: [null, 'scale', 'shift'],
  GroupNormalization: [null, 'scale', 'shift'],
  PRelu: [null, 'slope'],
  Add: ['bias', 'bias'],
  Mul: ['scale', 'scale'],
};

/** Arithmetic with a lone number is spelling, not a parameter. */
const needsWidth = (node: NodeProto): boolean => node.opType === 'Add' || node.opType === 'Mul';

/** Operators behind which values are no longer the model's inputs, only brought to another scale or shape. */
const weighing = new Set([
  'BatchNormalization',
  'Conv',
  'ConvTranspose',
  'Gather',
  'Gemm',
  'GroupNormalization',
  'InstanceNormalization',
  'LayerNormalization',
  'MatMul',
  'PRelu',
]);

/** The inputs and what is made of them before any weight: constants applied to these normalize the data. */
function unweighted(scope: Scope, lookup: ConstantLookup): Set<string> {
  const found = new Set(scope.graph.input.map(({ name }) => name).filter(name => !scope.initializers.has(name)));
  for (const node of scope.nodes) {
    const reads = readsOf(node).filter(name => lookup(scope, name) === null);
    if (!weighing.has(node.opType) && reads.length > 0 && reads.every(name => found.has(name)))
      for (const name of node.output) found.add(name);
  }
  return found;
}

/**
 * The parameters of a model, in the graph's order: weights, biases, scales and shifts of normalization, and slopes however they are spelled, held as
 * initializers or in Constant nodes. Constants applied to the inputs before any weight (means, deviations) are none. Throws a Failure where one is not float32.
 *
 * @example
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * import { parametersOf } from 'reluminate/train';
 * const net = graph({
 *   nodes: [node('MatMul', ['x', 'w'], ['z']), node('PRelu', ['z', 'a'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 3], new Float32Array(6)), floatTensor('a', [3], [0.25, 0.25, 0.25])],
 * });
 * parametersOf({ name: 'net', proto: modelProto(net), external: new Map(), bytes: 0 }).map(({ kind }) => kind); // => ["weight", "slope"]
 */
export function parametersOf(model: Model): Parameter[] {
  const scope = indexGraph(constantsToInitializers(model));
  const lookup = constantLookup(model.external);
  const raw = unweighted(scope, lookup);
  const found = new Map<string, Parameter>();
  const consider = (constant: Constant | null, kind: ParameterKind, node: NodeProto) => {
    const tensor = constant ? scope.initializers.get(constant.source) : undefined;
    if (!constant || !tensor) return;
    const before = found.get(tensor.name);
    // One of two spellings that share it.
    if (before?.kind === 'slope' && kind === 'slope' && before.factor !== constant.factor)
      found.set(tensor.name, { ...before, factor: null });
    if (before) return;
    if (
      kind !== 'slope' &&
      needsWidth(node) &&
      (elements(dimsOf(tensor)) < 2 || node.input.some(name => raw.has(name)))
    )
      return;
    if (tensor.dataType !== DataType.FLOAT)
      throw new Failure(
        'input',
        `train: parameters must be float32, got ${DataType[tensor.dataType]} in '${tensor.name}' (node '${nodeName(node)}')`,
      );
    const factor = kind === 'slope' ? constant.factor : 1;
    found.set(tensor.name, { name: tensor.name, kind, layer: nodeName(node), dims: dimsOf(tensor), factor });
  };
  const slopes = new Map<NodeProto, Constant>();
  for (const { nodes, negativeSlope, kind } of findRectifiers([scope], lookup))
    if (negativeSlope && (kind === 'prelu' || nodes.some(({ opType }) => opType === 'PRelu')))
      for (const node of nodes) slopes.set(node, negativeSlope);
  for (const node of scope.nodes) {
    if (!isStandard(node)) continue;
    const slope = slopes.get(node);
    if (slope !== undefined) consider(slope, 'slope', node);
    else
      kindsByInput[node.opType]?.forEach((kind, index) => {
        if (kind) consider(lookup(scope, node.input[index] ?? ''), kind, node);
      });
  }
  return [...found.values()];
}

/**
 * The numbers of a parameter, row-major, copied. Throws a Failure where the model has no such initializer or Constant node.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, parameterValues } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-3-2', { rectifier: parseRectifier('prelu') });
 * Array.from(parameterValues(network, 'layer1/slope')); // => [0.25, 0.25, 0.25]
 */
export function parameterValues(model: Model, name: string): Float32Array {
  const found = constantLookup(model.external)(indexGraph(model), name);
  if (found?.source !== name) throw new Failure('usage', `train: the model must have the parameter, got '${name}'`);
  return Float32Array.from(found.data);
}
