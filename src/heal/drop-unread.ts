import { type Model, mainGraph } from '../onnx/model.js';
import type { GraphProto } from '../onnx/proto.js';
import { readsOf } from '../onnx/scope.js';

/**
 * Removes what writes the given values of a graph where nothing reads them any more, and then what only that read: nodes of the graph, initializers
 * of the graph and of the main graph. In place. Inputs that the caller feeds stay.
 */
export function dropUnread(model: Model, graph: GraphProto, values: Iterable<string>): void {
  const graphs = [...new Set([graph, mainGraph(model)])];
  const readers = new Map<string, number>();
  const count = (name: string, by: number) => readers.set(name, (readers.get(name) ?? 0) + by);
  for (const each of graphs) {
    for (const node of each.node) for (const name of new Set(readsOf(node))) count(name, 1);
    for (const output of each.output) count(output.name, 1);
  }
  const unread = (name: string) => (readers.get(name) ?? 0) === 0;
  const gone = new Set<string>();
  for (const pending = [...values]; pending.length > 0; ) {
    const value = pending.pop() as string;
    if (value === '' || gone.has(value) || !unread(value)) continue;
    const node = graph.node.find(each => each.output.includes(value));
    if (node) {
      if (!node.output.every(name => name === '' || unread(name))) continue;
      graph.node = graph.node.filter(each => each !== node);
      for (const name of new Set(readsOf(node))) {
        count(name, -1);
        pending.push(name);
      }
    }
    gone.add(value);
  }
  for (const each of graphs) {
    // Older files declare initializers as inputs too; the declaration goes with the initializer.
    const dropped = new Set(each.initializer.flatMap(({ name }) => (gone.has(name) ? [name] : [])));
    each.initializer = each.initializer.filter(({ name }) => !dropped.has(name));
    each.input = each.input.filter(({ name }) => !dropped.has(name));
    each.valueInfo = each.valueInfo.filter(({ name }) => !gone.has(name));
  }
}
