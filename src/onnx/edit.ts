import { create } from '@bufbuild/protobuf';
import { Failure } from '../failure.js';
import { graphsOf, type Model, mainGraph } from './model.js';
import { type GraphProto, type NodeProto, ValueInfoProtoSchema } from './proto.js';

/**
 * A source of value and node names that occur nowhere in the model: `fresh('scale')` gives `scale`, or `scale_1` if that is taken.
 *
 * @example
 * import { freshNames, graph, modelProto, node } from 'reluminate/onnx';
 * const proto = modelProto(graph({ nodes: [node('Relu', ['x'], ['y'])] }));
 * const fresh = freshNames({ name: 'm', proto, external: new Map(), bytes: 0 });
 * [fresh('y'), fresh('y'), fresh('scale')]; // => ["y_1", "y_2", "scale"]
 */
export function freshNames(model: Model): (base: string) => string {
  const taken = new Set<string>();
  for (const graph of graphsOf(model.proto)) {
    for (const { name } of [...graph.input, ...graph.output, ...graph.valueInfo, ...graph.initializer]) taken.add(name);
    for (const { values } of graph.sparseInitializer) if (values) taken.add(values.name);
    for (const node of graph.node) for (const name of [node.name, ...node.input, ...node.output]) taken.add(name);
  }
  const suffixes = new Map<string, number>();
  return base => {
    let name = base;
    let suffix = suffixes.get(base) ?? 0;
    while (taken.has(name)) name = `${base}_${++suffix}`;
    suffixes.set(base, suffix);
    taken.add(name);
    return name;
  };
}

/**
 * Makes every reader of `from` read `to` instead, in this graph and its outputs; nodes in `except` keep reading `from`.
 *
 * @example
 * import { graph, insertAfter, node, redirect, valueInfo } from 'reluminate/onnx';
 * const main = graph({ nodes: [node('Abs', ['x'], ['h']), node('Neg', ['h'], ['y'])], outputs: [valueInfo('y')] });
 * const relu = node('Relu', ['h'], ['h_relu']);
 * insertAfter(main, 'h', [relu]);
 * redirect(main, 'h', 'h_relu', [relu]);
 * main.node.map(({ opType, input }) => `${opType}(${input})`); // => ["Abs(x)", "Relu(h)", "Neg(h_relu)"]
 */
export function redirect(graph: GraphProto, from: string, to: string, except: readonly NodeProto[] = []): void {
  for (const node of graph.node) {
    if (!except.includes(node)) node.input = node.input.map(name => (name === from ? to : name));
  }
  for (const output of graph.output) if (output.name === from) output.name = to;
}

/**
 * Inserts nodes into the graph right behind the one that writes `value` (or at the front, where that is an input).
 *
 * @example
 * import { graph, insertAfter, node } from 'reluminate/onnx';
 * const main = graph({ nodes: [node('Abs', ['x'], ['h']), node('Neg', ['h'], ['y'])] });
 * insertAfter(main, 'h', [node('Identity', ['h'], ['probe'])]);
 * insertAfter(main, 'x', [node('Shape', ['x'], ['shape'])]);
 * main.node.map(({ opType }) => opType); // => ["Shape", "Abs", "Identity", "Neg"]
 */
export function insertAfter(graph: GraphProto, value: string, nodes: readonly NodeProto[]): void {
  const position = graph.node.findIndex(node => node.output.includes(value));
  graph.node.splice(position + 1, 0, ...nodes);
}

/**
 * Replaces one node by others in its place. Throws a RangeError where the graph does not hold it.
 *
 * @example
 * import { float, graph, node, replaceNode } from 'reluminate/onnx';
 * const main = graph({ nodes: [node('Abs', ['x'], ['h']), node('Relu', ['h'], ['y'])] });
 * replaceNode(main, main.node[1], [node('LeakyRelu', ['h'], ['y'], { alpha: float(0.01) })]);
 * main.node.map(({ opType }) => opType); // => ["Abs", "LeakyRelu"]
 */
export function replaceNode(graph: GraphProto, node: NodeProto, replacement: readonly NodeProto[]): void {
  const position = graph.node.indexOf(node);
  if (position < 0) throw new RangeError(`replaceNode: the graph must hold the node, got '${node.name}'`);
  graph.node.splice(position, 1, ...replacement);
}

/**
 * Makes a value of the main graph one of the model's outputs, last; its type is left for the runtime to infer.
 *
 * @example
 * import { expose, graph, mainGraph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const nodes = [node('Neg', ['x'], ['h']), node('Relu', ['h'], ['y'])];
 * const main = graph({ nodes, inputs: [valueInfo('x', [2])], outputs: [valueInfo('y')] });
 * const model = { name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 };
 * expose(model, 'h');
 * mainGraph(model).output.map(({ name }) => name); // => ["y", "h"]
 */
export function expose(model: Model, value: string): void {
  const graph = mainGraph(model);
  if (graph.output.some(output => output.name === value)) return;
  const known = graph.valueInfo.find(info => info.name === value) ?? graph.input.find(info => info.name === value);
  if (!known && !graph.node.some(node => node.output.includes(value)))
    throw new Failure('usage', `expose: the value must be written in the main graph, got '${value}'`);
  graph.output.push(known ?? create(ValueInfoProtoSchema, { name: value }));
}
