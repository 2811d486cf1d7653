import { node as build } from '../../onnx/build.js';
import type { Channels, Context } from '../../onnx/channels.js';
import { freshNames, insertAfter } from '../../onnx/edit.js';
import { type Model, mainGraph, opsetOf } from '../../onnx/model.js';
import { DataType, type NodeProto } from '../../onnx/proto.js';
import { typedTensor } from '../typed-tensor.js';
import { constantType } from './constant-type.js';
import type { Decision } from './decide.js';
import type { Cutting, Folded } from './rule.js';
import { ruleOf } from './rules.js';
import { sliced } from './sliced.js';

/** What a cut did: constants folded into each node, and the initializers that replaced others, by their new name. */
export interface Cut {
  readonly folded: ReadonlyMap<NodeProto, number>;
  readonly replaced: ReadonlyMap<string, string>;
}

/** Sets the dimension of the channels in the declared shapes of values that lost some. */
function declareShapes(model: Model, known: Context['known'], kept: (value: string) => readonly number[] | null): void {
  const graph = mainGraph(model);
  for (const info of graph.valueInfo) {
    const left = kept(info.name);
    const channels = known.get(info.name);
    if (!left || typeof channels !== 'object' || info.type?.value.case !== 'tensorType') continue;
    const dims = info.type.value.value.shape?.dim ?? [];
    const dim = dims[channels.axis < 0 ? channels.axis + dims.length : channels.axis];
    if (dim?.value.case !== 'dimValue') continue;
    dim.value.value = (dim.value.value / BigInt(channels.constant.length)) * BigInt(left.length);
  }
}

/** Takes the channels that go out of the model, in place: every constant that holds numbers for them is sliced. */
export function cutChannels(model: Model, context: Context, decision: Decision): Cut {
  const { scope, known } = context;
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  const folded = new Map<NodeProto, number>();
  const replaced = new Map<string, string>();
  const behind: { node: NodeProto; values: ArrayLike<number> }[] = [];

  const remembered = new Map<string, readonly number[] | null>();
  const kept = (value: string | undefined): readonly number[] | null => {
    const channels = value ? known.get(value) : undefined;
    if (!value || typeof channels !== 'object') return null;
    const before = remembered.get(value);
    if (before !== undefined) return before;
    const stays = [...channels.constant.keys()].filter(channel => !decision.goes(value, channel));
    const result = stays.length === channels.constant.length ? null : stays;
    remembered.set(value, result);
    return result;
  };
  const foldedOf = (value: string | undefined): Folded[] => {
    const channels = value ? known.get(value) : undefined;
    if (!value || typeof channels !== 'object' || !kept(value)) return [];
    const { constant, level } = channels as Channels;
    return [...constant.keys()]
      .filter(channel => decision.goes(value, channel) && constant[channel] && level[channel] !== 0)
      .filter(channel => decision.isRead(value, channel))
      .map(channel => ({ channel, level: level[channel] as number }));
  };
  const put = (node: NodeProto, input: number, type: DataType, dims: readonly number[], values: ArrayLike<number>) => {
    const old = node.input[input];
    const name = fresh(old || `${node.output[0]}/bias`);
    graph.initializer.push(typedTensor(type, name, dims, values));
    if (old) replaced.set(name, old);
    while (node.input.length <= input) node.input.push('');
    node.input[input] = name;
  };
  /** The type of a constant input, which may have been replaced before. */
  const typeAt = (node: NodeProto, input: number): DataType => {
    const name = node.input[input] as string;
    return constantType(scope, replaced.get(name) ?? name);
  };
  const cutting: Cutting = {
    context,
    opset: opsetOf(model),
    kept,
    folded: foldedOf,
    carrier: node => decision.carriers.get(node) ?? null,
    slice(node, input, axis, positions) {
      const name = node.input[input] as string;
      const constant = context.lookup(scope, name);
      if (!constant) throw new RangeError(`slice: input ${input} of '${node.name}' must be a constant, got '${name}'`);
      const { dims, values } = sliced(constant, axis, positions);
      put(node, input, constantType(scope, name), dims, values);
    },
    set: (node, input, dims, values, like = input) => put(node, input, typeAt(node, like), dims, values),
    setIntegers: (node, input, values) => put(node, input, DataType.INT64, [values.length], values),
    addBehind: (node, values) => behind.push({ node, values }),
    count: (node, count) => folded.set(node, (folded.get(node) ?? 0) + count),
  };
  for (const node of scope.nodes) ruleOf(node)?.cut(cutting, node);
  for (const { node, values } of behind) {
    const result = node.output[0] as string;
    const inner = fresh(`${result}/unshifted`);
    const amount = fresh(`${result}/shift`);
    const isMap = node.opType === 'Conv' || node.opType === 'ConvTranspose';
    const weight = node.input[1] as string;
    const kernel = isMap ? (context.lookup(scope, replaced.get(weight) ?? weight)?.dims.length ?? 2) - 2 : 0;
    graph.initializer.push(typedTensor(typeAt(node, 1), amount, [values.length, ...new Array(kernel).fill(1)], values));
    node.output[0] = inner;
    const add = build('Add', [inner, amount], [result]);
    add.name = amount;
    insertAfter(graph, inner, [add]);
  }
  declareShapes(model, known, kept);
  return { folded, replaced };
}
