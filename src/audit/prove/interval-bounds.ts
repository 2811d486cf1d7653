import { openSession, type SessionOptions } from '../../onnx/runtime.js';
import { readsOf } from '../../onnx/scope.js';
import type { TensorData } from '../../onnx/tensor-data.js';
import type { Anatomy, RectifiedLayer } from '../anatomy.js';
import type { Box } from './box.js';
import { boundingModel, type IntervalGraph, isInterval } from './interval-graph.js';
import { emit, type Interval, integers } from './sketch.js';

/** Bounds of each unit over all its positions. */
export interface UnitBounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Sums of widths above this mean an overflow: rounding is a share of at least 2^-24 of what is summed up. */
const largestWidth = 1e30;

/** Values whose bounds overflowed, and all that follow from them. */
function overflowed(
  { scope }: Anatomy,
  { guards }: IntervalGraph,
  results: Readonly<Record<string, TensorData>>,
): Set<string> {
  const broken = new Set<string>();
  for (const each of scope.nodes) {
    const inherits = readsOf(each).some(name => broken.has(name));
    for (const name of each.output) {
      const guard = guards.get(name);
      const width = guard === undefined ? 0 : Number(results[guard]?.data[0]);
      if (inherits || !(Math.abs(width) < largestWidth)) broken.add(name);
    }
  }
  return broken;
}

/** The axis of a layer's units in an input of the given dimensions: where the file does not tell, that of images or of features. */
export const unitAxisOf = ({ axis }: RectifiedLayer, dims: readonly number[]): number =>
  axis === null ? (dims.length >= 4 ? 1 : dims.length - 1) : axis < 0 ? axis + dims.length : axis;

function reducedTo(
  graph: IntervalGraph,
  op: 'ReduceMin' | 'ReduceMax',
  value: string,
  dims: readonly number[],
  axis: number,
) {
  const { sketch } = graph;
  const axes = dims.flatMap((_, at) => (at === axis ? [] : [at]));
  if (axes.length === 0) return emit(sketch, 'Identity', [value]);
  return sketch.opset >= 18
    ? emit(sketch, op, [value, integers(sketch, axes)], { keepdims: 0 })
    : emit(sketch, op, [value], { keepdims: 0, axes });
}

const feedsOf = ({ inputs }: IntervalGraph, boxes: ReadonlyMap<string, Box>): Record<string, TensorData> =>
  Object.fromEntries(
    [...inputs].flatMap(([name, { lower, upper }]) => {
      const box = boxes.get(name) as Box;
      return [
        [lower, box.lower],
        [upper, box.upper],
      ];
    }),
  );

async function compute(
  anatomy: Anatomy,
  graph: IntervalGraph,
  boxes: ReadonlyMap<string, Box>,
  outputs: readonly string[],
  options: SessionOptions,
): Promise<Record<string, TensorData>> {
  if (outputs.length === 0) return {};
  const session = await openSession(boundingModel(anatomy, graph, outputs), options);
  try {
    return await session.run(feedsOf(graph, boxes));
  } finally {
    await session.close();
  }
}

/** The layers that bounds can be had of, and the values whose bounds overflowed. */
export interface IntervalBounds {
  /** For each layer of the anatomy; a sentence why there are none. */
  readonly layers: readonly (UnitBounds | string)[];
  readonly overflowed: ReadonlySet<string>;
}

/** Runs a bounding graph and reduces what it says of the rectifiers' inputs to bounds of their units. */
export async function intervalBounds(
  anatomy: Anatomy,
  graph: IntervalGraph,
  boxes: ReadonlyMap<string, Box>,
  options: SessionOptions,
): Promise<IntervalBounds> {
  const { sketch, known, guards } = graph;
  const asked = anatomy.layers.map(layer => {
    const { rectifier } = layer;
    if (rectifier.scope !== anatomy.scope) return 'it lies in a subgraph, whose values are not bounded';
    const found = known.get(rectifier.input);
    const dims = sketch.shapes.get(rectifier.input);
    if (found === 'exact') return 'it does not depend on the input';
    if (!isInterval(found)) return found?.unbounded ?? 'nothing bounds its input';
    if (!dims || dims.length === 0) return 'the shape of its input is not known';
    const axis = unitAxisOf(layer, dims);
    if (axis < 0 || axis >= dims.length || (layer.units !== null && dims[axis] !== layer.units))
      return 'its units do not lie on one axis of its input';
    return {
      input: rectifier.input,
      lower: reducedTo(graph, 'ReduceMin', found.lower, dims, axis),
      upper: reducedTo(graph, 'ReduceMax', found.upper, dims, axis),
    };
  });
  const outputs = asked.flatMap(each => (typeof each === 'string' ? [] : [each.lower, each.upper]));
  const results = await compute(
    anatomy,
    graph,
    boxes,
    outputs.length > 0 ? [...outputs, ...guards.values()] : [],
    options,
  );
  const broken = outputs.length > 0 ? overflowed(anatomy, graph, results) : new Set<string>();
  const layers = asked.map(each => {
    if (typeof each === 'string') return each;
    if (broken.has(each.input)) return 'its bounds overflow float32';
    const [lower, upper] = [each.lower, each.upper].map(name => Float64Array.from(results[name]?.data as Float32Array));
    return { lower, upper } as UnitBounds;
  });
  return { layers, overflowed: broken };
}

/** Bounds of every element of a value, and how far rounding can put it off (null where it is computed without). */
export interface ElementBounds {
  readonly lower: Float32Array;
  readonly upper: Float32Array;
  readonly slack: Float32Array | null;
}

/** Runs a bounding graph for the bounds of every element of the given values. */
export async function elementBounds(
  anatomy: Anatomy,
  graph: IntervalGraph,
  boxes: ReadonlyMap<string, Box>,
  values: readonly string[],
  options: SessionOptions,
): Promise<Map<string, ElementBounds>> {
  const intervals = values.map(value => [value, graph.known.get(value) as Interval] as const);
  const outputs = intervals.flatMap(([, { lower, upper, slack }]) => [lower, upper, ...(slack ? [slack] : [])]);
  const { inputs } = graph;
  const given = new Set([...inputs.values()].flatMap(({ lower, upper }) => [lower, upper]));
  const results = await compute(
    anatomy,
    graph,
    boxes,
    outputs.filter(name => !given.has(name)),
    options,
  );
  const feeds = feedsOf(graph, boxes);
  const data = (name: string) => (results[name] ?? feeds[name])?.data as Float32Array;
  return new Map(
    intervals.map(([value, { lower, upper, slack }]) => [
      value,
      { lower: data(lower), upper: data(upper), slack: slack ? data(slack) : null },
    ]),
  );
}
