import { floatAttribute, intAttribute } from '../../onnx/attributes.js';
import { float } from '../../onnx/build.js';
import { batchNormOf, layerWeight } from '../../onnx/layers.js';
import type { NodeProto } from '../../onnx/proto.js';
import { roundingShare, underflow } from './rounding.js';
import {
  constant,
  copyNode,
  emit,
  type Interval,
  isExact,
  largestOf,
  magnitude,
  numbersOf,
  operand,
  type Rule,
  type Sketch,
  slackOf,
  widened,
} from './sketch.js';

/** Centre and radius of an interval: [lower, upper] lies in centre ± radius although both are rounded. */
export function centred(sketch: Sketch, { lower, upper }: Interval): { centre: string; radius: string } {
  const centre = emit(sketch, 'Mul', [emit(sketch, 'Add', [lower, upper]), constant(sketch, 0.5)]);
  const reach = emit(sketch, 'Max', [emit(sketch, 'Sub', [upper, centre]), emit(sketch, 'Sub', [centre, lower])]);
  return { centre, radius: emit(sketch, 'Mul', [reach, constant(sketch, 1 + 2 ** -21)]) };
}

/** Products in one output of a layer with weights, and outputs that one input goes into. */
function fans(node: NodeProto, dims: readonly number[]): { fanIn: number; fanOut: number } {
  const [first, second, ...kernel] = dims as [number, number, ...number[]];
  const positions = kernel.reduce((a, b) => a * b, 1);
  const group = intAttribute(node, 'group', 1);
  if (node.opType === 'Conv') return { fanIn: second * positions, fanOut: (first / group) * positions };
  if (node.opType === 'ConvTranspose') return { fanIn: (first / group) * positions, fanOut: second * positions };
  const byRow = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
  return byRow ? { fanIn: second, fanOut: first } : { fanIn: first, fanOut: second };
}

/** Attributes of a layer whose weights are all taken as absolute: a Gemm's factors turn positive too. */
function absoluteCopy(sketch: Sketch, node: NodeProto, inputs: readonly string[]): string {
  if (node.opType !== 'Gemm') return copyNode(sketch, node, inputs)[0] as string;
  return emit(sketch, 'Gemm', inputs, {
    alpha: float(Math.abs(floatAttribute(node, 'alpha', 1))),
    beta: float(Math.abs(floatAttribute(node, 'beta', 1))),
    transB: intAttribute(node, 'transB', 0),
  });
}

/**
 * A layer with constant weights, y = W x + b: with x in c ± r, y lies in (W c + b) ± (|W| r + rounding). The rounding, a share of |W||x| + |b|, is
 * carried in the same product by enlarging r by that share of |x|, so that two runs of the layer bound it.
 */
const weighted: Rule = (sketch, node) => {
  const [input, weightName, bias] = node.input as [string, string, string | undefined];
  const weight = layerWeight(sketch.scope, node, sketch.lookup);
  if (!weight || !isExact(sketch, weightName) || !isExact(sketch, bias)) return null;
  if (node.opType === 'Gemm' && intAttribute(node, 'transA', 0) !== 0) return null;
  const { fanIn, fanOut } = fans(node, weight.dims);
  const [share, both] = [roundingShare(fanIn), roundingShare(Math.max(fanIn, fanOut))];
  if (share === null || both === null) return null;
  const scale = node.opType === 'Gemm' ? Math.abs(floatAttribute(node, 'alpha', 1)) : 1;
  const least = underflow(fanIn, largestOf(weight.data) * Math.max(1, scale));
  const x = operand(sketch, input);
  const size = magnitude(sketch, x);
  const { centre, radius } = centred(sketch, x);
  const absolute = emit(sketch, 'Abs', [weightName]);
  const absoluteBias = bias ? emit(sketch, 'Abs', [bias]) : null;
  const enlarged = emit(sketch, 'Add', [radius, emit(sketch, 'Mul', [size, constant(sketch, share)])]);
  const middle = copyNode(sketch, node, [centre, weightName, ...(bias ? [bias] : [])])[0] as string;
  const roundedBias = absoluteBias ? [emit(sketch, 'Mul', [absoluteBias, constant(sketch, share)])] : [];
  const spread = absoluteCopy(sketch, node, [enlarged, absolute, ...roundedBias]);
  const reach = slackOf(sketch, spread, 1 + share, least);
  const total = absoluteCopy(sketch, node, [size, absolute, ...(absoluteBias ? [absoluteBias] : [])]);
  return { ...widened(sketch, middle, middle, reach, fanIn), slack: slackOf(sketch, total, both, least) };
};

