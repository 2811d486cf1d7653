import { intAttribute, isStandard } from '../onnx/attributes.js';
import { type Model, mainGraph, opsetOf } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { elements } from './rule.js';

/** Operators that leave the elements as they are. */
const keeping = ['Flatten', 'Identity', 'Reshape'];

const outputOf = (model: Model): string => mainGraph(model).output[0]?.name as string;

/** The softmax whose elements the first output has, undefined without. */
function lastSoftmax(model: Model): NodeProto | undefined {
  const { node: nodes } = mainGraph(model);
  const writer = (value: string | undefined) =>
    nodes.find(node => isStandard(node) && node.output[0] === value && value !== undefined);
  let last = writer(outputOf(model));
  while (last && keeping.includes(last.opType)) last = writer(last.input[0]);
  return last?.opType === 'Softmax' ? last : undefined;
}

/** The values whose dimensions decide what the logits are: the first output, and what goes into a softmax that gives it. */
export function endsOf(model: Model): [string, ...string[]] {
  const softmax = lastSoftmax(model);
  return softmax ? [outputOf(model), softmax.input[0] as string] : [outputOf(model)];
}

/** How many elements share a sum in a softmax, and how far apart they lie: those along an axis, up to opset 12 all from an axis on. */
function sums(softmax: NodeProto, opset: number, dims: readonly number[]): { count: number; stride: number } {
  const given = intAttribute(softmax, 'axis', opset < 13 ? 1 : -1);
  const axis = given < 0 ? given + dims.length : given;
  if (opset < 13) return { count: elements(dims.slice(axis)), stride: 1 };
  return { count: dims[axis] as number, stride: elements(dims.slice(axis + 1)) };
}

/**
 * The value of a model that softmax cross-entropy takes: the first output, or, where that is the softmax over the output's axis 1 already, what it is the
 * softmax of. `dims` are the dimensions of the model's `endsOf`.
 */
export function logitsOf(model: Model, dims: ReadonlyMap<string, readonly number[]>): string {
  const output = outputOf(model);
  const softmax = lastSoftmax(model);
  if (!softmax) return output;
  const [input, [, classes, ...positions]] = [softmax.input[0] as string, dims.get(output) as number[]];
  const { count, stride } = sums(softmax, opsetOf(model), dims.get(input) as number[]);
  return count === classes && stride === elements(positions) ? input : output;
}
