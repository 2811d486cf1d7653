import { Failure } from '../failure.js';
import { node, valueInfo } from './build.js';
import { expose, freshNames } from './edit.js';
import { copyModel, inputSpecs, type Model, mainGraph } from './model.js';
import { openSession, type SessionOptions } from './runtime.js';
import type { ElementType, InputSpec, TensorData, TypedArray } from './tensor-data.js';

const arrays: Record<ElementType, new (length: number) => TypedArray> = {
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Elements a shape probe may feed, all inputs together: larger inputs are a hostile or mistaken declaration. */
const mostFed = 2 ** 28;

const elementsOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * A tensor of zeros. Throws a Failure beyond 2^28 elements.
 *
 * @example
 * import { zeros } from 'reluminate/onnx';
 * const { type, dims, data } = zeros('float32', [1, 3], 'x');
 * [type, dims, Array.from(data)]; // => ["float32", [1, 3], [0, 0, 0]]
 */
export function zeros(type: ElementType, dims: readonly number[], name: string): TensorData {
  const count = elementsOf(dims);
  if (!(count <= mostFed && dims.every(dim => Number.isSafeInteger(dim) && dim >= 0)))
    throw new Failure('input', `input '${name}': its shape must have at most 2^28 elements, got [${dims.join(', ')}]`);
  return { type, dims, data: new arrays[type](count) };
}

/**
 * The inputs' dimensions when all of them are numbers; null where one is free.
 *
 * @example
 * import { fixedDims } from 'reluminate/onnx';
 * fixedDims([{ name: 'x', type: 'float32', dims: [1, 3] }]); // => { x: [1, 3] }
 * fixedDims([{ name: 'x', type: 'float32', dims: ['batch', 3] }]); // => null
 */
export const fixedDims = (specs: readonly InputSpec[]): Record<string, number[]> | null =>
  specs.every(spec => spec.dims.every(dim => typeof dim === 'number'))
    ? Object.fromEntries(specs.map(spec => [spec.name, spec.dims as number[]]))
    : null;

/**
 * The inputs' dimensions for one sample: a batch that is free is taken as 1. Null where another dimension is free.
 *
 * @example
 * import { sampleDims } from 'reluminate/onnx';
 * sampleDims([{ name: 'x', type: 'float32', dims: ['batch', 3] }]); // => { x: [1, 3] }
 * sampleDims([{ name: 'x', type: 'float32', dims: ['batch', 'length'] }]); // => null
 */
export const sampleDims = (specs: readonly InputSpec[]): Record<string, number[]> | null =>
  fixedDims(
    specs.map(spec => ({
      ...spec,
      dims: spec.dims.map((dim, axis) => (axis === 0 && typeof dim !== 'number' ? 1 : dim)),
    })),
  );

/**
 * What some values of the main graph are where every input is zeros of the given dimensions. Throws a Failure for inputs of more than 2^28 elements, and
 * what the runtime throws for models it cannot run.
 *
 * @example
 * import { graph, modelProto, node, runOnZeros, valueInfo } from 'reluminate/onnx';
 * const main = graph({ nodes: [node('Cos', ['x'], ['h']), node('Neg', ['h'], ['y'])], inputs: [valueInfo('x', ['n'])] });
 * const model = { name: 'cosine', proto: modelProto(main), external: new Map(), bytes: 0 };
 * const { h } = await runOnZeros(model, { x: [2] }, ['h']);
 * Array.from(h.data); // => [1, 1]
 */
export async function runOnZeros(
  model: Model,
  dims: Readonly<Record<string, readonly number[]>>,
  values: readonly string[],
  options: SessionOptions = {},
): Promise<Record<string, TensorData>> {
  const probe = copyModel(model);
  const graph = mainGraph(probe);
  for (const [at, input] of graph.input.entries()) {
    const given = dims[input.name];
    const type = input.type?.value.case === 'tensorType' ? input.type.value.value.elemType : undefined;
    if (given) graph.input[at] = valueInfo(input.name, given, type);
  }
  graph.output = [];
  graph.valueInfo = [];
  for (const value of values) expose(probe, value);
  const specs = inputSpecs(probe).map(spec => ({ ...spec, dims: dims[spec.name] ?? (spec.dims as number[]) }));
  const total = specs.reduce((sum, spec) => sum + elementsOf(spec.dims), 0);
  if (total > mostFed)
    throw new Failure('input', `run model '${model.name}': its inputs must have at most 2^28 elements, got ${total}`);
  const feeds = Object.fromEntries(specs.map(({ name, type, dims }) => [name, zeros(type, dims, name)]));
  const session = await openSession(probe, options);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/**
 * The dimensions that values of the main graph have when the inputs have the given ones. ONNX Runtime says: the model is asked for
 * nothing but `Shape` of each value, which its shape inference folds where it can, so that the layers do not run.
 *
 * @example
 * import { graph, modelProto, node, shapesOf, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Flatten', ['x'], ['flat']), node('Relu', ['flat'], ['y'])],
 *   inputs: [valueInfo('x', ['batch', 3, 8, 8])],
 *   outputs: [valueInfo('y')],
 * });
 * const model = { name: 'm', proto: modelProto(main), external: new Map(), bytes: 0 };
 * const shapes = await shapesOf(model, { x: [2, 3, 8, 8] }, ['flat']);
 * shapes.get('flat'); // => [2, 192]
 */
export async function shapesOf(
  model: Model,
  dims: Readonly<Record<string, readonly number[]>>,
  values: readonly string[],
  options: SessionOptions = {},
): Promise<Map<string, number[]>> {
  if (values.length === 0) return new Map();
  const probe = copyModel(model);
  const fresh = freshNames(probe);
  const shapeNames = new Map(values.map(value => [value, fresh(`${value}/shape`)]));
  for (const [value, shape] of shapeNames) mainGraph(probe).node.push(node('Shape', [value], [shape]));
  const results = await runOnZeros(probe, dims, [...shapeNames.values()], options);
  return new Map(
    [...shapeNames].map(([value, shape]) => [value, Array.from(results[shape]?.data as BigInt64Array, Number)]),
  );
}
