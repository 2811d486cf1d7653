import type { Anatomy } from '../audit/anatomy.js';
import type { NodeProto } from '../onnx/proto.js';
import { readsOf } from '../onnx/scope.js';

export interface RectifiedDepth {
  /** The most rectifiers of the main graph that stand one behind the other. */
  readonly depth: number;
  /** The first node at which ways through different numbers of them meet, as at the end of a residual block; null in a plain network. */
  readonly meeting: NodeProto | null;
}

const ofShapes = new Set(['Shape', 'Size']);

/** How many rectifiers stand one behind the other, sums, pools and concatenations between them included. */
export function rectifiedDepth({ scope, layers }: Anatomy): RectifiedDepth {
  const rectified = new Set<string>();
  const within = new Set<NodeProto>();
  for (const { rectifier } of layers.filter(each => each.rectifier.scope === scope)) {
    rectified.add(rectifier.output);
    for (const node of rectifier.nodes) within.add(node);
  }
  // Values that depend on what is fed, and the rectifiers before them.
  const depths = new Map<string, number>(
    scope.graph.input.flatMap(({ name }) => (scope.initializers.has(name) ? [] : [[name, 0] as const])),
  );
  let meeting: NodeProto | null = null;
  for (const node of scope.nodes) {
    const before = readsOf(node).flatMap(name => depths.get(name) ?? []);
    if (before.length === 0 || ofShapes.has(node.opType)) continue;
    const deepest = Math.max(...before);
    if (!within.has(node) && Math.min(...before) < deepest) meeting ??= node;
    for (const output of node.output) depths.set(output, deepest + (rectified.has(output) ? 1 : 0));
  }
  return { depth: [...depths.values()].reduce((a, b) => Math.max(a, b), 0), meeting };
}
