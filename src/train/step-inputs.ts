import { Failure } from '../failure.js';
import { valueInfo } from '../onnx/build.js';
import { inputSpecs, type Model, mainGraph } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { shapesOf } from '../onnx/shapes.js';

/** A value with the dimensions that it has in a step. */
export interface Sized {
  readonly name: string;
  readonly dims: readonly number[];
}

/** An input of the model as a step takes it. */
export interface StepInput extends Sized {
  /** Samples that the model declares to take at once; null where that is free. */
  readonly declared: number | null;
}

/** Gives the inputs of a model, which it changes, their dimensions in a step and returns them. `sampleDims` are those without the batch's. */
export function fixInputs(
  model: Model,
  batch: number,
  sampleDims: Readonly<Record<string, readonly number[]>>,
): StepInput[] {
  const graph = mainGraph(model);
  return inputSpecs(model).map(({ name, type, dims: [first, ...others] }) => {
    const rest = sampleDims[name] ?? others;
    if (type !== 'float32') throw new Failure('input', `train: inputs must be float32, got ${type} for '${name}'`);
    if (rest.some(dim => typeof dim !== 'number'))
      throw new Failure(
        'usage',
        `train: the dimensions of a sample must be given where the model leaves them free, got [${rest.join(', ')}] for '${name}'`,
      );
    const dims = [batch, ...(rest as number[])];
    graph.input = graph.input.map(input => (input.name === name ? valueInfo(name, dims) : input));
    return { name, dims, declared: typeof first === 'number' ? first : null };
  });
}

/** The dimensions of a model's output, and of other values, in a step. Throws a Failure where the model does not take that many samples at once. */
export async function outputDims(
  model: Model,
  inputs: readonly StepInput[],
  [output, ...others]: readonly [string, ...string[]],
  session: SessionOptions,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const batch = inputs[0]?.dims[0] as number;
  const other = inputs.find(({ declared }) => declared !== null && declared !== batch)?.declared;
  const fixes = (cause?: unknown) =>
    new Failure('input', `train: the model fixes its batch, which must be ${other} then, got ${batch}`, { cause });
  let found: ReadonlyMap<string, readonly number[]>;
  try {
    const given = Object.fromEntries(inputs.map(input => [input.name, input.dims]));
    found = await shapesOf(model, given, [output, ...others], session);
  } catch (cause) {
    throw other === undefined ? cause : fixes(cause);
  }
  const dims = found.get(output) as number[];
  if (dims[0] === batch) return found;
  if (other !== undefined) throw fixes();
  throw new Failure(
    'input',
    `train: the output must be of as many samples as the inputs, ${batch}, got dimensions [${dims.join(', ')}] for '${output}'`,
  );
}
