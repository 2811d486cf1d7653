import { describe, expect, test } from 'vitest';
import { checkGradients } from '../../test/gradient-check.js';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { valueInfo } from '../onnx/build.js';
import { mainGraph } from '../onnx/model.js';
import { DataType } from '../onnx/proto.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { createRandom } from '../random.js';
import { addLoss, meanSquaredError, targetsOf } from './loss.js';
import { elements } from './rule.js';
import { createWriter } from './writer.js';

/** Cross-entropy of logits `z` of some dimensions, with random logits to feed. */
function crossEntropyModel(dims: readonly number[], labelSmoothing: number, classes: readonly number[]) {
  const output = { name: 'z', dims };
  const targets = { name: 't', ...targetsOf('cross-entropy', output) };
  const inputs = [valueInfo('z', dims), valueInfo('t', targets.dims, DataType.INT32)];
  const model = modelOf({ nodes: [], inputs, outputs: [] });
  const writer = createWriter(model, 'loss');
  const { loss, correct } = addLoss(writer, { loss: 'cross-entropy', labelSmoothing }, output, output, targets);
  mainGraph(model).output.push(valueInfo(loss));
  const random = createRandom(3);
  const z = Array.from({ length: elements(dims) }, () => 2 * random.normal());
  const t: TensorData = { type: 'int32', dims: targets.dims, data: Int32Array.from(classes) };
  return { model, z, loss, correct: correct as string, feeds: { z: tensor(dims, z), t } };
}

/** The mean of (1 - s) (-log softmax(z)_target) + s/K Σ_k (-log softmax(z)_k) over the positions with a class, and how many are right, in float64. */
function reference(
  z: readonly number[],
  [batch = 0, width = 0, ...rest]: readonly number[],
  targets: readonly number[],
  s: number,
) {
  const positions = elements(rest);
  let [loss, right, counted] = [0, 0, 0];
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < positions; p++) {
      const target = targets[n * positions + p] as number;
      if (target < 0) continue;
      const logits = Array.from({ length: width }, (_, k) => z[(n * width + k) * positions + p] as number);
      const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      const all = logits.reduce((sum, logit) => sum + logSum - logit, 0) / width;
      loss += (1 - s) * (logSum - (logits[target] as number)) + s * all;
      right += Number(logits.indexOf(Math.max(...logits)) === target);
      counted++;
    }
  return { loss: loss / Math.max(1, counted), right };
}

const cases: [string, readonly number[], readonly number[]][] = [
  ['samples', [3, 4], [0, 3, 2]],
  ['samples with axes of length 1', [3, 4, 1, 1], [0, 3, 2]],
  ['a sequence', [2, 3, 5], [0, 1, 2, 2, 1, 0, 0, 0, 2, 1]],
  ['an image', [2, 3, 2, 3], [0, 1, 2, 2, 1, 0, 0, 0, 2, 1, 1, 2]],
  ['positions without a class', [2, 3, 2, 2], [0, -1, 2, -100, -1, 1, 1, -1]],
  ['a sample without a class', [2, 3, 2], [-1, -1, 2, 0]],
  ['one class', [2, 1, 3], [0, 0, -1, 0, 0, 0]],
];

describe.each([0, 0.3])('cross-entropy, label smoothing %d', labelSmoothing => {
  test.each(cases)('%s: value and gradient', async (_, dims, targets) => {
    const { model, z, loss, correct, feeds } = crossEntropyModel(dims, labelSmoothing, targets);
    const { errors } = await checkGradients(model, { wrt: ['z'], feeds });
    expect(errors.z).toBeLessThan(2e-6);
    mainGraph(model).output.push(valueInfo(correct));
    const found = await runOnce(model, feeds);
    const exact = reference(z, dims, targets, labelSmoothing);
    expect(found[loss]!.data[0]).toBeCloseTo(exact.loss, 5);
    expect(found[correct]!.data[0]).toBe(exact.right);
  });

  test('is 0, and so is its gradient, where no position has a class', async () => {
    const { model, loss, correct, feeds } = crossEntropyModel([2, 3, 2], labelSmoothing, [-1, -1, -100, -1]);
    const { errors } = await checkGradients(model, { wrt: ['z'], feeds });
    expect(errors.z).toBe(0);
    mainGraph(model).output.push(valueInfo(correct));
    const found = await runOnce(model, feeds);
    expect([found[loss]!.data[0], found[correct]!.data[0]]).toEqual([0, 0]);
  });
});

test.each([
  [8, 65536],
  [1, 2 ** 20],
  [3, 480 * 640],
])('terms of logits [%d, 2, %d] that are alike are averaged without losing digits', async (batch, positions) => {
  const { model, loss, feeds } = crossEntropyModel([batch, 2, positions], 0, new Array(batch * positions).fill(0));
  (feeds.z.data as Float32Array).fill(1);
  const found = (await runOnce(model, feeds))[loss]!.data[0] as number;
  expect(Math.abs(found / Math.LN2 - 1)).toBeLessThan(1e-5);
});

test('a million squared differences that are alike are averaged without losing digits', async () => {
  const dims = [2, 2 ** 19];
  const inputs = [valueInfo('y', dims), valueInfo('t', dims)];
  const model = modelOf({ nodes: [], inputs, outputs: [] });
  const { loss } = meanSquaredError(createWriter(model, 'loss'), 'y', 't', dims);
  mainGraph(model).output.push(valueInfo(loss));
  const filled = (value: number) => tensor(dims, new Array(elements(dims)).fill(value));
  const found = (await runOnce(model, { y: filled(0.3), t: filled(0) }))[loss]!.data[0] as number;
  expect(Math.abs(found / Math.fround(0.3) ** 2 - 1)).toBeLessThan(1e-5);
});

test('an output without an axis of classes has no targets', () => {
  expect(() => targetsOf('cross-entropy', { name: 'y', dims: [4] })).toThrow(
    "train: the output must have dimensions [samples, classes], got [4] for 'y'",
  );
});
