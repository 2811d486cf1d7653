import type { Constant } from '../../onnx/constants.js';
import type { Numbers } from '../../onnx/tensor.js';

/** The given positions along one axis of a constant, in the order given. */
export function sliced(
  { dims, data }: Pick<Constant, 'dims' | 'data'>,
  axis: number,
  positions: readonly number[],
): { dims: number[]; values: Numbers } {
  const size = dims[axis] as number;
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = data.length / (size * inner);
  const length = outer * positions.length * inner;
  const values = data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  let to = 0;
  for (let block = 0; block < outer; block++)
    for (const position of positions) {
      const from = (block * size + position) * inner;
      values.set(data.subarray(from, from + inner), to);
      to += inner;
    }
  return { dims: dims.map((dim, at) => (at === axis ? positions.length : dim)), values };
}
