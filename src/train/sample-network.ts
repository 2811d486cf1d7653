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

/** A network 1-8-3 of convolutions with PReLU, which gives every position of an image one of three classes, for tests. */
export function sampleSegmenter(): Model {
  const random = createRandom(1);
  const draw = (n: number, scale: number) => Float32Array.from({ length: n }, () => scale * random.normal());
  const main = graph({
    nodes: [
      node('Conv', ['x', 'w1', 'b1'], ['z1'], { pads: [1, 1, 1, 1] }),
      node('PRelu', ['z1', 'a1'], ['h1']),
      node('Conv', ['h1', 'w2', 'b2'], ['y']),
    ],
    inputs: [valueInfo('x', ['N', 1, 'H', 'W'])],
    outputs: [valueInfo('y', ['N', 3, 'H', 'W'])],
    initializers: [
      floatTensor('w1', [8, 1, 3, 3], draw(72, 0.5)),
      floatTensor('b1', [8], draw(8, 0.1)),
      floatTensor('a1', [8, 1, 1], new Float32Array(8).fill(0.25)),
      floatTensor('w2', [3, 8, 1, 1], draw(24, 0.5)),
      floatTensor('b2', [3], draw(3, 0.1)),
    ],
  });
  return { name: 'segmenter', proto: modelProto(main), external: new Map(), bytes: 0 };
}

/**
 * Images of `height` by `width`, for tests: the class of a position is to how many of the two behind and below it the step is large; a tenth of
 * them have none.
 */
export function sampleMasks(count: number, seed: number, [height, width]: readonly [number, number] = [6, 5]): Dataset {
  const random = createRandom(seed);
  const inputs = Float32Array.from({ length: count * height * width }, () => random.normal());
  const targets = Int32Array.from(inputs, (value, i) => {
    const [row, column] = [Math.floor(i / width) % height, i % width];
    const behind = column + 1 < width ? inputs[i + 1]! : 0;
    const below = row + 1 < height ? inputs[i + width]! : 0;
    const steps = Number(Math.abs(value - behind) > 1) + Number(Math.abs(value - below) > 1);
    return random.uniform() < 0.1 ? -1 : steps;
  });
  const [inputDims, targetDims] = [
    [1, height, width],
    [height, width],
  ];
  return { name: 'steps', count, inputs, inputDims, targets, targetDims, classes: 3, outputs: 3 };
}
