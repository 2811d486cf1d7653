import { isStandard } from '../../onnx/attributes.js';
import { binary, keepsChannels, keepsLevel, unary } from '../../onnx/channels.js';
import type { NodeProto } from '../../onnx/proto.js';
import { batchNorm, broadcasting, channelwise, instanceNorm, reshape, resize, squeeze } from './elementwise.js';
import { concat, move, slice, split } from './joining.js';
import { layer } from './layer.js';
import type { Rule } from './rule.js';

/** Computed shapes: the channels stay where their count is read in a way that is not followed. */
const shape: Rule = {
  tie: ({ sizes }, node) =>
    sizes.readCounts.has(node.input[0] as string) ? 'the number of channels is computed with' : null,
  cut: () => {},
};

const rules = new Map<string, Rule>([
  ...[...Object.keys(unary), ...keepsChannels, ...keepsLevel, 'Clip', 'Pad', 'Transpose', 'Flatten', 'Unsqueeze'].map(
    op => [op, channelwise] as const,
  ),
  ...Object.keys(binary).map(op => [op, broadcasting] as const),
  ...['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map(op => [op, layer] as const),
  ['BatchNormalization', batchNorm],
  ['InstanceNormalization', instanceNorm],
  ['Resize', resize],
  ['Upsample', resize],
  ['Reshape', reshape],
  ['Squeeze', squeeze],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', move],
  ['DepthToSpace', move],
  ['Shape', shape],
  ['Size', shape],
]);

/** The rule for a node; null for operators whose channels are not followed. */
export function ruleOf(node: NodeProto): Rule | null {
  if (!isStandard(node)) return null;
  return rules.get(node.opType) ?? (node.opType.startsWith('Reduce') ? channelwise : null);
}
