import { Failure } from '../failure.js';
import { DataType } from '../onnx/proto.js';
import { elements, reshaped } from './rule.js';
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
 * Softmax cross-entropy, -1/N Σ log softmax(z)_{n, target n}, of logits [N, K] and int32 classes [N, 1]. Label smoothing s takes the target as 1 - s
 * of its class and s/K of every class (Szegedy et al. 2016). Classes outside 0 … K-1 would count as no class: they must be refused before.
 */
export function crossEntropy(
  writer: Writer,
  logits: string,
  targets: string,
  [batch, classes]: readonly number[],
  labelSmoothing: number,
): LossValues {
  const range = writer.int32s(Array.from({ length: classes as number }, (_, k) => k));
  const hot = writer.op('Cast', [writer.op('Equal', [targets, range])], { to: DataType.FLOAT });
  const chosen =
    labelSmoothing === 0
      ? hot
      : writer.op('Add', [
          writer.op('Mul', [hot, writer.scalar(1 - labelSmoothing)]),
          writer.scalar(labelSmoothing / (classes as number)),
        ]);
  const logShares = writer.op('LogSoftmax', [logits], { axis: -1 });
  const total = writer.op('ReduceSum', [writer.op('Mul', [logShares, chosen])], { keepdims: 0 });
  const best = writer.op('Cast', [writer.op('ArgMax', [logits], { axis: -1, keepdims: 1 })], { to: DataType.INT32 });
  const right = writer.op('Cast', [writer.op('Equal', [best, targets])], { to: DataType.FLOAT });
  return {
    loss: writer.op('Mul', [total, writer.scalar(-1 / (batch as number))]),
    correct: writer.op('ReduceSum', [right], { keepdims: 0 }),
  };
}

/** Mean squared error, 1/n Σ (y - t)², of outputs and targets of the same dimensions with n elements. */
export function meanSquaredError(
  writer: Writer,
  outputs: string,
  targets: string,
  dims: readonly number[],
): LossValues {
  const difference = writer.op('Sub', [outputs, targets]);
  const total = writer.op('ReduceSum', [writer.op('Mul', [difference, difference])], { keepdims: 0 });
  return { loss: writer.op('Mul', [total, writer.scalar(1 / elements(dims))]), correct: null };
}

/**
 * Writes the loss of a model's output: cross-entropy of one with dimensions [N, K], or [N, K, 1, …]; squared error of any. Throws a Failure for others.
 */
export function addLoss(
  writer: Writer,
  { loss, labelSmoothing }: { readonly loss: Loss; readonly labelSmoothing: number },
  output: string,
  targets: string,
  dims: readonly number[],
): LossValues {
  if (loss === 'mean-squared-error') return meanSquaredError(writer, output, targets, dims);
  if (dims.length < 2 || dims.slice(2).some(dim => dim !== 1))
    throw new Failure(
      'input',
      `train: the output must have dimensions [samples, classes], got [${dims.join(', ')}] for '${output}'`,
    );
  const matrix = dims.slice(0, 2);
  return crossEntropy(writer, reshaped(writer, output, dims, matrix), targets, matrix, labelSmoothing);
}
