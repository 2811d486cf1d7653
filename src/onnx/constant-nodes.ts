import { clone } from '@bufbuild/protobuf';
import { isStandard, tensorAttribute } from './attributes.js';
import { copyModel, type Model, mainGraph } from './model.js';
import { TensorProtoSchema } from './proto.js';

/**
 * A copy of a model in which the tensors of the main graph's Constant nodes are initializers: exporters that know no initializers keep all
 * weights in such nodes. Constants that are given as single numbers or lists stay nodes.
 *
 * @example
 * import { constantsToInitializers, floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Constant', [], ['w'], { value: floatTensor('', [1], [2]) }), node('Mul', ['x', 'w'], ['y'])],
 *   inputs: [valueInfo('x', [1])],
 *   outputs: [valueInfo('y')],
 * });
 * const model = constantsToInitializers({ name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 });
 * model.proto.graph.initializer.map(({ name }) => name); // => ["w"]
 */
export function constantsToInitializers(model: Model): Model {
  const copy = copyModel(model);
  const graph = mainGraph(copy);
  const outputs = new Set(graph.output.map(({ name }) => name));
  graph.node = graph.node.filter(node => {
    const tensor = isStandard(node) && node.opType === 'Constant' ? tensorAttribute(node, 'value') : null;
    const [name] = node.output;
    if (!tensor || !name || outputs.has(name)) return true;
    graph.initializer.push(Object.assign(clone(TensorProtoSchema, tensor), { name }));
    return false;
  });
  return copy;
}
