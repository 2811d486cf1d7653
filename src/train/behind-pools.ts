import { floatAttribute, isStandard } from '../onnx/attributes.js';
import { type Model, mainGraph } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { indexGraph } from '../onnx/scope.js';

/**
 * Rectifiers with the attributes that must not be negative for them never to fall; none is where a node leaves it out. Not ReLU, which ONNX Runtime makes part of the
 * convolution before it, and whose gradient is one pass: moving it takes as long as it saves (measured).
 */
const rising: Readonly<Record<string, readonly string[]>> = {
  Celu: ['alpha'],
  Clip: [],
  Elu: ['alpha'],
  LeakyRelu: ['alpha'],
  Selu: ['alpha', 'gamma'],
  Softplus: [],
  ThresholdedRelu: ['alpha'],
};

const neverFalls = (node: NodeProto): boolean =>
  isStandard(node) && (rising[node.opType]?.every(name => floatAttribute(node, name, 0) >= 0) ?? false);

/**
 * Moves rectifiers that never fall behind the max pooling that reads them, in the main graph of a model, which it changes: the largest of their results is the result of the
 * largest, and there are fewer to rectify. Nothing else may read them.
 */
export function rectifyBehindPools(model: Model): void {
  const graph = mainGraph(model);
  const { producer, consumers } = indexGraph(model);
  const outputs = new Set(graph.output.map(({ name }) => name));
  for (const pool of [...graph.node]) {
    const value = pool.input[0] as string;
    const rectifier = producer.get(value);
    const pools = isStandard(pool) && pool.opType === 'MaxPool' && pool.output.filter(Boolean).length === 1;
    if (!pools || !rectifier || !neverFalls(rectifier) || outputs.has(value)) continue;
    if (consumers.get(value)?.length !== 1) continue;
    const result = pool.output[0] as string;
    pool.input[0] = rectifier.input[0] as string;
    pool.output[0] = value;
    rectifier.input[0] = value;
    rectifier.output[0] = result;
    graph.node = graph.node.filter(node => node !== rectifier);
    graph.node.splice(graph.node.indexOf(pool) + 1, 0, rectifier);
  }
}
