import { describe } from '../rectifiers/floats.js';
import type { Place } from './memory.js';
import { type Operation, sumsPerChannel } from './operation.js';
import { runPlain } from './plain.js';
import { placeFor, runSimd } from './simd.js';
import { type CrewedPlace, refusal, runThreads } from './threads.js';

/**
 * How a pass is made: `'scalar'` by the definition, element by element (what the others are tested against); `'js'` in JavaScript
 * without branches; `'simd'` in WebAssembly SIMD; `'threads'` the same on every thread of the KernelMemory that the arrays are in.
 */
export type Path = 'scalar' | 'js' | 'simd' | 'threads';

export interface PathOption {
  /** The path to take, instead of the fastest. A RangeError says why where it cannot be taken. */
  readonly path?: Path | undefined;
}

/** Below so many elements JavaScript is done before WebAssembly has been called (measured). */
const simdFrom = 512;

/** Below so many elements waking the other threads costs as much as the pass (measured). */
const threadsFrom = 2 ** 18;

const paths: readonly unknown[] = [undefined, 'scalar', 'js', 'simd', 'threads'];

/** Throws a RangeError for a path there is not. */
export function checkPath(operation: string, path: Path | undefined): void {
  if (!paths.includes(path))
    throw new RangeError(`${operation}: path must be 'scalar', 'js', 'simd' or 'threads', got ${describe(path)}`);
}

/** The memory to use SIMD in; throws a RangeError where it is asked for and missing, null where it need not be used. */
export function simdPlace(
  operation: string,
  path: Path | undefined,
  arrays: readonly Float32Array[],
  length: number,
): Place | null {
  if (path === 'js' || (path === undefined && length < simdFrom)) return null;
  const place = placeFor(arrays);
  if (place === null && path !== undefined)
    throw new RangeError(
      `${operation}: path must be 'js' or 'scalar' where WebAssembly SIMD is missing, got ${describe(path)}`,
    );
  return place;
}

/** Makes a pass by the path asked for or the fastest, and returns the sums of its channels: of the slopes, then of the biases. */
export function perform(name: string, operation: Operation, path: Path | undefined): Float64Array {
  const { inputs, output, parameters } = operation;
  const place = simdPlace(name, path, [...inputs, output], output.length);
  if (path === 'threads' || (path === undefined && place?.crew != null && output.length >= threadsFrom)) {
    const reason = refusal(operation, place);
    if (reason === null) return runThreads(operation, place as CrewedPlace);
    if (path === 'threads') throw new RangeError(`${name}: path ${reason}, got 'threads'`);
  }
  if (output.length === 0) return new Float64Array(sumsPerChannel(operation) * parameters.channels);
  return place === null ? runPlain(operation) : runSimd(operation, place);
}
