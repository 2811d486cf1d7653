import { Float16Array } from '@petamoriken/float16';
import type { ElementType, TensorData, TypedArray } from '../onnx/tensor-data.js';

type TypedArrayConstructor = {
  new (length: number): TypedArray;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray;
};

interface ElementKind {
  /** Bytes of one element. */
  readonly bytes: number;
  /** The typed array such elements travel in. */
  readonly view: TypedArrayConstructor;
}

/** Width and typed array of every element type. */
export const elementTypes: Readonly<Record<ElementType, ElementKind>> = {
  float16: { bytes: 2, view: Uint16Array },
  float32: { bytes: 4, view: Float32Array },
  float64: { bytes: 8, view: Float64Array },
  int8: { bytes: 1, view: Int8Array },
  uint8: { bytes: 1, view: Uint8Array },
  int16: { bytes: 2, view: Int16Array },
  uint16: { bytes: 2, view: Uint16Array },
  int32: { bytes: 4, view: Int32Array },
  uint32: { bytes: 4, view: Uint32Array },
  int64: { bytes: 8, view: BigInt64Array },
  uint64: { bytes: 8, view: BigUint64Array },
  bool: { bytes: 1, view: Uint8Array },
};

/** Whether the type is one of the three float types. */
export function isFloat(type: ElementType): boolean {
  return type.startsWith('float');
}

/** Whether every value of integer type `from` is one of integer type `to`: same type, or a wider one that holds its sign. */
export function widens(from: ElementType, to: ElementType): boolean {
  if (from === to) return true;
  const narrow = /^(u?)int(\d+)$/.exec(from);
  const wide = /^(u?)int(\d+)$/.exec(to);
  if (narrow === null || wide === null || Number(narrow[2]) >= Number(wide[2])) return false;
  return narrow[1] === 'u' || wide[1] === '';
}

/**
 * The tensor with its elements in another type, values rounded to nearest even: floats among each other, integers to
 * wider integers (see `widens`). The same type gives the same tensor, bits and all.
 */
export function convertElements(tensor: TensorData, type: ElementType): TensorData {
  if (tensor.type === type) return tensor;
  const values = tensor.type === 'float16' ? decodeFloat16(tensor.data as Uint16Array) : tensor.data;
  return { type, dims: tensor.dims, data: isFloat(type) ? toFloats(values, type) : toIntegers(values, type) };
}

/** Offset of the first NaN or infinity among a tensor's elements, -1 where all are finite; integers always are. */
export function findNonFinite({ type, data }: TensorData): number {
  if (!isFloat(type)) return -1;
  if (type === 'float16') return (data as Uint16Array).findIndex(bits => (bits & 0x7c00) === 0x7c00);
  const values = data as Float32Array;
  // A plain loop: findIndex costs ten times as much on data of this size.
  for (let index = 0; index < values.length; index++) if (values[index]! - values[index]! !== 0) return index;
  return -1;
}

/** The numbers behind float16 bits. */
export function decodeFloat16(bits: Uint16Array): Float32Array {
  float16Values ??= Float32Array.from(
    new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, index) => index).buffer),
  );
  const values = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) values[index] = float16Values[bits[index]!]!;
  return values;
}

let float16Values: Float32Array | undefined;

function toFloats(values: TypedArray, type: ElementType): TypedArray {
  const floats = values as Float32Array;
  if (type === 'float32') return new Float32Array(floats);
  if (type === 'float64') return new Float64Array(floats);
  return new Uint16Array(new Float16Array(floats).buffer);
}

function toIntegers(values: TypedArray, type: ElementType): TypedArray {
  const integers = values as Int32Array;
  if (type === 'int64') return BigInt64Array.from(integers, BigInt);
  if (type === 'uint64') return BigUint64Array.from(integers, BigInt);
  const widened = new elementTypes[type].view(integers.length) as Int32Array;
  widened.set(integers);
  return widened;
}
