import { type Model, mainGraph } from './model.js';
import type { NodeProto } from './proto.js';
import { indexGraph, readsOf } from './scope.js';

/** Leaves out of the main graph the nodes that none of the values needs, and all outputs. In place. */
export function keepAncestors(model: Model, values: readonly string[]): void {
  const graph = mainGraph(model);
  const { producer } = indexGraph(model);
  const needed = new Set<NodeProto>();
  for (const pending = [...values]; pending.length > 0; ) {
    const node = producer.get(pending.pop() as string);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    pending.push(...readsOf(node));
  }
  graph.node = graph.node.filter(node => needed.has(node));
  graph.output = [];
}
