/** Typed arrays that loops run over as they are. */
export type Floats = Float32Array | Float64Array;

/** A Float16Array: the platform's where it has one, else one of the ponyfills that look the same. */
export interface HalfFloats {
  readonly [Symbol.toStringTag]: 'Float16Array';
  readonly length: number;
  [index: number]: number;
}

/** Arrays of floats: what backward passes, layouts and masks work on. */
export type FloatArray = readonly number[] | Floats | HalfFloats;

/** What the functions of this library take: a number, or an array of numbers of any float kind. */
export type Elements = number | FloatArray;

/** What they return for `X`: a number for a number, the same kind of array for an array. */
export type Result<X> = X extends number ? number : X extends Floats | HalfFloats ? X : number[];

/** A buffer of the same kind that the caller wants the result in. */
export type Out<X> = X extends number
  ? never
  : X extends Float32Array
    ? Float32Array
    : X extends Float64Array
      ? Float64Array
      : X extends HalfFloats
        ? HalfFloats
        : number[];

export interface OutOption<X> {
  /**
   * Where to write the result: an array of the kind and length of `x`, which is then returned. It may be `x` itself, or
   * a view of exactly the same bytes; a view that overlaps `x` in part is refused.
   */
  readonly out?: Out<X> | undefined;
}

type Kind = 'Float16Array' | 'Float32Array' | 'Float64Array' | 'Array';
type Constructor = new (length: number) => Floats;

function kindOf(x: unknown): Kind | null {
  if (Array.isArray(x)) return 'Array';
  const tag = (x as Floats | null | undefined)?.[Symbol.toStringTag] as string | undefined;
  return tag === 'Float32Array' || tag === 'Float64Array' || tag === 'Float16Array' ? tag : null;
}

/** What a value is, for messages: `Int32Array`, `null`, `'text'`. */
export const describe = (x: unknown): string =>
  typeof x === 'string'
    ? `'${x}'`
    : typeof x === 'object' && x !== null
      ? ((x as object).constructor?.name ?? 'object')
      : typeof x === 'function'
        ? 'a function'
        : String(x);

/** Whether results for `x` are rounded to float32, so that parameters must be rounded first to give what float32 arithmetic gives. */
export const isFloat32 = (x: unknown): boolean => kindOf(x) === 'Float32Array';

function refuseDetached(operation: string, name: string, x: Floats): void {
  if (x.buffer.byteLength > 0) return;
  try {
    new Uint8Array(x.buffer);
  } catch {
    throw new TypeError(`${operation}: ${name} must not be detached, got a detached ${kindOf(x)}`);
  }
}

/** The numbers of an array for a loop: float32 and float64 arrays as they are, float16 and plain ones as a float64 copy. */
export function asFloats(operation: string, name: string, x: unknown): Floats {
  const kind = kindOf(x);
  if (kind === null)
    throw new TypeError(
      `${operation}: ${name} must be an array of numbers, Float16Array, Float32Array or Float64Array, got ${describe(x)}`,
    );
  if (kind === 'Array') {
    const values = x as unknown[];
    const copy = new Float64Array(values.length);
    for (let i = 0; i < copy.length; i++) {
      if (typeof values[i] !== 'number')
        throw new TypeError(`${operation}: ${name}[${i}] must be a number, got ${describe(values[i])}`);
      copy[i] = values[i] as number;
    }
    return copy;
  }
  refuseDetached(operation, name, x as Floats);
  return kind === 'Float16Array' ? new Float64Array(x as ArrayLike<number>) : (x as Floats);
}

/** Whether two views share bytes without being the same bytes. */
export function overlapsInPart(a: Floats, b: Floats): boolean {
  if (a.buffer !== b.buffer || (a.byteOffset === b.byteOffset && a.byteLength === b.byteLength)) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}

/** The array a loop writes the result for `x` to: the caller's `out` once it is checked, a new one, or a float64 stand-in. */
export function targetFor(operation: string, x: FloatArray, out: unknown, name = 'x'): Floats {
  const kind = kindOf(x) as Kind;
  const direct = kind === 'Float32Array' || kind === 'Float64Array';
  if (out === undefined) return direct ? new (x.constructor as Constructor)(x.length) : new Float64Array(x.length);
  if (kindOf(out) !== kind)
    throw new TypeError(`${operation}: out must be of the kind of ${name} (${kind}), got ${describe(out)}`);
  const target = out as Floats;
  if (kind !== 'Array') refuseDetached(operation, 'out', target);
  if (target.length !== x.length)
    throw new RangeError(`${operation}: out must have length ${x.length} (that of ${name}), got ${target.length}`);
  if (kind !== 'Array') refuseOverlap(operation, target, name, x);
  return direct ? target : new Float64Array(x.length);
}

/** Throws where `out` overlaps an input in part. */
export function refuseOverlap(operation: string, out: unknown, name: string, input: unknown): void {
  const [a, b] = [out as Floats, input as Floats];
  if (a?.buffer !== undefined && b?.buffer !== undefined && overlapsInPart(a, b))
    throw new RangeError(
      `${operation}: out must be ${name} itself or not overlap it, got bytes ${a.byteOffset} to ${a.byteOffset + a.byteLength} beside ${b.byteOffset} to ${b.byteOffset + b.byteLength}`,
    );
}

/** Hands over what a loop wrote, in the kind of `x`, in the caller's `out` if there is one. */
export function deliver<X extends Elements>(x: X, out: unknown, target: Floats): Result<X> {
  const kind = kindOf(x);
  if (kind === 'Float32Array' || kind === 'Float64Array') return target as Result<X>;
  if (kind === 'Array' && out === undefined) return Array.from(target) as Result<X>;
  const result = (out ?? new ((x as HalfFloats).constructor as Constructor)(target.length)) as number[];
  for (let i = 0; i < target.length; i++) result[i] = target[i]!;
  return result as Result<X>;
}
