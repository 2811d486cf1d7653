import { clone } from '@bufbuild/protobuf';
import { Failure } from '../failure.js';
import { subgraphs } from './attributes.js';
import { freshNames } from './edit.js';
import { copyModel, mainGraph, type Model } from './model.js';
import { type AttributeProto, type FunctionProto, type NodeProto, NodeProtoSchema } from './proto.js';

const keyOf = ({ domain, name, overload }: { domain: string; name: string; overload: string }) =>
  `${domain === 'ai.onnx' ? '' : domain}/${name}/${overload}`;

/** The attributes of a function's node once the call has filled in those it refers to; one that the call leaves out falls back to the function's default or disappears. */
function boundAttributes(node: NodeProto, call: NodeProto, fn: FunctionProto): AttributeProto[] {
  return node.attribute.flatMap(attribute => {
    if (attribute.refAttrName === '') return [attribute];
    const given = [...call.attribute, ...fn.attributeProto].find(item => item.name === attribute.refAttrName);
    return given ? [{ ...given, name: attribute.name }] : [];
  });
}

/** Renames every value a node reads or writes, in its subgraphs too. */
function rename(node: NodeProto, name: (value: string) => string): void {
  node.input = node.input.map(name);
  node.output = node.output.map(name);
  for (const { graph } of subgraphs(node)) {
    for (const value of [...graph.input, ...graph.output, ...graph.initializer, ...graph.valueInfo]) value.name = name(value.name);
    for (const inner of graph.node) rename(inner, name);
  }
}

/** Fills in referenced attributes in a node and its subgraphs. */
function bind(node: NodeProto, call: NodeProto, fn: FunctionProto): void {
  node.attribute = boundAttributes(node, call, fn);
  for (const { graph } of subgraphs(node)) for (const inner of graph.node) bind(inner, call, fn);
}

function expand(call: NodeProto, fn: FunctionProto, fresh: (base: string) => string): NodeProto[] {
  const names = new Map<string, string>([['', '']]);
  fn.input.forEach((formal, index) => {
    names.set(formal, call.input[index] ?? '');
  });
  fn.output.forEach((formal, index) => {
    names.set(formal, call.output[index] || fresh(`${call.name || call.opType}/${formal}`));
  });
  const actual = (formal: string): string => {
    const known = names.get(formal);
    if (known !== undefined) return known;
    const name = fresh(`${call.name || call.opType}/${formal}`);
    names.set(formal, name);
    return name;
  };
  return fn.node.map(template => {
    const node = clone(NodeProtoSchema, template);
    bind(node, call, fn);
    rename(node, actual);
    node.name = fresh(`${call.name || call.opType}/${template.name || template.opType}`);
    return node;
  });
}

/**
 * A copy of the model in which every call of a local function is replaced by the function's nodes, so that what looks at
 * nodes sees all of them. The same model is returned where it has no functions. Throws a Failure where functions call
 * themselves; functions nested in functions are expanded, a million nodes at most.
 */
export function inlineFunctions(model: Model): Model {
  if (model.proto.functions.length === 0) return model;
  const copy = copyModel(model);
  const functions = new Map(copy.proto.functions.map(fn => [keyOf(fn), fn]));
  const fresh = freshNames(copy);
  let budget = 1_000_000;
  const inline = (nodes: readonly NodeProto[], callers: readonly FunctionProto[]): NodeProto[] =>
    nodes.flatMap(node => {
      for (const { graph } of subgraphs(node)) graph.node = inline(graph.node, callers);
      const fn = functions.get(keyOf({ domain: node.domain, name: node.opType, overload: node.overload }));
      if (!fn) return [node];
      budget -= fn.node.length;
      if (callers.includes(fn) || budget < 0)
        throw new Failure('input', `read model '${model.name}': functions must not call themselves or expand past a million nodes, got '${fn.name}'`);
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
