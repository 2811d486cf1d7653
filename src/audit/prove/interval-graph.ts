import { isStandard } from '../../onnx/attributes.js';
import { graph, node as makeNode, modelProto, valueInfo } from '../../onnx/build.js';
import { freshNames } from '../../onnx/edit.js';
import { type Model, opsetOf } from '../../onnx/model.js';
import type { NodeProto } from '../../onnx/proto.js';
import type { Rectifier } from '../../onnx/rectifiers.js';
import { nodeName, readsOf } from '../../onnx/scope.js';
import type { Anatomy } from '../anatomy.js';
import { arithmeticRules } from './arithmetic-rules.js';
import { linearRules } from './linear-rules.js';
import { isPiecewiseLinear, rectified } from './rectifier-rule.js';
import { shapeRules } from './shape-rules.js';
import { type Bounded, emit, type Interval, isExact, type Rule, type Sketch } from './sketch.js';

const rules: Readonly<Record<string, Rule>> = { ...linearRules, ...arithmeticRules, ...shapeRules };
const ofShapes = new Set(['Shape', 'Size']);
const random = /^(Random|Multinomial|Bernoulli)/;

/** The graph that computes bounds of a model's values from those of its inputs. */
export interface IntervalGraph {
  /** Nodes and initializers without outputs: callers choose what to compute. */
  readonly sketch: Sketch;
  readonly known: ReadonlyMap<string, Bounded>;
  /** For each value whose bounds were computed: a number that is not finite, or above 1e30, where they overflowed. */
  readonly guards: ReadonlyMap<string, string>;
  /** Names of the graph's inputs that hold the bounds of the model's inputs. */
  readonly inputs: ReadonlyMap<string, { readonly lower: string; readonly upper: string }>;
}

export const isInterval = (found: Bounded | undefined): found is Interval =>
  typeof found === 'object' && 'lower' in found;

/** Why a node's outputs have no bounds: the first of its inputs without, or the node itself. */
function unboundedBy({ known }: Sketch, node: NodeProto): { unbounded: string } {
  for (const name of readsOf(node)) {
    const found = known.get(name);
    if (typeof found === 'object' && 'unbounded' in found) return found;
  }
  return { unbounded: `there is no rule for node '${nodeName(node)}' (${node.opType}) that bounds it` };
}

/** Takes one node into the graph. */
function follow(sketch: Sketch, node: NodeProto, rectifiers: ReadonlyMap<string, Rectifier>): Bounded[] {
  const reads = readsOf(node);
  const isPlain =
    isStandard(node) && !random.test(node.opType) && !node.attribute.some(({ g, graphs }) => g || graphs.length > 0);
  if (isPlain && reads.every(name => isExact(sketch, name))) {
    sketch.nodes.push(node);
    return node.output.map(() => 'exact');
  }
  const rectifier = rectifiers.get(node.output[0] as string);
  if (rectifier && isPiecewiseLinear(rectifier) && isInterval(sketch.known.get(rectifier.input)))
    return [rectified(sketch, rectifier)];
  const isBounded = reads.every(name => isExact(sketch, name) || isInterval(sketch.known.get(name)));
  if (isPlain && isBounded && ofShapes.has(node.opType)) {
    const { lower } = sketch.known.get(node.input[0] as string) as Interval;
    sketch.nodes.push(makeNode('Identity', [emitLike(sketch, node, lower)], [node.output[0] as string]));
    return ['exact'];
  }
  const rule = isPlain && isBounded && Object.hasOwn(rules, node.opType) ? rules[node.opType] : null;
  const found = rule?.(sketch, node);
  return found ? [found].flat() : [unboundedBy(sketch, node)];
}

function emitLike(sketch: Sketch, node: NodeProto, input: string): string {
  const name = emit(sketch, node.opType, [input]);
  (sketch.nodes.at(-1) as NodeProto).attribute = node.attribute;
  return name;
}

/**
 * Writes the bounding graph of a model's main graph: for each value a lower and an upper bound of it, computed in float32 with the rounding of the
 * network and of the bounds themselves added (interval arithmetic: Moore 1966; for networks Gowal et al. 2018, "On the effectiveness of
 * interval bound propagation for training verifiably robust models"). `boxed` are the inputs that have a range.
 */
export function intervalGraph(
  { model, scope, lookup, layers }: Anatomy,
  shapes: ReadonlyMap<string, readonly number[]>,
  boxed: ReadonlySet<string>,
): IntervalGraph {
  const known = new Map<string, Bounded>();
  const sketch: Sketch = {
    scope,
    lookup,
    shapes,
    opset: opsetOf(model),
    nodes: [],
    initializers: [...scope.graph.initializer],
    fresh: freshNames(model),
    known,
  };
  for (const name of scope.initializers.keys()) known.set(name, 'exact');
  const inputs = new Map<string, { lower: string; upper: string }>();
  for (const { name } of scope.graph.input) {
    if (known.has(name)) continue;
    if (!boxed.has(name)) {
      known.set(name, { unbounded: `input '${name}' is not of float32 numbers` });
      continue;
    }
    const box = { lower: sketch.fresh(`${name}/lower`), upper: sketch.fresh(`${name}/upper`) };
    inputs.set(name, box);
    known.set(name, { ...box, terms: 0, slack: null });
  }
  const rectifiers = new Map(
    layers.flatMap(({ rectifier }) => (rectifier.scope === scope ? [[rectifier.output, rectifier]] : [])),
  );
  const guards = new Map<string, string>();
  for (const node of scope.nodes) {
    const found = follow(sketch, node, rectifiers);
    for (const [output, name] of node.output.entries()) {
      if (name === '') continue;
      const bounded = found[output] ?? {
        unbounded: `there is no rule for output '${name}' of node '${nodeName(node)}'`,
      };
      known.set(name, bounded);
      if (isInterval(bounded) && (bounded.slack !== null || !rectifiers.has(name)))
        guards.set(
          name,
          emit(sketch, 'ReduceSum', [emit(sketch, 'Sub', [bounded.upper, bounded.lower])], { keepdims: 0 }),
        );
    }
  }
  return { sketch, known, guards, inputs };
}

/** A model that computes the given values of a bounding graph. */
export function boundingModel(
  { model }: Anatomy,
  { sketch, inputs }: IntervalGraph,
  outputs: readonly string[],
): Model {
  const declared = [...inputs].flatMap(([name, { lower, upper }]) =>
    [lower, upper].map(end => valueInfo(end, sketch.shapes.get(name))),
  );
  const main = graph({
    nodes: sketch.nodes,
    initializers: sketch.initializers,
    inputs: declared,
    outputs: [...new Set(outputs)].map(name => valueInfo(name)),
  });
  return { name: model.name, proto: modelProto(main, sketch.opset), external: model.external, bytes: model.bytes };
}
