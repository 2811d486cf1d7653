import type { Context } from '../../onnx/channels.js';
import type { NodeProto } from '../../onnx/proto.js';
import type { Sizes } from './sizes.js';

/** What the rules see while they say which channels of a node's values go together. */
export interface Tying {
  readonly context: Context;
  readonly sizes: Sizes;
  /** Channel `a` of value `x` can only go together with channel `b` of value `y`. */
  tie(x: string, a: number, y: string, b: number): void;
  /** All channels of a value stay, for a reason: the rest of a sentence that begins with them. */
  hold(value: string, reason: string): void;
}

/** A channel that goes although something reads it, and the number it always is. */
export interface Folded {
  readonly channel: number;
  readonly level: number;
}

/** What the rules see while they take channels out of a node's constants. */
export interface Cutting {
  readonly context: Context;
  readonly opset: number;
  /** The channels of a value that stay, in order; null where all do. */
  kept(value: string | undefined): readonly number[] | null;
  /** The channels of a value that go and were read, with levels other than 0. */
  folded(value: string | undefined): readonly Folded[];
  /** The constant channel of a padded layer's input that takes over from those that go. */
  carrier(node: NodeProto): Folded | null;
  /** Keeps the given positions along an axis of a constant input of the node. */
  slice(node: NodeProto, input: number, axis: number, positions: readonly number[]): void;
  /** Gives the node a new constant input of the type of the one it has, or of that at `like`. */
  set(node: NodeProto, input: number, dims: readonly number[], values: ArrayLike<number>, like?: number): void;
  /** Gives the node an int64 input. */
  setIntegers(node: NodeProto, input: number, values: readonly number[]): void;
  /** Adds one number for each feature to the node's result, whose features are on the last axis. */
  addBehind(node: NodeProto, values: ArrayLike<number>): void;
  /** Counts constants that were folded into a node's bias. */
  count(node: NodeProto, folded: number): void;
}

/** How channels pass through an operator. */
export interface Rule {
  /** Ties the channels of the node's values, or says in a sentence's part why it cannot be followed. */
  tie(tying: Tying, node: NodeProto): string | null;
  /** Takes the channels that go out of the node's own constants and attributes. */
  cut(cutting: Cutting, node: NodeProto): void;
}

/** Ties channel by channel two values of the same channels. */
export function tieAll({ context, tie }: Tying, x: string, y: string): string | null {
  const [a, b] = [context.known.get(x), context.known.get(y)];
  if (typeof a !== 'object' || typeof b !== 'object' || a.constant.length !== b.constant.length)
    return 'its channels are not followed through it';
  for (let channel = 0; channel < a.constant.length; channel++) tie(x, channel, y, channel);
  return null;
}
