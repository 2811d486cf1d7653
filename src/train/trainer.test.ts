import { describe, expect, test } from 'vitest';
import { floatTensor, graph, modelProto, node, valueInfo } from '../onnx/build.js';
import type { Model } from '../onnx/model.js';
import { createRandom } from '../random.js';
import { parameterValues } from './parameters.js';
import { openTrainer } from './trainer.js';

/** A network 2-6-2 with PReLU. */
function network(slope = [0.25, 0.25, 0.25, 0.25, 0.25, 0.25]): Model {
  const random = createRandom(1);
  const draw = (n: number, scale: number) => Float32Array.from({ length: n }, () => scale * random.normal());
  const main = graph({
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], ['z1'], { transB: 1 }),
      node('PRelu', ['z1', 'a1'], ['h1']),
      node('Gemm', ['h1', 'w2', 'b2'], ['y'], { transB: 1 }),
    ],
    inputs: [valueInfo('x', ['N', 2])],
    outputs: [valueInfo('y', ['N', 2])],
    initializers: [
      floatTensor('w1', [6, 2], draw(12, 1)),
      floatTensor('b1', [6], new Float32Array(6)),
      floatTensor('a1', [6], slope),
      floatTensor('w2', [2, 6], draw(12, 0.5)),
      floatTensor('b2', [2], new Float32Array(2)),
    ],
  });
  return { name: 'net', proto: modelProto(main), external: new Map(), bytes: 0 };
}

/** Points of the plane, of class 1 inside the unit circle. */
function points(count: number, seed: number) {
  const random = createRandom(seed);
  const inputs = Float32Array.from({ length: 2 * count }, () => 1.5 * random.normal());
  const targets = Int32Array.from({ length: count }, (_, i) => Number(Math.hypot(inputs[2 * i]!, inputs[2 * i + 1]!) < 1.5));
  return { inputs, targets };
}

describe('steps', () => {
  test('gradient descent on a whole set makes its loss fall', async () => {
    const trainer = await openTrainer(network(), { batch: 64, optimizer: { kind: 'adam' } });
    const batch = points(64, 3);
    const first = await trainer.step(batch, 0.02);
    let last = first;
    for (let step = 0; step < 300; step++) last = await trainer.step(batch, 0.02);
    expect(first.loss).toBeGreaterThan(0.4);
    expect(last.loss).toBeLessThan(0.25 * first.loss);
    expect(last.correct).toBeGreaterThan(58);
    expect(trainer.steps).toBe(301);
    const slopes = parameterValues(trainer.model(), 'a1');
    expect(slopes.some(slope => Math.abs(slope - 0.25) > 0.01)).toBe(true);
    await trainer.close();
  });
});
