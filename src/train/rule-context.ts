import { Failure } from '../failure.js';
import type { NodeProto } from '../onnx/proto.js';
import type { RuleContext } from './rule.js';
import type { Writer } from './writer.js';

/**
 * What a rule may ask and do about one node: `shapes` are the dimensions of the values around it, `numbers` gives those that are constant, and
 * `needed` are the values whose gradients are wanted. `summands` has, for gradients, smaller values with the same sums over all axes but that of channels.
 */
export function contextFor(
  node: NodeProto,
  writer: Writer,
  shapes: ReadonlyMap<string, readonly number[]>,
  numbers: (name: string) => readonly number[] | null,
  needed: ReadonlySet<string>,
  summands: Map<string, string>,
): RuleContext {
  const inputs = [...node.input];
  return {
    ...writer,
    node,
    dims(value) {
      const known = shapes.get(value);
      if (!known) throw new Failure('input', `the dimensions of '${value}' must be known, got none`);
      return known;
    },
    constant: index => (inputs[index] ? numbers(inputs[index]) : null),
    wants: index => needed.has(inputs[index] ?? ''),
    output(index) {
      while (node.output.length <= index) node.output.push('');
      node.output[index] ||= writer.fresh(node.opType);
      return node.output[index];
    },
    sumsLike: (gradient, smaller) => summands.set(gradient, summands.get(smaller) ?? smaller),
    smallestSummand: gradient => summands.get(gradient) ?? gradient,
    replace(outputs) {
      const copies = node.output.flatMap((name, index) => (name && outputs[index] ? [[outputs[index], name]] : []));
      const [[value, name], ...others] = copies as [[string, string], ...[string, string][]];
      Object.assign(node, { opType: 'Identity', input: [value], output: [name], attribute: [] });
      for (const [from, to] of others) writer.alias(from, to);
    },
  };
}
