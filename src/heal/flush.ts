import { smallestNormal, tinyWeight } from '../audit/weights.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import { allScopes, indexGraph, nodeName, type Scope } from '../onnx/scope.js';
import { isFloatType, type Numbers, tensorNumbers } from '../onnx/tensor.js';
import type { Repaired } from './repaired.js';
import { setNumbers } from './typed-tensor.js';

/** The weights of one initializer or Constant that were set to zero. */
export interface FlushedTensor {
  readonly name: string;
  /** The first node that reads it. */
  readonly node: string;
  /** How many were set to zero, and how many of these were subnormal numbers of float32. */
  readonly flushed: number;
  readonly subnormal: number;
}

/** What a flush did. `left` names tensors with tiny numbers that are not weights. */
export interface FlushReport {
  readonly below: number;
  readonly flushed: number;
  readonly subnormal: number;
  readonly tensors: readonly FlushedTensor[];
  readonly left: readonly { readonly name: string; readonly reason: string }[];
}

/** Inputs of operators at which a constant is a weight, a bias or a slope: a number that is multiplied or added. */
const weightInputs = new Map<string, readonly number[]>(
  Object.entries({
    Conv: [1, 2],
    ConvTranspose: [1, 2],
    Gemm: [0, 1, 2],
    MatMul: [0, 1],
    // Not the variance: its size beside epsilon matters.
    BatchNormalization: [1, 2, 3],
    InstanceNormalization: [1, 2],
    LayerNormalization: [1, 2],
    GroupNormalization: [1, 2],
    LSTM: [1, 2, 3, 7],
    GRU: [1, 2, 3],
    RNN: [1, 2, 3],
    PRelu: [1],
    Add: [0, 1],
    Sub: [0, 1],
    Mul: [0, 1],
    Div: [0],
    Gather: [0],
  }),
);
/** Operators that hand a constant on; what reads their result decides. */
const passing = new Set('Identity Cast Neg Reshape Flatten Squeeze Unsqueeze Transpose'.split(' '));

/** The nodes that read a value of a scope by its name, in the scope and in those below that do not hide it. */
const readersOf = (scope: Scope, name: string): { node: NodeProto; scope: Scope }[] => [
  ...(scope.consumers.get(name) ?? []).filter(node => node.input.includes(name)).map(node => ({ node, scope })),
  ...scope.children
    .filter(({ scope: inner }) => !inner.initializers.has(name) && !inner.graph.input.some(item => item.name === name))
    .flatMap(({ scope: inner }) => readersOf(inner, name)),
];

/** Why a constant may not be flushed, or null where every reader multiplies or adds it. */
function notWeight(owner: Scope, tensor: string): string | null {
  const waiting = [{ scope: owner, name: tensor }];
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    const { scope, name } = at;
    if (scope.outputs.has(name)) return 'it is an output';
    for (const { node, scope: inner } of readersOf(scope, name)) {
      if (passing.has(node.opType) && node.input[0] === name) {
        waiting.push({ scope: inner, name: node.output[0] as string });
        continue;
      }
      const allowed = weightInputs.get(node.opType) ?? [];
      if (!node.input.every((input, index) => input !== name || allowed.includes(index)))
        return `${node.opType} '${nodeName(node)}' reads it as something else than a weight, a bias or a slope`;
    }
  }
  return null;
}

function* floatTensors(scope: Scope): Generator<{ name: string; tensor: TensorProto }> {
  for (const tensor of scope.graph.initializer) yield { name: tensor.name, tensor };
  for (const node of scope.nodes) {
    const tensor = node.opType === 'Constant' ? node.attribute.find(attribute => attribute.t)?.t : undefined;
    if (tensor) yield { name: node.output[0] as string, tensor };
  }
}

function countWhere(values: Numbers, is: (value: number) => boolean): number {
  let count = 0;
  for (const value of values) if (is(value)) count++;
  return count;
}

