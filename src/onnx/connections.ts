import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from './attributes.js';
import type { Channels } from './channels.js';
import type { ConstantLookup } from './constants.js';
import { layerWeight } from './layers.js';
import type { NodeProto } from './proto.js';
import type { Scope } from './scope.js';

/** How an operator with weights connects channels: calls `visit(input, output, sum)` for every pair with a nonzero weight, `sum` being its sum over kernel positions. */
export interface Connections {
  readonly inputs: number;
  readonly outputs: number;
  readonly axis: number;
  /** Whether positions at the border see padding instead of the input, so that a constant input does not give a constant level. */
  readonly padded: boolean;
  visit(each: (input: number, output: number, sum: number) => void): void;
}

/** Whether an operator with a window adds positions at the border. */
export const isPadded = (node: NodeProto): boolean =>
  (intsAttribute(node, 'pads')?.some(pad => pad !== 0) ?? false) ||
  stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME');

/** The connections of a Conv, ConvTranspose, Gemm or MatMul with constant weights; null for other nodes. */
export function connectionsOf(scope: Scope, node: NodeProto, lookup: ConstantLookup): Connections | null {
  const weight = layerWeight(scope, node, lookup);
  if (!weight) return null;
  const { data } = weight;
  const [first, second, ...kernel] = weight.dims as [number, number, ...number[]];
  const positions = kernel.reduce((a, b) => a * b, 1);
  const sumAt = (start: number): { sum: number; nonzero: boolean } => {
    let sum = 0;
    let nonzero = false;
    for (let at = start; at < start + positions; at++) {
      const item = data[at] as number;
      sum += item;
      nonzero ||= item !== 0;
    }
    return { sum, nonzero };
  };
  if (node.opType === 'Conv') {
    const group = intAttribute(node, 'group', 1);
    const outputsPerGroup = first / group;
    return {
      inputs: second * group,
      outputs: first,
      axis: 1,
      padded: isPadded(node),
      visit(each) {
        for (let output = 0; output < first; output++) {
          const from = Math.floor(output / outputsPerGroup) * second;
          for (let input = 0; input < second; input++) {
            const { sum, nonzero } = sumAt((output * second + input) * positions);
            if (nonzero) each(from + input, output, sum);
          }
        }
      },
    };
  }
  if (node.opType === 'ConvTranspose') {
    const group = intAttribute(node, 'group', 1);
    const inputsPerGroup = first / group;
    return {
      inputs: first,
      outputs: second * group,
      axis: 1,
      padded: true,
      visit(each) {
        for (let input = 0; input < first; input++) {
          const to = Math.floor(input / inputsPerGroup) * second;
          for (let output = 0; output < second; output++) {
            const { sum, nonzero } = sumAt((input * second + output) * positions);
            if (nonzero) each(input, to + output, sum);
          }
        }
      },
    };
  }
  if (intAttribute(node, 'transA', 0) !== 0) return null;
  const byRow = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
  const alpha = node.opType === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1;
  const [inputs, outputs] = byRow ? [second, first] : [first, second];
  return {
    inputs,
    outputs,
    axis: node.opType === 'Gemm' ? 1 : -1,
    padded: false,
    visit(each) {
      for (let at = 0; at < data.length; at++) {
        const item = data[at] as number;
        if (item === 0) continue;
        const row = Math.floor(at / second);
        const column = at - row * second;
        if (byRow) each(column, row, alpha * item);
        else each(row, column, alpha * item);
      }
    },
  };
}

/**
 * Maps an input index of a layer with weights to the channel it belongs to, where the input may be a flattened map of fewer channels;
 * null where the channels lie on another axis than the layer sums over, or the sizes do not fit.
 */
export function channelIndex(
  { opType }: NodeProto,
  input: Channels,
  inputs: number,
): ((index: number) => number) | null {
  const { axis, rank } = input;
  const isLast = axis === -1 || axis + 1 === rank;
  const isSummed = opType === 'MatMul' ? isLast : axis === 1 || (opType === 'Gemm' && isLast);
  if (!isSummed) return null;
  const count = input.constant.length;
  if (count === inputs && input.layout === 'plain') return index => index;
  if (inputs % count !== 0 || input.layout === 'plain') return null;
  const each = inputs / count;
  return input.layout === 'block' ? index => Math.floor(index / each) : index => index % count;
}
