import { floatTensor, node } from '../../onnx/build.js';
import { freshNames, redirect } from '../../onnx/edit.js';
import { copyModel, inputSpecs, type Model, mainGraph } from '../../onnx/model.js';
import type { Standardization } from '../dataset.js';
import { elements } from '../rule.js';

/** One number for each channel as a tensor that broadcasts against samples: along a channel axis where they have one, else repeated for each feature. */
function broadcast(values: readonly number[], dims: readonly number[]): { dims: number[]; values: number[] } {
  if (dims.length > 1 && dims[0] === values.length)
    return { dims: dims.map((dim, axis) => (axis === 0 ? dim : 1)), values: [...values] };
  const inner = elements(dims) / values.length;
  return {
    dims: [...dims],
    values: Array.from({ length: elements(dims) }, (_, i) => values[Math.floor(i / inner)] as number),
  };
}

/**
 * A copy of a model that takes inputs as they are and standardizes them itself: x becomes (x - mean) / deviation, feature by feature, or channel by channel,
 * before what used to be its first layer. Throws a RangeError for models of several inputs or free dimensions, and for numbers that do not fit the input.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, standardizeInput } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-4-2', { rectifier: parseRectifier('relu') });
 * const { proto } = standardizeInput(network, { mean: [1, 2], deviation: [0.5, 1] });
 * proto.graph.node.slice(0, 3).map(({ opType }) => opType); // => ["Sub", "Div", "Gemm"]
 */
export function standardizeInput(model: Model, { mean, deviation }: Standardization): Model {
  const [input, ...more] = inputSpecs(model);
  const dims = input?.dims.slice(1) ?? [];
  if (!input || more.length > 0 || !dims.every((dim): dim is number => typeof dim === 'number'))
    throw new RangeError('standardizeInput: the model must have one input of fixed dimensions, got another');
  if (mean.length !== deviation.length || mean.length === 0 || elements(dims) % mean.length !== 0)
    throw new RangeError(
      `standardizeInput: mean and deviation must be of as many features as samples [${dims.join(', ')}] have, got ${mean.length} and ${deviation.length}`,
    );
  const copy = copyModel(model);
  const graph = mainGraph(copy);
  const fresh = freshNames(copy);
  const tensor = (name: string, values: readonly number[]) => {
    const { dims: shape, values: all } = broadcast(values, dims);
    graph.initializer.push(floatTensor(name, shape, all));
    return name;
  };
  const [centered, standardized] = [fresh(`${input.name}/centered`), fresh(`${input.name}/standardized`)];
  redirect(graph, input.name, standardized);
  graph.node.unshift(
    node('Sub', [input.name, tensor(fresh(`${input.name}/mean`), mean)], [centered]),
    node('Div', [centered, tensor(fresh(`${input.name}/deviation`), deviation)], [standardized]),
  );
  return copy;
}
