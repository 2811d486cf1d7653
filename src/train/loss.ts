import { DataType } from '../onnx/proto.js';
import type { Writer } from './writer.js';

/** What training makes small: softmax cross-entropy against classes, or the mean of squared differences against numbers. */
export type Loss = 'cross-entropy' | 'mean-squared-error';

/** The values that a loss adds to a graph. */
export interface LossValues {
  /** The mean over the batch: one number. */
  readonly loss: string;
  /** How many samples were classified rightly; null for a loss without classes. */
  readonly correct: string | null;
}

/**
 * Softmax cross-entropy, -1/N Σ log softmax(z)_{n, target n}, of logits [N, K] and int32 classes [N, 1]. Classes outside 0 … K-1 would count as
 * no class: they must be refused before.
 */
export function crossEntropy(
  writer: Writer,
  logits: string,
  targets: string,
  [batch, classes]: readonly number[],
): LossValues {
  const range = writer.int32s(Array.from({ length: classes as number }, (_, k) => k));
  const chosen = writer.op('Cast', [writer.op('Equal', [targets, range])], { to: DataType.FLOAT });
  const logShares = writer.op('LogSoftmax', [logits], { axis: -1 });
  const total = writer.op('ReduceSum', [writer.op('Mul', [logShares, chosen])], { keepdims: 0 });
  const best = writer.op('Cast', [writer.op('ArgMax', [logits], { axis: -1, keepdims: 1 })], { to: DataType.INT32 });
  const right = writer.op('Cast', [writer.op('Equal', [best, targets])], { to: DataType.FLOAT });
  return {
    loss: writer.op('Mul', [total, writer.scalar(-1 / (batch as number))]),
    correct: writer.op('ReduceSum', [right], { keepdims: 0 }),
  };
}

/** Mean squared error, 1/(N K) Σ (y - t)², of outputs and targets [N, K]. */
export function meanSquaredError(
  writer: Writer,
  outputs: string,
  targets: string,
  dims: readonly number[],
): LossValues {
  const difference = writer.op('Sub', [outputs, targets]);
  const total = writer.op('ReduceSum', [writer.op('Mul', [difference, difference])], { keepdims: 0 });
  return { loss: writer.op('Mul', [total, writer.scalar(1 / dims.reduce((a, b) => a * b, 1))]), correct: null };
}
