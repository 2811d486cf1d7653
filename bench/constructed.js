/* Networks made to show what two repairs are for, where no public model at hand needs them. */

import { floatTensor, graph, modelProto, node, valueInfo } from '../dist/onnx/index.js';
import { createRandom } from '../dist/random.js';

const channels = 64;
const size = 28;
const layers = 6;

const modelOf = (name, parts) => ({ name, proto: modelProto(graph(parts), 17), external: new Map(), bytes: 0 });
const normals = (random, count, scale) => Float32Array.from({ length: count }, () => scale * random.normal());

/** Convolutions of 64 channels, of which the first `vanished` have weights of about 1e-40, as weight decay leaves them. */
export function subnormalNetwork(vanished = 23) {
  const random = createRandom(1);
  const each = channels * 9;
  const parts = Array.from({ length: layers }, (_, at) => {
    const weights = normals(random, channels * each, Math.sqrt(2 / each)).map((weight, index) =>
      Math.floor(index / each) < vanished ? weight * 1e-39 : weight,
    );
    const input = at === 0 ? 'x' : `h${at}`;
    return {
      nodes: [
        node('Conv', [input, `w${at}`], [`z${at}`], { pads: [1, 1, 1, 1] }),
        node('Relu', [`z${at}`], [`h${at + 1}`]),
      ],
      initializers: [floatTensor(`w${at}`, [channels, channels, 3, 3], weights)],
    };
  });
  return modelOf('subnormal weights', {
    nodes: [...parts.flatMap(({ nodes }) => nodes), node('GlobalAveragePool', [`h${layers}`], ['y'])],
    initializers: parts.flatMap(({ initializers }) => initializers),
    inputs: [valueInfo('x', [1, channels, size, size])],
    outputs: [valueInfo('y')],
  });
}

/** Thin convolutions with batch norm whose parameters are all listed as inputs, as old exporters wrote them. */
export function fedNetwork() {
  const random = createRandom(2);
  const thin = 16;
  const parts = Array.from({ length: 2 * layers }, (_, at) => {
    const input = at === 0 ? 'x' : `h${at}`;
    const vectors = ['scale', 'shift', 'mean', 'variance'].map(what => `${what}${at}`);
    const values = [1, 0, 0, 1].map(middle => normals(random, thin, 0.1).map(value => middle + Math.abs(value)));
    return {
      nodes: [
        node('Conv', [input, `w${at}`], [`z${at}`]),
        node('BatchNormalization', [`z${at}`, ...vectors], [`n${at}`]),
        node('Relu', [`n${at}`], [`h${at + 1}`]),
      ],
      initializers: [
        floatTensor(`w${at}`, [thin, thin, 1, 1], normals(random, thin * thin, Math.sqrt(2 / thin))),
        ...vectors.map((name, which) => floatTensor(name, [thin], values[which])),
      ],
    };
  });
  const initializers = parts.flatMap(part => part.initializers);
  return modelOf('initializers as inputs', {
    nodes: [...parts.flatMap(({ nodes }) => nodes), node('GlobalAveragePool', [`h${2 * layers}`], ['y'])],
    initializers,
    inputs: [
      valueInfo('x', [1, thin, 2 * size, 2 * size]),
      ...initializers.map(({ name, dims }) => valueInfo(name, dims.map(Number))),
    ],
    outputs: [valueInfo('y')],
  });
}
