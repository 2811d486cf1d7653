import { clone, toBinary } from '@bufbuild/protobuf';
import { Failure } from '../failure.js';
import { subgraphs } from './attributes.js';
import { node } from './build.js';
import { freshNames } from './edit.js';
import { copyModel, type Model, mainGraph } from './model.js';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from './proto.js';

const keyOf = ({ domain, name, overload }: { domain: string; name: string; overload: string }) =>
  `${domain === 'ai.onnx' ? '' : domain}/${name}/${overload}`;

/** The attributes of a function's node once the call has filled in those it refers to; one that the call leaves out falls back to the function's default or disappears. */
function boundAttributes(node: NodeProto, call: NodeProto, fn: FunctionProto): AttributeProto[] {
  return node.attribute.flatMap(attribute => {
    if (attribute.refAttrName === '') return [attribute];
    const given = [...call.attribute, ...fn.attributeProto].find(item => item.name === attribute.refAttrName);
    if (!given) return [];
    const bound = clone(AttributeProtoSchema, given);
    bound.name = attribute.name;
    return [bound];
  });
}

/** Renames every value a node reads or writes, in its subgraphs too. */
function rename(node: NodeProto, name: (value: string) => string): void {
  node.input = node.input.map(name);
  node.output = node.output.map(name);
  for (const { graph } of subgraphs(node)) {
    const sparse = graph.sparseInitializer.flatMap(({ values }) => values ?? []);
    for (const value of [...graph.input, ...graph.output, ...graph.initializer, ...sparse, ...graph.valueInfo])
      value.name = name(value.name);
    for (const inner of graph.node) rename(inner, name);
  }
}

/** Fills in referenced attributes in a node and its subgraphs. */
function bind(node: NodeProto, call: NodeProto, fn: FunctionProto): void {
  node.attribute = boundAttributes(node, call, fn);
  for (const { graph } of subgraphs(node)) for (const inner of graph.node) bind(inner, call, fn);
}

/** The nodes that a call stands for, values and nodes named afresh. */
function expand(call: NodeProto, fn: FunctionProto, fresh: (base: string) => string): NodeProto[] {
  const prefix = call.name || call.opType;
  const names = new Map<string, string>([['', '']]);
  fn.input.forEach((formal, index) => {
    names.set(formal, call.input[index] ?? '');
  });
  const passed: NodeProto[] = [];
  fn.output.forEach((formal, index) => {
    const actual = call.output[index] || fresh(`${prefix}/${formal}`);
    if (fn.input.includes(formal)) passed.push(node('Identity', [names.get(formal) as string], [actual]));
    else names.set(formal, actual);
  });
  const actual = (formal: string): string => {
    const known = names.get(formal);
    if (known !== undefined) return known;
    const name = fresh(`${prefix}/${formal}`);
    names.set(formal, name);
    return name;
  };
  const body = fn.node.map(template => {
    const copy = clone(NodeProtoSchema, template);
    bind(copy, call, fn);
    rename(copy, actual);
    copy.name = fresh(`${prefix}/${template.name || template.opType}`);
    return copy;
  });
  return [...body, ...passed];
}

/** Functions call functions a few levels deep in practice; deeper nesting would exhaust the stack. */
const deepestCalls = 50;
/** A file of a few kilobytes can expand without bound where functions call functions twice: nodes and bytes that all expansions together may take. */
const mostNodes = 300_000;
const mostBytes = 2 ** 28;

/**
 * A copy of the model in which every call of a local function is replaced by the function's nodes, so that what looks at
 * nodes sees all of them. The same model is returned where it has no functions. Throws a Failure where functions call
 * themselves or each other more than 50 deep, or expand past 300,000 nodes or 256 MiB.
 *
 * @example
 * import { create } from '@bufbuild/protobuf';
 * import { FunctionProtoSchema } from 'onnx-buf';
 * import { graph, inlineFunctions, mainGraph, modelProto, node } from 'reluminate/onnx';
 * const body = [node('Sigmoid', ['a'], ['s']), node('Mul', ['a', 's'], ['b'])];
 * const proto = modelProto(graph({ nodes: [node('Swish', ['x'], ['y'])] }));
 * proto.functions.push(create(FunctionProtoSchema, { name: 'Swish', input: ['a'], output: ['b'], node: body }));
 * const inlined = inlineFunctions({ name: 'm', proto, external: new Map(), bytes: 0 });
 * mainGraph(inlined).node.map(({ opType }) => opType); // => ["Sigmoid", "Mul"]
 */
export function inlineFunctions(model: Model): Model {
  if (model.proto.functions.length === 0) return model;
  const copy = copyModel(model);
  const functions = new Map(copy.proto.functions.map(fn => [keyOf(fn), fn]));
  const sizes = new Map<FunctionProto, number>();
  const sizeOf = (fn: FunctionProto): number => {
    const size = sizes.get(fn) ?? toBinary(FunctionProtoSchema, fn).length;
    sizes.set(fn, size);
    return size;
  };
  const fresh = freshNames(copy);
  let nodesLeft = mostNodes;
  let bytesLeft = mostBytes;
  const fail = (must: string, { name }: FunctionProto) =>
    new Failure('input', `read model '${model.name}': functions must ${must}, got '${name}'`);
  const inline = (nodes: readonly NodeProto[], callers: readonly FunctionProto[]): NodeProto[] =>
    nodes.flatMap(node => {
      for (const { graph } of subgraphs(node)) graph.node = inline(graph.node, callers);
      const fn = functions.get(keyOf({ domain: node.domain, name: node.opType, overload: node.overload }));
      if (!fn) return [node];
      if (callers.includes(fn)) throw fail('not call themselves', fn);
      if (callers.length >= deepestCalls) throw fail(`call each other at most ${deepestCalls} deep`, fn);
      nodesLeft -= fn.node.length + 1;
      bytesLeft -= sizeOf(fn);
      if (nodesLeft < 0 || bytesLeft < 0) throw fail('not expand past 300,000 nodes or 256 MiB', fn);
      return inline(expand(node, fn, fresh), [...callers, fn]);
    });
  const main = mainGraph(copy);
  main.node = inline(main.node, []);
  const imported = new Set(copy.proto.opsetImport.map(set => set.domain));
  for (const fn of copy.proto.functions) {
    for (const set of fn.opsetImport) {
      if (imported.has(set.domain)) continue;
      imported.add(set.domain);
      copy.proto.opsetImport.push(set);
    }
  }
  copy.proto.functions = [];
  return copy;
}
