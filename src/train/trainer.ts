import { Failure } from '../failure.js';
import { floatTensor } from '../onnx/build.js';
import { constantsToInitializers } from '../onnx/constant-nodes.js';
import { copyModel, type Model, mainGraph, opsetOf } from '../onnx/model.js';
import { raiseOpset } from '../onnx/raise-opset.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { finite, whole } from '../rectifiers/parameters.js';
import { parameterUnder, slopeUnder } from '../rectifiers/slope-constraint.js';
import { explainDivergence } from './divergence.js';
import type { Loss } from './loss.js';
import { checkOptimizer, type Optimizer, ratesAt } from './optimizer.js';
import type { ParameterGroups } from './parameter-group.js';
import { type Parameter, parameterValues } from './parameters.js';
import { type Carried, type Learned, stepGraph } from './step-graph.js';

export interface TrainerOptions extends SessionOptions {
  /** Samples in each step. */
  readonly batch: number;
  /** Default `'cross-entropy'`. */
  readonly loss?: Loss | undefined;
  /** Default SGD with momentum 0.9. */
  readonly optimizer?: Optimizer | undefined;
  readonly groups?: ParameterGroups | undefined;
  /** Whether batch norm takes the statistics of the batch and renews its running ones (default), or keeps these. */
  readonly batchStatistics?: boolean | undefined;
  /** The gradient is scaled down to this length where it is longer (default never). */
  readonly clipNorm?: number | undefined;
  /** Whether the lengths of the gradients are measured in every step (default false). */
  readonly gradientNorms?: boolean | undefined;
  /** Dimensions of the inputs without the batch's, where the model leaves them free. */
  readonly sampleDims?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** The samples of one step and what they should give. */
export interface TrainingBatch {
  /** `batch` samples, row-major; where the model has several inputs, one array for each by name. */
  readonly inputs: Float32Array | Readonly<Record<string, Float32Array>>;
  /** A class for each sample, or the numbers to be met. */
  readonly targets: Int32Array | Float32Array;
}

/** What a step found before it moved the parameters. */
export interface StepResult {
  /** The mean loss of the batch. */
  readonly loss: number;
  /** Samples classified rightly; null for a loss without classes. */
  readonly correct: number | null;
  /** Length of each learned parameter's gradient, before clipping; null where they are not measured. */
  readonly gradientNorms: ReadonlyMap<string, number> | null;
}

/** Everything that a trainer carries from step to step, by name, as plain arrays: what a checkpoint holds. */
export interface TrainerState {
  readonly steps: number;
  readonly tensors: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;
}

/** A network in training: the only thing here that has state. */
export interface Trainer {
  /** The parameters that are learned, in the graph's order. */
  readonly parameters: readonly Parameter[];
  /** Steps made so far. */
  readonly steps: number;
  /**
   * Makes one step at a learning rate. Throws a RangeError for batches that do not fit, a Failure where the loss is no longer finite; the
   * parameters then stay as they were.
   */
  step(batch: TrainingBatch, learningRate: number): Promise<StepResult>;
  /** The model as it is now, in the form of inference. */
  model(): Model;
  /** A copy of everything that is carried from step to step. */
  state(): TrainerState;
  /** Goes on from a state. Throws a Failure for that of another network or optimizer. */
  restore(state: TrainerState): void;
  close(): Promise<void>;
}

/** A tensor that is read from one array and written to another, which change places after each step. */
interface Buffers extends Carried {
  current: Float32Array;
  next: Float32Array;
}

const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const tensor = (dims: readonly number[], data: Float32Array): TensorData => ({ type: 'float32', dims, data });

/** The operator set that steps are written in. */
const opset = 17;

/** The values that training begins with: parameters from the model, behind their constraint; the optimizer's state 0. */
function initial(model: Model, { parameter, constraint }: Learned): Float32Array {
  const values = parameterValues(model, parameter.name);
  if (constraint.kind === 'none') return values;
  return values.map((slope, index) => {
    try {
      return parameterUnder(constraint, slope);
    } catch (cause) {
      throw new Failure(
        'usage',
        `train: the slopes of '${parameter.name}' must be allowed by the constraint '${constraint.kind}', got ${slope} (element ${index})`,
        { cause },
      );
    }
  });
}

/** Throws unless the arrays of a batch fit the step, and classes lie in 0 … classes - 1. */
function checkBatch(given: Float32Array | Int32Array, expected: number, name: string): void {
  if (given.length !== expected)
    throw new RangeError(`train: ${name} must have length ${expected} (the batch's), got ${given.length}`);
}

function checkClasses(targets: Int32Array | Float32Array, classes: number): Int32Array {
  const at = targets.findIndex(target => !(Number.isInteger(target) && target >= 0 && target < classes));
  if (at >= 0)
    throw new RangeError(
      `train: targets must be classes from 0 to ${classes - 1}, got ${targets[at]} (sample ${at} of the batch)`,
    );
  return targets instanceof Int32Array ? targets : Int32Array.from(targets);
}

/**
 * Prepares a model for training: builds the graph of one step and starts a session on it. Parameters and the optimizer's state stay in arrays that ONNX
 * Runtime reads and writes directly. Throws a Failure for models that cannot be trained, a RangeError for options out of range.
 */
export async function openTrainer(given: Model, options: TrainerOptions): Promise<Trainer> {
  const model = raiseOpset(constantsToInitializers(given), Math.max(opset, opsetOf(given)));
  const { batch, loss = 'cross-entropy', groups = {}, clipNorm, gradientNorms = false } = options;
  whole('train', 'batch', batch, 1);
  if (clipNorm !== undefined && !(finite('train', 'clipNorm', clipNorm) > 0))
    throw new RangeError(`train: clipNorm must be above 0, got ${clipNorm}`);
  const optimizer = checkOptimizer(options.optimizer ?? { kind: 'sgd', momentum: 0.9 });
  const plan = await stepGraph(model, {
    ...options,
    loss,
    optimizer,
    groups,
    clipNorm: clipNorm ?? null,
    gradientNorms,
    batchStatistics: options.batchStatistics ?? true,
    ...(options.sampleDims && { sampleDims: options.sampleDims }),
  } as Parameters<typeof stepGraph>[1]);
  const session = await openSession(plan.model, options);
  const buffers = (carried: Carried, current: Float32Array): Buffers => ({
    ...carried,
    current,
    next: new Float32Array(current.length),
  });
  const learned = plan.learned.map(each => ({
    ...each,
    value: buffers(each.value, initial(model, each)),
    state: each.state.map(state => buffers(state, new Float32Array(size(state.dims)))),
  }));
  const statistics = plan.statistics.map(each => buffers(each, parameterValues(model, each.input)));
  const carried = [...learned.flatMap(({ value, state }) => [value, ...state]), ...statistics];
  const lossValue = new Float32Array(1);
  const correctValue = new Float32Array(1);
  const squares = new Float32Array(learned.length);
  const results: Record<string, TensorData> = { [plan.loss]: tensor([], lossValue) };
  if (plan.correct !== null) results[plan.correct] = tensor([], correctValue);
  if (plan.gradientSquares !== null) results[plan.gradientSquares] = tensor([learned.length], squares);
  let steps = 0;

  const feedsOf = ({ inputs, targets }: TrainingBatch): Record<string, TensorData> => {
    const feeds: Record<string, TensorData> = {};
    for (const { name, dims } of plan.inputs) {
      const data = inputs instanceof Float32Array ? inputs : inputs[name];
      if (data === undefined || (inputs instanceof Float32Array && plan.inputs.length > 1))
        throw new RangeError(`train: inputs must have an array for each of the model's inputs, got none for '${name}'`);
      checkBatch(data, size(dims), `inputs '${name}'`);
      feeds[name] = tensor(dims, data);
    }
    checkBatch(targets, size(plan.targets.dims), 'targets');
    const data = plan.targets.type === 'int32' ? checkClasses(targets, plan.outputs) : Float32Array.from(targets);
    feeds[plan.targets.name] = { type: plan.targets.type, dims: plan.targets.dims, data };
    return feeds;
  };

  const currentModel = (): Model => {
    const copy = copyModel(model);
    const values = new Map<string, Float32Array>(statistics.map(({ input, current }) => [input, current]));
    for (const { parameter, constraint, value } of learned)
      values.set(
        parameter.name,
        value.current.map(each => slopeUnder(constraint, each)),
      );
    const graph = mainGraph(copy);
    graph.initializer = graph.initializer.map(old => {
      const data = values.get(old.name);
      return data ? floatTensor(old.name, old.dims.map(Number), data) : old;
    });
    return copy;
  };

  return {
    parameters: learned.map(({ parameter }) => parameter),
    get steps() {
      return steps;
    },
    async step(samples, learningRate) {
      finite('train', 'learningRate', learningRate);
      const data = feedsOf(samples);
      const feeds: Record<string, TensorData> = { ...data };
      const rates = ratesAt(optimizer, learningRate, steps + 1);
      for (const name of Object.keys(rates) as (keyof typeof rates)[])
        feeds[plan.rates[name]] = tensor([], Float32Array.of(rates[name]));
      const into: Record<string, TensorData> = { ...results };
      for (const { input, output, dims, current, next } of carried) {
        feeds[input] = tensor(dims, current);
        into[output] = tensor(dims, next);
      }
      await session.runInto(feeds, into);
      const found = lossValue[0] as number;
      if (!Number.isFinite(found)) throw await explainDivergence(currentModel(), data, steps, found, options);
      for (const each of carried) [each.current, each.next] = [each.next, each.current];
      steps++;
      return {
        loss: found,
        correct: plan.correct === null ? null : (correctValue[0] as number),
        gradientNorms:
          plan.gradientSquares === null
            ? null
            : new Map(learned.map(({ parameter }, at) => [parameter.name, Math.sqrt(squares[at] as number)])),
      };
    },
    model: currentModel,
    state: () => ({
      steps,
      tensors: new Map(carried.map(({ input, dims, current }) => [input, { dims, data: current.slice() }])),
    }),
    restore(state) {
      for (const { input, dims } of carried) {
        const saved = state.tensors.get(input);
        if (!saved || saved.dims.join() !== dims.join())
          throw new Failure(
            'input',
            `train: the checkpoint must be of this network and optimizer, got ${saved ? `dimensions [${saved.dims.join(', ')}] for '${input}', which has [${dims.join(', ')}]` : `none of '${input}'`}`,
          );
      }
      if (state.tensors.size !== carried.length)
        throw new Failure(
          'input',
          `train: the checkpoint must be of this network and optimizer, got ${state.tensors.size} tensors instead of ${carried.length}`,
        );
      for (const each of carried) each.current.set(state.tensors.get(each.input)!.data);
      steps = state.steps;
    },
    close: () => session.close(),
  };
}
