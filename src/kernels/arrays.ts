import { asFloats, describe } from '../rectifiers/floats.js';

/** The array, once it is known to be a Float32Array that is not detached. */
export function float32(operation: string, name: string, x: unknown): Float32Array {
  if ((x as Float32Array | null | undefined)?.[Symbol.toStringTag] !== 'Float32Array')
    throw new TypeError(`${operation}: ${name} must be a Float32Array, got ${describe(x)}`);
  return asFloats(operation, name, x) as Float32Array;
}

/** Throws a RangeError unless dy is as long as `x`, which messages call `name`. */
export function refuseOtherLength(operation: string, name: string, x: Float32Array, dy: Float32Array): void {
  if (dy.length !== x.length)
    throw new RangeError(`${operation}: dy must have length ${x.length} (that of ${name}), got ${dy.length}`);
}

/** The array, or a copy where `out` is in some of its bytes and would overwrite it before it has been read. */
export function apartFrom(out: Float32Array, values: Float32Array): Float32Array {
  const shares =
    values.buffer === out.buffer &&
    values.byteOffset < out.byteOffset + out.byteLength &&
    out.byteOffset < values.byteOffset + values.byteLength;
  return shares ? values.slice() : values;
}
