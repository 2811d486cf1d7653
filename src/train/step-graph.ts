import { Failure } from '../failure.js';
import { valueInfo } from '../onnx/build.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { DataType } from '../onnx/proto.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { dimsOf } from '../onnx/tensor.js';
import type { SlopeConstraint } from '../rectifiers/slope-constraint.js';
import { type Chosen, chooseParameters, release } from './chosen-parameters.js';
import { type Differentiated, differentiate } from './differentiate.js';
import { clipFactor, squaresOf } from './gradient-norm.js';
import { endsOf, logitsOf } from './logits.js';
import { addLoss, type Loss, type LossValues, type Targets, targetsOf } from './loss.js';
import { type CheckedOptimizer, rateNames, stateNames, update } from './optimizer.js';
import type { ParameterGroups } from './parameter-group.js';
import type { Parameter } from './parameters.js';
import { projectedNode } from './slope-parameter.js';
import { fixInputs, outputDims, type Sized } from './step-inputs.js';
import { toTrainingForm } from './training-form.js';
import { createWriter, type Writer } from './writer.js';

export interface StepGraphOptions {
  readonly loss: Loss;
  readonly optimizer: CheckedOptimizer;
  readonly groups: ParameterGroups;
  /** Names, with `*` for any characters, of parameters that are not trained. */
  readonly freeze: readonly string[];
  /** Share of the target that cross-entropy spreads over all classes. */
  readonly labelSmoothing: number;
  /** Samples in a step. */
  readonly batch: number;
  /** Whether batch norm takes the statistics of the batch and renews its running ones, or keeps these. */
  readonly batchStatistics: boolean;
  /** Of random slopes. */
  readonly seed: number;
  /** The gradient is scaled down to this length where it is longer; null for never. */
  readonly clipNorm: number | null;
  /** Whether the squared length of each parameter's gradient is an output. */
  readonly gradientNorms: boolean;
  /** Dimensions of the inputs without the batch's, where the model leaves them free. */
  readonly sampleDims: Readonly<Record<string, readonly number[]>>;
  /** What finds the dimensions of values. */
  readonly session: SessionOptions;
}

/** A tensor that a step reads and writes anew: a parameter, the optimizer's state of one, or a running statistic. */
export interface Carried {
  readonly input: string;
  readonly output: string;
  readonly dims: readonly number[];
}

/** A parameter that is learned, with the tensors that stand for it. */
export interface Learned {
  readonly parameter: Parameter;
  /** What holds it: where that is a reparameterization, `value` carries what stands behind the slope. */
  readonly constraint: SlopeConstraint;
  readonly value: Carried;
  readonly state: readonly Carried[];
}

type Rates = Readonly<Record<(typeof rateNames)[number], string>>;

/** One training step as an ONNX model: data, targets, rates and everything carried go in; losses and everything carried come out. */
export interface StepGraph {
  readonly model: Model;
  readonly inputs: readonly Sized[];
  /** What the model gives in a step. */
  readonly output: Sized;
  readonly targets: Targets;
  readonly rates: Rates;
  readonly learned: readonly Learned[];
  readonly statistics: readonly Carried[];
  readonly loss: string;
  readonly correct: string | null;
  /** Squared lengths of the gradients of `learned`, in that order. */
  readonly gradientSquares: string | null;
}

/** The forward pass in training form with its loss. */
interface Forward {
  readonly model: Model;
  readonly inputs: readonly Sized[];
  readonly output: Sized;
  readonly targets: Targets;
  readonly chosen: readonly Chosen[];
  readonly statistics: readonly Carried[];
  readonly values: LossValues;
}

/** Brings the model into training form; the running statistics that it renews become inputs. */
function carryStatistics(model: Model, writer: Writer, options: StepGraphOptions): Carried[] {
  const graph = mainGraph(model);
  const running = toTrainingForm(model, writer, options);
  const dims = new Map(graph.initializer.map(tensor => [tensor.name, dimsOf(tensor)]));
  release(model, new Set(running.map(({ name }) => name)));
  const statistics = running.map(({ name, renewed }) => ({
    input: name,
    output: renewed,
    dims: dims.get(name) as number[],
  }));
  for (const { input, dims: shape } of statistics) graph.input.push(valueInfo(input, shape));
  return statistics;
}

