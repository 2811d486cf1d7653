import { intAttribute, isStandard } from '../onnx/attributes.js';
import { DataType } from '../onnx/proto.js';
import type { Scope } from '../onnx/scope.js';
import { isFloatType } from '../onnx/tensor.js';

const floatOrNull = (type: number): DataType | null => (isFloatType(type) ? type : null);

/**
 * The float type of a value as far as its file tells: declared, that of an initializer or constant, or followed back through the first input of each
 * operator. Null for other types and where nothing tells.
 */
export function floatTypeOf(scope: Scope, value: string): DataType | null {
  const declared = new Map(
    [...scope.graph.input, ...scope.graph.valueInfo, ...scope.graph.output].flatMap(({ name, type }) =>
      type?.value.case === 'tensorType' && type.value.value.elemType !== DataType.UNDEFINED
        ? [[name, type.value.value.elemType] as const]
        : [],
    ),
  );
  // A graph has no cycles, so that this ends.
  for (let at = value; ; ) {
    const known = scope.initializers.get(at)?.dataType ?? declared.get(at);
    if (known !== undefined) return floatOrNull(known);
    const node = scope.producer.get(at);
    if (!node) return scope.parent && floatTypeOf(scope.parent, at);
    if (!isStandard(node)) return null;
    if (node.opType === 'Cast') return floatOrNull(intAttribute(node, 'to', DataType.UNDEFINED));
    const constant = node.opType === 'Constant' ? node.attribute.find(({ t }) => t)?.t : undefined;
    if (constant) return floatOrNull(constant.dataType);
    // The condition of a Where is not what it selects from.
    const next = node.input[node.opType === 'Where' ? 1 : 0];
    if (!next) return null;
    at = next;
  }
}
