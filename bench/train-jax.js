/*
 * Training of the benchmark's networks by jax-js on its WASM backend (one thread in Node: its workers need the Worker of browsers). The MLP's step is
 * one `jit` of `valueAndGrad`. The CNN's layers are compiled one by one, forward and backward: compiled as a whole, padding and windows are computed
 * anew inside each matrix product, which was measured to take twice as long with windows by slices, and 25 times with `lax.conv`. Images
 * have their channels last.
 */
import { defaultDevice, init, jit, nn, numpy, tree, valueAndGrad, vjp } from '@jax-js/jax';
import { channelsLast } from './train-networks.js';

const { broadcastTo, dot, greater, max, pad, where } = numpy;
const array = (values, dims) => numpy.array(values).reshape(dims);
const padded = x =>
  pad(x, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);

/**
 * The windows of 3 along an axis, as a new axis before it: the axis is repeated four times and cut into three pieces that are one longer
 * than it, so that each starts one element later. A view, which is computed in one go.
 */
function windowsAlong(x, axis) {
  const { shape } = x;
  const [before, length, after] = [shape.slice(0, axis), shape[axis], shape.slice(axis + 1)];
  const all = before.map(() => []);
  const rest = after.map(() => []);
  const repeated = broadcastTo(x.reshape([...before, 1, length, ...after]), [...before, 4, length, ...after]);
  const pieces = repeated.reshape([...before, 4 * length, ...after]).slice(...all, [0, 3 * (length + 1)], ...rest);
  return pieces.reshape([...before, 3, length + 1, ...after]).slice(...all, [], [0, length - 2], ...rest);
}

/** Every window of 3x3 as a row: [samples * side * side, 9 * channels]. */
function windows(x) {
  const [samples, height, , channels] = x.shape;
  const side = height - 2;
  return windowsAlong(windowsAlong(x, 1), 3)
    .transpose([0, 2, 4, 1, 3, 5])
    .reshape([samples * side * side, 9 * channels]);
}

/** The gradient of `windows` and the padding: each place's share in the nine windows it belongs to. */
function fold(rows, side) {
  const channels = rows.shape[1] / 9;
  const nine = rows.reshape([rows.shape[0] / side ** 2, side, side, 9, channels]);
  const shares = Array.from({ length: 9 }, (_, at) => {
    const [top, left] = [Math.floor(at / 3), at % 3];
    return pad(nine.ref.slice([], [], [], at, []), [
      [0, 0],
      [top, 2 - top],
      [left, 2 - left],
      [0, 0],
    ]);
  });
  nine.dispose();
  return shares.reduce((a, b) => a.add(b)).slice([], [1, side + 1], [1, side + 1], []);
}

const functions = {
  dense: (_, { weights, bias }, x) => dot(x, weights).add(bias),
  rectifier: (_, { slopes }, x) => (slopes === undefined ? nn.relu(x) : where(greater(x.ref, 0), x.ref, slopes.mul(x))),
  pool: ({ channels, side }, _, x) => max(x.reshape([x.shape[0], side / 2, 2, side / 2, 2, channels]), [2, 4]),
  flatten: ({ channels, side }, _, x) => x.reshape([x.shape[0], channels * side * side]),
};

const lossOf = (logits, chosen) =>
  nn
    .logSoftmax(logits)
    .mul(chosen)
    .sum()
    .mul(-1 / logits.shape[0]);

const moved = (parameters, gradients, rate) => tree.map((p, d) => p.sub(d.mul(rate)), parameters, gradients);

/** A layer whose passes are compiled on their own: `backward` gives its input's gradient and its moved parameters. */
function compiledLayer(layer, rate, isFirst) {
  if (layer.kind === 'convolution') return compiledConvolution(layer, rate, isFirst);
  const apply = (parameters, x) => functions[layer.kind](layer, parameters, x);
  const forward = jit(apply);
  const backward = jit((parameters, x, dy) => {
    const [y, pull] = vjp(apply, [tree.ref(parameters), x]);
    y.dispose();
    const [gradients, dx] = pull(dy);
    pull.dispose();
    return [dx, moved(parameters, gradients, rate)];
  });
  return { forward: (parameters, x) => [forward(tree.ref(parameters), x.ref), x], backward };
}

