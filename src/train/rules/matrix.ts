import { floatAttribute, intAttribute } from '../../onnx/attributes.js';
import { float } from '../../onnx/build.js';
import { type RuleContext, rule, sumTo } from '../rule.js';

/** alpha * A B as one Gemm, each transposed where asked. */
const gemmOf = (context: RuleContext, a: string, transA: number, b: string, transB: number, alpha: number): string =>
  context.op('Gemm', [a, b], { transA, transB, alpha: float(alpha) });

/** Y = alpha A' B' + beta C: dA' = alpha dY B'ᵀ, dB' = alpha A'ᵀ dY, dC = beta dY summed over what was broadcast. */
export const gemm = rule((context, dy) => {
  const { node } = context;
  const [a, b, c] = node.input as [string, string, string?];
  const [transA, transB] = [intAttribute(node, 'transA', 0), intAttribute(node, 'transB', 0)];
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)];
  const da = () => (transA ? gemmOf(context, b, transB, dy, 1, alpha) : gemmOf(context, dy, 0, b, 1 - transB, alpha));
  const db = () => (transB ? gemmOf(context, dy, 1, a, transA, alpha) : gemmOf(context, a, 1 - transA, dy, 0, alpha));
  const dc = () => {
    const summed = sumTo(context, dy, context.dims(node.output[0] as string), context.dims(c as string));
    return beta === 1 ? summed : context.op('Mul', [summed, context.scalar(beta)]);
  };
  return [context.wants(0) ? da() : null, context.wants(1) ? db() : null, c && context.wants(2) ? dc() : null];
});

/** The last two axes exchanged. */
function transposed(context: RuleContext, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return context.op('Transpose', [value], { perm });
}

/** Y = A B over the last two axes, the others broadcast: dA = dY Bᵀ, dB = Aᵀ dY. Vectors are matrices of one row or column. */
export const matMul = rule((context, dy) => {
  const { node } = context;
  const [a, b] = node.input as [string, string];
  const [aDims, bDims] = [context.dims(a), context.dims(b)];
  if (aDims.length === 2 && bDims.length === 2)
    return [
      context.wants(0) ? gemmOf(context, dy, 0, b, 1, 1) : null,
      context.wants(1) ? gemmOf(context, a, 1, dy, 0, 1) : null,
    ];
  const asMatrix = (value: string, dims: readonly number[], full: readonly number[]) =>
    dims.length === full.length ? value : context.op('Reshape', [value, context.ints(full)]);
  const aFull = aDims.length === 1 ? [1, ...aDims] : aDims;
  const bFull = bDims.length === 1 ? [...bDims, 1] : bDims;
  const batch = context.dims(node.output[0] as string).slice(0, Math.max(aFull.length, bFull.length) - 2);
  const yFull = [...batch, aFull.at(-2) as number, bFull.at(-1) as number];
  const [aMatrix, bMatrix] = [asMatrix(a, aDims, aFull), asMatrix(b, bDims, bFull)];
  const dyMatrix = asMatrix(dy, context.dims(node.output[0] as string), yFull);
  const settled = (gradient: string, full: readonly number[], dims: readonly number[]) => {
    const from = [...batch, ...full.slice(-2)];
    const summed = sumTo(context, gradient, from, full);
    return dims.length === full.length ? summed : context.op('Reshape', [summed, context.ints(dims)]);
  };
  return [
    context.wants(0)
      ? settled(context.op('MatMul', [dyMatrix, transposed(context, bMatrix, bFull.length)]), aFull, aDims)
      : null,
    context.wants(1)
      ? settled(context.op('MatMul', [transposed(context, aMatrix, aFull.length), dyMatrix]), bFull, bDims)
      : null,
  ];
});
