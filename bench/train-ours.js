/* The networks of the training benchmark as ONNX models, and their training by Reluminate. */
import { floatTensor, graph, modelProto, node, valueInfo } from '../dist/onnx/index.js';
import { openTrainer } from '../dist/train/index.js';

/** The nodes of a layer from value `x` to value `y`, and its parameters. */
const writers = {
  dense: ({ inputs, outputs }, { weights, bias }, x, y) => ({
    nodes: [node('Gemm', [x, `${y}/weights`, `${y}/bias`], [y])],
    initializers: [floatTensor(`${y}/weights`, [inputs, outputs], weights), floatTensor(`${y}/bias`, [outputs], bias)],
  }),
  convolution: ({ inputs, outputs }, { weights, bias }, x, y) => ({
    nodes: [node('Conv', [x, `${y}/weights`, `${y}/bias`], [y], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
    initializers: [
      floatTensor(`${y}/weights`, [outputs, inputs, 3, 3], weights),
      floatTensor(`${y}/bias`, [outputs], bias),
    ],
  }),
  rectifier: ({ channels, side }, { slopes }, x, y, isParametric) =>
    isParametric
      ? {
          nodes: [node('PRelu', [x, `${y}/slopes`], [y])],
          initializers: [floatTensor(`${y}/slopes`, side === null ? [channels] : [channels, 1, 1], slopes)],
        }
      : { nodes: [node('Relu', [x], [y])], initializers: [] },
  pool: (_, __, x, y) => ({
    nodes: [node('MaxPool', [x], [y], { kernel_shape: [2, 2], strides: [2, 2] })],
    initializers: [],
  }),
  flatten: (_, __, x, y) => ({ nodes: [node('Flatten', [x], [y])], initializers: [] }),
};

/** The model of a network: PReLU with one slope for each channel, or ReLU. */
export function modelOf({ name, inputDims, layers }, parameters, isParametric) {
  const parts = layers.map((layer, at) =>
    writers[layer.kind](layer, parameters[at], at === 0 ? 'x' : `layer${at - 1}`, `layer${at}`, isParametric),
  );
  const main = graph({
    nodes: parts.flatMap(({ nodes }) => nodes),
    initializers: parts.flatMap(({ initializers }) => initializers),
    inputs: [valueInfo('x', ['N', ...inputDims])],
    outputs: [valueInfo(`layer${layers.length - 1}`, ['N', layers.at(-1).outputs])],
  });
  return { name, proto: modelProto(main), external: new Map(), bytes: 0 };
}

/** Training on ONNX Runtime; `step` makes one step and gives the loss before it. */
export async function ours(network, parameters, { isParametric, learningRate, threads }) {
  const trainer = await openTrainer(modelOf(network, parameters, isParametric), {
    batch: network.batch,
    optimizer: { kind: 'sgd' },
    threads,
  });
  return {
    step: async batch => (await trainer.step(batch, learningRate)).loss,
    close: () => trainer.close(),
  };
}
