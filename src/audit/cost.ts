import { intAttribute } from '../onnx/attributes.js';
import type { Knowledge, Reads } from '../onnx/channels.js';
import type { ConstantLookup } from '../onnx/constants.js';
import type { NodeProto } from '../onnx/proto.js';
import type { Scope } from '../onnx/scope.js';

/** What a layer with weights costs: parameters it holds and multiply-adds of one sample (null where shapes are not known). */
export interface Cost {
  parameters: number;
  multiplyAdds: number | null;
}

/** The values whose shapes tell the multiply-adds of a graph: outputs of its convolutions and matrix products. */
export const costlyValues = (scope: Scope, lookup: ConstantLookup): string[] =>
  scope.nodes
    .filter(node => weightOf(scope, node, lookup))
    .flatMap(node =>
      node.opType === 'ConvTranspose'
        ? [node.input[0] as string, node.output[0] as string]
        : [node.output[0] as string],
    );

const weightOf = (scope: Scope, node: NodeProto, lookup: ConstantLookup) =>
  ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(node.opType) ? lookup(scope, node.input[1] as string) : null;

/** Which channels of a value may go: constant ones and ones no output reads. A flattened value keeps the channels of its map. */
function idle(
  value: string,
  known: ReadonlyMap<string, Knowledge>,
  reads: ReadonlyMap<string, Reads>,
): ((channel: number, of: number) => boolean) | null {
  const knowledge = known.get(value);
  if (typeof knowledge !== 'object') return null;
  const flags = reads.get(value);
  const count = knowledge.constant.length;
  const channelOf = (channel: number, of: number) =>
    knowledge.layout === 'block' ? Math.floor((channel * count) / of) : channel % count;
  return (at, of) => {
    const channel = channelOf(at, of);
    return knowledge.constant[channel] === 1 || (flags !== 'all' && flags?.[channel] !== 1);
  };
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
function usesOf(node: NodeProto, shapes: ReadonlyMap<string, readonly number[]>): number | null {
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

/**
 * The parameters and multiply-adds that stay when every idle channel goes: for each layer with weights those between channels
 * that are kept, and for batch norms and slopes those of kept channels. With nothing known, that is the cost of the model as it is.
 */
export function keptCost(
  scope: Scope,
  lookup: ConstantLookup,
  known: ReadonlyMap<string, Knowledge>,
  reads: ReadonlyMap<string, Reads>,
  shapes: ReadonlyMap<string, readonly number[]>,
): Cost {
  const cost: Cost = { parameters: 0, multiplyAdds: 0 };
  const kept = (value: string, from: number, to: number, of: number): number => {
    const isIdle = idle(value, known, reads);
    if (!isIdle) return to - from;
    let count = 0;
    for (let channel = from; channel < to; channel++) if (!isIdle(channel, of)) count++;
    return count;
  };
  for (const node of scope.nodes) {
    const output = node.output[0] as string;
    const weight = weightOf(scope, node, lookup);
    if (weight) {
      const { groups, outputs, inputs, kernel } = shapeOf(node, weight.dims);
      let pairs = 0;
      let keptOutputs = 0;
      for (let group = 0; group < groups; group++) {
        const out = kept(output, (group * outputs) / groups, ((group + 1) * outputs) / groups, outputs);
        pairs +=
          out * kept(node.input[0] as string, (group * inputs) / groups, ((group + 1) * inputs) / groups, inputs);
        keptOutputs += out;
      }
      cost.parameters += pairs * kernel + (node.input[2] ? keptOutputs : 0);
      const uses = usesOf(node, shapes);
      cost.multiplyAdds =
        uses === null || cost.multiplyAdds === null ? null : cost.multiplyAdds + pairs * kernel * uses;
    } else if (node.opType === 'BatchNormalization' || node.opType === 'PRelu') {
      for (const name of node.input.slice(1)) {
        const parameters = lookup(scope, name)?.data.length ?? 0;
        cost.parameters += parameters > 1 ? kept(output, 0, parameters, parameters) : 0;
      }
    }
  }
  return cost;
}
