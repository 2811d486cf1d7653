import { expose } from '../onnx/edit.js';
import type { Model } from '../onnx/model.js';
import { copyModel, mainGraph } from '../onnx/model.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { Dataset } from './dataset.js';
import { logitsOf } from './logits.js';
import { sampleInput, samplesOf } from './sample-input.js';

/** How well a model does on a dataset. */
export interface Evaluation {
  /** Mean softmax cross-entropy, or mean squared error where there are no classes. */
  readonly loss: number;
  /** Share of samples classified rightly; null without classes. */
  readonly accuracy: number | null;
}

/** -log softmax(z)_target, and whether the target has the largest logit. */
function classification(logits: Float32Array, at: number, classes: number, target: number): [number, boolean] {
  let [largest, best] = [Number.NEGATIVE_INFINITY, 0];
  for (let k = 0; k < classes; k++) {
    const logit = logits[at + k] as number;
    if (logit > largest) [largest, best] = [logit, k];
  }
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += Math.exp((logits[at + k] as number) - largest);
  return [Math.log(sum) + largest - (logits[at + target] as number), best === target];
}

/** Samples in each run of `evaluate`. */
const batch = 500;

/**
 * Runs a model on all samples of a dataset. Throws a Failure where ONNX Runtime refuses the data.
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
  const input = sampleInput(model, data);
  const output = data.classes === null ? (mainGraph(model).output[0]?.name as string) : logitsOf(model);
  const shown = copyModel(model);
  expose(shown, output);
  const session = await openSession(shown, options);
  try {
    let [loss, right] = [0, 0];
    for (let from = 0; from < data.count; from += batch) {
      const samples = Math.min(batch, data.count - from);
      const feeds = { [input.name]: samplesOf(data, input, from, samples) };
      const found = (await session.run(feeds, [output]))[output]!.data as Float32Array;
      for (let n = 0; n < samples; n++) {
        if (data.classes === null) {
          for (let k = 0; k < data.outputs; k++)
            loss += (found[n * data.outputs + k]! - data.targets[(from + n) * data.outputs + k]!) ** 2 / data.outputs;
        } else {
          const [one, isRight] = classification(found, n * data.classes, data.classes, data.targets[from + n]!);
          loss += one;
          right += Number(isRight);
        }
      }
    }
    return { loss: loss / data.count, accuracy: data.classes === null ? null : right / data.count };
  } finally {
    await session.close();
  }
}
