import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../onnx/attributes.js';
import { float, floatTensor, intTensor, node as makeNode } from '../../onnx/build.js';
import type { Constant, ConstantLookup } from '../../onnx/constants.js';
import { batchNormOf, layerWeight } from '../../onnx/layers.js';
import type { NodeProto, TensorProto } from '../../onnx/proto.js';
import type { Scope } from '../../onnx/scope.js';

/** The graph of one backward pass while it is written, and what it needs to know of the model. */
export interface Backward {
  readonly scope: Scope;
  readonly lookup: ConstantLookup;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Whether a value depends on the model's input and has bounds. */
  readonly isBounded: (value: string) => boolean;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
}

/** What a node's coefficients become on its inputs. */
export interface Step {
  /** Coefficients on each input. */
  readonly inputs: readonly { readonly value: string; readonly coefficients: string }[];
  /** A constant that is added to every element of the output, broadcast to it; null for none. */
  readonly shift: Constant | null;
  /** Multiply-adds for each row of coefficients. */
  readonly work: number;
  /** Products in one coefficient and the largest factor, for what underflow can lose. */
  readonly terms: number;
  readonly largest: number;
}

/** Pulls rows of coefficients, of dimensions [rows, ...those of one sample], from a node's output back to its inputs; null where it cannot. */
type BackwardRule = (backward: Backward, node: NodeProto, coefficients: string) => Step | null;

/** Writes a node and returns the name of its result. */
export function write(
  { nodes }: Backward,
  op: string,
  inputs: readonly string[],
  attributes: Parameters<typeof makeNode>[3] = {},
): string {
  const name = `n${nodes.length}`;
  nodes.push(makeNode(op, inputs, [name], attributes));
  return name;
}

export function floats({ initializers }: Backward, values: ArrayLike<number>, dims: readonly number[]): string {
  const name = `c${initializers.length}`;
  initializers.push(floatTensor(name, dims, values));
  return name;
}

export function ints({ initializers }: Backward, values: readonly number[]): string {
  const name = `c${initializers.length}`;
  initializers.push(intTensor(name, [values.length], values));
  return name;
}

export const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const largestOf = (data: ArrayLike<number>) => Array.from(data).reduce((a, b) => Math.max(a, Math.abs(b)), 0);

const shapeOf = ({ shapes }: Backward, value: string | undefined) => (value ? shapes.get(value) : undefined);

const only = (value: string, coefficients: string, more: Partial<Step> = {}): Step => ({
  inputs: [{ value, coefficients }],
  shift: null,
  work: 0,
  terms: 1,
  largest: 1,
  ...more,
});

/** A constant optional input: null where there is none, undefined where it is computed. */
const optional = ({ scope, lookup }: Backward, name: string | undefined): Constant | null | undefined =>
  name ? (lookup(scope, name) ?? undefined) : null;

/** ONNX Runtime's transposed convolution does so many times fewer multiply-adds in a second than its matrix product. */
const slowTranspose = 8;

/** The pads of a convolution for each axis, begin and end; null where they follow from the sizes. */
function padsOf(node: NodeProto, axes: number): number[] | null {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (auto === 'VALID') return new Array(2 * axes).fill(0);
  return auto === 'NOTSET' || auto === '' ? (intsAttribute(node, 'pads') ?? new Array(2 * axes).fill(0)) : null;
}

