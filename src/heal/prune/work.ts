import { usesOf } from '../../audit/cost.js';
import { intAttribute } from '../../onnx/attributes.js';
import type { Context } from '../../onnx/channels.js';
import { connectionsOf } from '../../onnx/connections.js';
import { layerWeight } from '../../onnx/layers.js';
import type { Decision } from './decide.js';

/**
 * Multiply-adds of one sample that the layers of a model take once the channels that go are gone. A layer whose shapes are not known counts
 * each weight once.
 */
export function workLeft(
  { scope, lookup, known }: Context,
  { goes }: Decision,
  shapes: ReadonlyMap<string, readonly number[]>,
): number {
  let work = 0;
  const share = (value: string): number => {
    const channels = known.get(value);
    if (typeof channels !== 'object') return 1;
    const kept = [...channels.constant.keys()].filter(channel => !goes(value, channel)).length;
    return kept / channels.constant.length;
  };
  for (const node of scope.nodes) {
    const connections = connectionsOf(scope, node, lookup);
    const weight = layerWeight(scope, node, lookup);
    if (!connections || !weight) continue;
    const isGrouped = intAttribute(node, 'group', 1) > 1;
    const kept = share(node.output[0] as string) * (isGrouped ? 1 : share(node.input[0] as string));
    work += weight.data.length * kept * (usesOf(node, shapes) ?? 1);
  }
  return work;
}
