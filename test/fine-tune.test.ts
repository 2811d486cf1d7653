import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readModelFile } from '../src/onnx/file.js';
import { mainGraph, opsetOf } from '../src/onnx/model.js';
import { createRandom } from '../src/random.js';
import { evaluate } from '../src/train/evaluate.js';
import { openTrainer } from '../src/train/trainer.js';

const assets = join('node_modules', '@gutenye', 'ocr-models', 'assets');

test('a public classifier of opset 9 with weights in nodes, batch norm and gates learns to tell two kinds of noise apart', async () => {
  const model = await readModelFile(join(assets, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'));
  expect([opsetOf(model), mainGraph(model).initializer.length]).toEqual([9, 0]);
  const random = createRandom(1);
  const [count, size] = [8, 3 * 48 * 192];
  // Samples of class 1 are brighter.
  const inputs = Float32Array.from(
    { length: count * size },
    (_, i) => 0.3 * random.normal() + 0.5 * (Math.floor(i / size) % 2),
  );
  const targets = Int32Array.from({ length: count }, (_, n) => n % 2);
  const data = { name: 'noise', count, inputs, inputDims: [3, 48, 192], targets, classes: 2, outputs: 2 };
  const trainer = await openTrainer(model, {
    batch: count,
    sampleDims: { x: [3, 48, 192] },
    batchStatistics: false,
    optimizer: { kind: 'adam' },
  });
  const before = await evaluate(model, data);
  for (let step = 0; step < 15; step++) await trainer.step(data, 1e-3);
  const after = await evaluate(trainer.model(), data);
  await trainer.close();
  expect(after.loss).toBeLessThan(0.3 * before.loss);
  expect(after.accuracy).toBe(1);
});
