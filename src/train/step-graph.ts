import { Failure } from '../failure.js';
import { valueInfo } from '../onnx/build.js';
import { redirect } from '../onnx/edit.js';
import { copyModel, inputSpecs, type Model, mainGraph } from '../onnx/model.js';
import { DataType } from '../onnx/proto.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { shapesOf } from '../onnx/shapes.js';
import { dimsOf } from '../onnx/tensor.js';
import type { SlopeConstraint } from '../rectifiers/slope-constraint.js';
import { differentiate } from './differentiate.js';
import { logitsOf } from './logits.js';
import { crossEntropy, type Loss, type LossValues, meanSquaredError } from './loss.js';
import { type CheckedOptimizer, rateNames, stateNames, update } from './optimizer.js';
import { type CheckedGroup, groupOf, type ParameterGroups } from './parameter-group.js';
import { type Parameter, parametersOf } from './parameters.js';
import { type RunningStatistic, toTrainingForm } from './training-form.js';
import { createWriter, type Writer } from './writer.js';

export interface StepGraphOptions extends SessionOptions {
  readonly loss: Loss;
  readonly optimizer: CheckedOptimizer;
  readonly groups: ParameterGroups;
  /** Samples in a step. */
  readonly batch: number;
  /** Whether batch norm takes the statistics of the batch and renews its running ones, or keeps these. */
  readonly batchStatistics: boolean;
  /** The gradient is scaled down to this length where it is longer; null for never. */
  readonly clipNorm: number | null;
  /** Whether the squared length of each parameter's gradient is an output. */
  readonly gradientNorms: boolean;
  /** Dimensions of the inputs without the batch's, where the model leaves them free. */
  readonly sampleDims?: Readonly<Record<string, readonly number[]>>;
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

/** One training step as an ONNX model: data, targets, rates and everything carried go in; losses and everything carried come out. */
export interface StepGraph {
  readonly model: Model;
  readonly inputs: readonly { readonly name: string; readonly dims: readonly number[] }[];
  /** How many numbers the model gives for each sample: the classes, where there are some. */
  readonly outputs: number;
  readonly targets: { readonly name: string; readonly type: 'int32' | 'float32'; readonly dims: readonly number[] };
  readonly rates: Readonly<Record<(typeof rateNames)[number], string>>;
  readonly learned: readonly Learned[];
  readonly statistics: readonly Carried[];
  readonly loss: string;
  readonly correct: string | null;
  /** Squared lengths of the gradients of `learned`, in that order. */
  readonly gradientSquares: string | null;
}

/** The slope that a learned parameter stands for, written into the graph (`slopeFromParameter`). */
function slopeValue(writer: Writer, parameter: string, constraint: SlopeConstraint): string {
  if (constraint.kind === 'softplus') return writer.op('Softplus', [parameter]);
  if (constraint.kind !== 'sigmoid') return parameter;
  const { lower, upper } = constraint;
  const scaled = writer.op('Mul', [writer.op('Sigmoid', [parameter]), writer.scalar(upper - lower)]);
  return writer.op('Add', [scaled, writer.scalar(lower)]);
}

/** The parameter within its projection's bounds. */
function projected(writer: Writer, value: string, constraint: SlopeConstraint): string {
  if (constraint.kind !== 'projection') return value;
  const bound = (limit: number | undefined) => (limit === undefined ? '' : writer.scalar(limit));
  return writer.op('Clip', [value, bound(constraint.lower), bound(constraint.upper)]);
}

/** Takes tensors out of the initializers, and out of the inputs, where old models list them too. */
function release(model: Model, names: ReadonlySet<string>): void {
  const graph = mainGraph(model);
  graph.initializer = graph.initializer.filter(({ name }) => !names.has(name));
  graph.input = graph.input.filter(({ name }) => !names.has(name));
}

/** Gives the data inputs their fixed dimensions and returns them. */
function fixInputs(model: Model, { batch, sampleDims = {} }: StepGraphOptions): { name: string; dims: number[] }[] {
  const graph = mainGraph(model);
  return inputSpecs(model).map(({ name, type, dims }) => {
    const rest = sampleDims[name] ?? dims.slice(1);
    if (type !== 'float32') throw new Failure('input', `train: inputs must be float32, got ${type} for '${name}'`);
    if (rest.some(dim => typeof dim !== 'number'))
      throw new Failure(
        'usage',
        `train: the dimensions of a sample must be given where the model leaves them free, got [${rest.join(', ')}] for '${name}'`,
      );
    const fixed = [batch, ...(rest as number[])];
    graph.input = graph.input.map(input => (input.name === name ? valueInfo(name, fixed) : input));
    return { name, dims: fixed };
  });
}

function addLoss(writer: Writer, loss: Loss, output: string, targets: string, dims: readonly number[]): LossValues {
  if (dims.length !== 2)
    throw new Failure(
      'input',
      `train: the output must have dimensions [samples, outputs], got [${dims.join(', ')}] for '${output}'`,
    );
  return loss === 'cross-entropy'
    ? crossEntropy(writer, output, targets, dims)
    : meanSquaredError(writer, output, targets, dims);
}

/** Squared lengths of the gradients as one vector. */
function squaresOf(writer: Writer, gradients: readonly string[]): string {
  const one = writer.ints([1]);
  const squares = gradients.map(gradient =>
    writer.op('Reshape', [writer.op('ReduceSumSquare', [gradient], { keepdims: 0 }), one]),
  );
  return squares.length === 1 ? (squares[0] as string) : writer.op('Concat', squares, { axis: 0 });
}

/** What each gradient is multiplied by, so that all together are no longer than the limit (Pascanu, Mikolov & Bengio 2013). */
function clipFactor(writer: Writer, squares: string, clipNorm: number): string {
  const length = writer.op('Sqrt', [writer.op('ReduceSum', [squares], { keepdims: 0 })]);
  const quotient = writer.op('Div', [writer.scalar(clipNorm), writer.op('Add', [length, writer.scalar(1e-6)])]);
  return writer.op('Min', [quotient, writer.scalar(1)]);
}

/** A parameter to be trained: its group, and the name of what is learned in its place. */
interface Chosen {
  readonly parameter: Parameter;
  readonly group: CheckedGroup;
  readonly learned: string;
}

/** Makes inputs of the parameters that are trained, of what stands behind them where they are reparameterized. */
function chooseParameters(model: Model, writer: Writer, groups: ParameterGroups): Chosen[] {
  const graph = mainGraph(model);
  const chosen = parametersOf(model)
    .map(parameter => ({ parameter, group: groupOf(groups, parameter.kind) }))
    .filter(({ group }) => group.train);
  release(model, new Set(chosen.map(({ parameter }) => parameter.name)));
  return chosen.map(({ parameter, group }) => {
    const { name, dims } = parameter;
    const isBehind = group.constraint.kind === 'softplus' || group.constraint.kind === 'sigmoid';
    const learned = isBehind ? writer.fresh(`${name}/parameter`) : name;
    graph.input.push(valueInfo(learned, dims));
    if (isBehind) {
      const before = graph.node.length;
      const slope = slopeValue(writer, learned, group.constraint);
      const added = graph.node.splice(before);
      redirect(graph, name, slope);
      graph.node.unshift(...added);
    }
    return { parameter, group, learned };
  });
}

/**
 * The training step of a model as one graph: forward pass in training form, loss, gradients and the optimizer's update. Throws a Failure for
 * models that cannot be trained: operators without a rule, free dimensions, outputs that are not [samples, outputs], nothing to learn.
 */
export async function stepGraph(original: Model, options: StepGraphOptions): Promise<StepGraph> {
  const { loss, optimizer, groups, batch, clipNorm, gradientNorms, batchStatistics, threads, runtime } = options;
  const session: SessionOptions = { ...(runtime && { runtime }), ...(threads !== undefined && { threads }) };
  const model = copyModel(original);
  const graph = mainGraph(model);
  const writer = createWriter(model, 'forward');
  const inputs = fixInputs(model, options);
  const output = loss === 'cross-entropy' ? logitsOf(model) : (graph.output[0]?.name as string);
  const dims = (
    await shapesOf(model, Object.fromEntries(inputs.map(input => [input.name, input.dims])), [output], session)
  ).get(output) as number[];
  const chosen = chooseParameters(model, writer, groups);
  const running: RunningStatistic[] = toTrainingForm(model, writer, batchStatistics);
  const statisticDims = new Map(graph.initializer.map(tensor => [tensor.name, dimsOf(tensor)]));
  release(model, new Set(running.map(({ name }) => name)));
  const statistics = running.map(({ name, renewed }) => ({
    input: name,
    output: renewed,
    dims: statisticDims.get(name) as number[],
  }));
  for (const { input, dims: shape } of statistics) graph.input.push(valueInfo(input, shape));
  const targets =
    loss === 'cross-entropy'
      ? ({ name: writer.fresh('targets'), type: 'int32', dims: [batch, 1] } as const)
      : ({ name: writer.fresh('targets'), type: 'float32', dims } as const);
  graph.input.push(valueInfo(targets.name, targets.dims, loss === 'cross-entropy' ? DataType.INT32 : DataType.FLOAT));
  const values = addLoss(writer, loss, output, targets.name, dims);
  const given = Object.fromEntries(
    [
      ...inputs,
      targets,
      ...chosen.map(({ learned, parameter }) => ({ name: learned, dims: parameter.dims })),
      ...statistics.map(each => ({ name: each.input, dims: each.dims })),
    ].map(each => [each.name, each.dims]),
  );
  const { model: whole, gradients } = await differentiate(model, {
    loss: values.loss,
    wrt: chosen.map(({ learned }) => learned),
    dims: given,
    ...session,
  });
  const reached = chosen.filter(({ learned }) => gradients.get(learned) != null);
  if (reached.length === 0)
    throw new Failure(
      'input',
      `train: there must be a parameter that the loss depends on, got none of ${chosen.length}`,
    );
  const all = mainGraph(whole);
  const step = createWriter(whole, 'step');
  const rates = Object.fromEntries(rateNames.map(name => [name, step.fresh(name)])) as StepGraph['rates'];
  for (const name of rateNames) all.input.push(valueInfo(rates[name], []));
  const raw = reached.map(({ learned }) => gradients.get(learned) as string);
  const gradientSquares = gradientNorms || clipNorm !== null ? squaresOf(step, raw) : null;
  const factor = gradientSquares !== null && clipNorm !== null ? clipFactor(step, gradientSquares, clipNorm) : null;
  const learned = reached.map(({ parameter, group, learned: input }, index): Learned => {
    const state = stateNames(optimizer).map(name => step.fresh(`${input}/${name}`));
    for (const name of state) all.input.push(valueInfo(name, parameter.dims));
    const gradient = factor === null ? (raw[index] as string) : step.op('Mul', [raw[index] as string, factor]);
    const { rateFactor, weightDecay, constraint } = group;
    const moved = update(step, optimizer, {
      parameter: input,
      gradient,
      state,
      rates,
      factor: rateFactor,
      weightDecay,
    });
    const carried = (name: string, renewed: string): Carried => ({
      input: name,
      output: renewed,
      dims: parameter.dims,
    });
    return {
      parameter,
      constraint,
      value: carried(input, projected(step, moved.parameter, constraint)),
      state: state.map((name, at) => carried(name, moved.state[at] as string)),
    };
  });
  const outputs = [values.loss, values.correct, gradientNorms ? gradientSquares : null].filter(name => name !== null);
  const renewed = [...learned.flatMap(({ value, state }) => [value, ...state]), ...statistics].map(each => each.output);
  all.output = [...outputs, ...renewed].map(name => valueInfo(name));
  return {
    model: whole,
    inputs,
    outputs: dims[1] as number,
    targets,
    rates,
    learned,
    statistics,
    loss: values.loss,
    correct: values.correct,
    gradientSquares: gradientNorms ? gradientSquares : null,
  };
}
