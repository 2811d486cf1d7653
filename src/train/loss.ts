import { Failure } from '../failure.js';
import { DataType } from '../onnx/proto.js';
import { elements, reshaped } from './rule.js';
import type { Sized } from './step-inputs.js';
import type { Writer } from './writer.js';

/** What training makes small: softmax cross-entropy against classes, or the mean of squared differences against numbers. */
export type Loss = 'cross-entropy' | 'mean-squared-error';

/** What an output is held against: classes, or numbers. */
export type Targets = Sized & { readonly type: 'int32' | 'float32' };

/** The values that a loss adds to a graph. */
export interface LossValues {
  /** The mean over the batch: one number. */
  readonly loss: string;
  /** How many samples, or positions, were classified rightly; null for a loss without classes. */
  readonly correct: string | null;
}

/** 1 where a target is a class, 0 where it is below 0. */
const areClasses = (writer: Writer, targets: string): string =>
  writer.op('Cast', [writer.op('GreaterOrEqual', [targets, writer.int32s([0])])], { to: DataType.FLOAT });

/** The largest divisor that is not above the square root. */
function rowLength(count: number): number {
  let length = Math.floor(Math.sqrt(count));
  while (count % length !== 0) length--;
  return length;
}

/** The sum of so many terms. In rows first: one float32 sum of a million equal terms is wrong by 1e-3. */
function sumOf(writer: Writer, terms: string, count: number): string {
  const rows = writer.op('Reshape', [terms, writer.ints([-1, rowLength(count)])]);
  const sums = writer.op('ReduceSum', [rows, writer.ints([1])], { keepdims: 0 });
  return writer.op('ReduceSum', [sums], { keepdims: 0 });
}

/** Minus the sum of so many terms over the sum of `known`, 0 where that is 0. */
function minusMean(writer: Writer, terms: string, count: number, known: string): string {
  const knownCount = writer.op('Max', [writer.op('ReduceSum', [known], { keepdims: 0 }), writer.scalar(1)]);
  return writer.op('Div', [writer.op('Sub', [writer.scalar(0), sumOf(writer, terms, count)]), knownCount]);
}

/** Minus the sum of all terms [N, K] over N. */
const minusMeanOfRows = (writer: Writer, terms: string, batch: number): string =>
  writer.op('Mul', [writer.op('ReduceSum', [terms], { keepdims: 0 }), writer.scalar(-1 / batch)]);

/**
 * Softmax cross-entropy, -1/N Σ log softmax(z)_{n, target n}, of logits [N, K] and int32 classes [N, 1]. Of logits [N, K, P] and classes [N, 1, P] it is
 * the mean over the positions whose class is not below 0, and 0 where there is none. Label smoothing s takes the target as 1 - s of its class and s/K of
 * every class (Szegedy et al. 2016). Classes from K on would count as no class: they must be refused before.
 */
export function crossEntropy(
  writer: Writer,
  logits: string,
  targets: string,
  dims: readonly number[],
  labelSmoothing: number,
): LossValues {
  const [batch, classes, positions] = dims;
  const single = positions === undefined;
  const axis = single ? -1 : 1;
  const indices = Array.from({ length: classes as number }, (_, k) => k);
  const range = writer.int32s(indices, single ? [indices.length] : [indices.length, 1]);
  const hot = writer.op('Cast', [writer.op('Equal', [targets, range])], { to: DataType.FLOAT });
  const known = single ? null : areClasses(writer, targets);
  const smoothed = () => {
    const own = writer.op('Mul', [hot, writer.scalar(1 - labelSmoothing)]);
    const every = writer.scalar(labelSmoothing / (classes as number));
    return writer.op('Add', [own, known === null ? every : writer.op('Mul', [known, every])]);
  };
  const chosen = labelSmoothing === 0 ? hot : smoothed();
  const logShares = writer.op('LogSoftmax', [logits], { axis });
  const terms = writer.op('Mul', [logShares, chosen]);
  const best = writer.op('Cast', [writer.op('ArgMax', [logits], { axis, keepdims: 1 })], { to: DataType.INT32 });
  const right = writer.op('Cast', [writer.op('Equal', [best, targets])], { to: DataType.FLOAT });
  return {
    loss:
      known === null
        ? minusMeanOfRows(writer, terms, batch as number)
        : minusMean(writer, terms, elements(dims), known),
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
  const count = elements(dims);
  const total = sumOf(writer, writer.op('Mul', [difference, difference]), count);
  return { loss: writer.op('Mul', [total, writer.scalar(1 / count)]), correct: null };
}

/**
 * Type and dimensions of the targets of an output: numbers as it has them; classes [N, 1] for an output [N, K] or [N, K, 1, …], [N, 1, P] for one of
 * [N, K, d1, …] with P = d1 · … positions. Throws a Failure for an output without an axis of classes.
 */
export function targetsOf(loss: Loss, { name, dims }: Sized): Pick<Targets, 'type' | 'dims'> {
  if (loss === 'mean-squared-error') return { type: 'float32', dims };
  const [batch, classes, ...rest] = dims;
  if (batch === undefined || classes === undefined)
    throw new Failure(
      'input',
      `train: the output must have dimensions [samples, classes], got [${dims.join(', ')}] for '${name}'`,
    );
  const positions = elements(rest);
  return { type: 'int32', dims: positions === 1 ? [batch, 1] : [batch, 1, positions] };
}

/** Writes the loss of an output against its targets; cross-entropy reads `logits`, of as many numbers in the same order. */
export function addLoss(
  writer: Writer,
  { loss, labelSmoothing }: { readonly loss: Loss; readonly labelSmoothing: number },
  output: Sized,
  logits: Sized,
  targets: Targets,
): LossValues {
  if (loss === 'mean-squared-error') return meanSquaredError(writer, output.name, targets.name, output.dims);
  const [batch, , ...positions] = targets.dims;
  const dims = [batch as number, output.dims[1] as number, ...positions];
  const values = reshaped(writer, logits.name, logits.dims, dims);
  return crossEntropy(writer, values, targets.name, dims, labelSmoothing);
}
