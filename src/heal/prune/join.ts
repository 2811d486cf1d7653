import { intAttribute, isStandard } from '../../onnx/attributes.js';
import { node as build } from '../../onnx/build.js';
import type { Channels, Context } from '../../onnx/channels.js';
import { freshNames, replaceNode } from '../../onnx/edit.js';
import { layerWeight } from '../../onnx/layers.js';
import { type Model, mainGraph } from '../../onnx/model.js';
import type { NodeProto } from '../../onnx/proto.js';
import { nodeName, type Scope } from '../../onnx/scope.js';
import { isWritable, typedTensor } from '../typed-tensor.js';
import { constantType } from './constant-type.js';
import type { Decision } from './decide.js';
import { isAlike } from './operands.js';
import { sliced } from './sliced.js';

/** An addition of which one side or the other is dead in some channels that stay, with the convolutions that read the sum. */
export interface Joinable {
  readonly add: NodeProto;
  readonly convolutions: readonly NodeProto[];
  /** Dead channels of the addends that cannot go because the other side lives. */
  readonly tied: number;
}

/** The convolutions that read a value, where nothing else does; null otherwise. */
function onlyConvolutions({ scope, lookup }: Context, value: string): NodeProto[] | null {
  const readers = scope.consumers.get(value) ?? [];
  const reads = (node: NodeProto) =>
    node.opType === 'Conv' &&
    isStandard(node) &&
    node.input.filter(name => name === value).length === 1 &&
    node.input[0] === value &&
    intAttribute(node, 'group', 1) === 1 &&
    layerWeight(scope, node, lookup) !== null &&
    isWritable(constantType(scope, node.input[1] as string));
  return readers.length > 0 && !scope.outputs.has(value) && readers.every(reads) ? [...readers] : null;
}

/** The addends of a graph's additions. */
export const addends = ({ nodes }: Scope): string[] =>
  nodes.flatMap(({ opType, input }) => (opType === 'Add' ? input : []));

/**
 * Additions for which a concatenation may pay: most channels of the two sides taken together are dead or one side's only. By `shapes`, the addends are of the same
 * dimensions: what is repeated along an axis, as a mean over all positions is, can be added to a map, not put beside it.
 */
export function joinables(
  context: Context,
  decision: Decision,
  shapes: ReadonlyMap<string, readonly number[]>,
): Joinable[] {
  const { scope, known } = context;
  return scope.nodes.flatMap(add => {
    if (add.opType !== 'Add' || !isStandard(add) || add.input[0] === add.input[1]) return [];
    const [a, b, sum] = [...add.input, add.output[0] as string].map(value => known.get(value));
    if (typeof a !== 'object' || typeof b !== 'object' || typeof sum !== 'object') return [];
    const [left, right] = add.input.map(value => shapes.get(value)?.join());
    if (left === undefined || left !== right) return [];
    if (!isAlike(a, sum) || !isAlike(b, sum) || sum.layout !== 'plain' || sum.axis !== 1) return [];
    const convolutions = onlyConvolutions(context, add.output[0] as string);
    const tied = add.input.reduce((count, value) => {
      const { constant } = known.get(value) as Channels;
      return count + [...constant.keys()].filter(c => decision.isDead(value, c) && !decision.goes(value, c)).length;
    }, 0);
    return convolutions && 4 * tied >= sum.constant.length ? [{ add, convolutions, tied }] : [];
  });
}

/**
 * Replaces A + B in front of convolutions by A and B side by side, with the weights doubled, in place: a sum of products either way, but the dead channels of A
 * and B are no longer tied to those of the other. Gives the initializers that replaced others and a function that undoes it.
 */
export function join(
  model: Model,
  { scope, lookup }: Context,
  { add, convolutions }: Joinable,
): { replaced: Map<string, string>; undo: () => void } {
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  const concat = build('Concat', add.input, add.output, { axis: 1 });
  concat.name = fresh(`${nodeName(add)}/joined`);
  const [nodes, initializers] = [[...graph.node], [...graph.initializer]];
  const weights = convolutions.map(node => node.input[1] as string);
  const replaced = new Map<string, string>();
  replaceNode(graph, add, [concat]);
  for (const node of convolutions) {
    const old = node.input[1] as string;
    const weight = lookup(scope, old);
    if (!weight) throw new RangeError(`join: the weight of '${nodeName(node)}' must be a constant, got '${old}'`);
    const channels = Array.from({ length: weight.dims[1] as number }, (_, at) => at);
    const { dims, values } = sliced(weight, 1, [...channels, ...channels]);
    const name = fresh(old);
    graph.initializer.push(typedTensor(constantType(scope, old), name, dims, values));
    node.input[1] = name;
    replaced.set(name, old);
  }
  const undo = () => {
    graph.node = nodes;
    graph.initializer = initializers;
    for (const [at, node] of convolutions.entries()) node.input[1] = weights[at] as string;
  };
  return { replaced, undo };
}
