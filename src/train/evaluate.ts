import { Failure } from '../failure.js';
import { expose } from '../onnx/edit.js';
import type { Model } from '../onnx/model.js';
import { copyModel, mainGraph } from '../onnx/model.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { checkDataset } from './check-dataset.js';
import type { Dataset } from './dataset.js';
import { logitsOf } from './logits.js';
import { elements } from './rule.js';
import { type SampleInput, sampleInput, samplesOf } from './sample-input.js';

/** How well a model does on a dataset. */
export interface Evaluation {
  /** Mean softmax cross-entropy, or mean squared error where there are no classes. */
  readonly loss: number;
  /** Share of samples classified rightly; null without classes. */
  readonly accuracy: number | null;
}

/** -log softmax(z)_target, and the class with the largest logit. */
function classification(logits: Float32Array, at: number, width: number, target: number): [number, number] {
  let [largest, best] = [Number.NEGATIVE_INFINITY, 0];
  for (let k = 0; k < width; k++) {
    const logit = logits[at + k] as number;
    if (logit > largest) [largest, best] = [logit, k];
  }
  let sum = 0;
  for (let k = 0; k < width; k++) sum += Math.exp((logits[at + k] as number) - largest);
  return [Math.log(sum) + largest - (logits[at + target] as number), best];
}

/** Samples in each run where the model leaves that open. */
const batch = 500;

/** All samples of a dataset for a model's input, some at a time; where the model fixes how many, the last ones are followed by the first. */
export function* feedsFor(
  data: Dataset,
  input: SampleInput,
): Generator<{ feeds: Record<string, TensorData>; from: number; samples: number }> {
  const size = input.batch ?? batch;
  for (let from = 0; from < data.count; from += size) {
    const samples = Math.min(size, data.count - from);
    yield { feeds: { [input.name]: samplesOf(data, input, from, input.batch ?? samples) }, from, samples };
  }
}

/** Numbers that a model gives for each sample, once they are as many as the data ask for: one for each target, or one for each class and maybe more. */
export function outputWidth(operation: string, width: number, { name, classes, outputs }: Dataset): number {
  if (classes === null ? width === outputs : width >= classes) return width;
  const must = classes === null ? `${outputs} outputs, the targets` : `an output for each of the ${classes} classes`;
  throw new Failure('input', `${operation}: the model must have ${must} of '${name}', got ${width}`);
}

/** What a model gives for some samples: `width` numbers for each. */
interface Outputs {
  readonly numbers: Float32Array;
  readonly width: number;
  /** The first of them, and how many they are. */
  readonly from: number;
  readonly samples: number;
}

/** What a model gives for all samples of a dataset, some at a time. */
async function* outputsOf(
  operation: string,
  model: Model,
  data: Dataset,
  options: SessionOptions,
): AsyncGenerator<Outputs> {
  checkDataset(operation, 'data', data);
  const input = sampleInput(model, data);
  const output = data.classes === null ? (mainGraph(model).output[0]?.name as string) : logitsOf(model);
  const shown = copyModel(model);
  expose(shown, output);
  const session = await openSession(shown, options);
  try {
    for (const { feeds, from, samples } of feedsFor(data, input)) {
      const found = (await session.run(feeds, [output]))[output] as TensorData;
      const given = feeds[input.name]?.dims[0] as number;
      const width = outputWidth(operation, elements(found.dims) / given, data);
      yield { numbers: found.data as Float32Array, width, from, samples };
    }
  } finally {
    await session.close();
  }
}

/**
 * Runs a model on all samples of a dataset. A model may have more outputs than there are classes: they count as classes that do not occur. Throws
 * a Failure for data that are none, for models with other outputs, and where ONNX Runtime refuses the data.
 *
 * @example
 * import { evaluate } from 'reluminate/train';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const net = graph({
 *   nodes: [node('MatMul', ['x', 'w'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 1])],
 *   outputs: [valueInfo('y', ['N', 2])],
 *   initializers: [floatTensor('w', [1, 2], [-1, 1])],
 * });
 * const data = { name: 'signs', count: 2, inputs: Float32Array.of(-5, 5), inputDims: [1], targets: Int32Array.of(0, 1), classes: 2, outputs: 2 };
 * (await evaluate({ name: 'net', proto: modelProto(net), external: new Map(), bytes: 0 }, data)).accuracy; // => 1
 */
export async function evaluate(model: Model, data: Dataset, options: SessionOptions = {}): Promise<Evaluation> {
  const { count, targets, classes } = data;
  let [loss, right] = [0, 0];
  for await (const { numbers, width, from, samples } of outputsOf('evaluate', model, data, options))
    for (let n = 0; n < samples; n++) {
      if (classes === null) {
        for (let k = 0; k < width; k++)
          loss += (numbers[n * width + k]! - targets[(from + n) * width + k]!) ** 2 / width;
      } else {
        const target = targets[from + n] as number;
        const [one, best] = classification(numbers, n * width, width, target);
        loss += one;
        right += Number(best === target);
      }
    }
  return { loss: loss / count, accuracy: classes === null ? null : right / count };
}

/**
 * How often a model takes samples of one class for another: row by class of the sample, column by class with the largest logit, as many as the model has
 * outputs. Throws a RangeError for data without classes, a Failure as `evaluate`.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, confusion, moons } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-4-2', { rectifier: parseRectifier('relu') });
 * const counts = await confusion(network, moons({ count: 100 }));
 * counts.map(row => row[0] + row[1]); // => [50, 50]
 */
export async function confusion(model: Model, data: Dataset, options: SessionOptions = {}): Promise<number[][]> {
  const { classes, targets, name } = data;
  if (classes === null) throw new RangeError(`confusion: data must have classes, got numbers to be met in '${name}'`);
  const counts: number[][] = [];
  for await (const { numbers, width, from, samples } of outputsOf('confusion', model, data, options)) {
    while (counts.length < classes) counts.push(new Array<number>(width).fill(0));
    for (let n = 0; n < samples; n++) {
      const target = targets[from + n] as number;
      const [, best] = classification(numbers, n * width, width, target);
      counts[target]![best]!++;
    }
  }
  return counts;
}
