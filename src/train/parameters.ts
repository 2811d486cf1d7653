import { Failure } from '../failure.js';
import { isStandard } from '../onnx/attributes.js';
import { constantLookup } from '../onnx/constants.js';
import { type Model, mainGraph } from '../onnx/model.js';
import { DataType, type NodeProto } from '../onnx/proto.js';
import { findRectifiers } from '../onnx/rectifiers.js';
import { indexGraph, nodeName } from '../onnx/scope.js';
import { dimsOf, tensorNumbers } from '../onnx/tensor.js';

/** What a parameter does: weights multiply activations, biases are added, scales and shifts are batch norm's, slopes are rectifiers'. */
export type ParameterKind = 'weight' | 'bias' | 'scale' | 'shift' | 'slope';

/** A parameter of a model: an initializer that can be learned. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Name of the node that it belongs to. */
  readonly layer: string;
  readonly dims: readonly number[];
}

/** The kinds of a node's inputs, where they are parameters. */
const kindsByInput: Readonly<Record<string, readonly (ParameterKind | null)[]>> = {
  Gemm: ['weight', 'weight', 'bias'],
  MatMul: ['weight', 'weight'],
  Conv: [null, 'weight', 'bias'],
  ConvTranspose: [null, 'weight', 'bias'],
  BatchNormalization: [null, 'scale', 'shift'],
  PRelu: [null, 'slope'],
  Add: ['bias', 'bias'],
  Mul: ['scale', 'scale'],
};

/** Arithmetic with a lone number is spelling, not a parameter. */
const needsWidth = (node: NodeProto): boolean => node.opType === 'Add' || node.opType === 'Mul';

/**
 * The parameters of a model, in the graph's order: weights, biases, batch norm's scales and shifts, and slopes however they are spelled. Throws a
 * Failure where one is not float32.
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
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const found = new Map<string, Parameter>();
  const consider = (value: string | undefined, kind: ParameterKind | null, node: NodeProto) => {
    const source = value && kind ? lookup(scope, value)?.source : undefined;
    const tensor = source ? scope.initializers.get(source) : undefined;
    if (!kind || !tensor || found.has(tensor.name)) return;
    const elements = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
    if (needsWidth(node) && kind !== 'slope' && elements < 2) return;
    if (tensor.dataType !== DataType.FLOAT)
      throw new Failure(
        'input',
        `train: parameters must be float32, got ${DataType[tensor.dataType]} in '${tensor.name}' (node '${nodeName(node)}')`,
      );
    found.set(tensor.name, { name: tensor.name, kind, layer: nodeName(node), dims: dimsOf(tensor) });
  };
  const slopes = new Map<NodeProto, string>();
  for (const { nodes, negativeSlope, kind } of findRectifiers([scope], lookup))
    if (negativeSlope && (kind === 'prelu' || nodes.some(({ opType }) => opType === 'PRelu')))
      for (const node of nodes) slopes.set(node, negativeSlope.source);
  for (const node of scope.nodes) {
    if (!isStandard(node)) continue;
    const slope = slopes.get(node);
    if (slope !== undefined) consider(slope, 'slope', node);
    else
      kindsByInput[node.opType]?.forEach((kind, index) => {
        consider(node.input[index], kind, node);
      });
  }
  return [...found.values()];
}

/** The values of a parameter, copied. */
export function parameterValues(model: Model, name: string): Float32Array {
  const tensor = mainGraph(model).initializer.find(initializer => initializer.name === name);
  const values = tensor && tensorNumbers(tensor, model.external);
  if (!values) throw new Failure('usage', `train: the model must have the parameter, got '${name}'`);
  return Float32Array.from(values);
}
