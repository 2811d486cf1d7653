/* What ONNX Runtime's matrix product reaches on one core: the limit of a step that is made of such products. */
import { floatTensor, graph, modelProto, node, openSession, valueInfo } from '../dist/onnx/index.js';
import { quantile } from './statistics.js';

const size = 768;

/** Billions of floating-point operations a second, the median of some products of two square matrices. */
export async function matrixProduct(products = 41) {
  const values = Float32Array.from({ length: size ** 2 }, () => Math.random() - 0.5);
  const main = graph({
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    inputs: [valueInfo('x', [size, size])],
    outputs: [valueInfo('y', [size, size])],
    initializers: [floatTensor('w', [size, size], values)],
  });
  const model = { name: 'matrix product', proto: modelProto(main), external: new Map(), bytes: 0 };
  const session = await openSession(model, { threads: 1 });
  const x = { type: 'float32', dims: [size, size], data: values };
  const rates = [];
  for (let at = 0; at < products; at++) {
    const before = performance.now();
    await session.run({ x });
    rates.push((2 * size ** 3) / (performance.now() - before) / 1e6);
  }
  await session.close();
  return quantile(rates, 0.5);
}
