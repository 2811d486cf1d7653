import { Failure } from '../failure.js';
import { floatTensor } from '../onnx/build.js';
import { constantsToInitializers } from '../onnx/constant-nodes.js';
import { copyModel, type Model, mainGraph, opsetOf } from '../onnx/model.js';
import { raiseOpset } from '../onnx/raise-opset.js';
import { openSession, type SessionOptions } from '../onnx/runtime.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { describe } from '../rectifiers/floats.js';
import { finite, whole } from '../rectifiers/parameters.js';
import { countClasses, notClass } from './check-dataset.js';
import { allFinite, diverged, explainDivergence } from './divergence.js';
import type { Loss } from './loss.js';
import { checkOptimizer, type Optimizer, ratesAt } from './optimizer.js';
import { checkGroups, type ParameterGroups } from './parameter-group.js';
import { type Parameter, parameterValues } from './parameters.js';
import { elements } from './rule.js';
import { learnedFromValues, valuesFromLearned } from './slope-parameter.js';
import { type Carried, stepGraph } from './step-graph.js';
import type { Sized } from './step-inputs.js';

export interface TrainerOptions extends SessionOptions {
  /** Samples in each step. */
  readonly batch: number;
  /** Default `'cross-entropy'`. */
  readonly loss?: Loss | undefined;
  /** Default SGD with momentum 0.9. */
  readonly optimizer?: Optimizer | undefined;
  readonly groups?: ParameterGroups | undefined;
  /** Names of parameters that are not trained, with `*` for any characters: `layer1/*`. */
  readonly freeze?: readonly string[] | undefined;
  /** Share of the target, from 0 up to but not including 1, that cross-entropy spreads over all classes (default 0; Szegedy et al. 2016). */
  readonly labelSmoothing?: number | undefined;
  /** Whether batch norm takes the statistics of the batch and renews its running ones (default), or keeps these. */
  readonly batchStatistics?: boolean | undefined;
  /** The gradient is scaled down to this length where it is longer (default never). */
  readonly clipNorm?: number | undefined;
  /** Whether the lengths of the gradients are measured in every step (default false). */
  readonly gradientNorms?: boolean | undefined;
  /** Decides the slopes that RReLU draws (default 0). */
  readonly seed?: number | undefined;
  /** Dimensions of the inputs without the batch's, where the model leaves them free. */
  readonly sampleDims?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** The samples of one step and what they should give. */
export interface TrainingBatch {
  /** `batch` samples, row-major; where the model has several inputs, one array for each by name. */
  readonly inputs: Float32Array | Readonly<Record<string, Float32Array>>;
  /** A class for each sample, or for each position of an output [N, K, d1, …], where any whole number below 0 stands for none; or the numbers to be met, as many as the model gives. */
  readonly targets: Int32Array | Float32Array;
}

/** What a step found before it moved the parameters. */
export interface StepResult {
  /** The mean loss of the batch. */
  readonly loss: number;
  /** Samples, or positions, classified rightly; null for a loss without classes. */
  readonly correct: number | null;
  /** How many had a class: all samples, or the positions whose target is not below 0; null for a loss without classes. */
  readonly counted: number | null;
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
  /** Name and dimensions of what the model gives for a batch. */
  readonly output: Sized;
  /** Steps made so far. */
  readonly steps: number;
  /**
   * Makes one step at a learning rate. Throws a RangeError for batches that do not fit, a Divergence where the loss or a measured gradient is
   * no longer finite; the parameters then stay those that gave it.
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

const tensor = (dims: readonly number[], data: Float32Array): TensorData => ({ type: 'float32', dims, data });

/** The operator set that steps are written in. */
const opset = 17;

function checkBatch(given: Float32Array | Int32Array, expected: number, name: string): void {
  if (!(given instanceof Float32Array || given instanceof Int32Array))
    throw new RangeError(`train: ${name} must be a typed array, got ${describe(given)}`);
  if (given.length !== expected)
    throw new RangeError(`train: ${name} must have length ${expected} (the batch's), got ${given.length}`);
}

function checkClasses(targets: Int32Array | Float32Array, classes: number, positions: number): Int32Array {
  const at = notClass(targets, classes, positions);
  if (at >= 0)
    throw new RangeError(
      `train: targets must be classes from 0 to ${classes - 1}, got ${targets[at]} (sample ${Math.floor(at / positions)} of the batch)`,
    );
  return targets instanceof Int32Array ? targets : Int32Array.from(targets, target => Math.max(-1, target));
}

function checkOptions({ batch, loss, groups, clipNorm, seed = 0, labelSmoothing = 0 }: TrainerOptions): void {
  whole('train', 'batch', batch, 1);
  whole('train', 'seed', seed, 0);
  if (loss !== undefined && loss !== 'cross-entropy' && loss !== 'mean-squared-error')
    throw new RangeError(`train: loss must be 'cross-entropy' or 'mean-squared-error', got '${loss}'`);
  if (clipNorm !== undefined && !(finite('train', 'clipNorm', clipNorm) > 0))
    throw new RangeError(`train: clipNorm must be above 0, got ${clipNorm}`);
  if (!(finite('train', 'labelSmoothing', labelSmoothing) >= 0 && labelSmoothing < 1))
    throw new RangeError(`train: labelSmoothing must be from 0 up to but not including 1, got ${labelSmoothing}`);
  if (labelSmoothing > 0 && loss === 'mean-squared-error')
    throw new RangeError(`train: labelSmoothing must be 0 for numbers to be met, got ${labelSmoothing}`);
  checkGroups(groups ?? {});
}

/**
 * Prepares a model for training: builds the graph of one step and starts a session on it. Parameters and the optimizer's state stay in arrays that ONNX
 * Runtime reads and writes directly. The model it gives is of opset 17 at least, with weights as initializers. Throws a Failure for models that
 * cannot be trained, a RangeError for options out of range.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, moons, openTrainer } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-8-2', { rectifier: parseRectifier('prelu') });
 * const { inputs, targets } = moons({ count: 64 });
 * const trainer = await openTrainer(network, { batch: 64 });
 * const losses = [];
 * for (let step = 0; step < 20; step++) losses.push((await trainer.step({ inputs, targets }, 0.1)).loss);
 * await trainer.close();
 * losses.at(-1) < losses[0]; // => true
 */
export async function openTrainer(given: Model, options: TrainerOptions): Promise<Trainer> {
  checkOptions(options);
  const { batch, clipNorm, gradientNorms = false, runtime, threads } = options;
  const model = raiseOpset(constantsToInitializers(given), Math.max(opset, opsetOf(given)));
  const optimizer = checkOptimizer(options.optimizer ?? { kind: 'sgd', momentum: 0.9 });
  const plan = await stepGraph(model, {
    batch,
    optimizer,
    gradientNorms,
    loss: options.loss ?? 'cross-entropy',
    groups: options.groups ?? {},
    freeze: options.freeze ?? [],
    labelSmoothing: options.labelSmoothing ?? 0,
    clipNorm: clipNorm ?? null,
    batchStatistics: options.batchStatistics ?? true,
    seed: options.seed ?? 0,
    sampleDims: options.sampleDims ?? {},
    session: { ...(runtime && { runtime }), ...(threads !== undefined && { threads }) },
  });
  // ONNX Runtime's blocked layout costs a step more in rearranging than it wins in convolutions, and threads that sleep between its operators are as slow as one (measured).
  const session = await openSession(plan.model, { graphOptimizationLevel: 'extended', spinning: true, ...options });
  const buffers = (carried: Carried, current: Float32Array): Buffers => ({
    ...carried,
    current,
    next: new Float32Array(current.length),
  });
  const learned = plan.learned.map(each => ({
    ...each,
    value: buffers(
      each.value,
      learnedFromValues(parameterValues(model, each.parameter.name), each.parameter, each.constraint),
    ),
    state: each.state.map(state => buffers(state, new Float32Array(elements(state.dims)))),
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
    if (Array.isArray(inputs) || (ArrayBuffer.isView(inputs) && !(inputs instanceof Float32Array)))
      throw new RangeError(
        `train: inputs must be a Float32Array, or one for each input by name, got ${describe(inputs)}`,
      );
    for (const { name, dims } of plan.inputs) {
      const data = inputs instanceof Float32Array ? inputs : inputs[name];
      if (data === undefined || (inputs instanceof Float32Array && plan.inputs.length > 1))
        throw new RangeError(`train: inputs must have an array for each of the model's inputs, got none for '${name}'`);
      checkBatch(data, elements(dims), `inputs '${name}'`);
      feeds[name] = tensor(dims, data);
    }
    checkBatch(targets, elements(plan.targets.dims), 'targets');
    const data =
      plan.targets.type === 'int32'
        ? checkClasses(targets, plan.output.dims[1] as number, elements(plan.targets.dims) / batch)
        : Float32Array.from(targets);
    feeds[plan.targets.name] = { type: plan.targets.type, dims: plan.targets.dims, data };
    return feeds;
  };

  const currentModel = (): Model => {
    const copy = copyModel(model);
    const values = new Map<string, Float32Array>(statistics.map(({ input, current }) => [input, current]));
    for (const { parameter, constraint, value } of learned)
      values.set(parameter.name, valuesFromLearned(value.current, parameter, constraint));
    const graph = mainGraph(copy);
    graph.initializer = graph.initializer.map(old => {
      const data = values.get(old.name);
      return data ? floatTensor(old.name, old.dims.map(Number), data) : old;
    });
    return copy;
  };

  /** Throws where what a step found is not finite: the data, else the loss, else a gradient. */
  const requireFinite = async ({ inputs, targets }: TrainingBatch, data: Record<string, TensorData>, loss: number) => {
    // Gradients flow backwards: the last one in the graph's order is where that begins.
    const at = learned.findLastIndex((_, index) => !Number.isFinite(squares[index]));
    const gradient = plan.gradientSquares !== null && at >= 0;
    if (Number.isFinite(loss) && !gradient) return;
    const given = Object.entries(inputs instanceof Float32Array ? { inputs } : inputs);
    const wrong = [...given, ['targets', targets] as const].find(([, values]) => !allFinite(values));
    if (wrong)
      throw new Failure(
        'input',
        `train: a batch must be finite, got NaN or Infinity in '${wrong[0]}' at step ${steps}`,
      );
    if (Number.isFinite(loss))
      throw diverged(
        'gradients must stay finite',
        `the length ${Math.sqrt(squares[at] as number)} of that of '${learned[at]?.parameter.name}' at step ${steps}`,
      );
    const found = { what: 'the loss', loss, when: `at step ${steps}` };
    throw await explainDivergence(currentModel(), [data], found, options);
  };

  return {
    parameters: learned.map(({ parameter }) => parameter),
    output: plan.output,
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
      await requireFinite(samples, data, found);
      for (const each of carried) [each.current, each.next] = [each.next, each.current];
      steps++;
      return {
        loss: found,
        correct: plan.correct === null ? null : (correctValue[0] as number),
        counted: plan.correct === null ? null : countClasses(samples.targets),
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
      const refuse = (got: string) =>
        new Failure('input', `train: the checkpoint must be of this network and optimizer, got ${got}`);
      for (const { input, dims } of carried) {
        const saved = state.tensors.get(input);
        if (!saved) throw refuse(`none of '${input}'`);
        if (saved.dims.join() !== dims.join())
          throw refuse(`dimensions [${saved.dims.join(', ')}] for '${input}', which has [${dims.join(', ')}]`);
        if (saved.data.length !== elements(dims))
          throw refuse(`${saved.data.length} numbers for '${input}', which has ${elements(dims)}`);
      }
      if (state.tensors.size !== carried.length)
        throw refuse(`${state.tensors.size} tensors instead of ${carried.length}`);
      if (!Number.isSafeInteger(state.steps) || state.steps < 0) throw refuse(`${state.steps} steps`);
      for (const each of carried) each.current.set(state.tensors.get(each.input)!.data);
      steps = state.steps;
    },
    close: () => session.close(),
  };
}
