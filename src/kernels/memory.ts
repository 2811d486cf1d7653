import { refuseNonObject, whole } from '../rectifiers/parameters.js';
import { float32 } from './arrays.js';
import { instantiate, type Kernels, kernelModule } from './binary.js';
import { type Crew, startCrew } from './crew.js';
import { type FreeList, giveBack, largestGap, take } from './free-list.js';
import { arenaAt, mostThreads } from './regions.js';

export interface KernelMemoryOptions {
  /** Room for arrays, up to about 4 GB. The system gives real memory as it is first written to, not before. */
  readonly bytes: number;
  /**
   * Threads that share the work, the caller's among them (default 1). With more than one the memory is a SharedArrayBuffer.
   * Starts threads - 1 workers, which sleep between calls and do not keep the process alive.
   */
  readonly threads?: number | undefined;
}

/** What the kernels need of a memory. */
export interface Place {
  readonly kernels: Kernels;
  readonly buffer: ArrayBufferLike;
  /** All of the memory, as numbers of each kind. */
  readonly bytes: Uint8Array;
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
  /** The other threads; null where there are none. */
  readonly crew: Crew | null;
}

const pageBytes = 65536;
const lineBytes = 64;
const places = new WeakMap<ArrayBufferLike, Place>();

/** A memory with room for arrays of so many bytes behind the kernels' own areas. Throws a RangeError where the system does not give it. */
function reserve(bytes: number, threads: number): WebAssembly.Memory {
  const pages = Math.ceil((arenaAt(threads) + bytes) / pageBytes);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: threads > 1 });
  } catch {
    throw new RangeError(`KernelMemory: bytes must be as many as the system can reserve, got ${bytes}`);
  }
}

/** The kernels in a memory with room for arrays of so many bytes; null where WebAssembly SIMD is missing or refused. */
function makePlace(bytes: number, threads: number): Place | null {
  const shared = threads > 1;
  const module = kernelModule(shared);
  if (module === null) return null;
  const memory = reserve(bytes, threads);
  const kernels = instantiate(module, memory);
  const { buffer } = memory;
  return {
    kernels,
    buffer,
    bytes: new Uint8Array(buffer),
    floats: new Float32Array(buffer),
    doubles: new Float64Array(buffer),
    crew: shared ? startCrew(module, memory, kernels, threads - 1) : null,
  };
}

let scratch: Place | null | undefined;

/** The memory that arrays from elsewhere pass through, made on first use (2.5 MiB); null where WebAssembly SIMD or memory is missing. */
export function scratchPlace(): Place | null {
  if (scratch !== undefined) return scratch;
  try {
    scratch = makePlace(0, 1);
  } catch {
    scratch = null;
  }
  return scratch;
}

/** The memory that an array was allocated in, if it was. */
export const placeOf = (array: { readonly buffer: ArrayBufferLike }): Place | undefined => places.get(array.buffer);

/**
 * Memory that the kernels reach directly: arrays allocated in it are worked on in place, others are copied through a cache-sized
 * buffer. It has a fixed size, so that arrays stay valid; all of it is returned once neither it nor an array in it is
 * reachable. Where WebAssembly SIMD is missing or refused, `allocate` returns ordinary arrays and everything works, slower.
 *
 * @example
 * import { KernelMemory, prelu } from 'reluminate/kernels';
 * const memory = new KernelMemory({ bytes: 2 ** 20 });
 * const x = memory.allocate(4);
 * x.set([-2, -1, 0, 1]);
 * Array.from(prelu(x, 0.5, { out: x })); // => [-1, -0.5, 0, 1]
 * memory.free(x);
 */
export class KernelMemory {
  readonly bytes: number;
  readonly threads: number;
  readonly #place: Place | null;
  readonly #taken = new Map<number, number>();
  #free: FreeList;

  /** Throws a RangeError unless `bytes` is a whole number from 1 on that the system can reserve and `threads` one from 1 to 64. */
  constructor(options: KernelMemoryOptions) {
    refuseNonObject('KernelMemory', options, '{ bytes: 2 ** 20 }');
    const { bytes, threads = 1 } = options;
    whole('KernelMemory', 'bytes', bytes, 1);
    if (whole('KernelMemory', 'threads', threads, 1) > mostThreads)
      throw new RangeError(`KernelMemory: threads must be at most ${mostThreads}, got ${threads}`);
    const start = arenaAt(threads);
    // All but the last line of 4 GiB: what is behind that has no address of 32 bits, so that no walk would come to its end.
    const most = 65536 * pageBytes - start - lineBytes;
    if (bytes > most) throw new RangeError(`KernelMemory: bytes must be at most ${most}, got ${bytes}`);
    this.bytes = bytes;
    this.threads = threads;
    this.#place = makePlace(bytes, threads);
    this.#free = [{ start, bytes }];
    if (this.#place !== null) places.set(this.#place.buffer, this.#place);
  }

  /**
   * An array of `length` float32 at a multiple of 64 bytes. Its contents are what was there before, zeros at first. Throws a
   * RangeError where no gap is large enough.
   */
  allocate(length: number): Float32Array {
    whole('allocate', 'length', length, 0);
    if (this.#place === null) return new Float32Array(length);
    const bytes = Math.max(lineBytes, Math.ceil((4 * length) / lineBytes) * lineBytes);
    const taken = take(this.#free, bytes);
    if (taken === null)
      throw new RangeError(
        `allocate: length must be at most ${Math.floor(largestGap(this.#free) / lineBytes) * (lineBytes / 4)} (the largest gap), got ${length}`,
      );
    this.#free = taken.free;
    this.#taken.set(taken.start, bytes);
    return new Float32Array(this.#place.buffer, taken.start, length);
  }

  /**
   * Gives an array back, whose bytes later arrays will use. Throws a RangeError for what `allocate` of this memory did not return, or
   * what has been freed.
   */
  free(array: Float32Array): void {
    float32('free', 'array', array);
    if (this.#place === null) return;
    const bytes = array.buffer === this.#place.buffer ? this.#taken.get(array.byteOffset) : undefined;
    if (bytes === undefined)
      throw new RangeError(
        `free: array must be one that allocate of this memory returned and that has not been freed, got one at byte ${array.byteOffset} of ${array.buffer === this.#place.buffer ? 'this' : 'another'} memory`,
      );
    this.#taken.delete(array.byteOffset);
    this.#free = giveBack(this.#free, { start: array.byteOffset, bytes });
  }

  /** Ends the workers. Arrays stay valid, and are from then on worked on like any others. Does nothing the second time. */
  close(): void {
    if (this.#place === null) return;
    places.delete(this.#place.buffer);
    this.#place.crew?.end();
  }
}
