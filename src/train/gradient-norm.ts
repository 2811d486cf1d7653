import type { Writer } from './writer.js';

/** Squared lengths of the gradients as one vector. */
export function squaresOf(writer: Writer, gradients: readonly string[]): string {
  const one = writer.ints([1]);
  const squares = gradients.map(gradient =>
    writer.op('Reshape', [writer.op('ReduceSumSquare', [gradient], { keepdims: 0 }), one]),
  );
  return squares.length === 1 ? (squares[0] as string) : writer.op('Concat', squares, { axis: 0 });
}

/** What each gradient is multiplied by, so that all together are no longer than the limit (Pascanu, Mikolov & Bengio 2013). */
export function clipFactor(writer: Writer, squares: string, clipNorm: number): string {
  const length = writer.op('Sqrt', [writer.op('ReduceSum', [squares], { keepdims: 0 })]);
  const quotient = writer.op('Div', [writer.scalar(clipNorm), writer.op('Add', [length, writer.scalar(1e-6)])]);
  return writer.op('Min', [quotient, writer.scalar(1)]);
}
