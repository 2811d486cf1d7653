import { isStandard } from '../onnx/attributes.js';
import type { NodeProto } from '../onnx/proto.js';
import { nodeName, readsOf, type Scope } from '../onnx/scope.js';

/** Between what and what a path runs: from one of `wrt` over values that depend on them to the loss, over values that it depends on. */
interface Ends {
  readonly wrt: readonly string[];
  readonly loss: string;
  readonly needed: ReadonlySet<string>;
  readonly used: ReadonlySet<string>;
}

/** Steps of a path that are named on either side of the node; the others are counted. */
const named = 2;

/** The shortest chain of nodes from `start` to one with `isEnd`, without `start`. */
function chain(
  start: NodeProto,
  isEnd: (node: NodeProto) => boolean,
  next: (node: NodeProto) => readonly NodeProto[],
): NodeProto[] {
  const cameFrom = new Map<NodeProto, NodeProto | null>([[start, null]]);
  for (const node of cameFrom.keys()) {
    if (isEnd(node)) {
      const steps: NodeProto[] = [];
      for (let at: NodeProto = node; at !== start; at = cameFrom.get(at) as NodeProto) steps.unshift(at);
      return steps;
    }
    for (const following of next(node)) if (!cameFrom.has(following)) cameFrom.set(following, node);
  }
  return [];
}

/** The operator, with its domain where it is not of ONNX's own set. */
export const operatorName = (node: NodeProto) => `${isStandard(node) ? '' : `${node.domain}.`}${node.opType}`;

const label = (node: NodeProto) => `${operatorName(node)} '${nodeName(node)}'`;

/** Keeps the steps next to the node and says how many others there are. */
function shortened(steps: readonly string[], keep: 'first' | 'last'): string[] {
  if (steps.length <= named + 1) return [...steps];
  const more = `(${steps.length - named} more)`;
  return keep === 'first' ? [...steps.slice(0, named), more] : [more, ...steps.slice(-named)];
}

/** The way of the gradient through a node, for people: `'w' -> Conv 'c1' -> TopK 'top' -> Mul 'm' -> 'loss'`. */
export function pathThrough(scope: Scope, node: NodeProto, { wrt, loss, needed, used }: Ends): string {
  const given = new Set(wrt);
  const producers = (at: NodeProto) =>
    readsOf(at).flatMap(name => (needed.has(name) && scope.producer.get(name)) || []);
  const readers = (at: NodeProto) =>
    at.output
      .flatMap(name => (used.has(name) ? (scope.consumers.get(name) ?? []) : []))
      .filter(reader => reader.output.some(name => used.has(name)));
  const before = chain(node, at => readsOf(at).some(name => given.has(name)), producers).reverse();
  const after = chain(node, at => at.output.includes(loss), readers);
  const first = readsOf(before[0] ?? node).find(name => given.has(name));
  return [
    `'${first}'`,
    ...shortened(before.map(label), 'last'),
    label(node),
    ...shortened(after.map(label), 'first'),
    `'${loss}'`,
  ].join(' -> ');
}
