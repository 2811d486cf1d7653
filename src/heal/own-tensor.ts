import type { NodeProto, TensorProto } from '../onnx/proto.js';
import type { Scope } from '../onnx/scope.js';
import { isFloatType } from '../onnx/tensor.js';

/** The float tensor that stands under a name in a graph: an initializer, or what a Constant node holds; null for anything else. */
export function tensorNamed(scope: Scope, name: string): TensorProto | null {
  const node = scope.producer.get(name);
  const held = node?.opType === 'Constant' ? node.attribute.find(({ t }) => t)?.t : undefined;
  const tensor = scope.initializers.get(name) ?? held ?? null;
  return tensor && isFloatType(tensor.dataType) ? tensor : null;
}

/** Whether a float tensor of the graph can be changed without changing anything but the one input of the one node that reads it. */
export function isOwn(scope: Scope, name: string | undefined, reader: NodeProto): name is string {
  if (!name || scope.outputs.has(name) || !tensorNamed(scope, name)) return false;
  const readers = scope.consumers.get(name) ?? [];
  return readers.length === 1 && readers[0] === reader && reader.input.filter(input => input === name).length === 1;
}
