import { AttributeType, type GraphProto, type NodeProto, type TensorProto } from './proto.js';

const utf8 = new TextDecoder();
const find = (node: NodeProto, name: string) => node.attribute.find(attribute => attribute.name === name);

/** Whether a node is of ONNX's own operator set: operators of other domains may share a name and mean something else. */
export const isStandard = ({ domain }: NodeProto): boolean => domain === '' || domain === 'ai.onnx';

/** An integer attribute, or `fallback` where the node has none. */
export const intAttribute = (node: NodeProto, name: string, fallback: number): number => {
  const found = find(node, name);
  return found ? Number(found.i) : fallback;
};

/** A float attribute, or `fallback` where the node has none. */
export const floatAttribute = (node: NodeProto, name: string, fallback: number): number =>
  find(node, name)?.f ?? fallback;

/** A list of integers, or null where the node has none. */
export const intsAttribute = (node: NodeProto, name: string): number[] | null =>
  find(node, name)?.ints.map(Number) ?? null;

/** A string attribute, or `fallback` where the node has none. */
export const stringAttribute = (node: NodeProto, name: string, fallback: string): string => {
  const found = find(node, name);
  return found ? utf8.decode(found.s) : fallback;
};

/** A tensor attribute, or null where the node has none. */
export const tensorAttribute = (node: NodeProto, name: string): TensorProto | null => find(node, name)?.t ?? null;

/** The subgraphs of a node (the branches of an If, the body of a Loop or Scan), each with its attribute's name. */
export function subgraphs(node: Pick<NodeProto, 'attribute'>): { name: string; graph: GraphProto }[] {
  return node.attribute.flatMap(attribute => {
    if (attribute.type === AttributeType.GRAPHS)
      return attribute.graphs.map((graph, index) => ({ name: `${attribute.name}_${index}`, graph }));
    return attribute.g ? [{ name: attribute.name, graph: attribute.g }] : [];
  });
}
