import { Float16Array } from '@petamoriken/float16';
import { Failure } from '../failure.js';
import { DataLocation, DataType, type TensorProto } from './proto.js';
import type { ElementType } from './tensor-data.js';

/** The values of an ONNX tensor as numbers: float32 and narrower floats as Float32Array, everything else as Float64Array. */
export type Numbers = Float32Array | Float64Array;

/** Files beside the model that hold weights (ONNX external data), by the location the model gives. */
export type ExternalData = ReadonlyMap<string, Uint8Array>;

const elementTypes: Partial<Record<DataType, ElementType>> = {
  [DataType.FLOAT16]: 'float16',
  [DataType.FLOAT]: 'float32',
  [DataType.DOUBLE]: 'float64',
  [DataType.INT8]: 'int8',
  [DataType.UINT8]: 'uint8',
  [DataType.INT16]: 'int16',
  [DataType.UINT16]: 'uint16',
  [DataType.INT32]: 'int32',
  [DataType.UINT32]: 'uint32',
  [DataType.INT64]: 'int64',
  [DataType.UINT64]: 'uint64',
  [DataType.BOOL]: 'bool',
};

/**
 * ONNX Runtime's spelling of an ONNX data type, or null for types a session cannot take (strings, complex, 4- and 8-bit floats).
 *
 * @example
 * import { elementType, floatTensor } from 'reluminate/onnx';
 * elementType(floatTensor('w', [1], [0.5]).dataType); // => "float32"
 * const strings = 8;
 * elementType(strings); // => null
 */
export const elementType = (dataType: number): ElementType | null => elementTypes[dataType as DataType] ?? null;

/**
 * Whether an ONNX data type is a float of 16, 32 or 64 bits: the types that weights and activations have.
 *
 * @example
 * import { floatTensor, intTensor, isFloatType } from 'reluminate/onnx';
 * isFloatType(floatTensor('w', [1], [0.5]).dataType); // => true
 * isFloatType(intTensor('axes', [1], [1]).dataType); // => false
 */
export const isFloatType = (dataType: number): boolean =>
  dataType === DataType.FLOAT ||
  dataType === DataType.DOUBLE ||
  dataType === DataType.FLOAT16 ||
  dataType === DataType.BFLOAT16;

/** Bits of one element, or null for a type without raw data of fixed width. */
function bitsPerElement(dataType: DataType): number | null {
  switch (dataType) {
    case DataType.DOUBLE:
    case DataType.INT64:
    case DataType.UINT64:
    case DataType.COMPLEX64:
      return 64;
    case DataType.FLOAT:
    case DataType.INT32:
    case DataType.UINT32:
      return 32;
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
    case DataType.INT16:
    case DataType.UINT16:
      return 16;
    case DataType.INT8:
    case DataType.UINT8:
    case DataType.BOOL:
      return 8;
    default:
      return null;
  }
}

/**
 * The dimensions of a tensor as numbers.
 *
 * @example
 * import { dimsOf, floatTensor } from 'reluminate/onnx';
 * dimsOf(floatTensor('w', [2, 3], [1, 2, 3, 4, 5, 6])); // => [2, 3]
 * dimsOf(floatTensor('scalar', [], [1])); // => []
 */
export const dimsOf = (tensor: TensorProto): number[] => tensor.dims.map(Number);

/**
 * The number of elements a tensor declares. Throws a Failure for negative dimensions and for products no memory could hold.
 *
 * @example
 * import { elementCount, floatTensor } from 'reluminate/onnx';
 * elementCount(floatTensor('w', [2, 3], [1, 2, 3, 4, 5, 6])); // => 6
 * elementCount(floatTensor('scalar', [], [1])); // => 1
 */
export function elementCount(tensor: TensorProto): number {
  const count = dimsOf(tensor).reduce((product, dim) => product * (dim < 0 ? Number.NaN : dim), 1);
  if (!Number.isSafeInteger(count))
    throw new Failure(
      'input',
      `read model: the dimensions of tensor '${tensor.name}' must be sizes that memory can hold, got [${tensor.dims.join(', ')}]`,
    );
  return count;
}

