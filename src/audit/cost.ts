import { intAttribute } from '../onnx/attributes.js';
import { channelIndex } from '../onnx/connections.js';
import type { Constant, ConstantLookup } from '../onnx/constants.js';
import { layerWeight } from '../onnx/layers.js';
import type { NodeProto } from '../onnx/proto.js';
import type { Scope } from '../onnx/scope.js';
import type { Flow } from './anatomy.js';

/** What a layer with weights costs: parameters it holds and multiply-adds of one sample (null where shapes are not known). */
export interface Cost {
  parameters: number;
  multiplyAdds: number | null;
}

/** The values whose shapes tell the multiply-adds of a graph: outputs of its convolutions and matrix products. */
export const costlyValues = (scope: Scope, lookup: ConstantLookup): string[] =>
  scope.nodes
    .filter(node => layerWeight(scope, node, lookup))
    .flatMap(node =>
      node.opType === 'ConvTranspose'
        ? [node.input[0] as string, node.output[0] as string]
        : [node.output[0] as string],
    );

/** Which channels of a value may go: constant ones and ones no output reads. Null where nothing tells its channels apart. */
function idleChannels(value: string, { known, reads }: Flow): ((channel: number) => boolean) | null {
  const knowledge = known.get(value);
  const flags = reads.get(value);
  if (knowledge === 'constant' || (flags === undefined && known.has(value))) return () => true;
  if (typeof knowledge !== 'object') return null;
  return channel => knowledge.constant[channel] === 1 || (flags !== 'all' && flags?.[channel] !== 1);
}

interface Shape {
  readonly groups: number;
  readonly outputs: number;
  readonly inputs: number;
  /** Weights that connect one input to one output. */
  readonly kernel: number;
}

function shapeOf(node: NodeProto, dims: readonly number[]): Shape {
  const [first, second, ...rest] = dims as [number, number, ...number[]];
  const kernel = rest.reduce((a, b) => a * b, 1);
  const groups = intAttribute(node, 'group', 1);
  if (node.opType === 'Conv') return { groups, outputs: first, inputs: second * groups, kernel };
  if (node.opType === 'ConvTranspose') return { groups, outputs: second * groups, inputs: first, kernel };
  const byRow = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
  return { groups: 1, outputs: byRow ? first : second, inputs: byRow ? second : first, kernel: 1 };
}

/** Positions at which each weight is used, for one sample: output positions, input positions for a transposed convolution. */
export function usesOf(node: NodeProto, shapes: ReadonlyMap<string, readonly number[]>): number | null {
  const output = shapes.get(node.output[0] as string);
  if (!output) return null;
  const each = (dims: readonly number[]) => dims.slice(1).reduce((a, b) => a * b, 1);
  if (node.opType === 'Conv') return each(output) / (output[1] as number);
  if (node.opType === 'ConvTranspose') {
    const input = shapes.get(node.input[0] as string);
    return input ? each(input) / (input[1] as number) : null;
  }
  return output.length < 2 ? 1 : each(output) / (output[output.length - 1] as number);
}

const channelwise = new Set('BatchNormalization PRelu Add Sub Mul Div'.split(' '));

/** The elements of a constant operand that belong to kept channels of the node's output. */
function keptElements(constant: Constant, output: string, flow: Flow): number {
  const { dims, data } = constant;
  const knowledge = flow.known.get(output);
  const isIdle = idleChannels(output, flow);
  if (!isIdle) return data.length;
  if (typeof knowledge !== 'object') return 0;
  const { axis, rank } = knowledge;
  const count = knowledge.constant.length;
  // A batch norm's numbers are one for each channel; other operands broadcast from the last axis.
  const at =
    data.length === count
      ? dims.indexOf(count)
      : axis < 0
        ? dims.length + axis
        : rank === null
          ? -1
          : axis + dims.length - rank;
  if (knowledge.layout !== 'plain' || dims[at] !== count) return data.length;
  let kept = 0;
  for (let channel = 0; channel < count; channel++) if (!isIdle(channel)) kept++;
  return (data.length / count) * kept;
}

/**
 * The parameters and multiply-adds that stay when every idle channel goes: for each layer with weights those between channels
 * that are kept, and for batch norms, slopes and other channelwise constants those of kept channels. A tensor that several nodes
 * share stays as far as one of them keeps it. With `flow` null nothing goes: that is the cost of the model as it is.
 */
export function keptCost(
  scope: Scope,
  lookup: ConstantLookup,
  flow: Flow | null,
  shapes: ReadonlyMap<string, readonly number[]>,
): Cost {
  const tensors = new Map<string, number>();
  const hold = ({ source }: Constant, kept: number) => tensors.set(source, Math.max(tensors.get(source) ?? 0, kept));
  let multiplyAdds: number | null = 0;
  const keptOf = (isIdle: ((index: number) => boolean) | null, from: number, to: number): number => {
    if (!isIdle) return to - from;
    let count = 0;
    for (let index = from; index < to; index++) if (!isIdle(index)) count++;
    return count;
  };
  const idleOutputs = (value: string) => flow && idleChannels(value, flow);
  const idleInputs = (node: NodeProto, inputs: number) => {
    const value = node.input[0] as string;
    const isIdle = flow && idleChannels(value, flow);
    const knowledge = flow?.known.get(value);
    if (!isIdle || typeof knowledge !== 'object') return isIdle;
    const channel = channelIndex(node, knowledge, inputs);
    return channel && ((index: number) => isIdle(channel(index)));
  };
  for (const node of scope.nodes) {
    const output = node.output[0] as string;
    const weight = layerWeight(scope, node, lookup);
    if (weight) {
      const { groups, outputs, inputs, kernel } = shapeOf(node, weight.dims);
      const [idleOut, idleIn] = [idleOutputs(output), idleInputs(node, inputs)];
      let pairs = 0;
      let keptOutputs = 0;
      for (let group = 0; group < groups; group++) {
        const out = keptOf(idleOut, (group * outputs) / groups, ((group + 1) * outputs) / groups);
        pairs += out * keptOf(idleIn, (group * inputs) / groups, ((group + 1) * inputs) / groups);
        keptOutputs += out;
      }
      hold(weight, pairs * kernel);
      const bias = node.input[2] ? lookup(scope, node.input[2]) : null;
      if (bias) hold(bias, keptOutputs);
      const uses = usesOf(node, shapes);
      multiplyAdds = uses === null || multiplyAdds === null ? null : multiplyAdds + pairs * kernel * uses;
    } else if (channelwise.has(node.opType)) {
      for (const name of node.input) {
        const constant = lookup(scope, name);
        if (constant && constant.data.length > 1)
          hold(constant, flow ? keptElements(constant, output, flow) : constant.data.length);
      }
    }
  }
  return { parameters: [...tensors.values()].reduce((a, b) => a + b, 0), multiplyAdds };
}
