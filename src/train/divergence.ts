import { Failure } from '../failure.js';
import { expose } from '../onnx/edit.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import { indexGraph, nodeName } from '../onnx/scope.js';
import type { TensorData } from '../onnx/tensor-data.js';
import type { Checkpoint } from './checkpoint.js';

type Feeds = Readonly<Record<string, TensorData>>;

/**
 * A training whose numbers are no longer finite.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, Divergence, fit, moons } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-8-2', { rectifier: parseRectifier('relu') });
 * const error = await fit(network, moons({ count: 200 }), { epochs: 5, learningRate: 1e30 }).catch(error => error);
 * [error instanceof Divergence, error.kind, error.checkpoint]; // => [true, "input", null]
 */
export class Divergence extends Failure {
  /** The end of the last epoch in which all was finite, from which `fit` can go on; null where there is none. */
  readonly checkpoint: Checkpoint | null;
  constructor(message: string, checkpoint: Checkpoint | null = null) {
    super('input', message);
    this.checkpoint = checkpoint;
  }
}

export const diverged = (must: string, got: string): Divergence =>
  new Divergence(`train: ${must}, got ${got}; try a smaller learning rate, clipping the gradient, or warm-up`);

export const allFinite = (data: ArrayLike<number>): boolean => {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
};

/** The first node, in the order in which they run, whose output is not finite on some of these inputs; undefined where all are. */
async function firstNotFinite(model: Model, batches: Iterable<Feeds>, options: SessionOptions) {
  const probe = copyModel(model);
  const { nodes } = indexGraph(probe);
  const given = new Set(mainGraph(probe).input.map(({ name }) => name));
  for (const { output } of nodes) for (const value of output) if (value) expose(probe, value);
  const session = await openSession(probe, options);
  try {
    for (const feeds of batches) {
      const values = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => given.has(name))));
      const found = nodes.find(({ output }) =>
        output.some(value => {
          const { type, data } = values[value] ?? {};
          return type === 'float32' && !allFinite(data as Float32Array);
        }),
      );
      if (found) return found;
    }
    return undefined;
  } finally {
    await session.close();
  }
}

/** Why a loss is no longer finite: where in the network that begins. `what` is which loss, `when` the step. */
export async function explainDivergence(
  model: Model,
  batches: Iterable<Feeds>,
  { what, loss, when }: { readonly what: string; readonly loss: number; readonly when: string },
  options: SessionOptions,
): Promise<Divergence> {
  const node = await firstNotFinite(model, batches, options);
  const where = node ? `first in node '${nodeName(node)}' (${node.opType})` : 'first in the loss';
  return diverged(`${what} must stay finite`, `${loss} ${when}, ${where}`);
}
