/*
 * What lies where in a kernel memory, in bytes: work areas first, then what `allocate` hands out. Areas that are never used
 * never become real memory.
 */

/** Channels whose parameters stay in place for a whole call; above, they are copied in chunk by chunk. */
export const residentChannels = 2 ** 14;

/** Elements in a chunk: 1 MiB of float32. Measured: smaller ones cost more, since copies out of them run slower. */
export const chunkLength = 2 ** 18;

/** Elements in a chunk whose parameters are copied in with it. */
export const windowLength = residentChannels;

/** Most threads that work on one memory. */
export const mostThreads = 64;

/** What one thread's orders take: a state, a kernel's number and its parameters as int32. */
export const orderBytes = 64;

export const ordersAt = 1024;
export const slopesAt = ordersAt + mostThreads * orderBytes;
export const biasesAt = slopesAt + 4 * residentChannels;
export const kinksAt = biasesAt + 4 * residentChannels;
export const maskAt = kinksAt + 4 * residentChannels;
/** Two chunks of inputs; the output of a chunk goes where its last input was. */
export const stagesAt = maskAt + chunkLength / 8 + 64;
export const stageBytes = 4 * chunkLength;
/** Elements that backward kernels add up at once: BLOCK in assembly/backward.ts. */
const blockLength = 192;

/** For each thread a float64 sum for each channel's slope, then one for each channel's bias, and room for a block. */
const sumsAt = stagesAt + 2 * stageBytes;
const kindBytes = 8 * residentChannels;
const sumsBytes = 2 * kindBytes + 4 * blockLength;

/** Where a thread's sums of the slopes and of the biases lie. */
export function sumsOf(thread: number): readonly [number, number] {
  const at = sumsAt + thread * sumsBytes;
  return [at, at + kindBytes];
}

/** Where the work areas of a memory for so many threads end. */
export const arenaAt = (threads: number): number => sumsAt + threads * sumsBytes;
