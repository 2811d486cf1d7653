/*
 * The networks of the training benchmark as plain data: layers, first parameters and batches, which everybody starts from. Dense weights
 * are [inputs, outputs], convolutions [outputs, inputs, 3, 3], images [samples, channels, height, width]. Rectifiers stand behind the pools: a rectifier that
 * never falls gives the same there as before them, for a quarter of the work.
 */
import { createRandom } from '../dist/random.js';

const dense = (inputs, outputs) => ({ kind: 'dense', inputs, outputs });
const convolution = (inputs, outputs, side) => ({ kind: 'convolution', inputs, outputs, side });
const rectifier = (channels, side = null) => ({ kind: 'rectifier', channels, side });
const pool = (channels, side) => ({ kind: 'pool', channels, side });
const flatten = (channels, side) => ({ kind: 'flatten', channels, side });

/** `side` is that of a layer's square input; null for features. */
export const networks = [
  {
    name: 'MLP 784-256-256-10',
    key: 'mlp',
    batch: 128,
    learningRate: 0.05,
    inputDims: [784],
    layers: [dense(784, 256), rectifier(256), dense(256, 256), rectifier(256), dense(256, 10)],
  },
  {
    name: 'CNN 16-32 on 28x28',
    key: 'cnn',
    batch: 64,
    learningRate: 0.005,
    inputDims: [1, 28, 28],
    layers: [
      convolution(1, 16, 28),
      pool(16, 28),
      rectifier(16, 14),
      convolution(16, 32, 14),
      pool(32, 14),
      rectifier(32, 7),
      flatten(32, 7),
      dense(7 * 7 * 32, 10),
    ],
  },
];

const normals = (random, length, deviation) => Float32Array.from({ length }, () => deviation * random.normal());

/** First parameters of each layer: He et al.'s weights, small biases, slopes 0.25. */
export function firstParameters({ layers }, seed) {
  const random = createRandom(seed);
  return layers.map(({ kind, inputs, outputs, channels }) => {
    if (kind === 'rectifier') return { slopes: new Float32Array(channels).fill(0.25) };
    if (kind !== 'dense' && kind !== 'convolution') return {};
    const fanIn = kind === 'dense' ? inputs : 9 * inputs;
    return {
      weights: normals(random, fanIn * outputs, Math.sqrt(2 / fanIn)),
      bias: normals(random, outputs, 0.01),
    };
  });
}

/** Batches of noise with random classes, which a network has to learn by heart. */
export function someBatches({ batch, inputDims }, count, seed) {
  const random = createRandom(seed);
  const size = inputDims.reduce((a, b) => a * b, batch);
  return Array.from({ length: count }, () => ({
    inputs: normals(random, size, 1),
    targets: Int32Array.from({ length: batch }, () => random.integer(10)),
  }));
}

/** The parameters for images with their channels last: convolutions [3, 3, inputs, outputs], the dense layer behind `flatten` with its rows reordered. */
export const channelsLast = ({ layers }, parameters) =>
  parameters.map(({ weights, ...rest }, at) => {
    const { kind, inputs, outputs } = layers[at];
    const before = layers[at - 1];
    if (kind === 'convolution') return { ...rest, weights: reorder(weights, [outputs, inputs, 9], [2, 1, 0]) };
    if (before?.kind === 'flatten')
      return { ...rest, weights: reorder(weights, [before.channels, before.side ** 2, outputs], [1, 0, 2]) };
    return weights ? { ...rest, weights } : rest;
  });

/** A tensor of three axes with its axes in another order. */
function reorder(values, dims, order) {
  const strides = [dims[1] * dims[2], dims[2], 1];
  const [a, b, c] = order;
  const out = new Float32Array(values.length);
  let at = 0;
  for (let i = 0; i < dims[a]; i++)
    for (let j = 0; j < dims[b]; j++)
      for (let k = 0; k < dims[c]; k++) out[at++] = values[i * strides[a] + j * strides[b] + k * strides[c]];
  return out;
}
