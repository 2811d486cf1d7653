/*
 * Training of the benchmark's networks by TF.js on its WASM backend, backward passes written out in the fastest spelling that was found for each:
 * - products with a transposed matrix transpose it first: the backend's matMul leaves XNNPACK for a plain loop where told to transpose (8 to 14 times slower);
 * - the backend has no gradient of a convolution's filter: it is a convolution of the input by the gradient, samples and channels exchanged
 *   (or, for one channel, a product with shifted pictures); that of the input is a convolution by the turned filter (10 times faster than the
 *   backend's kernel);
 * - max pooling compares with the enlarged maxima (5 times faster than the backend's kernel); sums over samples are products with ones.
 * `asLibrary` spells products as the library's own gradients do. Images have their channels last.
 */
import { fileURLToPath } from 'node:url';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { channelsLast } from './train-networks.js';

/** Sums over all axes but the last. */
function sumOfRows(value) {
  const channels = value.shape.at(-1);
  const rows = value.size / channels;
  return tf.reshape(tf.matMul(tf.ones([1, rows]), tf.reshape(value, [rows, channels])), [channels]);
}

/** Each layer's passes: `backward` gives the input's gradient and those of the parameters. `x` is its input, `y` its output. */
const dense = {
  forward: (_, { weights, bias }, x) => tf.fused.matMul({ a: x, b: weights, bias }),
  backward: ({ isFirst, asLibrary }, { weights }, x, _, dy) => ({
    dx: isFirst ? null : asLibrary ? tf.matMul(dy, weights, false, true) : tf.matMul(dy, tf.transpose(weights)),
    gradients: {
      weights: asLibrary ? tf.matMul(x, dy, true, false) : tf.matMul(tf.transpose(x), dy),
      bias: asLibrary ? tf.sum(dy, 0) : sumOfRows(dy),
    },
  }),
};

/** The nine pictures that a window of 3x3 sees, one in each row: [9, samples * side * side]. */
function shiftedPictures(x, samples, side) {
  const larger = tf.pad(tf.reshape(x, [samples, side, side]), [
    [0, 0],
    [1, 1],
    [1, 1],
  ]);
  const shifted = Array.from({ length: 9 }, (_, at) =>
    tf.reshape(tf.slice(larger, [0, Math.floor(at / 3), at % 3], [samples, side, side]), [1, -1]),
  );
  return tf.concat(shifted, 0);
}

const convolution = {
  forward: (_, { weights, bias }, x) => tf.fused.conv2d({ x, filter: weights, strides: 1, pad: 'same', bias }),
  backward: ({ isFirst, inputs, outputs, side }, { weights }, x, _, dy) => {
    const filter =
      inputs === 1
        ? tf.reshape(tf.matMul(shiftedPictures(x, x.shape[0], side), tf.reshape(dy, [-1, outputs])), weights.shape)
        : tf.transpose(tf.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), 1, 1), [1, 2, 0, 3]);
    const turned = () => tf.transpose(tf.reverse(weights, [0, 1]), [0, 1, 3, 2]);
    return {
      dx: isFirst ? null : tf.conv2d(dy, turned(), 1, 'same'),
      gradients: { weights: filter, bias: sumOfRows(dy) },
    };
  },
};

/** ReLU, or PReLU where there are slopes. The derivative is itself a PReLU, of the sign. */
const rectifier = {
  forward: (_, { slopes }, x) => (slopes ? tf.prelu(x, slopes) : tf.relu(x)),
  backward: (_, { slopes }, x, y, dy) => {
    if (!slopes) return { dx: tf.mul(dy, tf.step(y)), gradients: {} };
    const sign = tf.sub(tf.step(x), tf.step(tf.neg(x)));
    const negative = tf.sub(x, tf.relu(x));
    return {
      dx: tf.mul(dy, tf.prelu(sign, tf.neg(slopes))),
      gradients: { slopes: sumOfRows(tf.mul(dy, negative)) },
    };
  },
};

const pool = {
  forward: (_, __, x) => tf.maxPool(x, 2, 2, 'valid'),
  backward: ({ side }, _, x, y, dy) => {
    const enlarged = value => tf.image.resizeNearestNeighbor(value, [side, side]);
    const gradient = enlarged(dy);
    return { dx: tf.sub(gradient, tf.mul(tf.step(tf.sub(enlarged(y), x)), gradient)), gradients: {} };
  },
};

const flatten = {
  forward: ({ channels, side }, _, x) => tf.reshape(x, [x.shape[0], channels * side * side]),
  backward: (_, __, x, ___, dy) => ({ dx: tf.reshape(dy, x.shape), gradients: {} }),
};

const passes = { dense, convolution, rectifier, pool, flatten };

async function start() {
  const folder = new URL('dist/', import.meta.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(fileURLToPath(folder));
  await tf.setBackend('wasm');
}

/** Loss and moved parameters of one step. */
function advance(layers, parameters, x, chosen, rate) {
  const values = [x];
  for (const [at, layer] of layers.entries())
    values.push(passes[layer.kind].forward(layer, parameters[at], values[at]));
  const shares = tf.softmax(values.at(-1));
  const likelihood = tf.sum(tf.log(tf.sum(tf.mul(shares, chosen), 1)));
  let dy = tf.mul(tf.sub(shares, chosen), 1 / x.shape[0]);
  const next = [];
  for (let at = layers.length - 1; at >= 0; at--) {
    const { dx, gradients } = passes[layers[at].kind].backward(
      layers[at],
      parameters[at],
      values[at],
      values[at + 1],
      dy,
    );
    next[at] = Object.fromEntries(
      Object.entries(parameters[at]).map(([name, value]) => [name, tf.sub(value, tf.mul(gradients[name], rate))]),
    );
    dy = dx;
  }
  return { likelihood, next };
}

/** Training by TF.js; `step` makes one step and gives the loss before it. */
export async function tfjs(network, first, { isParametric, learningRate, asLibrary = false }) {
  await start();
  const { batch, inputDims } = network;
  const layers = network.layers.map((layer, at) => ({ ...layer, isFirst: at === 0, asLibrary }));
  let parameters = channelsLast(network, first).map(({ weights, bias, slopes }, at) => {
    const { kind, inputs, outputs } = layers[at];
    if (slopes) return isParametric ? { slopes: tf.tensor(slopes) } : {};
    if (!weights) return {};
    const dims = kind === 'convolution' ? [3, 3, inputs, outputs] : [inputs, outputs];
    return { weights: tf.tensor(weights, dims), bias: tf.tensor(bias) };
  });
  const dims = inputDims.length === 1 ? [batch, ...inputDims] : [batch, inputDims[1], inputDims[2], inputDims[0]];
  return {
    step: async ({ inputs, targets }) => {
      const { likelihood, next } = tf.tidy(() =>
        advance(layers, parameters, tf.tensor(inputs, dims), tf.oneHot(tf.tensor(targets), 10), learningRate),
      );
      tf.dispose(parameters);
      parameters = next;
      const total = likelihood.dataSync()[0];
      likelihood.dispose();
      return -total / batch;
    },
    close: () => tf.dispose(parameters),
  };
}
