import { Failure } from '../../failure.js';
import { inputSpecs, opsetOf } from '../../onnx/model.js';
import type { SessionOptions } from '../../onnx/runtime.js';
import { readsOf } from '../../onnx/scope.js';
import { shapesOf } from '../../onnx/shapes.js';
import type { Anatomy } from '../anatomy.js';
import { type Best, bestOf } from './backward-pass.js';
import { product } from './backward-rules.js';
import { boxesOf, type InputRanges } from './box.js';
import { elementBounds, intervalBounds, type UnitBounds, unitAxisOf } from './interval-bounds.js';
import { type IntervalGraph, intervalGraph, isInterval } from './interval-graph.js';
import { tighten } from './linear-bounds.js';

export interface ProveOptions extends SessionOptions {
  /** Multiply-adds that the linear bounds of all layers together may take, what one leaves going to the next (default 6e10, some seconds); 0 for interval bounds only. */
  readonly linearWork?: number;
}

/** Bounds of the units of one layer, or why there are none. */
export type LayerBounds = (UnitBounds & { readonly method: 'interval' | 'linear' }) | { readonly unbounded: string };

/** Elements of a pre-activation beyond which its linear bounds are not worth their time, and of a value that they go through. */
const mostTargets = 2 ** 15;
const mostElements = 2 ** 18;
/** Layers of so many elements are bounded in full, larger ones only where the sign is open. */
const inFull = 2 ** 10;
/** Elements of all values that linear bounds may hold at once. */
const mostHeld = 2 ** 24;

/** The values that a value depends on, itself included, as far as they have bounds and are small enough. */
function ancestors({ scope }: Anatomy, { known, sketch }: IntervalGraph, target: string): Set<string> {
  const fits = (value: string) =>
    isInterval(known.get(value)) && product(sketch.shapes.get(value) ?? [Infinity]) <= mostElements;
  const found = new Set([target]);
  for (const value of found) {
    const node = scope.producer.get(value);
    for (const name of node ? readsOf(node) : []) if (fits(name)) found.add(name);
  }
  return found;
}

/** The layers whose linear bounds are affordable, by place, and every value they need. */
function affordable(anatomy: Anatomy, graph: IntervalGraph, candidates: readonly number[]) {
  const needed = new Set<string>();
  let held = 0;
  const chosen = candidates.filter(index => {
    const target = anatomy.layers[index]?.rectifier.input as string;
    const dims = graph.sketch.shapes.get(target) ?? [];
    if (dims[0] !== 1 || product(dims) > mostTargets) return false;
    const more = [...ancestors(anatomy, graph, target)].filter(value => !needed.has(value));
    const size = more.reduce((sum, value) => sum + product(graph.sketch.shapes.get(value) as readonly number[]), 0);
    if (held + size > mostHeld) return false;
    held += size;
    for (const value of more) needed.add(value);
    return true;
  });
  return { chosen, needed };
}

/** Bounds of each unit from those of its elements. */
function unitBounds({ lower, upper }: Best, dims: readonly number[], axis: number): UnitBounds {
  const units = dims[axis] as number;
  const inner = product(dims.slice(axis + 1));
  const bounds = { lower: new Float64Array(units).fill(Infinity), upper: new Float64Array(units).fill(-Infinity) };
  lower.forEach((low, at) => {
    const unit = Math.floor(at / inner) % units;
    bounds.lower[unit] = Math.min(bounds.lower[unit] as number, low);
    bounds.upper[unit] = Math.max(bounds.upper[unit] as number, upper[at] as number);
  });
  return bounds;
}

/**
 * Proves bounds of every unit's pre-activation over all inputs in a box: they hold for the network in exact arithmetic and for what float32
 * inference makes of it. `dims` are the inputs' dimensions. Gives one entry for each layer of the anatomy. Throws a Failure for ranges that do not fit
 * the model. Interval bounds as in Gowal et al. 2018, linear ones as in Zhang et al. 2018 (CROWN): docs/proofs.md.
 *
 * @example
 * import { dissect, proveBounds, provedConstants } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, readModel, valueInfo, writeModel } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 1])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [1, 2], [2, 1]), floatTensor('b', [2], [0.5, -3])],
 * });
 * const model = readModel(writeModel({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 }));
 * const anatomy = dissect(model);
 * const bounds = await proveBounds(anatomy, { x: [1, 1] }, { x: { lower: -1, upper: 1 } });
 * Array.from(bounds[0].upper, upper => upper.toFixed(3)); // => ["2.500", "-2.000"]
 * [...provedConstants(anatomy.layers, bounds).get('y').keys()]; // => [1]
 */
export async function proveBounds(
  anatomy: Anatomy,
  dims: Readonly<Record<string, readonly number[]>>,
  ranges: InputRanges,
  options: ProveOptions = {},
): Promise<LayerBounds[]> {
  const { model, scope, layers } = anatomy;
  if (opsetOf(model) < 8)
    throw new Failure(
      'input',
      `prove '${model.name}': the operator set must be version 8 or later, got ${opsetOf(model)}`,
    );
  const boxes = boxesOf(inputSpecs(model), dims, ranges);
  const values = [...boxes.keys(), ...scope.nodes.flatMap(node => node.output.filter(name => name !== ''))];
  const shapes = await shapesOf(model, dims, values, options);
  const graph = intervalGraph(anatomy, shapes, new Set(boxes.keys()));
  const found = await intervalBounds(anatomy, graph, boxes, options);
  const results = found.layers.map(
    (bounds): LayerBounds => (typeof bounds === 'string' ? { unbounded: bounds } : { ...bounds, method: 'interval' }),
  );
  const { linearWork = 6e10 } = options;
  const bounded = [...results.keys()].filter(index => linearWork > 0 && 'lower' in (results[index] as LayerBounds));
  const { chosen, needed } = affordable(anatomy, graph, bounded);
  if (chosen.length === 0) return results;
  const best = new Map(
    [...(await elementBounds(anatomy, graph, boxes, [...needed], options))].map(([value, bounds]) => [
      value,
      bestOf(bounds),
    ]),
  );
  let left = linearWork;
  for (const [place, index] of chosen.entries()) {
    const layer = layers[index] as (typeof layers)[number];
    const { input, threshold, ceiling } = layer.rectifier;
    const target = best.get(input) as Best;
    const kinks = new Set([0, threshold, ceiling]);
    const isSmall = target.lower.length <= inFull;
    const open = [...target.lower.keys()].filter(
      at =>
        isSmall || [...kinks].some(kink => (target.lower[at] as number) < kink && (target.upper[at] as number) > kink),
    );
    if (open.length === 0) continue;
    const share = left / (chosen.length - place);
    const spent = await tighten({ anatomy, shapes, best }, input, open, share, options);
    left -= spent;
    if (spent === 0) continue;
    const shape = shapes.get(input) as readonly number[];
    results[index] = { ...unitBounds(target, shape, unitAxisOf(layer, shape)), method: 'linear' };
  }
  return results;
}
