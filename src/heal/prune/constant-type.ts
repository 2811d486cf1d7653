import { intAttribute, tensorAttribute } from '../../onnx/attributes.js';
import { DataType } from '../../onnx/proto.js';
import type { Scope } from '../../onnx/scope.js';

/** The element type of a constant of the main graph as its reader sees it; UNDEFINED where the file does not tell. */
export function constantType({ initializers, producer }: Scope, value: string): DataType {
  let at = value;
  // A graph has no cycle, so that the walk ends.
  for (;;) {
    const tensor = initializers.get(at);
    if (tensor) return tensor.dataType;
    const node = producer.get(at);
    if (!node) return DataType.UNDEFINED;
    if (node.opType === 'Cast') return intAttribute(node, 'to', DataType.UNDEFINED);
    if (node.opType === 'Constant') {
      const name = node.attribute[0]?.name ?? '';
      if (name.startsWith('value_float')) return DataType.FLOAT;
      return name.startsWith('value_int')
        ? DataType.INT64
        : (tensorAttribute(node, 'value')?.dataType ?? DataType.UNDEFINED);
    }
    at = node.input[0] ?? '';
  }
}