/** A convolution's transpose is a transposed convolution with the same weights, and the other way round. */
const convolution: BackwardRule = (backward, node, coefficients) => {
  const weight = layerWeight(backward.scope, node, backward.lookup);
  const bias = optional(backward, node.input[2]);
  const value = node.input[0] as string;
  const [from, to] = [shapeOf(backward, value), shapeOf(backward, node.output[0])];
  if (!weight || bias === undefined || !from || !to) return null;
  const kernel = weight.dims.slice(2);
  const axes = kernel.length;
  const pads = padsOf(node, axes);
  if (!pads || intsAttribute(node, 'output_shape')) return null;
  const strides = intsAttribute(node, 'strides') ?? new Array<number>(axes).fill(1);
  const dilations = intsAttribute(node, 'dilations') ?? new Array<number>(axes).fill(1);
  const group = intAttribute(node, 'group', 1);
  const attributes = { group, pads, strides, dilations, kernel_shape: kernel };
  const weights = floats(backward, weight.data, weight.dims);
  const isForward = node.opType === 'Conv';
  const missing = kernel.map((size, axis) => {
    const reach = (dilations[axis] as number) * (size - 1) + 1;
    const covered = ((to[axis + 2] as number) - 1) * (strides[axis] as number) + reach;
    return (from[axis + 2] as number) + (pads[axis] as number) + (pads[axis + axes] as number) - covered;
  });
  const name = isForward
    ? write(backward, 'ConvTranspose', [coefficients, weights], { ...attributes, output_padding: missing })
    : write(backward, 'Conv', [coefficients, weights], attributes);
  const [first, second] = weight.dims as [number, number];
  const positions = product(kernel);
  const used = (isForward ? to : from).slice(2);
  return only(value, name, {
    shift: bias && { ...bias, dims: [bias.data.length, ...new Array(axes).fill(1)] },
    work: product(used) * weight.data.length * (isForward ? slowTranspose : 1),
    terms: positions * (isForward ? first / group : second),
    largest: largestOf(weight.data),
  });
};

const matrix: BackwardRule = (backward, node, coefficients) => {
  const weight = layerWeight(backward.scope, node, backward.lookup);
  const isGemm = node.opType === 'Gemm';
  const bias = isGemm ? optional(backward, node.input[2]) : null;
  const value = node.input[0] as string;
  const from = shapeOf(backward, value);
  if (!weight || bias === undefined || !from || from.length < 2 || intAttribute(node, 'transA', 0) !== 0) return null;
  const weights = floats(backward, weight.data, weight.dims);
  const alpha = isGemm ? floatAttribute(node, 'alpha', 1) : 1;
  const beta = isGemm ? floatAttribute(node, 'beta', 1) : 1;
  const isByRow = isGemm && intAttribute(node, 'transB', 0) === 1;
  const name = isGemm
    ? write(backward, 'Gemm', [coefficients, weights], { alpha: float(alpha), transB: isByRow ? 0 : 1 })
    : write(backward, 'MatMul', [coefficients, write(backward, 'Transpose', [weights], { perm: [1, 0] })]);
  return only(value, name, {
    shift: bias && { ...bias, data: Float64Array.from(bias.data, item => beta * item) },
    work: (product(from) / (from.at(-1) as number)) * weight.data.length,
    terms: weight.dims[isByRow ? 0 : 1] as number,
    largest: largestOf(weight.data) * Math.abs(alpha),
  });
};

const batchNorm: BackwardRule = (backward, node, coefficients) => {
  const line = batchNormOf(backward.scope, node, backward.lookup);
  const rank = shapeOf(backward, node.input[0])?.length;
  if (!line || rank === undefined) return null;
  const dims = [line.scale.length, ...new Array(rank - 2).fill(1)];
  const name = write(backward, 'Mul', [coefficients, floats(backward, line.scale, dims)]);
  return only(node.input[0] as string, name, {
    shift: { source: '', factor: null, dims, data: line.shift },
    largest: largestOf(line.scale),
  });
};

const isSame = (a: readonly number[] | undefined, b: readonly number[] | undefined) =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((dim, axis) => dim === b[axis]);

const negated = (constant: Constant): Constant => ({ ...constant, data: constant.data.map(item => -item) });

