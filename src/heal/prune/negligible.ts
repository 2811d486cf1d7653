import type { Anatomy, RectifiedLayer } from '../../audit/anatomy.js';
import { intAttribute } from '../../onnx/attributes.js';
import { freshNames } from '../../onnx/edit.js';
import type { LinearLayer } from '../../onnx/layers.js';
import { type Model, mainGraph } from '../../onnx/model.js';
import type { NodeProto } from '../../onnx/proto.js';
import { isWritable, typedTensor } from '../typed-tensor.js';
import { constantType } from './constant-type.js';

/** Whether a unit's weights, at a position of the layer's weight, are its own. */
function unitOf({ node, op, weight, units }: LinearLayer): (position: number) => number {
  const { dims, data } = weight;
  if (op === 'Conv' || (op === 'Gemm' && intAttribute(node, 'transB', 0) === 1)) {
    const row = data.length / units;
    return position => Math.floor(position / row);
  }
  if (op !== 'ConvTranspose') return position => position % units;
  const [inputs, perGroup] = dims as [number, number];
  const kernel = data.length / (inputs * perGroup);
  const inputsPerGroup = inputs / (units / perGroup);
  return position => {
    const row = Math.floor(position / kernel);
    return Math.floor(Math.floor(row / perGroup) / inputsPerGroup) * perGroup + (row % perGroup);
  };
}

/** Whether nothing but the rectifier sees what the layer makes. */
function isPrivate({ scope }: Anatomy, { rectifier, feed }: RectifiedLayer): boolean {
  const chain = feed ? [feed.node, ...feed.between].map(node => node.output[0] as string) : [];
  return (
    feed !== null &&
    rectifier.scope === scope &&
    chain.every((value, at) => {
      const readers = scope.consumers.get(value)?.length ?? 0;
      // Several nodes may spell a rectifier.
      return !scope.outputs.has(value) && (readers === 1 || at === chain.length - 1);
    })
  );
}

/**
 * Sets the weights of units that vanished beside their layer's (lost in float32 rounding) to exactly 0, in place, so that all that follows
 * is exact. Gives how many units that were, and the names of the initializers that replaced others.
 */
export function clearNegligible(model: Model, anatomy: Anatomy): { units: number; replaced: Map<string, string> } {
  const graph = mainGraph(model);
  const fresh = freshNames(model);
  const cleared = new Map<NodeProto, Float64Array>();
  const replaced = new Map<string, string>();
  let count = 0;
  for (const layer of anatomy.layers) {
    const { feed, vanished } = layer;
    if (!feed || !vanished.includes('negligible') || !isPrivate(anatomy, layer)) continue;
    if (!isWritable(constantType(anatomy.scope, feed.node.input[1] as string))) continue;
    const values = cleared.get(feed.node) ?? Float64Array.from(feed.weight.data);
    const unit = unitOf(feed);
    for (let at = 0; at < values.length; at++) if (vanished[unit(at)] === 'negligible') values[at] = 0;
    if (!cleared.has(feed.node)) count += vanished.filter(kind => kind === 'negligible').length;
    cleared.set(feed.node, values);
  }
  for (const [node, values] of cleared) {
    const old = node.input[1] as string;
    const dims = anatomy.lookup(anatomy.scope, old)?.dims ?? [];
    const name = fresh(old);
    graph.initializer.push(typedTensor(constantType(anatomy.scope, old), name, dims, values));
    node.input[1] = name;
    replaced.set(name, old);
  }
  return { units: count, replaced };
}
