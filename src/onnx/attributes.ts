import { AttributeType, type GraphProto, type NodeProto, type TensorProto } from './proto.js';

const utf8 = new TextDecoder();
const find = (node: NodeProto, name: string) => node.attribute.find(attribute => attribute.name === name);

/**
 * Whether a node is of ONNX's own operator set: operators of other domains may share a name and mean something else.
 *
 * @example
 * import { isStandard, node } from 'reluminate/onnx';
 * const gelu = node('Gelu', ['x'], ['y']);
 * isStandard(gelu); // => true
 * isStandard({ ...gelu, domain: 'com.microsoft' }); // => false
 */
export const isStandard = ({ domain }: NodeProto): boolean => domain === '' || domain === 'ai.onnx';

/**
 * An integer attribute, or `fallback` where the node has none.
 *
 * @example
 * import { intAttribute, node } from 'reluminate/onnx';
 * intAttribute(node('Conv', ['x', 'w'], ['y'], { group: 4 }), 'group', 1); // => 4
 * intAttribute(node('Conv', ['x', 'w'], ['y']), 'group', 1); // => 1
 */
export const intAttribute = (node: NodeProto, name: string, fallback: number): number => {
  const found = find(node, name);
  return found ? Number(found.i) : fallback;
};

/**
 * A float attribute, or `fallback` where the node has none.
 *
 * @example
 * import { float, floatAttribute, node } from 'reluminate/onnx';
 * floatAttribute(node('LeakyRelu', ['x'], ['y'], { alpha: float(0.25) }), 'alpha', 0.01); // => 0.25
 * floatAttribute(node('LeakyRelu', ['x'], ['y']), 'alpha', 0.01); // => 0.01
 */
export const floatAttribute = (node: NodeProto, name: string, fallback: number): number =>
  find(node, name)?.f ?? fallback;

/**
 * A list of integers, or null where the node has none.
 *
 * @example
 * import { intsAttribute, node } from 'reluminate/onnx';
 * const transpose = node('Transpose', ['x'], ['y'], { perm: [0, 2, 3, 1] });
 * intsAttribute(transpose, 'perm'); // => [0, 2, 3, 1]
 * intsAttribute(node('Transpose', ['x'], ['y']), 'perm'); // => null
 */
export const intsAttribute = (node: NodeProto, name: string): number[] | null =>
  find(node, name)?.ints.map(Number) ?? null;

/**
 * A string attribute, or `fallback` where the node has none.
 *
 * @example
 * import { node, stringAttribute } from 'reluminate/onnx';
 * stringAttribute(node('Pad', ['x', 'pads'], ['y'], { mode: 'reflect' }), 'mode', 'constant'); // => "reflect"
 * stringAttribute(node('Pad', ['x', 'pads'], ['y']), 'mode', 'constant'); // => "constant"
 */
export const stringAttribute = (node: NodeProto, name: string, fallback: string): string => {
  const found = find(node, name);
  return found ? utf8.decode(found.s) : fallback;
};

/**
 * A tensor attribute, or null where the node has none.
 *
 * @example
 * import { floatTensor, node, tensorAttribute, tensorNumbers } from 'reluminate/onnx';
 * const slope = node('Constant', [], ['slope'], { value: floatTensor('', [1], [0.25]) });
 * Array.from(tensorNumbers(tensorAttribute(slope, 'value'), new Map())); // => [0.25]
 * tensorAttribute(node('Relu', ['x'], ['y']), 'value'); // => null
 */
export const tensorAttribute = (node: NodeProto, name: string): TensorProto | null => find(node, name)?.t ?? null;

/**
 * The subgraphs of a node (the branches of an If, the body of a Loop or Scan), each with its attribute's name.
 *
 * @example
 * import { graph, node, subgraphs, valueInfo } from 'reluminate/onnx';
 * const branch = opType => graph({ nodes: [node(opType, ['x'], ['out'])], outputs: [valueInfo('out')] });
 * const choice = node('If', ['test'], ['y'], { then_branch: branch('Relu'), else_branch: branch('Neg') });
 * subgraphs(choice).map(({ name }) => name); // => ["then_branch", "else_branch"]
 * subgraphs(choice)[0].graph.node[0].opType; // => "Relu"
 */
export function subgraphs(node: Pick<NodeProto, 'attribute'>): { name: string; graph: GraphProto }[] {
  return node.attribute.flatMap(attribute => {
    if (attribute.type === AttributeType.GRAPHS)
      return attribute.graphs.map((graph, index) => ({ name: `${attribute.name}_${index}`, graph }));
    return attribute.g ? [{ name: attribute.name, graph: attribute.g }] : [];
  });
}