/** A product of two matrices that both depend on the input, or of a constant matrix from the left. */
const matMul: Rule = (sketch, node) => {
  const [first, second] = node.input as [string, string];
  if (layerWeight(sketch.scope, node, sketch.lookup) && !isExact(sketch, first)) return weighted(sketch, node);
  const terms = sketch.shapes.get(first)?.at(-1);
  const share = terms === undefined ? null : roundingShare(terms);
  if (share === null || terms === undefined) return null;
  const [a, b] = [operand(sketch, first), operand(sketch, second)];
  const [left, right] = [centred(sketch, a), centred(sketch, b)];
  const sizes = [magnitude(sketch, a), magnitude(sketch, b)] as const;
  const product = (x: string, y: string) => emit(sketch, 'MatMul', [x, y]);
  const rounding = emit(sketch, 'Mul', [product(...sizes), constant(sketch, share)]);
  // |xy - cd| <= |c| s + r |y| for x in c ± r, y in d ± s; |c| <= |x|'s bound.
  const spread = emit(sketch, 'Add', [product(sizes[0], right.radius), product(left.radius, sizes[1])]);
  const reach = slackOf(sketch, emit(sketch, 'Add', [spread, rounding]), 1 + share, underflow(terms, 1));
  const middle = product(left.centre, right.centre);
  return { ...widened(sketch, middle, middle, reach, terms), slack: null };
};

/** Batch norm in inference form: y = scale · x + shift for each channel. */
const batchNormalization: Rule = (sketch, node) => {
  const line = batchNormOf(sketch.scope, node, sketch.lookup);
  const [input, , , meanName] = node.input as [string, string, string, string];
  const mean = numbersOf(sketch, meanName);
  const rank = sketch.shapes.get(input)?.length;
  const x = operand(sketch, input);
  const share = roundingShare(x.terms);
  // More outputs than one mean training mode before operator set 14.
  if (!line || node.output.length > 1 || !mean || rank === undefined || rank < 2 || share === null) return null;
  const dims = [line.scale.length, ...new Array(rank - 2).fill(1)];
  const parts = line.beta.map(
    (beta, channel) => Math.abs(beta) + Math.abs((line.scale[channel] as number) * (mean[channel] as number)),
  );
  const scale = constant(sketch, line.scale, dims);
  const shift = constant(sketch, line.shift, dims);
  const ends = [x.lower, x.upper].map(end => emit(sketch, 'Mul', [end, scale]));
  const size = emit(sketch, 'Add', [
    emit(sketch, 'Mul', [magnitude(sketch, x), emit(sketch, 'Abs', [scale])]),
    constant(sketch, parts, dims),
  ]);
  const slack = slackOf(sketch, size, share, underflow(1, largestOf(line.scale)));
  const [lower, upper] = ['Min', 'Max'].map(op => emit(sketch, 'Add', [emit(sketch, op, ends), shift])) as [
    string,
    string,
  ];
  return widened(sketch, lower, upper, slack, x.terms);
};

/** Rules of operators that weigh and sum. */
export const linearRules: Readonly<Record<string, Rule>> = {
  Conv: weighted,
  ConvTranspose: weighted,
  Gemm: weighted,
  MatMul: matMul,
  BatchNormalization: batchNormalization,
};
