import { floatAttribute, isStandard, stringAttribute } from '../onnx/attributes.js';
import type { ConstantLookup } from '../onnx/constants.js';
import type { NodeProto } from '../onnx/proto.js';
import type { Scope } from '../onnx/scope.js';
import { geluRectifier } from '../rectifiers/gelu.js';
import { geluTanhRectifier } from '../rectifiers/gelu-tanh.js';
import { hardSwishRectifier } from '../rectifiers/hard-swish.js';
import { mishRectifier } from '../rectifiers/mish.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { siluRectifier } from '../rectifiers/silu.js';
import { softplusRectifier } from '../rectifiers/softplus.js';

/** A smooth rectifier, or one that multiplies its input by a gate, that is all that reads a value. */
export interface Gated {
  readonly rectifier: Rectifier;
  readonly output: string;
}

const near = (value: number | null | undefined, wanted: number): boolean =>
  typeof value === 'number' && Math.abs(value - wanted) < 1e-5;

function singleNode(node: NodeProto): Rectifier | null {
  switch (node.opType) {
    case 'HardSwish':
      return hardSwishRectifier();
    case 'Mish':
      return mishRectifier();
    case 'Softplus':
      return softplusRectifier();
    case 'Gelu':
      return stringAttribute(node, 'approximate', 'none') === 'tanh' ? geluTanhRectifier() : geluRectifier();
    default:
      return null;
  }
}

/**
 * The rectifier that is all that reads a value, where it is one of HardSwish, Mish, Softplus and Gelu, or x times Sigmoid(x), HardSigmoid(x) or
 * Clip(x + 3, 0, 6)/6 (SiLU and hard-swish, as exporters spell them); null for anything else.
 */
export function gatedRectifier(scope: Scope, value: string, lookup: ConstantLookup): Gated | null {
  const readers = (scope.consumers.get(value) ?? []).filter(isStandard);
  const constant = (name: string | undefined) => {
    const data = name ? lookup(scope, name)?.data : null;
    return data?.length === 1 ? data[0] : null;
  };
  const only = (name: string | undefined): NodeProto | null => {
    const all = name && !scope.outputs.has(name) ? (scope.consumers.get(name) ?? []) : [];
    return all.length === 1 && isStandard(all[0] as NodeProto) ? (all[0] as NodeProto) : null;
  };
  const single = only(value);
  const rectifier = single && singleNode(single);
  if (rectifier) return { rectifier, output: single?.output[0] as string };
  const product = readers.find(({ opType }) => opType === 'Mul');
  const gate = readers.find(reader => reader !== product);
  if (!product || !gate || readers.length !== 2 || scope.outputs.has(value)) return null;
  const isSixth = (node: NodeProto | null, from: string | undefined): boolean =>
    (node?.opType === 'Div' && node.input[0] === from && near(constant(node.input[1]), 6)) ||
    (node?.opType === 'Mul' && node.input.some(name => name !== from && near(constant(name), 1 / 6)));
  const multiplies = (name: string | undefined) => only(name) === product;
  const done = product.output[0] as string;
  if (gate.opType === 'Sigmoid')
    return multiplies(gate.output[0]) ? { rectifier: siluRectifier(), output: done } : null;
  if (gate.opType === 'HardSigmoid') {
    const isThird = near(floatAttribute(gate, 'alpha', 0.2), 1 / 6) && near(floatAttribute(gate, 'beta', 0.5), 0.5);
    return isThird && multiplies(gate.output[0]) ? { rectifier: hardSwishRectifier(), output: done } : null;
  }
  const clip = gate.opType === 'Add' && gate.input.some(name => near(constant(name), 3)) ? only(gate.output[0]) : null;
  if (clip?.opType !== 'Clip') return null;
  const bound = (at: number, name: string) =>
    clip.input[at] ? constant(clip.input[at]) : floatAttribute(clip, name, NaN);
  if (!near(bound(1, 'min'), 0) || !near(bound(2, 'max'), 6)) return null;
  const clipped = clip.output[0];
  const before = only(clipped);
  if (before !== product)
    return isSixth(before, clipped) && multiplies(before?.output[0])
      ? { rectifier: hardSwishRectifier(), output: done }
      : null;
  const after = only(done);
  return isSixth(after, done) ? { rectifier: hardSwishRectifier(), output: after?.output[0] as string } : null;
}
