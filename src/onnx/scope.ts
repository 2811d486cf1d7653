import { Failure } from '../failure.js';
import { subgraphs } from './attributes.js';
import { type Model, mainGraph } from './model.js';
import type { GraphProto, NodeProto, TensorProto } from './proto.js';

/** A graph with what is needed to walk it: who writes and who reads each value. Subgraphs see the values of the graphs around them. */
export interface Scope {
  readonly graph: GraphProto;
  /** Where the graph sits, for example `If_3/then_branch`; empty for the main graph. */
  readonly path: string;
  readonly parent: Scope | null;
  /** The nodes in an order in which every value is written before it is read. */
  readonly nodes: readonly NodeProto[];
  readonly producer: ReadonlyMap<string, NodeProto>;
  /** Readers of each value of this graph; a node whose subgraph reads the value counts as a reader. */
  readonly consumers: ReadonlyMap<string, readonly NodeProto[]>;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly outputs: ReadonlySet<string>;
  readonly children: readonly { node: NodeProto; attribute: string; scope: Scope }[];
}

/**
 * The name of a node for people: its own, or the first value it writes.
 *
 * @example
 * import { node, nodeName } from 'reluminate/onnx';
 * const relu = node('Relu', ['x'], ['h1']);
 * nodeName({ ...relu, name: 'block1/relu' }); // => "block1/relu"
 * nodeName({ ...relu, name: '' }); // => "h1"
 */
export const nodeName = (node: NodeProto): string => node.name || node.output.find(name => name !== '') || node.opType;

/**
 * Every value a node reads: its inputs and what its subgraphs take from outside themselves.
 *
 * @example
 * import { graph, node, readsOf, valueInfo } from 'reluminate/onnx';
 * const branch = opType => graph({ nodes: [node(opType, ['x'], ['out'])], outputs: [valueInfo('out')] });
 * const choice = node('If', ['test'], ['y'], { then_branch: branch('Relu'), else_branch: branch('Neg') });
 * readsOf(choice); // => ["test", "x", "x"]
 * readsOf(node('Clip', ['x', '', 'six'], ['y'])); // => ["x", "six"]
 */
export function readsOf(node: NodeProto): string[] {
  const captured = subgraphs(node).flatMap(({ graph }) => {
    const own = new Set([
      ...graph.input.map(input => input.name),
      ...graph.initializer.map(tensor => tensor.name),
      ...graph.node.flatMap(inner => inner.output),
    ]);
    return [...graph.node.flatMap(readsOf), ...graph.output.map(output => output.name)].filter(name => !own.has(name));
  });
  return [...node.input.filter(name => name !== ''), ...captured];
}

const append = <K, V>(lists: Map<K, V[]>, key: K, value: V): void => {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
};

/** Orders nodes so that producers come first (Kahn's algorithm, stable). Throws a Failure that names a node on a cycle. */
function topologicalOrder(
  nodes: readonly NodeProto[],
  producer: ReadonlyMap<string, NodeProto>,
  where: string,
): NodeProto[] {
  const waitingFor = new Map<NodeProto, number>();
  const readers = new Map<NodeProto, NodeProto[]>();
  for (const node of nodes) {
    const sources = new Set(readsOf(node).flatMap(name => producer.get(name) ?? []));
    waitingFor.set(node, sources.size);
    for (const source of sources) append(readers, source, node);
  }
  const ready = nodes.filter(node => waitingFor.get(node) === 0);
  const ordered: NodeProto[] = [];
  for (let next = 0; next < ready.length; next++) {
    const node = ready[next] as NodeProto;
    ordered.push(node);
    for (const reader of readers.get(node) ?? []) {
      const left = (waitingFor.get(reader) as number) - 1;
      waitingFor.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  if (ordered.length < nodes.length) {
    const stuck = nodes.find(node => (waitingFor.get(node) as number) > 0) as NodeProto;
    throw new Failure(
      'input',
      `read model: the graph must have no cycle, got one through node '${nodeName(stuck)}'${where}`,
    );
  }
  return ordered;
}

function scopeOf(graph: GraphProto, path: string, parent: Scope | null): Scope {
  const where = path && ` in ${path}`;
  const initializers = new Map(graph.initializer.map(tensor => [tensor.name, tensor]));
  const given = new Set([...graph.input.map(input => input.name), ...initializers.keys()]);
  const producer = new Map<string, NodeProto>();
  for (const node of graph.node) {
    for (const name of node.output) {
      if (name === '') continue;
      if (producer.has(name) || given.has(name))
        throw new Failure('input', `read model: each value must be written once, got '${name}' written twice${where}`);
      producer.set(name, node);
    }
  }
  const consumers = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    for (const name of new Set(readsOf(node))) append(consumers, name, node);
  }
  const children: { node: NodeProto; attribute: string; scope: Scope }[] = [];
  const scope: Scope = {
    graph,
    path,
    parent,
    nodes: topologicalOrder(graph.node, producer, where),
    producer,
    consumers,
    initializers,
    outputs: new Set(graph.output.map(output => output.name)),
    children,
  };
  for (const node of graph.node) {
    for (const { name, graph: body } of subgraphs(node)) {
      const inner = scopeOf(body, `${path && `${path}/`}${nodeName(node)}/${name}`, scope);
      children.push({ node, attribute: name, scope: inner });
    }
  }
  return scope;
}

/**
 * Indexes the main graph of a model and, below it, the bodies of its control flow. Throws a Failure for a graph with a cycle or
 * a value that is written twice.
 *
 * @example
 * import { graph, indexGraph, modelProto, node, readModel, valueInfo, writeModel } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Relu', ['x'], ['h']), node('Neg', ['h'], ['y'])],
 *   inputs: [valueInfo('x', [1, 4])],
 *   outputs: [valueInfo('y')],
 * });
 * const scope = indexGraph(readModel(writeModel({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 })));
 * scope.producer.get('h').opType; // => "Relu"
 * scope.consumers.get('h').map(reader => reader.opType); // => ["Neg"]
 */
export const indexGraph = (model: Model): Scope => scopeOf(mainGraph(model), '', null);

/**
 * The scope and all below it, outermost first.
 *
 * @example
 * import { allScopes, graph, indexGraph, modelProto, node } from 'reluminate/onnx';
 * const branch = opType => graph({ nodes: [node(opType, ['x'], ['out'])] });
 * const choice = node('If', ['test'], ['y'], { then_branch: branch('Relu'), else_branch: branch('Neg') });
 * const proto = modelProto(graph({ nodes: [choice] }));
 * const scopes = allScopes(indexGraph({ name: 'm', proto, external: new Map(), bytes: 0 }));
 * scopes.map(({ path }) => path); // => ["", "y/then_branch", "y/else_branch"]
 */
export const allScopes = (scope: Scope): Scope[] => [scope, ...scope.children.flatMap(child => allScopes(child.scope))];