async function forwardPass(original: Model, options: StepGraphOptions): Promise<Forward> {
  const { loss, labelSmoothing, batch, sampleDims, session } = options;
  const model = copyModel(original);
  const graph = mainGraph(model);
  const writer = createWriter(model, 'forward');
  const inputs = fixInputs(model, batch, sampleDims);
  const ends = endsOf(model);
  const dims = await outputDims(model, inputs, ends, session);
  const sized = (value: string): Sized => ({ name: value, dims: dims.get(value) as number[] });
  const [output, logits] = [sized(ends[0]), sized(logitsOf(model, dims))];
  const chosen = chooseParameters(model, writer, options);
  const statistics = carryStatistics(model, writer, options);
  const targets: Targets = { name: writer.fresh('targets'), ...targetsOf(loss, output) };
  graph.input.push(valueInfo(targets.name, targets.dims, targets.type === 'int32' ? DataType.INT32 : DataType.FLOAT));
  const values = addLoss(writer, { loss, labelSmoothing }, output, logits, targets);
  return { model, inputs, output, targets, chosen, statistics, values };
}

function gradientsOf({ model, inputs, targets, chosen, statistics, values }: Forward, session: SessionOptions) {
  const sized: readonly Sized[] = [
    ...inputs,
    targets,
    ...chosen.map(({ learned, parameter }) => ({ name: learned, dims: parameter.dims })),
    ...statistics.map(each => ({ name: each.input, dims: each.dims })),
  ];
  return differentiate(model, {
    loss: values.loss,
    wrt: chosen.map(({ learned }) => learned),
    dims: Object.fromEntries(sized.map(each => [each.name, each.dims])),
    ...session,
  });
}

/** The parameters that the loss depends on, each with its gradient. */
function reachedBy({ gradients }: Differentiated, chosen: readonly Chosen[]): (Chosen & { gradient: string })[] {
  const reached = chosen.flatMap(each => {
    const gradient = gradients.get(each.learned);
    return gradient == null ? [] : [{ ...each, gradient }];
  });
  if (reached.length === 0)
    throw new Failure(
      'input',
      `train: there must be a parameter that the loss depends on, got none of ${chosen.length}`,
    );
  return reached;
}

/** Writes how one parameter moves along its gradient, and makes inputs of the optimizer's state. */
function learn(
  writer: Writer,
  model: Model,
  optimizer: CheckedOptimizer,
  rates: Rates,
  { parameter, group, learned, gradient }: Chosen & { readonly gradient: string },
): Learned {
  const { dims } = parameter;
  const { rateFactor: factor, weightDecay, constraint } = group;
  const state = stateNames(optimizer).map(name => writer.fresh(`${learned}/${name}`));
  for (const name of state) mainGraph(model).input.push(valueInfo(name, dims));
  const moved = update(writer, optimizer, { parameter: learned, gradient, state, rates, factor, weightDecay });
  return {
    parameter,
    constraint,
    value: { input: learned, output: projectedNode(writer, moved.parameter, parameter, constraint), dims },
    state: state.map((input, at) => ({ input, output: moved.state[at] as string, dims })),
  };
}

/**
 * The training step of a model as one graph: forward pass in training form, loss, gradients and the optimizer's update. Throws a Failure for
 * models that cannot be trained: operators without a rule, free dimensions, outputs that the loss does not take, nothing to learn.
 */
export async function stepGraph(original: Model, options: StepGraphOptions): Promise<StepGraph> {
  const { optimizer, clipNorm, gradientNorms, session } = options;
  const forward = await forwardPass(original, options);
  const { values, chosen, statistics } = forward;
  const differentiated = await gradientsOf(forward, session);
  const reached = reachedBy(differentiated, chosen);
  const { model } = differentiated;
  const graph = mainGraph(model);
  const writer = createWriter(model, 'step');
  const rates = Object.fromEntries(rateNames.map(name => [name, writer.fresh(name)])) as Rates;
  for (const name of rateNames) graph.input.push(valueInfo(rates[name], []));
  const raw = reached.map(({ gradient }) => gradient);
  const squares = gradientNorms || clipNorm !== null ? squaresOf(writer, raw) : null;
  const factor = squares !== null && clipNorm !== null ? clipFactor(writer, squares, clipNorm) : null;
  const learned = reached.map(each => {
    const gradient = factor === null ? each.gradient : writer.op('Mul', [each.gradient, factor]);
    return learn(writer, model, optimizer, rates, { ...each, gradient });
  });
  const gradientSquares = gradientNorms ? squares : null;
  const found = [values.loss, values.correct, gradientSquares].filter(name => name !== null);
  const renewed = [...learned.flatMap(({ value, state }) => [value, ...state]), ...statistics].map(each => each.output);
  graph.output = [...found, ...renewed].map(name => valueInfo(name));
  const { inputs, output, targets } = forward;
  return { model, inputs, output, targets, rates, learned, statistics, ...values, gradientSquares };
}
