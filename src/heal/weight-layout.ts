import { intAttribute } from '../onnx/attributes.js';
import type { NodeProto } from '../onnx/proto.js';

/** Where the weights between an output and an input of a layer lie: `kernel` neighbours from `at(output, input)` on, which is -1 for two that are not connected. */
export interface WeightLayout {
  readonly outputs: number;
  readonly inputs: number;
  readonly kernel: number;
  at(output: number, input: number): number;
}

/** The layout of the weight of a Conv, ConvTranspose, Gemm or MatMul with the given dimensions. */
export function weightLayout(node: NodeProto, dims: readonly number[]): WeightLayout {
  const [first, second, ...rest] = dims as [number, number, ...number[]];
  const kernel = rest.reduce((a, b) => a * b, 1);
  const groups = intAttribute(node, 'group', 1);
  if (node.opType === 'Conv') {
    const outputsEach = first / groups;
    return {
      outputs: first,
      inputs: second * groups,
      kernel,
      at: (output, input) =>
        Math.floor(output / outputsEach) === Math.floor(input / second)
          ? (output * second + (input % second)) * kernel
          : -1,
    };
  }
  if (node.opType === 'ConvTranspose') {
    const inputsEach = first / groups;
    return {
      outputs: second * groups,
      inputs: first,
      kernel,
      at: (output, input) =>
        Math.floor(output / second) === Math.floor(input / inputsEach)
          ? (input * second + (output % second)) * kernel
          : -1,
    };
  }
  const byRow = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
  return byRow
    ? { outputs: first, inputs: second, kernel: 1, at: (output, input) => output * second + input }
    : { outputs: second, inputs: first, kernel: 1, at: (output, input) => input * second + output };
}
