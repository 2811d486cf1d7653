import { Failure } from '../failure.js';
import { expose } from '../onnx/edit.js';
import type { Model } from '../onnx/model.js';
import { copyModel } from '../onnx/model.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { checkDataset, countClasses } from './check-dataset.js';
import type { Dataset } from './dataset.js';
import { endsOf, logitsOf } from './logits.js';
import { elements, longAxes } from './rule.js';
import { type SampleInput, sampleInput, samplesOf } from './sample-input.js';
import type { Sized } from './step-inputs.js';

/** How well a model does on a dataset. */
export interface Evaluation {
  /** Mean softmax cross-entropy over all samples, or over all positions that have a class; mean squared error where there are no classes. */
  readonly loss: number;
  /** Share of them classified rightly; null without classes. */
  readonly accuracy: number | null;
}

/** -log softmax(z)_target, and the class with the largest logit, of `width` logits from `at` on, `stride` apart. */
function classification(
  logits: Float32Array,
  at: number,
  { width, stride }: { readonly width: number; readonly stride: number },
  target: number,
): [number, number] {
  const end = at + width * stride;
  let [largest, best] = [Number.NEGATIVE_INFINITY, at];
  for (let i = at; i < end; i += stride) {
    const logit = logits[i] as number;
    if (logit > largest) [largest, best] = [logit, i];
  }
  let sum = 0;
  for (let i = at; i < end; i += stride) sum += Math.exp((logits[i] as number) - largest);
  return [Math.log(sum) + largest - (logits[at + target * stride] as number), (best - at) / stride];
}

/** Samples in each run where the model leaves that open. */
const batch = 500;

/** Numbers that such samples have together at most, unless one alone has more: large images go a few at a time. */
const batchElements = 2 ** 20;

/** All samples of a dataset for a model's input, some at a time; where the model fixes how many, the last ones are followed by the first. */
export function* feedsFor(
  data: Dataset,
  input: SampleInput,
): Generator<{ feeds: Record<string, TensorData>; from: number; samples: number }> {
  const fitting = Math.max(1, Math.floor(batchElements / elements(input.dims)));
  const size = input.batch ?? Math.min(batch, fitting);
  for (let from = 0; from < data.count; from += size) {
    const samples = Math.min(size, data.count - from);
    yield { feeds: { [input.name]: samplesOf(data, input, from, input.batch ?? samples) }, from, samples };
  }
}

/**
 * How many numbers a model gives for each sample or position, once its output is what the data ask for: one for each number of a target; or, along axis 1, one for each
 * class and maybe more, at each position of a target. Throws a Failure for other outputs.
 */
export function requireOutput(operation: string, output: Sized, samples: number, data: Dataset): number {
  const { name, classes, outputs, targetDims = [] } = data;
  const { dims } = output;
  const first = classes === null ? ['samples'] : ['samples', 'classes'];
  const fits = dims[0] === samples && longAxes(dims.slice(first.length)).join() === longAxes(targetDims).join();
  if (classes === null ? targetDims.length > 0 && !fits : !fits || dims.length < 2) {
    const why =
      classes === null
        ? ', those of the targets'
        : `, a class at each of the [${targetDims.join(', ')}] positions of the targets`;
    throw new Failure(
      'input',
      `${operation}: the output must have dimensions [${[...first, ...targetDims].join(', ')}]${
        targetDims.length === 0 ? '' : why
      }, got [${dims.join(', ')}] for '${output.name}'`,
    );
  }
  const width = classes === null ? elements(dims) / samples : (dims[1] as number);
  if (classes === null ? width === outputs : width >= classes) return width;
  const must = classes === null ? `${outputs} outputs, the targets` : `an output for each of the ${classes} classes`;
  throw new Failure('input', `${operation}: the model must have ${must} of '${name}', got ${width}`);
}

/** What a model gives for some samples: `width` numbers for each, or for each position of one. */
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
  const ends = endsOf(model);
  const shown = copyModel(model);
  for (const value of ends) expose(shown, value);
  const session = await openSession(shown, options);
  try {
    for (const { feeds, from, samples } of feedsFor(data, input)) {
      const found = await session.run(feeds, ends);
      const [name] = ends;
      const given = feeds[input.name]?.dims[0] as number;
      const dims = new Map(ends.map(value => [value, (found[value] as TensorData).dims]));
      const width = requireOutput(operation, { name, dims: dims.get(name) as number[] }, given, data);
      const read = data.classes === null ? name : logitsOf(model, dims);
      yield { numbers: (found[read] as TensorData).data as Float32Array, width, from, samples };
    }
  } finally {
    await session.close();
  }
}

/** Calls for every class that some outputs are held against, positions without one left out: what it is, its loss, and what the model takes it for. */
function eachClass(
  { numbers, width, from, samples }: Outputs,
  { targets, count }: Dataset,
  visit: (target: number, loss: number, best: number) => void,
): void {
  const stride = targets.length / count;
  for (let n = 0; n < samples; n++)
    for (let position = 0; position < stride; position++) {
      const target = targets[(from + n) * stride + position] as number;
      if (target < 0) continue;
      const [loss, best] = classification(numbers, n * width * stride + position, { width, stride }, target);
      visit(target, loss, best);
    }
}

/**
 * Runs a model on all samples of a dataset. A model may have more outputs than there are classes: they count as classes that do not occur. Where
 * every position of a sample has a class, its output is [N, K, d1, …] with the classes on axis 1, and the mean is over the positions of all samples. Throws
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
  for await (const found of outputsOf('evaluate', model, data, options)) {
    const { numbers, width, from, samples } = found;
    if (classes === null)
      for (let i = 0; i < samples * width; i++) loss += (numbers[i]! - targets[from * width + i]!) ** 2 / width;
    else
      eachClass(found, data, (target, one, best) => {
        loss += one;
        right += Number(best === target);
      });
  }
  if (classes === null) return { loss: loss / count, accuracy: null };
  const counted = countClasses(targets);
  return { loss: loss / counted, accuracy: right / counted };
}

/**
 * How often a model takes samples, or positions, of one class for another: row by their class, column by class with the largest logit, as many as the model
 * has outputs. Throws a RangeError for data without classes, a Failure as `evaluate`.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, confusion, moons } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-4-2', { rectifier: parseRectifier('relu') });
 * const counts = await confusion(network, moons({ count: 100 }));
 * counts.map(row => row[0] + row[1]); // => [50, 50]
 */
export async function confusion(model: Model, data: Dataset, options: SessionOptions = {}): Promise<number[][]> {
  const { classes, name } = data;
  if (classes === null) throw new RangeError(`confusion: data must have classes, got numbers to be met in '${name}'`);
  const counts: number[][] = [];
  for await (const found of outputsOf('confusion', model, data, options)) {
    while (counts.length < classes) counts.push(new Array<number>(found.width).fill(0));
    eachClass(found, data, (target, _, best) => {
      counts[target]![best]!++;
    });
  }
  return counts;
}
