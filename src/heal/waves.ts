import type { UnitReport } from '../audit/report.js';
import type { NodeProto } from '../onnx/proto.js';
import type { DeadUnit } from './dead-unit.js';
import { livingInputs } from './fresh-weights.js';

/** A unit, and the inputs that its fresh weights are drawn for. */
export type WeighingUnit = DeadUnit & { readonly inputs: readonly number[] };

/** The inputs of each layer that belong to one of the units. */
function inputsOf(units: readonly DeadUnit[]): Map<NodeProto, Set<number>> {
  const found = new Map<NodeProto, Set<number>>();
  for (const { node, inputs } of units.flatMap(({ out }) => out.readers))
    found.set(node, new Set([...(found.get(node) ?? []), ...inputs]));
  return found;
}

/**
 * Units in waves, each with the inputs that its fresh weights are drawn for: what a unit of one wave weighs varies only with units that live anyhow and with revived units of
 * earlier waves. Nearly all are in the first: weights between revived units are 0, except where a unit has no other input, as in a depthwise convolution, or is one of `wide`.
 */
export function wavesOf(units: readonly DeadUnit[], wide: ReadonlySet<UnitReport>): WeighingUnit[][] {
  const silenced = inputsOf(units);
  const waves: WeighingUnit[][] = [];
  const passing = new Map<string, { channel: number; wave: number }[]>();
  for (const each of [...units].sort((a, b) => a.layer - b.layer)) {
    const { into, unit, out } = each;
    const { node } = into.feed;
    const revived = silenced.get(node) ?? new Set();
    const inputs = livingInputs(into, unit, wide.has(each.found) ? new Set() : revived);
    const isDepthwise = inputs.length === 1 && node.opType === 'Conv';
    const isLate = isDepthwise || inputs.some(input => revived.has(input));
    const before = isLate ? (passing.get(node.input[0] as string) ?? []) : [];
    const wave = before.reduce(
      (latest, { channel, wave: its }) => (isDepthwise && channel !== inputs[0] ? latest : Math.max(latest, its + 1)),
      0,
    );
    waves[wave] = [...(waves[wave] ?? []), { ...each, inputs }];
    for (const { value, channel } of out.through)
      passing.set(value, [...(passing.get(value) ?? []), { channel, wave }]);
  }
  return waves;
}