/** A sum or difference of values of one shape, or of a value and a constant. */
const sum: BackwardRule = (backward, node, coefficients) => {
  const result = shapeOf(backward, node.output[0]);
  const inputs: { value: string; coefficients: string }[] = [];
  let shift: Constant | null = null;
  for (const [at, name] of node.input.entries()) {
    const isMinus = node.opType === 'Sub' && at === 1;
    if (backward.isBounded(name)) {
      if (!isSame(shapeOf(backward, name), result)) return null;
      inputs.push({ value: name, coefficients: isMinus ? write(backward, 'Neg', [coefficients]) : coefficients });
    } else {
      const constant = backward.lookup(backward.scope, name);
      if (!constant || shift) return null;
      shift = isMinus ? negated(constant) : constant;
    }
  }
  return { inputs, shift, work: 0, terms: 1, largest: 1 };
};

/** A product or quotient with a constant. */
const scaled: BackwardRule = (backward, node, coefficients) => {
  const [first, second] = node.input as [string, string];
  const [value, factor] = backward.isBounded(first) ? [first, second] : [second, first];
  const constant = backward.lookup(backward.scope, factor);
  if (!constant || !backward.isBounded(value) || !isSame(shapeOf(backward, value), shapeOf(backward, node.output[0])))
    return null;
  if (node.opType === 'Div' && value !== first) return null;
  const data = node.opType === 'Div' ? Float64Array.from(constant.data, item => 1 / item) : constant.data;
  const name = write(backward, 'Mul', [coefficients, floats(backward, data, constant.dims)]);
  return only(value, name, { largest: largestOf(data) });
};

const negate: BackwardRule = (backward, node, coefficients) =>
  only(node.input[0] as string, write(backward, 'Neg', [coefficients]));

const same: BackwardRule = (_, node, coefficients) => only(node.input[0] as string, coefficients);

/** Keeps the elements in their order. */
const reshaped: BackwardRule = (backward, node, coefficients) => {
  const value = node.input[0] as string;
  const from = shapeOf(backward, value);
  if (from?.[0] !== 1) return null;
  return only(value, write(backward, 'Reshape', [coefficients, ints(backward, [-1, ...from.slice(1)])]));
};

const transposed: BackwardRule = (backward, node, coefficients) => {
  const perm = intsAttribute(node, 'perm');
  if (perm?.[0] !== 0) return null;
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return only(node.input[0] as string, write(backward, 'Transpose', [coefficients], { perm: inverse }));
};

const joined: BackwardRule = (backward, node, coefficients) => {
  const rank = shapeOf(backward, node.output[0])?.length ?? 0;
  const named = intAttribute(node, 'axis', 1);
  const axis = named < 0 ? named + rank : named;
  if (axis === 0 || !node.input.every(name => backward.isBounded(name) && shapeOf(backward, name))) return null;
  let start = 0;
  const inputs = node.input.map(value => {
    const end = start + (shapeOf(backward, value)?.[axis] as number);
    const range = [[start], [end], [axis]].map(list => ints(backward, list));
    start = end;
    return { value, coefficients: write(backward, 'Slice', [coefficients, ...range]) };
  });
  return { inputs, shift: null, work: 0, terms: 1, largest: 1 };
};

const globalAverage: BackwardRule = (backward, node, coefficients) => {
  const value = node.input[0] as string;
  const from = shapeOf(backward, value);
  if (!from) return null;
  const positions = product(from.slice(2));
  const spread = floats(backward, new Float32Array(positions).fill(1 / positions), [1, 1, ...from.slice(2)]);
  return only(value, write(backward, 'Mul', [coefficients, spread]), { work: product(from) });
};

/** Rules of the operators that the linear bounds are pulled back through; rectifiers are relaxed, everything else is cut off at its bounds. */
export const backwardRules: Readonly<Record<string, BackwardRule>> = {
  Conv: convolution,
  ConvTranspose: convolution,
  Gemm: matrix,
  MatMul: matrix,
  BatchNormalization: batchNorm,
  Add: sum,
  Sum: sum,
  Sub: sum,
  Mul: scaled,
  Div: scaled,
  Neg: negate,
  Identity: same,
  Dropout: same,
  Cast: same,
  Flatten: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transposed,
  Concat: joined,
  GlobalAveragePool: globalAverage,
};