/**
 * Sets weights, biases and slopes that are smaller than `below` to zero (signs kept): they are lost in any sum with weights that matter, and
 * where they are subnormal numbers they slow a CPU down. A single number is left alone, for it may be the 1e-12 that keeps a division
 * from 0, and so is everything that is not multiplied or added, such as a divisor. The model's structure stays.
 *
 * @example
 * import { flushTiny } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, readModel, tensorNumbers, valueInfo, writeModel } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 2], [1, 1e-40, 1e-13, -2])],
 * });
 * const { model, report } = flushTiny({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * [report.flushed, report.subnormal]; // => [2, 1]
 * Array.from(tensorNumbers(model.proto.graph.initializer[0], new Map())); // => [1, 0, 0, -2]
 */
export function flushTiny(
  original: Model,
  { below = tinyWeight }: { readonly below?: number } = {},
): Repaired<FlushReport> {
  if (!(below > 0 && below < Infinity)) throw new RangeError(`flush: below must be positive and finite, got ${below}`);
  const model = copyModel(original);
  const tensors: FlushedTensor[] = [];
  const left: { name: string; reason: string }[] = [];
  for (const scope of allScopes(indexGraph(model))) {
    for (const { name, tensor } of floatTensors(scope)) {
      const values = isFloatType(tensor.dataType) ? tensorNumbers(tensor, model.external) : null;
      if (!values || values.length <= 1) continue;
      const isTiny = (value: number) => value !== 0 && Math.abs(value) < below;
      const flushed = countWhere(values, isTiny);
      if (flushed === 0) continue;
      const reason = notWeight(scope, name);
      if (reason) {
        left.push({ name, reason });
        continue;
      }
      const subnormal = countWhere(values, value => isTiny(value) && Math.abs(value) < smallestNormal);
      const readers = readersOf(scope, name);
      tensors.push({ name, node: readers[0] ? nodeName(readers[0].node) : '', flushed, subnormal });
      setNumbers(
        tensor,
        values.map(value => (isTiny(value) ? 0 * value : value)),
      );
    }
  }
  const sum = (count: (tensor: FlushedTensor) => number) => tensors.reduce((total, item) => total + count(item), 0);
  const report = {
    below,
    flushed: sum(({ flushed }) => flushed),
    subnormal: sum(({ subnormal }) => subnormal),
    tensors,
    left,
  };
  return { model, report };
}

/** What `dropInitializerInputs` did. */
export interface DropReport {
  /** Initializers that are no longer inputs. */
  readonly dropped: readonly string[];
}

/** The first IR version in which initializers need not be inputs. */
const freeInitializers = 4n;

/** Initializers, sparse ones too, that are still listed as inputs. */
export function initializerInputs(model: Model): string[] {
  const { input, initializer, sparseInitializer } = mainGraph(model);
  const filled = new Set(
    [...initializer, ...sparseInitializer.flatMap(({ values }) => values ?? [])].map(({ name }) => name),
  );
  return input.flatMap(({ name }) => (filled.has(name) ? [name] : []));
}

/**
 * Removes initializers from the list of the graph's inputs. As inputs they are defaults that a caller may replace, so ONNX Runtime can neither
 * fold nor fuse them; as plain initializers they are constants.
 *
 * @example
 * import { dropInitializerInputs } from 'reluminate/heal';
 * import { floatTensor, graph, modelProto, node, valueInfo } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2]), valueInfo('w', [2, 1])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 1], [1, 2])],
 * });
 * const { model, report } = dropInitializerInputs({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 });
 * report.dropped; // => ["w"]
 * model.proto.graph.input.map(input => input.name); // => ["x"]
 */
export function dropInitializerInputs(original: Model): Repaired<DropReport> {
  const model = copyModel(original);
  const graph = mainGraph(model);
  const dropped = initializerInputs(model);
  graph.input = graph.input.filter(({ name }) => !dropped.includes(name));
  if (dropped.length > 0 && model.proto.irVersion < freeInitializers) model.proto.irVersion = freeInitializers;
  return { model, report: { dropped } };
}
