import { create } from '@bufbuild/protobuf';
import { floatTensor, intTensor, node as makeNode } from '../../onnx/build.js';
import type { ConstantLookup } from '../../onnx/constants.js';
import { type NodeProto, NodeProtoSchema, type TensorProto } from '../../onnx/proto.js';
import type { Scope } from '../../onnx/scope.js';
import { roundingShare } from './rounding.js';

/** What the bounding graph holds of a value of the model: the names of the values that bound it from below and above. */
export interface Interval {
  readonly lower: string;
  readonly upper: string;
  /** Terms of the sum behind it that an engine may still fold a following factor or shift into. */
  readonly terms: number;
  /** How far rounding can put the value off, forward and backward, element by element; null where it is exact. */
  readonly slack: string | null;
}

/** A value of the model as the bounding graph knows it: an interval, `exact` (it does not depend on the inputs), or a sentence why nothing bounds it. */
export type Bounded = Interval | 'exact' | { readonly unbounded: string };

/** The bounding graph while it is written. */
export interface Sketch {
  readonly scope: Scope;
  readonly lookup: ConstantLookup;
  readonly opset: number;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly fresh: (base: string) => string;
  readonly known: Map<string, Bounded>;
}

/** A rule: the intervals of a node's outputs from those of its inputs; null where it has none for this node. */
export type Rule = (sketch: Sketch, node: NodeProto) => Interval | readonly Interval[] | null;

/** Writes a node and returns the name of what it computes. */
export function emit(
  { nodes, fresh }: Sketch,
  op: string,
  inputs: readonly string[],
  attributes: Parameters<typeof makeNode>[3] = {},
): string {
  const name = fresh(`bound/${op}`);
  nodes.push(makeNode(op, inputs, [name], attributes));
  return name;
}

/** A float32 constant, a single number where no dimensions are given. */
export function constant(
  { initializers, fresh }: Sketch,
  values: ArrayLike<number> | number,
  dims: readonly number[] = [],
) {
  const name = fresh('bound/constant');
  initializers.push(floatTensor(name, dims, typeof values === 'number' ? [values] : values));
  return name;
}

/** An int64 vector. */
export function integers({ initializers, fresh }: Sketch, values: readonly number[]): string {
  const name = fresh('bound/integers');
  initializers.push(intTensor(name, [values.length], values));
  return name;
}

/** Writes a copy of a node of the model that reads other values; returns the names of its outputs. */
export function copyNode({ nodes, fresh }: Sketch, node: NodeProto, inputs: readonly string[]): string[] {
  const output = node.output.map(name => (name === '' ? '' : fresh(`bound/${name}`)));
  const { opType, domain, attribute } = node;
  nodes.push(create(NodeProtoSchema, { opType, domain, attribute, input: [...inputs], output, name: output[0] ?? '' }));
  return output;
}

/** An input of a node as an interval: a constant is one of no width. Callers have made sure that it is bounded. */
export function operand({ known }: Sketch, name: string): Interval {
  const found = known.get(name);
  return found && typeof found === 'object' && 'lower' in found
    ? found
    : { lower: name, upper: name, terms: 0, slack: null };
}

/** Whether a value is the same whatever the inputs are. */
export const isExact = (sketch: Sketch, name: string | undefined): boolean =>
  !name || sketch.known.get(name) === 'exact';

const isPoint = ({ lower, upper }: Interval) => lower === upper;

/** The largest absolute value each element can have. */
export function magnitude(sketch: Sketch, interval: Interval): string {
  const lower = emit(sketch, 'Abs', [interval.lower]);
  return isPoint(interval) ? lower : emit(sketch, 'Max', [lower, emit(sketch, 'Abs', [interval.upper])]);
}

/** The point of an interval that is nearest to a number. */
export const nearestTo = (sketch: Sketch, { lower, upper }: Interval, point: number): string =>
  emit(sketch, 'Max', [lower, emit(sketch, 'Min', [upper, constant(sketch, point)])]);

/** An interval with both ends moved outward by `slack`, which must also cover the rounding of this very step. */
export const widened = (sketch: Sketch, lower: string, upper: string, slack: string, terms: number): Interval => ({
  lower: emit(sketch, 'Sub', [lower, slack]),
  upper: emit(sketch, 'Add', [upper, slack]),
  terms,
  slack,
});

/** `share · size + least` */
export const slackOf = (sketch: Sketch, size: string, share: number, least: number): string =>
  emit(sketch, 'Add', [emit(sketch, 'Mul', [size, constant(sketch, share)]), constant(sketch, least)]);

/** The rounding share of a sum that `terms` products went into before and `more` join now; null where it is too long. */
export const shareOf = (terms: number, more = 0): number | null => roundingShare(terms + more);

/** The constant numbers of a node's input, null where they are computed. */
export const numbersOf = ({ scope, lookup }: Sketch, name: string | undefined): ArrayLike<number> | null =>
  name ? (lookup(scope, name)?.data ?? null) : null;

/** The largest finite absolute value among numbers. */
export function largestOf(numbers: ArrayLike<number>): number {
  let largest = 0;
  for (let at = 0; at < numbers.length; at++) largest = Math.max(largest, Math.abs(numbers[at] as number));
  return largest;
}
