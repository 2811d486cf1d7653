import { Failure } from '../failure.js';
import type { ElementType, TensorData } from '../onnx/tensor-data.js';
import { type ByteReader, byteReader, type Chunks } from './bytes.js';
import { elementTypes } from './elements.js';

/** An array that is read in order, some rows (steps along axis 0) at a time. */
export interface ArrayReader {
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** The next rows, at most `count` (1 or more), as a tensor of dims [rows, …dims.slice(1)]; null after the last. An array without axes is one row. */
  rows(count: number): Promise<TensorData | null>;
  /** Ends the stream behind the array and frees what it holds. */
  close(): Promise<void>;
}

interface Header {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly littleEndian: boolean;
}

const magic = '\x93NUMPY';
const longestHeader = 2 ** 16;

const typeOfCode: Readonly<Record<string, ElementType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};
const codeOfType = new Map(Object.entries(typeOfCode).map(([code, type]) => [type, code]));
const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Opens an array in NumPy's NPY format, versions 1 to 3, from a stream of bytes; memory is bounded by the rows asked for.
 * `label` starts every error; `size`, where known, is the stream's length in bytes and lets a short file fail at once.
 * Throws a Failure (`input`) for what is not NPY, for types other than floats, integers and booleans, for column-major
 * arrays of more than one axis, for empty arrays and for data shorter than the header declares; bytes after it are ignored.
 *
 * @example
 * import { openNpy, writeNpy } from 'reluminate/data';
 * const bytes = writeNpy({ type: 'float32', dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
 * const array = await openNpy([bytes], 'x.npy');
 * array.dims; // => [2, 3]
 * [...(await array.rows(1)).data]; // => [1, 2, 3]
 * (await array.rows(8)).dims; // => [1, 3]
 * await array.rows(8); // => null
 */
export async function openNpy(chunks: Chunks, label: string, size = Number.POSITIVE_INFINITY): Promise<ArrayReader> {
  const bytes = byteReader(chunks, label);
  try {
    const { header, offset } = await readHeader(bytes, label);
    const declared = byteLength(header.type, header.dims);
    if (size - offset < declared) throw tooShort(label, declared, Math.max(0, size - offset));
    return arrayReader(bytes, header, label);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/**
 * The bytes of an NPY file, version 1.0, little-endian, row-major, with the tensor in it.
 * Throws a Failure (`input`) where the data's length is not the product of dims.
 *
 * @example
 * import { writeNpy } from 'reluminate/data';
 * const bytes = writeNpy({ type: 'uint8', dims: [3], data: Uint8Array.of(7, 8, 9) });
 * bytes.length; // => 131
 * [...bytes.slice(128)]; // => [7, 8, 9]
 */
export function writeNpy({ type, dims, data }: TensorData): Uint8Array {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== data.length)
    throw new Failure('input', `writeNpy: data must hold ${count} elements for dims [${dims}], got ${data.length}`);
  const { bytes: width } = elementTypes[type];
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`;
  const descr = `${width === 1 ? '|' : '<'}${codeOfType.get(type)}`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Magic, version, length and text end on a multiple of 64, as the format asks, the text in a newline.
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`;
  const prefix = Buffer.from(`${magic}\x01\x00\x00\x00${padded}`, 'latin1');
  prefix.writeUInt16LE(padded.length, 8);
  const file = new Uint8Array(prefix.length + count * width);
  file.set(prefix);
  const body = file.subarray(prefix.length);
  body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (!hostIsLittleEndian) swapBytes(body, width);
  return file;
}

function arrayReader(bytes: ByteReader, { type, dims, littleEndian }: Header, label: string): ArrayReader {
  const { bytes: width, view } = elementTypes[type];
  const rowDims = dims.slice(1);
  const rowBytes = byteLength(type, rowDims);
  let left = dims[0] ?? 1;
  let received = 0;
  return {
    type,
    dims,
    async rows(count) {
      const rows = Math.min(count, left);
      if (rows === 0) return null;
      const block = await bytes.read(rows * rowBytes);
      received += block.length;
      if (block.length < rows * rowBytes) throw tooShort(label, byteLength(type, dims), received);
      left -= rows;
      if (littleEndian !== hostIsLittleEndian) swapBytes(block, width);
      return {
        type,
        dims: dims.length === 0 ? [] : [rows, ...rowDims],
        data: new view(block.buffer as ArrayBuffer, block.byteOffset, block.length / width),
      };
    },
    close: bytes.close,
  };
}

async function readHeader(bytes: ByteReader, label: string): Promise<{ header: Header; offset: number }> {
  const start = Buffer.from(await bytes.read(8));
  if (start.toString('latin1', 0, 6) !== magic) throw headerFailure(label, 'begin with the NPY magic', 'other bytes');
  const version = start[6];
  if (version !== 1 && version !== 2 && version !== 3)
    throw headerFailure(label, 'be of NPY version 1, 2 or 3', version ?? 'the end of the file');
  const lengthBytes = Buffer.from(await bytes.read(version === 1 ? 2 : 4));
  if (lengthBytes.length < (version === 1 ? 2 : 4)) throw headerFailure(label, 'hold a header', 'the end of the file');
  const length = lengthBytes.readUIntLE(0, lengthBytes.length);
  if (length > longestHeader)
    throw headerFailure(label, `have a header of at most ${longestHeader} bytes`, `${length} bytes`);
  const text = Buffer.from(await bytes.read(length));
  if (text.length < length) throw headerFailure(label, `hold a header of ${length} bytes`, `${text.length} bytes`);
  const header = parseHeader(text.toString(version === 3 ? 'utf8' : 'latin1'), label);
  return { header, offset: 8 + lengthBytes.length + length };
}

function parseHeader(text: string, label: string): Header {
  const entries = parseDict(text, label);
  const dims = parseShape(entries.get('shape'), label);
  const order = entries.get('fortran_order');
  if (order !== 'True' && order !== 'False')
    throw headerFailure(label, 'say fortran_order True or False', shorten(order));
  if (order === 'True' && dims.length > 1)
    throw headerFailure(label, 'be row-major (save np.ascontiguousarray(x))', 'fortran_order True');
  return { ...parseDescr(entries.get('descr'), label), dims };
}

/** The entries of the Python dict in a header, the values as their source text. */
function parseDict(text: string, label: string): Map<string, string> {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) throw headerFailure(label, 'have a Python dict as its header', shorten(text));
  const entry = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[.*\])\s*(?:,|$)/sy;
  const entries = new Map<string, string>();
  while (body.slice(entry.lastIndex).trim() !== '') {
    const rest = body.slice(entry.lastIndex);
    const match = entry.exec(body);
    if (match === null) throw headerFailure(label, 'have a Python dict as its header', shorten(rest));
    entries.set((match[1] ?? match[2])!, match[3]!);
  }
  return entries;
}

function parseDescr(source: string | undefined, label: string): Pick<Header, 'type' | 'littleEndian'> {
  const match = /^['"]([<>=|])([a-z]\d+)['"]$/.exec(source ?? '');
  const type = match === null ? undefined : typeOfCode[match[2]!];
  if (type === undefined)
    throw headerFailure(label, 'hold floats, integers or booleans of 1 to 8 bytes', `descr ${shorten(source)}`);
  const littleEndian = match![1] === '=' ? hostIsLittleEndian : match![1] !== '>';
  // One byte has no order; calling it the host's order leaves the data as it is.
  return { type, littleEndian: elementTypes[type].bytes === 1 ? hostIsLittleEndian : littleEndian };
}

function parseShape(source: string | undefined, label: string): number[] {
  const inner = /^\((.*)\)$/s.exec(source ?? '')?.[1];
  const parts = inner === undefined ? null : splitTuple(inner);
  // NumPy on Python 2 wrote long integers, as in (3L, 4L).
  if (parts === null || !parts.every(part => /^\d+L?$/.test(part)))
    throw headerFailure(label, 'have a shape of whole numbers', shorten(source));
  const dims = parts.map(part => Number.parseInt(part, 10));
  if (dims.includes(0)) throw headerFailure(label, 'hold at least one sample', `shape ${shorten(source)}`);
  // Eight bytes is the widest element, so byte counts stay exact as well.
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count * 8 > Number.MAX_SAFE_INTEGER)
    throw headerFailure(label, 'hold fewer than 2^50 elements', `shape ${shorten(source)}`);
  return dims;
}

/** The items of a Python tuple's inside, a trailing comma allowed. */
function splitTuple(inner: string): string[] {
  const parts = inner.split(',').map(part => part.trim());
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function byteLength(type: ElementType, dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, elementTypes[type].bytes);
}

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (width === 2) buffer.swap16();
  if (width === 4) buffer.swap32();
  if (width === 8) buffer.swap64();
}

function shorten(source: string | undefined): string {
  if (source === undefined) return 'nothing';
  return source.length > 60 ? `${source.slice(0, 60)}…` : source;
}

function headerFailure(label: string, must: string, got: string | number): Failure {
  return new Failure('input', `${label}: the array must ${must}, got ${got}`);
}

function tooShort(label: string, declared: number, received: number): Failure {
  return headerFailure(label, `hold the ${declared} bytes of data that its header declares`, `${received}`);
}
