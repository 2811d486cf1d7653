import { type AttributeValue, floatTensor, intTensor, node, valueInfo } from '../src/onnx/build.js';
import { expose, freshNames } from '../src/onnx/edit.js';
import { copyModel, inputSpecs, type Model, mainGraph } from '../src/onnx/model.js';
import { raiseOpset } from '../src/onnx/raise-opset.js';
import { openSession } from '../src/onnx/runtime.js';
import { shapesOf } from '../src/onnx/shapes.js';
import { tensorNumbers } from '../src/onnx/tensor.js';
import type { TensorData } from '../src/onnx/tensor-data.js';
import { createRandom, type Random } from '../src/random.js';
import { type Differentiated, differentiate } from '../src/train/differentiate.js';
import { inDouble } from './double-model.js';
import { modelOf, runOnce, tensor } from './models.js';

export interface GradientCheckOptions {
  readonly wrt: readonly string[];
  readonly feeds: Readonly<Record<string, TensorData>>;
  readonly seed?: number;
}

/** What a check found. */
export interface GradientCheck {
  /** Of each of `wrt`: the largest difference between the gradient and finite differences, over the largest finite difference, or 0.01 where that is less (a bias in front of batch norm has gradient 0 but for rounding). */
  readonly errors: Readonly<Record<string, number>>;
  /** The largest difference between an output in single and in double precision, over the largest output. */
  readonly forward: number;
  /** The model with its gradients. */
  readonly differentiated: Differentiated;
}

const awayFromZero = (random: Random): number => {
  const size = 0.2 + random.uniform();
  return random.uniform() < 0.5 ? -size : size;
};

/** Appends a loss: the sum of all outputs, each element times a random weight, so that no part of a gradient cancels. Returns its name. */
async function appendLoss(model: Model, dims: Record<string, readonly number[]>, seed: number): Promise<string> {
  const graph = mainGraph(model);
  const outputs = graph.output.map(({ name }) => name);
  const shapes = await shapesOf(model, dims, outputs, { threads: 1 });
  const random = createRandom(seed);
  const fresh = freshNames(model);
  const add = (opType: string, inputs: readonly string[], attributes = {}) => {
    const name = fresh(`check/${opType}`);
    graph.node.push(node(opType, inputs, [name], attributes));
    return name;
  };
  const terms = outputs.map(name => {
    const shape = shapes.get(name) as number[];
    const weights = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => awayFromZero(random));
    const weight = fresh('check/weights');
    graph.initializer.push(floatTensor(weight, shape, weights));
    return add('ReduceSum', [add('Mul', [name, weight])], { keepdims: 0 });
  });
  return add('Sum', terms);
}

/**
 * Step h of the finite differences. Their error is about 1e-16 / h = 1e-9 of the loss from rounding, and h² from the third derivative; the step is
 * as small as that allows, so that it hardly ever crosses the kink of a rectifier.
 */
const stepSize = 1e-7;

const largest = (values: Iterable<number>) => {
  let found = 0;
  for (const value of values) found = Number.isNaN(value) ? Number.NaN : Math.max(found, Math.abs(value));
  return found;
};

/**
 * Compares the gradients of a model, computed by ONNX Runtime in single precision, with central differences of the same model in double
 * precision, for every element of `wrt`. What remains is the rounding of single precision: 6e-8 for each of the operations on the way.
 */
