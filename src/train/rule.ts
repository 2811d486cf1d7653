import { Failure } from '../failure.js';
import type { NodeProto } from '../onnx/proto.js';
import type { Writer } from './writer.js';

/** What a rule knows of the node whose gradient it writes. */
export interface RuleContext extends Writer {
  readonly node: NodeProto;
  /** Dimensions of a value of the forward graph; those of its gradient are the same. */
  dims(value: string): readonly number[];
  /** The numbers of an input that follow from constants and dimensions alone (axes, pads, shapes), or null where they do not. */
  constant(index: number): readonly number[] | null;
  /** Whether somebody wants the gradient of this input. */
  wants(index: number): boolean;
  /** The name of an output of the node (a mask, indices), which is added where the node does without it. */
  output(index: number): string;
  /** Notes that a gradient, summed over all axes but that of channels, gives what a smaller value gives. */
  sumsLike(gradient: string, smaller: string): void;
  /** The smallest value that is known to give the same as a gradient, summed so; the gradient itself where none is. */
  smallestSummand(gradient: string): string;
  /** Gives the node's outputs other values, of the same numbers, which the rule has written and can so use again; null where an output is unread. */
  replace(outputs: readonly (string | null)[]): void;
}

/**
 * How an operator is differentiated: from the gradients of its outputs (null where nothing flows back) to the names of the gradients of its
 * inputs (null for those without one, or not wanted). Throws a Failure, without the node's name, for forms that it does not cover.
 */
export type Rule = (context: RuleContext, gradients: readonly (string | null)[]) => (string | null)[];

/** A rule for an operator with one output that has a gradient. */
export const rule =
  (gradientsOf: (context: RuleContext, gradient: string) => (string | null)[]): Rule =>
  (context, [gradient]) =>
    gradient == null ? [] : gradientsOf(context, gradient);

/** The numbers of an input that has to be constant; none where the node does without it. */
export function constantInput(context: RuleContext, index: number, what: string): readonly number[] | null {
  if (!context.node.input[index]) return null;
  const found = context.constant(index);
  if (found === null)
    throw new Failure('input', `its ${what} must be constant to be differentiated, got computed ones`);
  return found;
}

/** The number of elements of a tensor. */
export const elements = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Dimensions without axes of length 1, which leave the elements where they are. */
export const longAxes = (dims: readonly number[]): number[] => dims.filter(dim => dim !== 1);

/** The value in other dimensions, its elements in their order; itself where it has these. */
export const reshaped = (writer: Writer, value: string, from: readonly number[], to: readonly number[]): string =>
  from.length === to.length && from.every((dim, axis) => dim === to[axis])
    ? value
    : writer.op('Reshape', [value, writer.ints(to)]);

/**
 * The sum over some axes, which are kept as axes of length 1. Over the first ones it is a product with a row of ones, less than half the time
 * of ReduceSum (measured).
 */
export function sumOver(writer: Writer, value: string, dims: readonly number[], axes: readonly number[]): string {
  const summed = dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const rows = elements(dims.slice(0, axes.length));
  const columns = elements(dims.slice(axes.length));
  const leads = axes.length > 0 && axes.every((axis, at) => axis === at);
  if (!leads || columns === 1 || rows === 1) return writer.op('ReduceSum', [value, writer.ints(axes)], { keepdims: 1 });
  const matrix = reshaped(writer, value, dims, [rows, columns]);
  return reshaped(writer, writer.op('Gemm', [writer.filled([1, rows], 1), matrix]), [1, columns], summed);
}

/**
 * The gradient of a value that was broadcast from `to` to `from`: summed over the axes along which it was repeated, in the shape it had
 * before.
 */
export function sumTo(writer: Writer, gradient: string, from: readonly number[], to: readonly number[]): string {
  const added = from.length - to.length;
  const axes = [...from.keys()].filter(axis => axis < added || (to[axis - added] === 1 && from[axis] !== 1));
  if (axes.length === 0) return gradient;
  const summed = sumOver(writer, gradient, from, axes);
  const dims = from.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return reshaped(writer, summed, dims, to);
}
