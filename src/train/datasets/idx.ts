import { gunzipSync } from 'node:zlib';
import { Failure } from '../../failure.js';
import type { ElementType, TensorData } from '../../onnx/tensor-data.js';
import { elements } from '../rule.js';

interface Kind {
  readonly type: ElementType;
  readonly bytes: number;
  read(view: DataView, offset: number): number;
  make(length: number): Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

/** Element types by the third byte of the file; numbers are big-endian. */
const kinds: Readonly<Record<number, Kind>> = {
  8: { type: 'uint8', bytes: 1, read: (view, at) => view.getUint8(at), make: length => new Uint8Array(length) },
  9: { type: 'int8', bytes: 1, read: (view, at) => view.getInt8(at), make: length => new Int8Array(length) },
  11: { type: 'int16', bytes: 2, read: (view, at) => view.getInt16(at), make: length => new Int16Array(length) },
  12: { type: 'int32', bytes: 4, read: (view, at) => view.getInt32(at), make: length => new Int32Array(length) },
  13: { type: 'float32', bytes: 4, read: (view, at) => view.getFloat32(at), make: length => new Float32Array(length) },
  14: { type: 'float64', bytes: 8, read: (view, at) => view.getFloat64(at), make: length => new Float64Array(length) },
};

const mostBytes = 2 ** 31;

function inflate(
  bytes: Uint8Array,
  fail: (must: string, got: string | number, cause?: unknown) => Failure,
): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw fail('compressed data must be whole gzip of at most 2 GiB', (cause as Error).message, cause);
  }
}

/**
 * The array of an IDX file, the format of MNIST's files (yann.lecun.com/exdb/mnist), gzipped or not: two zeros, a byte for the type, one for the
 * number of axes, the dimensions and the numbers, all big-endian. Throws a Failure that starts with `label` for anything else, for no
 * samples and for a file that is longer or shorter than it says.
 *
 * @example
 * import { parseIdx } from 'reluminate/datasets';
 * const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9);
 * parseIdx(file, 'two.idx').dims; // => [1, 2]
 */
export function parseIdx(file: Uint8Array, label: string): TensorData {
  const fail = (must: string, got: string | number, cause?: unknown) =>
    new Failure('input', `dataset '${label}': ${must}, got ${got}`, { cause });
  const bytes = inflate(file, fail);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = bytes.length >= 4 && view.getUint16(0) === 0 ? kinds[bytes[2] as number] : undefined;
  const axes = bytes[3] as number;
  if (!kind || axes < 1)
    throw fail('the file must be IDX, as MNIST has it', bytes.length === 0 ? 'an empty file' : 'another kind of file');
  const header = 4 + 4 * axes;
  if (bytes.length < header) throw fail(`an IDX header of ${axes} axes must take ${header} bytes`, bytes.length);
  const dims = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = elements(dims);
  if (count === 0) throw fail('there must be a sample', `dims [${dims.join(', ')}]`);
  if (bytes.length !== header + count * kind.bytes)
    throw fail(`dims [${dims.join(', ')}] must take ${count * kind.bytes} bytes`, bytes.length - header);
  if (kind.type === 'uint8') return { type: 'uint8', dims, data: bytes.subarray(header) };
  const data = kind.make(count);
  for (let i = 0; i < count; i++) data[i] = kind.read(view, header + i * kind.bytes);
  return { type: kind.type, dims, data };
}
