import { Failure } from '../failure.js';
import type { ElementType, InputSpec, TensorData } from '../onnx/tensor-data.js';
import { convertElements, findNonFinite, isFloat, widens } from './elements.js';

/** What is known of an array before its data is read. The name is '' where the file gives none. */
export interface ArrayHeader {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
}

/** Which array feeds an input, and how: its axis 0 counts samples, or it is one sample, or (an input without axes) the same for all samples. */
export interface InputMatch {
  readonly input: InputSpec;
  readonly array: ArrayHeader;
  readonly role: 'samples' | 'one sample' | 'constant';
}

/** How a file's arrays feed a model's inputs. */
export interface Match {
  /** One for each input, in the model's order. */
  readonly inputs: readonly InputMatch[];
  /** Samples in the file, 1 or more. */
  readonly samples: number;
}

/**
 * Decides which array feeds which input of a model: a lone array the only input, whatever its name; otherwise the array
 * of the input's name (arrays of other names feed nothing). An array must have the input's dims with samples along
 * axis 0, or lack that axis and be one sample; its type must be the input's, another float type for a float, or a
 * narrower integer for an integer. Throws a Failure (`input`) that starts with `label` and says what is expected and
 * what was found.
 *
 * @example
 * import { matchArrays } from 'reluminate/data';
 * const inputs = [{ name: 'x', type: 'float32', dims: ['batch', 3] }];
 * const arrays = [{ name: 'train', type: 'float64', dims: [50, 3] }];
 * matchArrays(inputs, arrays, 'train.npz').samples; // => 50
 */
export function matchArrays(specs: readonly InputSpec[], arrays: readonly ArrayHeader[], label: string): Match {
  const names = arrays.map(array => array.name);
  const pairs = pairNames(
    specs.map(spec => spec.name),
    names,
    label,
  );
  const inputs = specs.map((input, index) => matchInput(input, arrays[names.indexOf(pairs[index]!)]!, label));
  const counted = inputs.filter(match => match.role !== 'constant');
  const samples = counted.length === 0 ? 1 : sampleCount(counted[0]!);
  const odd = counted.find(match => sampleCount(match) !== samples);
  if (odd !== undefined)
    throw new Failure(
      'input',
      `${label}: all inputs must have the same number of samples, got ${samples} of '${counted[0]!.input.name}' and ${sampleCount(odd)} of '${odd.input.name}'`,
    );
  return { inputs, samples };
}

/** For each input's name the name of the array that feeds it; throws a Failure (`input`) that lists both where one is missing. */
export function pairNames(inputs: readonly string[], arrays: readonly string[], label: string): readonly string[] {
  if (inputs.length === 1 && arrays.length === 1) return arrays;
  const missing = inputs.find(name => !arrays.includes(name));
  if (missing === undefined) return inputs;
  const wanted = quoteNames(inputs);
  throw new Failure(
    'input',
    arrays.length === 1 && arrays[0] === ''
      ? `${label}: must say which of the inputs ${wanted} it feeds, as in ${missing}=file.npy, got no name`
      : `${label}: must hold an array for each of the inputs ${wanted}, got arrays ${quoteNames(arrays)}`,
  );
}

/** Elements that one sample feeds into the model, all inputs together. */
export function elementsPerSample({ inputs }: Match): number {
  return inputs.reduce((sum, { array, role }) => {
    const dims = role === 'samples' ? array.dims.slice(1) : array.dims;
    return sum + dims.reduce((product, dim) => product * dim, 1);
  }, 0);
}

/**
 * Rows of a matched array as the tensor that feeds its input: the input's type, samples along axis 0.
 * `first` is the index of the first row among the file's samples. Throws a Failure (`input`) at the first value that is
 * not finite in the input's type, unless `allowNonFinite`.
 */
export function toInputTensor(
  rows: TensorData,
  { input, role }: InputMatch,
  { first, label, allowNonFinite }: { first: number; label: string; allowNonFinite: boolean },
): TensorData {
  const converted = convertElements(rows, input.type);
  const tensor = role === 'one sample' ? { ...converted, dims: [1, ...converted.dims] } : converted;
  if (!allowNonFinite) checkFinite(tensor, first, input.name, label);
  return tensor;
}

/** Dims as a person writes them: `[N, 3, height, ?]`, with N for the batch axis and ? where the file says nothing. */
export function formatDims(dims: InputSpec['dims']): string {
  const [batch, ...rest] = dims;
  if (batch === undefined) return '[]';
  return `[${[typeof batch === 'number' ? batch : 'N', ...rest.map(dim => dim ?? '?')].join(', ')}]`;
}

/** Names in quotes, for messages. */
export function quoteNames(names: readonly string[]): string {
  return names.map(name => `'${name}'`).join(', ');
}

function matchInput(input: InputSpec, array: ArrayHeader, label: string): InputMatch {
  checkType(input, array, label);
  if (input.dims.length === 0 && array.dims.length === 0) return { input, array, role: 'constant' };
  const [, ...inner] = input.dims;
  if (input.dims.length > 0 && fits(array.dims.slice(1), inner) && array.dims.length > 0)
    return { input, array, role: 'samples' };
  if (input.dims.length > 0 && fits(array.dims, inner)) return { input, array, role: 'one sample' };
  const hint = transposition(array.dims, inner);
  throw new Failure(
    'input',
    `${label}: input '${input.name}' takes ${formatDims(input.dims)}, got [${array.dims.join(', ')}]${hint}`,
  );
}

function fits(dims: readonly number[], wanted: InputSpec['dims']): boolean {
  return (
    dims.length === wanted.length &&
    wanted.every((dim, axis) => (typeof dim === 'number' ? dim === dims[axis] : dims[axis]! > 0))
  );
}

/** A hint for images whose channels sit at the other end, channels-last for channels-first or the reverse; else ''. */
function transposition(dims: readonly number[], inner: InputSpec['dims']): string {
  if (inner.length !== 3 || dims.length < 3 || dims.length > 4) return '';
  const outer = dims.slice(0, -3);
  const [a, b, c] = dims.slice(-3) as [number, number, number];
  const moves = [
    { order: [2, 0, 1], moved: [c, a, b] },
    { order: [1, 2, 0], moved: [b, c, a] },
  ];
  const move = moves.find(({ moved }) => fits(moved, inner));
  if (move === undefined) return '';
  const axes = [...outer.keys(), ...move.order.map(axis => axis + outer.length)];
  return `, which np.transpose(x, (${axes.join(', ')})) would fit`;
}

function checkType(input: InputSpec, array: ArrayHeader, label: string): void {
  const { type: from } = array;
  const { type: to } = input;
  if (from === to || (isFloat(from) && isFloat(to)) || widens(from, to)) return;
  const remedy = isFloat(to) ? `convert it to ${to}, scaled as in training` : `convert it to ${to}`;
  throw new Failure('input', `${label}: input '${input.name}' takes ${to}, got ${from} (${remedy})`);
}

function sampleCount({ array, role }: InputMatch): number {
  return role === 'samples' ? array.dims[0]! : 1;
}

function checkFinite(tensor: TensorData, first: number, input: string, label: string): void {
  const offset = findNonFinite(tensor);
  if (offset === -1) return;
  const rowLength = tensor.data.length / (tensor.dims[0] ?? 1);
  const value = convertElements({ ...tensor, data: tensor.data.slice(offset, offset + 1) }, 'float64').data[0];
  const sample = first + Math.floor(offset / rowLength);
  throw new Failure('input', `${label}: values must be finite, got ${value} at sample ${sample} of input '${input}'`);
}
