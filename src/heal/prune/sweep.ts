import { type Model, mainGraph } from '../../onnx/model.js';
import type { GraphProto, NodeProto } from '../../onnx/proto.js';
import { indexGraph, nodeName, readsOf } from '../../onnx/scope.js';

/** Every value name that nodes of a graph read, and its outputs. */
function readNames(graph: GraphProto): Set<string> {
  const names = new Set(graph.output.map(output => output.name));
  for (const node of graph.node) for (const name of readsOf(node)) names.add(name);
  return names;
}

/** Removes nodes none of whose results is read, and what only they read, from the main graph in place. Gives the names of the nodes, constants apart. */
export function sweepNodes(model: Model): string[] {
  const graph = mainGraph(model);
  const read = new Set(graph.output.map(output => output.name));
  const alive = new Set<NodeProto>();
  for (const node of [...indexGraph(model).nodes].reverse()) {
    if (!node.output.some(name => name !== '' && read.has(name))) continue;
    alive.add(node);
    for (const name of readsOf(node)) read.add(name);
  }
  const dead = graph.node.filter(node => !alive.has(node));
  graph.node = graph.node.filter(node => alive.has(node));
  return dead.filter(node => node.opType !== 'Constant').map(nodeName);
}

/** Removes initializers and declared shapes of the main graph that nothing refers to, in place; an initializer that goes is no input either. */
export function sweepInitializers(model: Model): void {
  const graph = mainGraph(model);
  const read = readNames(graph);
  const gone = new Set(graph.initializer.map(tensor => tensor.name).filter(name => !read.has(name)));
  graph.initializer = graph.initializer.filter(tensor => !gone.has(tensor.name));
  graph.input = graph.input.filter(input => !gone.has(input.name));
  const written = new Set([...graph.node.flatMap(node => node.output), ...graph.initializer.map(({ name }) => name)]);
  graph.valueInfo = graph.valueInfo.filter(info => written.has(info.name));
}

/** Gives initializers that replaced others the names of these, where nothing has them any more. */
export function takeNames(model: Model, replaced: ReadonlyMap<string, string>): void {
  const graph = mainGraph(model);
  const taken = new Set([
    ...graph.initializer.map(tensor => tensor.name),
    ...graph.input.map(input => input.name),
    ...graph.node.flatMap(node => node.output),
  ]);
  const names = new Map<string, string>();
  for (const tensor of graph.initializer) {
    const name = replaced.get(tensor.name);
    if (!name || taken.has(name)) continue;
    taken.add(name);
    names.set(tensor.name, name);
    tensor.name = name;
  }
  // Only nodes of the main graph read what was replaced: subgraphs hold the channels they see.
  for (const node of graph.node) node.input = node.input.map(name => names.get(name) ?? name);
}
