import { join } from 'node:path';
import { expect, test } from 'vitest';
import { soften } from '../src/heal/soften.js';
import { readModelFile } from '../src/onnx/file.js';
import { type Model, mainGraph, opsetOf } from '../src/onnx/model.js';
import { openSession } from '../src/onnx/runtime.js';
import { createRandom } from '../src/random.js';
import { evaluate } from '../src/train/evaluate.js';
import type { ParameterGroups } from '../src/train/parameter-group.js';
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

test('a public line detector that interpolates learns, and so do its slopes alone once it has some', async () => {
  const model = await readModelFile(join('node_modules', 'jp.keijiro.mlsd', 'ONNX', 'mlsd_320x320_tiny.onnx'));
  const softened = soften(model, { to: 'prelu' }).model;
  // A chequered room, and half of what the model makes of it.
  const inputs = Float32Array.from({ length: 320 * 320 * 4 }, (_, at) => {
    const [x, y] = [Math.floor(at / 4) % 320, Math.floor(at / (4 * 320))];
    return at % 4 === 3 ? 1 : 200 * ((Math.floor(x / 20) + Math.floor(y / 30)) % 2);
  });
  const feeds = { 'input_image_with_alpha:0': { type: 'float32', dims: [1, 320, 320, 4], data: inputs } } as const;
  const session = await openSession(model);
  const { offsets } = await session.run(feeds, ['offsets']);
  await session.close();
  const targets = Float32Array.from(offsets?.data as Float32Array, value => value / 2);
  const losses = async (given: Model, groups: ParameterGroups, rate: number) => {
    const trainer = await openTrainer(given, { batch: 1, loss: 'mean-squared-error', groups });
    const found: number[] = [];
    for (let step = 0; step < 3; step++) found.push((await trainer.step({ inputs, targets }, rate)).loss);
    const kinds = new Set(trainer.parameters.map(({ kind }) => kind));
    await trainer.close();
    return { found, kinds };
  };
  const frozen = { train: false };
  const all = await losses(model, {}, 1e-6);
  expect(all.found[2]).toBeLessThan(0.8 * (all.found[0] as number));
  expect([...all.kinds]).toEqual(['weight', 'bias']);
  const slopes = await losses(softened, { weight: frozen, bias: frozen, scale: frozen, shift: frozen }, 1e-6);
  expect(slopes.found[0]).toBeCloseTo(all.found[0] as number, 3);
  expect(slopes.found[2]).toBeLessThan(0.95 * (slopes.found[0] as number));
  expect([...slopes.kinds]).toEqual(['slope']);
});
