import { decodeFloat16, isFloat } from '../data/elements.js';
import type { TensorData } from '../onnx/tensor-data.js';

/** How far one output of a healed model lies from the original's, over all samples. Every number is finite. */
export interface OutputDifference {
  readonly name: string;
  readonly elements: number;
  /** Largest absolute difference. */
  readonly maxAbsolute: number;
  /** The same as a share of the largest absolute value that the original's output has; 0 where nothing differs. */
  readonly maxRelative: number;
  /** Whether every element has the same bits, signs of zeros included; NaN counts as equal to NaN. */
  readonly bitEqual: boolean;
  /** Elements that are NaN or infinite on one side and something else on the other; they are in no other number. */
  readonly mismatched: number;
  /** Share of samples on which the largest element is the same, for an output of [samples, 2 or more]; null for others. */
  readonly sameTopClass: number | null;
}

interface Tally {
  elements: number;
  maxAbsolute: number;
  largest: number;
  bitEqual: boolean;
  mismatched: number;
  samples: number;
  sameClass: number;
  hasClasses: boolean;
}

const numbersOf = ({ type, data }: TensorData): ArrayLike<number | bigint> =>
  type === 'float16' ? decodeFloat16(data as Uint16Array) : data;

function topClass(values: ArrayLike<number | bigint>, from: number, to: number): number {
  let top = from;
  for (let at = from + 1; at < to; at++) if (Number(values[at]) > Number(values[top])) top = at;
  return top - from;
}

/** Adds what two runs say of one output. Throws a RangeError where the shapes differ. */
function add(tally: Tally, name: string, original: TensorData, healed: TensorData, samples: number): void {
  const { dims, type } = original;
  if (dims.join() !== healed.dims.join() || type !== healed.type)
    throw new RangeError(
      `verify: output '${name}' must keep its type and shape ${type}[${dims.join(', ')}], got ${healed.type}[${healed.dims.join(', ')}]`,
    );
  const [a, b] = [numbersOf(original), numbersOf(healed)];
  tally.elements += a.length;
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [Number(a[at]), Number(b[at])];
    const size = Math.abs(x);
    if (size > tally.largest && size < Infinity) tally.largest = size;
    if (Object.is(x, y)) continue;
    tally.bitEqual = false;
    if (x === y) continue;
    const difference = Math.abs(x - y);
    if (!(difference < Infinity)) tally.mismatched++;
    else if (difference > tally.maxAbsolute) tally.maxAbsolute = difference;
  }
  const classes = dims[1] as number;
  if (!isFloat(type) || dims.length !== 2 || !(classes >= 2) || !(samples <= (dims[0] as number))) return;
  tally.hasClasses = true;
  for (let row = 0; row < samples; row++) {
    tally.samples++;
    const [from, to] = [row * classes, (row + 1) * classes];
    if (topClass(a, from, to) === topClass(b, from, to)) tally.sameClass++;
  }
}

/** Collects the differences between the outputs of two models, batch by batch. Memory does not grow with the number of samples. */
export class Comparison {
  private readonly tallies = new Map<string, Tally>();

  /** Adds the outputs of both models for one batch, of which the first `samples` rows count for classes. Throws a RangeError where an output is missing or has another shape. */
  add(
    original: Readonly<Record<string, TensorData>>,
    healed: Readonly<Record<string, TensorData>>,
    samples: number,
  ): void {
    for (const [name, tensor] of Object.entries(original)) {
      const other = healed[name];
      if (!other) throw new RangeError(`verify: the healed model must have output '${name}', got none`);
      const tally = this.tallies.get(name) ?? {
        elements: 0,
        maxAbsolute: 0,
        largest: 0,
        bitEqual: true,
        mismatched: 0,
        samples: 0,
        sameClass: 0,
        hasClasses: false,
      };
      this.tallies.set(name, tally);
      add(tally, name, tensor, other, samples);
    }
  }

  /** What was found, output by output. A difference where the original has nothing but zeros is set against the smallest normal float32. */
  differences(): OutputDifference[] {
    return [...this.tallies].map(([name, tally]) => ({
      name,
      elements: tally.elements,
      maxAbsolute: tally.maxAbsolute,
      maxRelative: tally.maxAbsolute === 0 ? 0 : tally.maxAbsolute / Math.max(tally.largest, 2 ** -126),
      bitEqual: tally.bitEqual,
      mismatched: tally.mismatched,
      sameTopClass: tally.hasClasses && tally.samples > 0 ? tally.sameClass / tally.samples : null,
    }));
  }
}
