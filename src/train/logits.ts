import { isStandard } from '../onnx/attributes.js';
import { type Model, mainGraph } from '../onnx/model.js';

/** Operators that leave the elements as they are. */
const keeping = ['Flatten', 'Identity', 'Reshape'];

/**
 * The value of a model that softmax cross-entropy takes: the first output, or, where that is a softmax already, what it is the softmax
 * of.
 */
export function logitsOf(model: Model): string {
  const graph = mainGraph(model);
  const writer = (value: string | undefined) =>
    graph.node.find(node => isStandard(node) && node.output[0] === value && value !== undefined);
  const output = graph.output[0]?.name as string;
  let last = writer(output);
  while (last && keeping.includes(last.opType)) last = writer(last.input[0]);
  return last?.opType === 'Softmax' ? (last.input[0] as string) : output;
}
