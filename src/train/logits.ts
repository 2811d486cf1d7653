import { isStandard } from '../onnx/attributes.js';
import { type Model, mainGraph } from '../onnx/model.js';

/**
 * The value of a model that softmax cross-entropy takes: the first output, or, where that is a softmax already, what it is the softmax
 * of.
 */
export function logitsOf(model: Model): string {
  const graph = mainGraph(model);
  const output = graph.output[0]?.name as string;
  const last = graph.node.find(node => node.output.includes(output));
  return last && isStandard(last) && last.opType === 'Softmax' ? (last.input[0] as string) : output;
}