/**
 * Where the bytes of an external tensor lie: location, offset and length.
 *
 * @example
 * import { externalReference, floatTensor } from 'reluminate/onnx';
 * const externalData = Object.entries({ location: 'w.bin', offset: '4096' }).map(([key, value]) => ({ key, value }));
 * const weight = { ...floatTensor('w', [2], []), dataLocation: 1, externalData };
 * externalReference(weight); // => { location: 'w.bin', offset: 4096, length: null }
 */
export function externalReference(tensor: TensorProto): { location: string; offset: number; length: number | null } {
  const entry = (key: string) => tensor.externalData.find(item => item.key === key)?.value;
  const location = entry('location');
  const offset = Number(entry('offset') ?? 0);
  const length = entry('length') === undefined ? null : Number(entry('length'));
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (location === undefined || !whole(offset) || (length !== null && !whole(length)))
    throw new Failure(
      'input',
      `read model: external data of tensor '${tensor.name}' must have a location and whole offset and length, got location ${location}, offset ${entry('offset')}, length ${entry('length')}`,
    );
  return { location, offset, length };
}

/**
 * Whether the tensor's values lie in a file beside the model.
 *
 * @example
 * import { floatTensor, isExternal } from 'reluminate/onnx';
 * const weight = floatTensor('w', [2], [1, -2]);
 * isExternal(weight); // => false
 * isExternal({ ...weight, dataLocation: 1 }); // => true
 */
export const isExternal = (tensor: TensorProto): boolean => tensor.dataLocation === DataLocation.EXTERNAL;

/**
 * The raw little-endian bytes of a tensor that has them, in the model or beside it; null where the values are in a typed field.
 *
 * @example
 * import { floatTensor, rawBytes } from 'reluminate/onnx';
 * const weight = floatTensor('w', [1], [-2]);
 * Array.from(rawBytes(weight, new Map())); // => [0, 0, 0, 192]
 * const beside = { ...weight, dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] };
 * Array.from(rawBytes(beside, new Map([['w.bin', Uint8Array.of(0, 0, 128, 63)]]))); // => [0, 0, 128, 63]
 */
export function rawBytes(tensor: TensorProto, external: ExternalData): Uint8Array | null {
  if (!isExternal(tensor)) return tensor.rawData.length > 0 ? tensor.rawData : null;
  const { location, offset, length } = externalReference(tensor);
  const file = external.get(location);
  if (!file)
    throw new Failure(
      'input',
      `read model: external data '${location}' of tensor '${tensor.name}' must be given, got none`,
    );
  const end = length === null ? file.length : offset + length;
  if (end > file.length)
    throw new Failure(
      'input',
      `read model: external data '${location}' must hold bytes ${offset} to ${end} of tensor '${tensor.name}', got a file of ${file.length} bytes`,
    );
  return file.subarray(offset, end);
}

/**
 * Throws a Failure where a tensor's declared dimensions and its data disagree, so that nothing is ever allocated from a declaration alone.
 *
 * @example
 * import { checkTensor, floatTensor } from 'reluminate/onnx';
 * const reason = tensor => {
 *   try { return checkTensor(tensor, new Map()) ?? null; } catch ({ message }) { return message.split(': ')[1]; }
 * };
 * reason(floatTensor('w', [2], [1, -2])); // => null
 * reason(floatTensor('w', [3], [1, -2])); // => "tensor 'w' must hold 3 elements as its dimensions [3] say, got 2"
 */
export function checkTensor(tensor: TensorProto, external: ExternalData): void {
  const count = elementCount(tensor);
  const bits = bitsPerElement(tensor.dataType);
  const raw = rawBytes(tensor, external);
  const held = raw && bits ? (raw.length * 8) / bits : typedLength(tensor);
  if (held !== null && held !== count)
    throw new Failure(
      'input',
      `read model: tensor '${tensor.name}' must hold ${count} elements as its dimensions [${tensor.dims.join(', ')}] say, got ${held}`,
    );
}

