import type { NodeProto } from '../onnx/proto.js';
import type { Writer } from './writer.js';

/** What a rule knows of the node whose gradient it writes. */
export interface RuleContext extends Writer {
  readonly node: NodeProto;
  /** Dimensions of a value of the forward graph; those of its gradient are the same. */
  dims(value: string): readonly number[];
  /** The numbers of an input that is constant (axes, shapes), or null where it is not. */
  constant(index: number): readonly number[] | null;
  /** Whether somebody wants the gradient of this input. */
  wants(index: number): boolean;
}

/**
 * How an operator is differentiated: from the gradients of its outputs (null where nothing flows back) to the names of the gradients of its
 * inputs (null for those without one, or not wanted). Throws a Failure, without the node's name, for forms that it does not cover.
 */
export type Rule = (context: RuleContext, gradients: readonly (string | null)[]) => (string | null)[];

/** A rule for an operator with one output. */
export const rule =
  (gradientsOf: (context: RuleContext, gradient: string) => (string | null)[]): Rule =>
  (context, [gradient]) =>
    gradient == null ? [] : gradientsOf(context, gradient);

/**
 * The gradient of a value that was broadcast from `to` to `from`: summed over the axes along which it was repeated, in the shape it had
 * before.
 */
export function sumTo(writer: Writer, gradient: string, from: readonly number[], to: readonly number[]): string {
  const added = from.length - to.length;
  const axes = [...from.keys()].filter(axis => axis < added || (to[axis - added] === 1 && from[axis] !== 1));
  if (axes.length === 0) return gradient;
  const summed = writer.op('ReduceSum', [gradient, writer.ints(axes)], { keepdims: 1 });
  return added === 0 ? summed : writer.op('Reshape', [summed, writer.ints(to)]);
}
