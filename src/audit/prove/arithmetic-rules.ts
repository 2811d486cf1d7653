import { floatAttribute, intAttribute } from '../../onnx/attributes.js';
import { DataType, type NodeProto } from '../../onnx/proto.js';
import { roundingShare, smoothShare, underflow } from './rounding.js';
import {
  constant,
  copyNode,
  emit,
  type Interval,
  isExact,
  largestOf,
  magnitude,
  nearestTo,
  numbersOf,
  operand,
  type Rule,
  type Sketch,
  slackOf,
  widened,
} from './sketch.js';

/** a + b or a - b. The rounding is a share of |a| + |b|: an engine may fold the sum into the layer behind an operand. */
function sum(sketch: Sketch, a: Interval, b: Interval, op: 'Add' | 'Sub' = 'Add'): Interval | null {
  const terms = Math.max(a.terms, b.terms);
  const share = roundingShare(terms);
  if (share === null) return null;
  const slack = slackOf(
    sketch,
    emit(sketch, 'Add', [magnitude(sketch, a), magnitude(sketch, b)]),
    share,
    underflow(1, 1),
  );
  const [low, high] = op === 'Add' ? [b.lower, b.upper] : [b.upper, b.lower];
  return widened(sketch, emit(sketch, op, [a.lower, low]), emit(sketch, op, [a.upper, high]), slack, terms);
}

const add: Rule = (sketch, node) => {
  const [first, ...rest] = node.input.map(name => operand(sketch, name)) as [Interval, ...Interval[]];
  return rest.reduce<Interval | null>((total, next) => total && sum(sketch, total, next), first);
};

const subtract: Rule = (sketch, node) => {
  const [a, b] = node.input.map(name => operand(sketch, name)) as [Interval, Interval];
  return sum(sketch, a, b, 'Sub');
};

/** The least and the largest of several values, element by element. */
const hull = (sketch: Sketch, values: readonly string[]): [string, string] => [
  emit(sketch, 'Min', values),
  emit(sketch, 'Max', values),
];

/** a · b or a / b: the extremes lie at the ends of both. A divisor must be a constant. */
function product(sketch: Sketch, node: NodeProto, op: 'Mul' | 'Div'): Interval | null {
  const [first, second] = node.input as [string, string];
  const [a, b] = [operand(sketch, first), operand(sketch, second)];
  if (op === 'Div' && !isExact(sketch, second)) return null;
  const share = roundingShare(Math.max(a.terms, b.terms));
  if (share === null) return null;
  const ends = (x: Interval) => (x.lower === x.upper ? [x.lower] : [x.lower, x.upper]);
  const corners =
    first === second
      ? [nearestTo(sketch, a, 0), a.lower, a.upper].map(x => emit(sketch, op, [x, x]))
      : ends(a).flatMap(x => ends(b).map(y => emit(sketch, op, [x, y])));
  const [lower, upper] = hull(sketch, corners);
  const size = emit(sketch, op, [magnitude(sketch, a), magnitude(sketch, b)]);
  const fixed = isExact(sketch, first) ? first : second;
  const numbers = numbersOf(sketch, fixed);
  const factor = numbers ? largestOf(op === 'Div' ? Float64Array.from(numbers, item => 1 / item) : numbers) : 1;
  const slack = slackOf(sketch, size, share, underflow(1, Number.isFinite(factor) ? factor : 1));
  const isAffine = isExact(sketch, first) || isExact(sketch, second);
  const result = widened(sketch, lower, upper, slack, isAffine ? Math.max(a.terms, b.terms) : 0);
  return isAffine ? result : { ...result, slack: null };
}

/** Never falling and computed without rounding: the bounds of the inputs give those of the output. */
export const monotone: Rule = (sketch, node) => {
  const ends = (['lower', 'upper'] as const).map(end =>
    copyNode(
      sketch,
      node,
      node.input.map(name => (name === '' || isExact(sketch, name) ? name : operand(sketch, name)[end])),
    ),
  );
  const [lower, upper] = ends as [string[], string[]];
  return lower.map((name, output) => ({ lower: name, upper: upper[output] as string, terms: 0, slack: null }));
};

