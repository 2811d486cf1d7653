import { Failure } from '../failure.js';
import { elements } from './rule.js';

/** Named float32 tensors with a few words about them. */
export interface NamedTensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;
}

const lengthBytes = 8;

/**
 * Writes tensors in the safetensors format (Hugging Face): the length of a JSON header, the header, the data, little-endian.
 *
 * @example
 * import { readSafetensors, writeSafetensors } from 'reluminate/train';
 * const bytes = writeSafetensors({ metadata: { epoch: '3' }, tensors: new Map([['w', { dims: [2], data: Float32Array.of(1, -2) }]]) });
 * Array.from(readSafetensors(bytes).tensors.get('w').data); // => [1, -2]
 */
export function writeSafetensors({ metadata, tensors }: NamedTensors): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dims, data }] of tensors) {
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / lengthBytes) * lengthBytes;
  const bytes = new Uint8Array(lengthBytes + padded + offset).fill(
    0x20,
    lengthBytes + text.length,
    lengthBytes + padded,
  );
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, lengthBytes);
  let at = lengthBytes + padded;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

const fail = (must: string, got: string) => new Failure('input', `read safetensors: ${must}, got ${got}`);

interface Entry {
  readonly dtype?: unknown;
  readonly shape?: unknown;
  readonly data_offsets?: unknown;
}

const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readEntry(name: string, { dtype, shape, data_offsets: offsets }: Entry, data: Uint8Array) {
  if (dtype !== 'F32') throw fail(`tensor '${name}' must be F32`, String(dtype));
  if (!Array.isArray(shape) || !shape.every(whole) || !Array.isArray(offsets) || !offsets.every(whole))
    throw fail(`tensor '${name}' must have a shape and offsets`, 'others');
  const [from, to] = offsets as [number, number];
  const count = elements(shape);
  if (offsets.length !== 2 || to > data.length || to - from !== 4 * count)
    throw fail(`tensor '${name}' must have ${count} elements in the file`, `bytes ${from} to ${to} of ${data.length}`);
  // Copied: a Buffer's own slice shares its memory with others.
  return { dims: shape as number[], data: new Float32Array(new Uint8Array(data.subarray(from, to)).buffer) };
}

/** Whether a value of JSON is an object. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads float32 tensors from the safetensors format. Throws a Failure for anything else, and for files that are cut off.
 *
 * @example
 * import { readSafetensors, writeSafetensors } from 'reluminate/train';
 * const bytes = writeSafetensors({ metadata: { epoch: '3' }, tensors: new Map([['w', { dims: [2], data: Float32Array.of(1, -2) }]]) });
 * readSafetensors(bytes).metadata; // => { "epoch": "3" }
 */
export function readSafetensors(bytes: Uint8Array): NamedTensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < lengthBytes ? -1 : Number(view.getBigUint64(0, true));
  if (length < 0 || lengthBytes + length > bytes.length)
    throw fail('the file must hold its header', `${bytes.length} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(lengthBytes, lengthBytes + length)));
  } catch (cause) {
    throw new Failure('input', 'read safetensors: the header must be JSON, got something else', { cause });
  }
  if (!isObject(header)) throw fail('the header must be a JSON object', JSON.stringify(header).slice(0, 40));
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || !Object.values(metadata).every(value => typeof value === 'string'))
    throw fail('__metadata__ must be an object of strings', JSON.stringify(metadata).slice(0, 40));
  const data = bytes.subarray(lengthBytes + length);
  const tensors = Object.entries(entries).map(
    ([name, entry]) => [name, readEntry(name, (isObject(entry) ? entry : {}) as Entry, data)] as const,
  );
  return { metadata: metadata as Record<string, string>, tensors: new Map(tensors) };
}