function compiledConvolution({ outputs, side }, rate, isFirst) {
  const padding = jit(padded);
  const gather = jit(windows);
  const product = jit(({ weights, bias }, rows) => dot(rows, weights).add(bias).reshape([-1, side, side, outputs]));
  const pull = jit(({ weights, bias }, rows, dy) => {
    const flat = dy.reshape([-1, outputs]);
    const gradients = { weights: dot(rows.transpose(), flat.ref), bias: flat.ref.sum(0) };
    const dRows = isFirst ? null : dot(flat.ref, weights.ref.transpose());
    flat.dispose();
    const next = moved({ weights, bias }, gradients, rate);
    return dRows === null ? [next] : [next, dRows];
  });
  const back = jit(rows => fold(rows, side));
  return {
    forward: (parameters, x) => {
      const rows = gather(padding(x));
      return [product(tree.ref(parameters), rows.ref), rows];
    },
    backward: (parameters, rows, dy) => {
      const [next, dRows] = pull(parameters, rows, dy);
      return [dRows === undefined ? null : back(dRows), next];
    },
  };
}

/** A step layer by layer. */
function stepByLayers(layers, rate) {
  const compiled = layers.map((layer, at) => compiledLayer(layer, rate, at === 0));
  const lossAndGradient = jit((logits, chosen) => valueAndGrad(lossOf)(logits, chosen));
  return (parameters, inputs, chosen) => {
    const saved = [];
    let x = inputs;
    compiled.forEach(({ forward }, at) => {
      [x, saved[at]] = forward(parameters[at], x);
    });
    const [loss, gradient] = lossAndGradient(x, chosen);
    let dy = gradient;
    const next = [];
    for (let at = layers.length - 1; at >= 0; at--)
      [dy, next[at]] = compiled[at].backward(parameters[at], saved[at], dy);
    dy?.dispose();
    return [loss, next];
  };
}

/** A step compiled as a whole. */
const stepAsWhole = (layers, rate) =>
  jit((parameters, inputs, chosen) => {
    const whole = (all, x, y) =>
      lossOf(
        layers.reduce((value, layer, at) => functions[layer.kind](layer, all[at], value), x),
        y,
      );
    const [loss, gradients] = valueAndGrad(whole)(tree.ref(parameters), inputs, chosen);
    return [loss, moved(parameters, gradients, rate)];
  });

/** Training by jax-js; `step` makes one step and gives the loss before it. */
export async function jaxJs(network, first, { isParametric, learningRate }) {
  await init('wasm');
  defaultDevice('wasm');
  const { batch, inputDims, layers } = network;
  const hasImages = inputDims.length > 1;
  let parameters = channelsLast(network, first).map(({ weights, bias, slopes }, at) => {
    if (slopes) return isParametric ? { slopes: numpy.array(slopes) } : {};
    return weights ? { weights: array(weights, [-1, layers[at].outputs]), bias: numpy.array(bias) } : {};
  });
  const advance = (hasImages ? stepByLayers : stepAsWhole)(layers, learningRate);
  const dims = hasImages ? [batch, inputDims[1], inputDims[2], inputDims[0]] : [batch, ...inputDims];
  return {
    step: async ({ inputs, targets }) => {
      const chosen = new Float32Array(10 * batch);
      targets.forEach((target, sample) => {
        chosen[10 * sample + target] = 1;
      });
      const [loss, next] = advance(parameters, array(inputs, dims), array(chosen, [batch, 10]));
      parameters = next;
      for (const leaf of tree.leaves(parameters)) await leaf.blockUntilReady();
      return (await loss.data())[0];
    },
    close: () => tree.dispose(parameters),
  };
}