/** Widens the results of functions that kernels approximate. */
const approximated = (sketch: Sketch, lower: string, upper: string): Interval => {
  const size = magnitude(sketch, { lower, upper, terms: 0, slack: null });
  return { ...widened(sketch, lower, upper, slackOf(sketch, size, smoothShare, smoothShare), 0), slack: null };
};

/** A rising function that kernels approximate. */
const smooth: Rule = (sketch, node) => {
  const x = operand(sketch, node.input[0] as string);
  const [lower, upper] = [x.lower, x.upper].map(end => copyNode(sketch, node, [end])[0] as string) as [string, string];
  return approximated(sketch, lower, upper);
};

/** The same where an attribute must be positive for it to rise. */
const smoothIf =
  (attribute: string, fallback: number): Rule =>
  (sketch, node) =>
    floatAttribute(node, attribute, fallback) > 0 ? smooth(sketch, node) : null;

/** Falls up to a point and rises from there, such as hard-swish. */
const valley =
  (lowest: number): Rule =>
  (sketch, node) => {
    const x = operand(sketch, node.input[0] as string);
    const at = (point: string) => copyNode(sketch, node, [point])[0] as string;
    const upper = emit(sketch, 'Max', [at(x.lower), at(x.upper)]);
    return approximated(sketch, at(nearestTo(sketch, x, lowest)), upper);
  };

const negate: Rule = (sketch, node) => {
  const x = operand(sketch, node.input[0] as string);
  return { lower: emit(sketch, 'Neg', [x.upper]), upper: emit(sketch, 'Neg', [x.lower]), terms: 0, slack: null };
};

const absolute: Rule = (sketch, node) => {
  const x = operand(sketch, node.input[0] as string);
  const nearest = nearestTo(sketch, x, 0);
  return { lower: emit(sketch, 'Abs', [nearest]), upper: magnitude(sketch, x), terms: 0, slack: null };
};

/** Softmax: from 0 to 1, whatever goes in. */
const share01: Rule = (sketch, node) => {
  const zero = emit(sketch, 'Mul', [operand(sketch, node.input[0] as string).lower, constant(sketch, 0)]);
  return approximated(sketch, zero, emit(sketch, 'Add', [zero, constant(sketch, 1)]));
};

const identity: Rule = (sketch, node) => operand(sketch, node.input[0] as string);

/** Dropout at inference; in training mode it is random. */
const dropout: Rule = (sketch, node) => {
  const mode = node.input[2] ? numbersOf(sketch, node.input[2]) : [0];
  return mode?.[0] === 0 ? identity(sketch, node) : null;
};

/** A Cast of float32 to itself; other types round differently. */
const cast: Rule = (sketch, node) =>
  intAttribute(node, 'to', DataType.UNDEFINED) === DataType.FLOAT ? identity(sketch, node) : null;

/** ThresholdedRelu rises where its threshold is not negative. */
const thresholded: Rule = (sketch, node) => (floatAttribute(node, 'alpha', 1) >= 0 ? monotone(sketch, node) : null);

/** Rules of elementwise operators other than the piecewise linear rectifiers. */
export const arithmeticRules: Readonly<Record<string, Rule>> = {
  Add: add,
  Sum: add,
  Sub: subtract,
  Mul: (sketch, node) => product(sketch, node, 'Mul'),
  Div: (sketch, node) => product(sketch, node, 'Div'),
  Neg: negate,
  Abs: absolute,
  Identity: identity,
  Dropout: dropout,
  Cast: cast,
  Softmax: share01,
  ThresholdedRelu: thresholded,
  Sigmoid: smooth,
  Tanh: smooth,
  Erf: smooth,
  Exp: smooth,
  Log: smooth,
  Sqrt: smooth,
  Softplus: smooth,
  Softsign: smooth,
  Selu: smooth,
  Elu: smoothIf('alpha', 1),
  Celu: smoothIf('alpha', 1),
  HardSigmoid: smoothIf('alpha', 0.2),
  HardSwish: valley(-1.5),
  Gelu: valley(-0.7517915),
  Mish: valley(-1.1924),
};
for (const op of 'Max Min Clip Relu Floor Ceil Round Sign'.split(' '))
  (arithmeticRules as Record<string, Rule>)[op] = monotone;
