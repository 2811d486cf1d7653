import { intAttribute, intsAttribute, isStandard } from './attributes.js';
import type { ConstantLookup } from './constants.js';
import type { NodeProto } from './proto.js';
import type { Scope } from './scope.js';

/** The number of axes of each value of a graph, where it follows from the declared inputs and the operators; values that are missing are of unknown rank. */
export type Ranks = ReadonlyMap<string, number>;

const ofFirst = new Set(
  `BatchNormalization InstanceNormalization GroupNormalization LayerNormalization LRN LpNormalization MeanVarianceNormalization
  MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool Resize Upsample Pad Slice Split Concat Transpose Tile
  Softmax LogSoftmax Hardmax CumSum DepthToSpace SpaceToDepth Clip Dropout Identity Cast CastLike Relu LeakyRelu PRelu
  ThresholdedRelu Elu Selu Celu Gelu Mish Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Erf Exp Log Sqrt Abs Neg Not
  Reciprocal Floor Ceil Round Sign Sin Cos IsNaN QuantizeLinear DequantizeLinear Trilu TopK`.split(/\s+/),
);
const broadcasting = new Set(
  'Add Sub Mul Div Max Min Sum Mean Pow Mod Where Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor'.split(' '),
);

/** Finds the ranks of the values of one graph; values of the graphs around it are looked up as constants only. */
export function ranksOf(scope: Scope, lookup: ConstantLookup): Ranks {
  const ranks = new Map<string, number>();
  for (const { name, type } of scope.graph.input) {
    const shape = type?.value.case === 'tensorType' ? type.value.value.shape : undefined;
    if (shape) ranks.set(name, shape.dim.length);
  }
  const rank = (name: string | undefined): number | null =>
    name ? (ranks.get(name) ?? lookup(scope, name)?.dims.length ?? null) : null;
  /** How many axes a Squeeze, Unsqueeze or reduction names, as attribute or input; null where it does not. */
  const axes = (node: NodeProto): number | null =>
    (node.input[1] ? lookup(scope, node.input[1])?.data.length : intsAttribute(node, 'axes')?.length) ?? null;
  const changed = (node: NodeProto, sign: 1 | -1): number | null => {
    const [before, count] = [rank(node.input[0]), axes(node)];
    return before === null || count === null ? null : before + sign * count;
  };
  const result = (node: NodeProto): number | null => {
    const { opType } = node;
    if (ofFirst.has(opType)) return rank(node.input[0]);
    if (broadcasting.has(opType)) {
      const all = node.input.map(rank);
      return all.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0);
    }
    switch (opType) {
      case 'Conv':
      case 'ConvTranspose':
        return rank(node.input[1]);
      case 'Gemm':
      case 'Flatten':
        return 2;
      case 'Shape':
        return 1;
      case 'MatMul': {
        const [a, b] = [rank(node.input[0]), rank(node.input[1])];
        return a === null || b === null || a < 2 || b < 2 ? null : Math.max(a, b);
      }
      case 'Gather': {
        const [data, indices] = [rank(node.input[0]), rank(node.input[1])];
        return data === null || indices === null ? null : data + indices - 1;
      }
      case 'Reshape':
        return (node.input[1] && lookup(scope, node.input[1])?.data.length) || null;
      case 'Squeeze':
        return changed(node, -1);
      case 'Unsqueeze':
        return changed(node, 1);
      default:
        if (!opType.startsWith('Reduce')) return null;
        return intAttribute(node, 'keepdims', 1) === 1 ? rank(node.input[0]) : changed(node, -1);
    }
  };
  for (const node of scope.nodes) {
    const found = isStandard(node) ? result(node) : null;
    if (found !== null) for (const name of node.output) ranks.set(name, found);
  }
  return ranks;
}
