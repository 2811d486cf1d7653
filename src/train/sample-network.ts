import { floatTensor, graph, modelProto, node, valueInfo } from '../onnx/build.js';
import type { Model } from '../onnx/model.js';
import { createRandom } from '../random.js';
import type { Dataset } from './dataset.js';

/** A network 2-6-2 with PReLU, for tests. */
export function sampleNetwork(slopes: readonly number[] = new Array<number>(6).fill(0.25)): Model {
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
      floatTensor('b1', [6], draw(6, 0.1)),
      floatTensor('a1', [6], slopes),
      floatTensor('w2', [2, 6], draw(12, 0.5)),
      floatTensor('b2', [2], draw(2, 0.1)),
    ],
  });
  return { name: 'net', proto: modelProto(main), external: new Map(), bytes: 0 };
}

/** Points of the plane, of class 1 inside a circle, for tests. */
export function samplePoints(count: number, seed: number): Dataset {
  const random = createRandom(seed);
  const inputs = Float32Array.from({ length: 2 * count }, () => 1.5 * random.normal());
  const targets = Int32Array.from({ length: count }, (_, i) =>
    Number(Math.hypot(inputs[2 * i]!, inputs[2 * i + 1]!) < 1.5),
  );
  return { name: 'circle', count, inputs, inputDims: [2], targets, classes: 2, outputs: 2 };
}