export async function checkGradients(
  original: Model,
  { wrt, feeds, seed = 1 }: GradientCheckOptions,
): Promise<GradientCheck> {
  const dims = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  const model = copyModel(raiseOpset(original, 17));
  const outputs = mainGraph(model).output.map(({ name }) => name);
  const lossName = await appendLoss(model, dims, seed);
  const differentiated = await differentiate(model, { loss: lossName, wrt, dims, threads: 1 });
  const graph = mainGraph(model);
  const values = new Set([
    ...graph.node.flatMap(({ input, output }) => [...input, ...output]),
    ...Object.keys(feeds),
    ...wrt,
  ]);
  values.delete('');
  const shapes = await shapesOf(model, dims, [...values], { threads: 1 });
  const asInputs = wrt.filter(name => graph.initializer.some(tensor => tensor.name === name));
  const double = inDouble(model, shapes, asInputs);
  mainGraph(double).output.push(valueInfo(lossName, undefined, 11));

  const known = copyModel(differentiated.model);
  for (const gradient of differentiated.gradients.values()) if (gradient) expose(known, gradient);
  const single = await runOnce(known, feeds);

  const wide = (data: ArrayLike<number>) => Float64Array.from(data);
  const doubleFeeds: Record<string, TensorData & { data: Float64Array }> = {};
  for (const { name, type } of inputSpecs(double)) {
    const fed = feeds[name];
    const tensor = graph.initializer.find(each => each.name === name);
    const data = fed ? fed.data : tensorNumbers(tensor as NonNullable<typeof tensor>, new Map());
    doubleFeeds[name] =
      type === 'float64'
        ? { type: 'float64', dims: shapes.get(name) as number[], data: wide(data as ArrayLike<number>) }
        : (fed as TensorData & { data: Float64Array });
  }
  const session = await openSession(double, { threads: 1 });
  try {
    const loss = async () => ((await session.run(doubleFeeds, [lossName]))[lossName] as TensorData).data[0];
    const plain = await session.run(doubleFeeds, outputs);
    const forward = largest(
      outputs.map(name => {
        const [got, exact] = [single[name]?.data as Float32Array, plain[name]?.data as Float64Array];
        return largest(got.map((value, at) => value - (exact[at] as number))) / Math.max(1e-30, largest(exact));
      }),
    );
    const errors: Record<string, number> = {};
    for (const name of wrt) {
      const { data } = doubleFeeds[name] as { data: Float64Array };
      const differences: number[] = [];
      for (let at = 0; at < data.length; at++) {
        const value = data[at] as number;
        data[at] = value + stepSize;
        const above = (await loss()) as number;
        data[at] = value - stepSize;
        differences.push((above - ((await loss()) as number)) / (2 * stepSize));
        data[at] = value;
      }
      const gradient = differentiated.gradients.get(name);
      const got = gradient ? (single[gradient]?.data as Float32Array) : new Float32Array(data.length);
      if (got.length !== data.length) throw new Error(`${name}: gradient of ${got.length}, value of ${data.length}`);
      const wrong = largest(differences.map((exact, at) => exact - (got[at] as number)));
      errors[name] = wrong / Math.max(1e-2, largest(differences));
    }
    return { errors, forward, differentiated };
  } finally {
    await session.close();
  }
}

/** An input of an operator: dimensions of a random tensor whose gradient is checked, a constant, or '' for one that is missing. */
export type OperatorInput =
  | readonly number[]
  | { readonly ints: readonly number[]; readonly dims: readonly number[] }
  | { readonly floats: readonly number[]; readonly dims: readonly number[] }
  | '';

export interface OperatorCheckOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  readonly outputs?: number;
  /** Makes the random numbers of an input: by default between 0.2 and 1.2, of either sign, away from the kinks of rectifiers. */
  readonly draw?: (random: Random, input: number) => number;
  readonly seed?: number;
}

/** A model of one operator whose random inputs are its graph's inputs `i0`, `i1`, …; and what to feed. */
export function operatorModel(
  opType: string,
  inputs: readonly OperatorInput[],
  { attributes, opset = 17, outputs = 1, draw = awayFromZero, seed = 1 }: OperatorCheckOptions = {},
) {
  const random = createRandom(seed);
  const names = inputs.map((input, at) => (input === '' ? '' : `i${at}`));
  const results = Array.from({ length: outputs }, (_, at) => `y${at}`);
  const varied = names.filter((_, at) => Array.isArray(inputs[at]));
  const feeds = Object.fromEntries(
    varied.map(name => {
      const at = names.indexOf(name);
      const dims = inputs[at] as readonly number[];
      const count = dims.reduce((a, b) => a * b, 1);
      return [
        name,
        tensor(
          dims,
          Array.from({ length: count }, () => draw(random, at)),
        ),
      ];
    }),
  );
  const model = modelOf(
    {
      nodes: [node(opType, names, results, attributes)],
      inputs: varied.map(name => valueInfo(name, feeds[name]?.dims)),
      outputs: results.map(name => valueInfo(name)),
      initializers: inputs.flatMap((input, at) => {
        const name = names[at] as string;
        if (input !== '' && 'ints' in input) return [intTensor(name, input.dims, input.ints)];
        return input !== '' && 'floats' in input ? [floatTensor(name, input.dims, input.floats)] : [];
      }),
    },
    opset,
  );
  return { model, feeds, wrt: varied };
}

/** Checks the gradients of one operator with respect to all of its random inputs. */
export function checkOperator(opType: string, inputs: readonly OperatorInput[], options: OperatorCheckOptions = {}) {
  const { model, feeds, wrt } = operatorModel(opType, inputs, options);
  return checkGradients(model, { wrt, feeds, seed: (options.seed ?? 1) + 1 });
}

export const ints = (...values: number[]): OperatorInput => ({ ints: values, dims: [values.length] });
export const floats = (dims: readonly number[], ...values: number[]): OperatorInput => ({ floats: values, dims });
