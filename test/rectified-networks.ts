import { floatTensor, node, valueInfo } from '../src/onnx/build.js';
import type { Model } from '../src/onnx/model.js';
import type { NodeProto, TensorProto } from '../src/onnx/proto.js';
import { createRandom } from '../src/random.js';
import { modelOf } from './models.js';

/** A network of rectified layers with dead units planted in it, and the dimensions of one sample of its input `x`. */
export interface RectifiedNetwork {
  readonly model: Model;
  readonly sample: readonly number[];
}

/**
 * A random network of the shapes that people train: dense or convolutional layers (padded or not, with batch norm or a bias), depthwise ones, residual sums,
 * concatenations, pools, and a dense layer behind. Every other unit or so is dead: without weights and stuck at 0 or above, of gamma 0, or kept down by its bias.
 */
export function rectifiedNetwork(seed: number): RectifiedNetwork {
  const random = createRandom(seed);
  const chance = (share: number) => random.uniform() < share;
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  let made = 0;
  const constant = (dims: readonly number[], values: ArrayLike<number>): string => {
    const name = `c${made++}`;
    initializers.push(floatTensor(name, dims, values));
    return name;
  };
  const add = (op: string, inputs: readonly string[], attributes: Parameters<typeof node>[3] = {}): string => {
    const name = `${op}${made++}`;
    nodes.push(node(op, inputs, [name], attributes));
    return name;
  };
  const isMap = chance(0.7);
  const normals = (count: number, scale = 1) => Array.from({ length: count }, () => scale * random.normal());
  const rectified = (value: string) => {
    const kind = random.integer(5);
    if (kind === 0) return add('Clip', [value, constant([], [0]), constant([], [6])]);
    return add('Relu', [value]);
  };
  /** A layer of units, half of which are dead in one way or another, and its rectifier. */
  const layer = (from: string, inputs: number, units: number, kernel: number, pad: number, group = 1): string => {
    const each = (inputs / group) * kernel ** 2;
    const plants = Array.from({ length: units }, () => random.integer(8));
    const weights = plants.flatMap(plant => (plant < 2 ? new Array(each).fill(0) : normals(each, 1 / Math.sqrt(each))));
    const offsets = plants.map(plant =>
      plant === 0 ? -0.5 : plant === 1 || plant === 2 ? 0.75 : plant === 3 ? -60 : 0.1,
    );
    const normed = chance(0.5);
    const bias = normed && chance(0.5) ? [] : [constant([units], normed ? normals(units) : offsets)];
    let value = isMap
      ? add('Conv', [from, constant([units, inputs / group, kernel, kernel], weights), ...bias], {
          group,
          pads: [pad, pad, pad, pad],
        })
      : add('Gemm', [from, constant([units, inputs], weights), ...bias], { transB: 1 });
    if (normed) {
      const gamma = plants.map(plant => (plant === 2 ? 0 : 1));
      const numbers = [gamma, offsets, normals(units), normals(units).map(item => item ** 2 + 0.5)];
      value = add('BatchNormalization', [value, ...numbers.map(values => constant([units], values))]);
    }
    return rectified(value);
  };
  const sample = isMap ? [2, 8, 8] : [5];
  let [value, channels, size] = ['x', sample[0] as number, isMap ? 8 : 1];
  const blocks = 2 + random.integer(2);
  for (let block = 0; block < blocks; block++) {
    const kernel = isMap && size >= 3 && chance(0.6) ? 3 : 1;
    const pad = kernel === 3 && chance(0.5) ? 1 : 0;
    const units = 3 + random.integer(4);
    const before = { value, channels, size };
    value = layer(value, channels, units, kernel, pad);
    channels = units;
    size += 2 * pad - kernel + 1;
    if (isMap && chance(0.3)) value = layer(value, channels, channels, 3, 1, channels);
    if (chance(0.2) && before.size === size) {
      // A residual sum with a projection of what came before.
      const projection = layer(before.value, before.channels, channels, 1, 0);
      value = add('Add', [value, projection]);
    } else if (chance(0.3) && before.size === size) {
      value = add('Concat', [value, before.value], { axis: 1 });
      channels += before.channels;
    }
    if (isMap && size >= 4 && chance(0.3)) {
      value = add('MaxPool', [value], { kernel_shape: [2, 2], strides: [2, 2] });
      size = Math.floor(size / 2);
    }
  }
  if (isMap && chance(0.5)) {
    value = add('GlobalAveragePool', [value]);
    size = 1;
  }
  if (isMap) value = add('Flatten', [value]);
  const features = channels * size ** 2;
  const head = [constant([features, 3], normals(features * 3)), ...(chance(0.5) ? [constant([3], normals(3))] : [])];
  nodes.push(node('Gemm', [value, ...head], ['y']));
  const inputs = [valueInfo('x', ['N', ...sample])];
  return { model: modelOf({ nodes, initializers, inputs, outputs: [valueInfo('y')] }), sample };
}
