import { Failure } from '../../failure.js';
import { sampleDims } from '../../onnx/shapes.js';
import type { Batch, InputSpec, TensorData } from '../../onnx/tensor-data.js';
import { downToFloat32, upToFloat32 } from './rounding.js';

/** The numbers an input may take: one lower and one upper bound for all its elements, or one for each channel (axis 1, or the last axis where only that has as many). */
export interface InputRange {
  readonly lower: number | readonly number[];
  readonly upper: number | readonly number[];
}

/** A range for each input by its name; `''` stands for every input that is not named. */
export type InputRanges = Readonly<Record<string, InputRange>>;

/** Lower and upper bound of every element of an input. */
export interface Box {
  readonly lower: TensorData;
  readonly upper: TensorData;
}

function parsePair(text: string, flag: string): [number, number] {
  const parts = text.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  const [lower, upper] = parts as [number, number];
  if (parts.length !== 2 || !parts.every(Number.isFinite) || lower > upper)
    throw new Failure('usage', `--input-range: it must be two numbers LOW,HIGH, got '${text}' in '${flag}'`);
  return [lower, upper];
}

/**
 * Ranges as flags give them: `0,1` for every input, `image=0,1` for one, `-2,2;-1.8,2.2;-1.8,2.3` with a pair for each channel.
 * Throws a Failure for anything else.
 *
 * @example
 * import { parseInputRanges } from 'reluminate/audit';
 * parseInputRanges(['0,1', 'mask=-1,1;0,2']); // => { "": { lower: 0, upper: 1 }, mask: { lower: [-1, 0], upper: [1, 2] } }
 */
export function parseInputRanges(flags: readonly string[]): InputRanges {
  const ranges: Record<string, InputRange> = {};
  for (const flag of flags) {
    const at = flag.lastIndexOf('=');
    const name = at < 0 ? '' : flag.slice(0, at);
    if (Object.hasOwn(ranges, name))
      throw new Failure('usage', `--input-range: it must be given once for an input, got '${flag}' as well`);
    const pairs = flag
      .slice(at + 1)
      .split(';')
      .map(text => parsePair(text, flag));
    const [first] = pairs as [[number, number]];
    ranges[name] =
      pairs.length === 1
        ? { lower: first[0], upper: first[1] }
        : { lower: pairs.map(([lower]) => lower), upper: pairs.map(([, upper]) => upper) };
  }
  return ranges;
}

function fill(name: string, dims: readonly number[], bound: number | readonly number[], round: (x: number) => number) {
  const count = dims.reduce((a, b) => a * b, 1);
  const values = typeof bound === 'number' ? [round(bound)] : bound.map(round);
  const last = dims.length - 1;
  const axis = dims[1] === values.length ? 1 : last;
  if (values.length > 1 && values.length !== dims[axis])
    throw new Failure(
      'usage',
      `input '${name}': its range must hold one pair, or one for each channel (axis 1 or ${last} of [${dims.join(', ')}]), got ${values.length}`,
    );
  if (!values.every(value => Number.isFinite(value)))
    throw new Failure('usage', `input '${name}': its range must be finite float32 numbers, got ${bound}`);
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const data = new Float32Array(count);
  for (let at = 0; at < count; at++) data[at] = values[Math.floor(at / inner) % values.length] as number;
  return { type: 'float32', dims, data } as const;
}

/**
 * The box of every float32 input, rounded outward to float32. Throws a Failure for an input without a range, a range for no input, and a
 * range that does not fit or whose lower bound is above its upper one.
 */
export function boxesOf(
  specs: readonly InputSpec[],
  dims: Readonly<Record<string, readonly number[]>>,
  ranges: InputRanges,
): Map<string, Box> {
  const unknown = Object.keys(ranges).find(name => name !== '' && !specs.some(spec => spec.name === name));
  if (unknown !== undefined)
    throw new Failure('usage', `--input-range: it must name an input of the model, got '${unknown}'`);
  const boxes = new Map<string, Box>();
  for (const { name, type } of specs) {
    if (type !== 'float32') continue;
    const range = ranges[name] ?? ranges[''];
    if (!range) throw new Failure('usage', `--input-range: every input must have one, got none for '${name}'`);
    const lower = fill(name, dims[name] as readonly number[], range.lower, downToFloat32);
    const upper = fill(name, dims[name] as readonly number[], range.upper, upToFloat32);
    if (lower.data.some((value, at) => value > (upper.data[at] as number)))
      throw new Failure('usage', `input '${name}': its lower bounds must not exceed the upper ones, got such a range`);
    boxes.set(name, { lower, upper });
  }
  return boxes;
}

/** The dimensions over which a proof is made: those of one sample. Throws a Failure where one besides the batch is free. */
export function provableDims(specs: readonly InputSpec[]): Record<string, number[]> {
  const dims = sampleDims(specs);
  if (!dims)
    throw new Failure(
      'usage',
      '--input-range: every dimension of the inputs but the batch must be fixed (--shape), got free ones',
    );
  return dims;
}

const list = (bound: number | readonly number[]): number[] => (typeof bound === 'number' ? [bound] : [...bound]);

/** What the elements of one input may be: one lower and one upper bound for all, or one for each channel. */
export interface DeclaredInput {
  readonly name: string;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/**
 * The ranges input by input, as a report states them.
 *
 * @example
 * import { parseInputRanges, rangesOf } from 'reluminate/audit';
 * const inputs = [{ name: 'image', type: 'float32', dims: ['N', 3] }, { name: 'mask', type: 'float32', dims: ['N', 1] }];
 * const declared = rangesOf(inputs, parseInputRanges(['0,1', 'mask=-1,1']));
 * declared.map(({ name, lower, upper }) => [name, ...lower, ...upper]); // => [["image", 0, 1], ["mask", -1, 1]]
 */
export const rangesOf = (specs: readonly InputSpec[], ranges: InputRanges): DeclaredInput[] =>
  specs.flatMap(({ name }) => {
    const range = ranges[name] ?? ranges[''];
    return range ? [{ name, lower: list(range.lower), upper: list(range.upper) }] : [];
  });

/** Passes batches on as long as their elements lie in the boxes, which hold one sample each or a whole batch. Throws a Failure for one that does not. */
export async function* insideBoxes(
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  boxes: ReadonlyMap<string, Box>,
): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    for (const [name, { lower, upper }] of boxes) {
      const data = batch.feeds[name]?.data ?? [];
      for (let at = 0; at < data.length; at++) {
        const [value, place] = [data[at] as number, at % lower.data.length];
        if (!(value >= (lower.data[place] as number) && value <= (upper.data[place] as number)))
          throw new Failure(
            'input',
            `input '${name}': the data must lie in --input-range, ${lower.data[place]} to ${upper.data[place]} there, got ${value}`,
          );
      }
    }
    yield batch;
  }
}
