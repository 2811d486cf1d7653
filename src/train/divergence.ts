import { Failure } from '../failure.js';
import { expose } from '../onnx/edit.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import { indexGraph, nodeName } from '../onnx/scope.js';
import type { TensorData } from '../onnx/tensor-data.js';

/** The first node, in the order in which they run, whose output is not finite on these inputs; null where all are. */
async function firstNotFinite(model: Model, feeds: Readonly<Record<string, TensorData>>, options: SessionOptions) {
  const probe = copyModel(model);
  const { nodes } = indexGraph(probe);
  const given = new Set(mainGraph(probe).input.map(({ name }) => name));
  for (const { output } of nodes) for (const value of output) if (value) expose(probe, value);
  const session = await openSession(probe, options);
  try {
    const values = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => given.has(name))));
    return nodes.find(({ output }) =>
      output.some(value => {
        const { type, data } = values[value] ?? {};
        return type === 'float32' && !(data as Float32Array).every(Number.isFinite);
      }),
    );
  } finally {
    await session.close();
  }
}

/** A Failure for a loss that is no longer finite: at which step, where in the network that begins, and what to try. */
export async function explainDivergence(
  model: Model,
  feeds: Readonly<Record<string, TensorData>>,
  step: number,
  loss: number,
  options: SessionOptions,
): Promise<Failure> {
  const infinite = Object.entries(feeds).find(([, { data }]) => !(data as Float32Array).every(Number.isFinite));
  if (infinite)
    return new Failure(
      'input',
      `train: inputs must be finite, got NaN or Infinity in '${infinite[0]}' at step ${step}`,
    );
  const node = await firstNotFinite(model, feeds, options);
  const where = node ? `first in node '${nodeName(node)}' (${node.opType})` : 'first in the loss';
  return new Failure(
    'input',
    `train: the loss must stay finite, got ${loss} at step ${step}, ${where}; try a smaller learning rate, clipping the gradient, or warm-up`,
  );
}
