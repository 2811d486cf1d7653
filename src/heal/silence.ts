import type { Anatomy } from '../audit/anatomy.js';
import { floatAttribute } from '../onnx/attributes.js';
import { layerWeight } from '../onnx/layers.js';
import type { NodeProto } from '../onnx/proto.js';
import type { DeadUnit } from './dead-unit.js';
import type { Edits } from './edits.js';
import { weightLayout } from './weight-layout.js';

/** Sets the weights with which layers read the units to 0 and adds what they made of the units' constants to their biases. */
export function silence(edits: Edits, { scope, lookup }: Anatomy, units: readonly DeadUnit[]): void {
  const done = new Map<NodeProto, Set<number>>();
  for (const { node, inputs, level } of units.flatMap(({ out }) => out.readers)) {
    const { dims } = layerWeight(scope, node, lookup) as { dims: readonly number[] };
    const layout = weightLayout(node, dims);
    const weights = edits.numbers(node.input[1] as string);
    const seen = done.get(node) ?? new Set();
    done.set(node, seen);
    const bias = level === 0 ? null : edits.bias(node, layout.outputs);
    const isGemm = node.opType === 'Gemm';
    const factor = isGemm
      ? floatAttribute(node, 'alpha', 1) / (node.input[2] ? floatAttribute(node, 'beta', 1) : 1)
      : 1;
    for (const input of inputs) {
      // Units may reach the same input on several ways.
      if (seen.has(input)) continue;
      seen.add(input);
      for (let output = 0; output < layout.outputs; output++) {
        const from = layout.at(output, input);
        if (from < 0) continue;
        let sum = 0;
        for (let at = from; at < from + layout.kernel; at++) sum += weights[at] as number;
        weights.fill(0, from, from + layout.kernel);
        if (bias) bias[output]! += factor * level * sum;
      }
    }
  }
}