/** Number of elements in the typed fields, or null for types whose packing this reader leaves alone. */
function typedLength(tensor: TensorProto): number | null {
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return tensor.floatData.length;
    case DataType.DOUBLE:
      return tensor.doubleData.length;
    case DataType.INT64:
      return tensor.int64Data.length;
    case DataType.UINT32:
    case DataType.UINT64:
      return tensor.uint64Data.length;
    case DataType.INT32:
    case DataType.INT16:
    case DataType.INT8:
    case DataType.UINT16:
    case DataType.UINT8:
    case DataType.BOOL:
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
      return tensor.int32Data.length;
    default:
      return null;
  }
}

/** Copies where the bytes are not aligned for the element, so that a typed array can view them. ONNX data is little-endian, as is every platform Node runs on. */
function view<T>(
  bytes: Uint8Array,
  type: { new (buffer: ArrayBuffer, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
): T {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new type(
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    Math.floor(aligned.length / type.BYTES_PER_ELEMENT),
  );
}

const bfloat16 = (bits: ArrayLike<number>): Float32Array =>
  new Float32Array(Uint32Array.from(bits, half => half << 16).buffer);
const float16 = (bits: Uint16Array): Float32Array =>
  Float32Array.from(new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length));

function fromRaw(bytes: Uint8Array, dataType: DataType): Numbers | null {
  switch (dataType) {
    case DataType.FLOAT:
      return view(bytes, Float32Array);
    case DataType.DOUBLE:
      return view(bytes, Float64Array);
    case DataType.FLOAT16:
      return float16(view(bytes, Uint16Array));
    case DataType.BFLOAT16:
      return bfloat16(view(bytes, Uint16Array));
    case DataType.INT64:
      return Float64Array.from(view(bytes, BigInt64Array), Number);
    case DataType.UINT64:
      return Float64Array.from(view(bytes, BigUint64Array), Number);
    case DataType.INT32:
      return Float64Array.from(view(bytes, Int32Array));
    case DataType.UINT32:
      return Float64Array.from(view(bytes, Uint32Array));
    case DataType.INT16:
      return Float64Array.from(view(bytes, Int16Array));
    case DataType.UINT16:
      return Float64Array.from(view(bytes, Uint16Array));
    case DataType.INT8:
      return Float64Array.from(view(bytes, Int8Array));
    case DataType.UINT8:
    case DataType.BOOL:
      return Float64Array.from(bytes);
    default:
      return null;
  }
}

function fromTyped(tensor: TensorProto): Numbers | null {
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return Float32Array.from(tensor.floatData);
    case DataType.DOUBLE:
      return Float64Array.from(tensor.doubleData);
    case DataType.FLOAT16:
      return float16(Uint16Array.from(tensor.int32Data));
    case DataType.BFLOAT16:
      return bfloat16(tensor.int32Data);
    case DataType.INT64:
      return Float64Array.from(tensor.int64Data, Number);
    case DataType.UINT32:
    case DataType.UINT64:
      return Float64Array.from(tensor.uint64Data, Number);
    default:
      return Float64Array.from(tensor.int32Data);
  }
}

/**
 * The values of a tensor as numbers, row-major; null for strings, complex numbers and sub-byte types. float32 data is viewed,
 * not copied, where its alignment allows; int64 beyond 2^53 loses its low bits.
 *
 * @example
 * import { floatTensor, tensorNumbers } from 'reluminate/onnx';
 * Array.from(tensorNumbers(floatTensor('w', [2], [1.5, -2]), new Map())); // => [1.5, -2]
 */
export function tensorNumbers(tensor: TensorProto, external: ExternalData): Numbers | null {
  if (bitsPerElement(tensor.dataType) === null || tensor.dataType === DataType.COMPLEX64) return null;
  const raw = rawBytes(tensor, external);
  return raw ? fromRaw(raw, tensor.dataType) : fromTyped(tensor);
}
