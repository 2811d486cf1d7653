import { graph, modelProto } from '../src/onnx/build.js';
import { expose } from '../src/onnx/edit.js';
import { copyModel, type Model, mainGraph } from '../src/onnx/model.js';
import { openSession } from '../src/onnx/runtime.js';
import type { TensorData } from '../src/onnx/tensor-data.js';

/** A model around the parts of its main graph. */
export const modelOf = (parts: Parameters<typeof graph>[0], opset = 17): Model => ({
  name: 'test',
  proto: modelProto(graph(parts), opset),
  external: new Map(),
  bytes: 0,
});

/** A float32 tensor to feed. */
export const tensor = (dims: readonly number[], values: ArrayLike<number>): TensorData => ({
  type: 'float32',
  dims,
  data: Float32Array.from(values),
});

/** Runs a model on the given feeds, one after the other, on one thread, and returns the outputs of each run. */
export async function runAll(
  model: Model,
  feeds: readonly Readonly<Record<string, TensorData>>[],
): Promise<Record<string, TensorData>[]> {
  const session = await openSession(model, { threads: 1 });
  try {
    const results: Record<string, TensorData>[] = [];
    for (const each of feeds) results.push(await session.run(each));
    return results;
  } finally {
    await session.close();
  }
}

/** Runs a model once. */
export const runOnce = async (model: Model, feeds: Readonly<Record<string, TensorData>>) =>
  (await runAll(model, [feeds]))[0] as Record<string, TensorData>;

/** A copy of the model that has values of its main graph as further outputs. */
export function exposing(model: Model, values: readonly string[]): Model {
  const copy = copyModel(model);
  for (const value of values) {
    const isInput = mainGraph(copy).input.some(input => input.name === value);
    if (!isInput) expose(copy, value);
  }
  return copy;
}
