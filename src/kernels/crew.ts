import { workerThreads } from '../worker-threads.js';
import type { Call, KernelName, Kernels } from './binary.js';
import { orderBytes, ordersAt } from './regions.js';

/** Threads beside the caller's that work on one memory. */
export interface Crew {
  readonly size: number;
  /** Has the calls made at the same time, the first by the caller's thread, and returns when all are done. At most `size` + 1 calls. Throws an Error where one fails. */
  work(calls: readonly Call[]): void;
  end(): void;
}

interface Post {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Index into the memory's int32 numbers of this thread's orders. */
  readonly at: number;
  /** How often to look for an order before sleeping. */
  readonly looks: number;
}

/**
 * What a worker does: waits until its state is 1 (ordered), sets it to 2 (taken), makes the call whose kernel and parameters
 * follow, sets it to 0 (done) or 3 (failed) and wakes the caller. It looks for the next order a while before it sleeps, since waking costs
 * more than a pass through the cache. It travels as text, so it must not refer to anything outside.
 */
function serve({ module, memory, at, looks }: Post): void {
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = names.map(name => exports[name] as (...parameters: number[]) => void);
  const numbers = new Int32Array(memory.buffer);
  for (;;) {
    for (let left = looks; left > 0 && Atomics.load(numbers, at) === 0; left--);
    Atomics.wait(numbers, at, 0);
    if (Atomics.compareExchange(numbers, at, 1, 2) !== 1) continue;
    const order = numbers.subarray(at + 1, at + 16);
    let state = 0;
    try {
      (kernels[order[0] as number] as (typeof kernels)[number])(...order.subarray(1));
    } catch {
      state = 3;
    }
    // Unless the caller has given it up and ordered anew.
    Atomics.compareExchange(numbers, at, 2, state);
    Atomics.notify(numbers, at);
  }
}

/** How often a thread looks before it sleeps: for about half a millisecond, some ten times what a wake-up costs (measured). */
const looks = 100_000;

/** How many milliseconds a thread may take for what it has begun; the longest pass there is takes a second or two. */
const patience = 60_000;

/**
 * Starts `size` workers for a shared memory. What no worker has taken by the time the caller's own part is done, the caller does
 * as well, so that it never waits for a worker to start. Throws a TypeError where there are no Node worker threads.
 */
export function startCrew(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  kernels: Kernels,
  size: number,
): Crew {
  const threads = workerThreads();
  if (threads === null)
    throw new TypeError(`KernelMemory: threads must be 1 where Node's worker threads are missing, got ${size + 1}`);
  const numbers = new Int32Array(memory.buffer);
  const numberOf = new Map(WebAssembly.Module.exports(module).map(({ name }, at) => [name as KernelName, at]));
  const posts = Array.from({ length: size }, (_, thread) => (ordersAt + thread * orderBytes) / 4);
  const workers = posts.map(at => {
    const code = `(${serve})(require('node:worker_threads').workerData)`;
    const workerData: Post = { module, memory, at, looks };
    // Flags of the process such as --input-type are not for this code.
    const worker = new threads.Worker(code, { eval: true, workerData, execArgv: [] });
    worker.unref();
    // A worker that is lost takes no orders, so that the caller does its part.
    worker.on('error', () => {});
    return worker;
  });
  const make = ([kernel, ...parameters]: Call) => kernels[kernel](...parameters);
  return {
    size,
    work([mine, ...others]) {
      others.forEach(([kernel, ...parameters], thread) => {
        const at = posts[thread] as number;
        numbers.set([numberOf.get(kernel) as number, ...parameters], at + 1);
        Atomics.store(numbers, at, 1);
        Atomics.notify(numbers, at);
      });
      if (mine !== undefined) make(mine);
      others.forEach((call, thread) => {
        const at = posts[thread] as number;
        if (Atomics.compareExchange(numbers, at, 1, 0) === 1) make(call);
        else {
          for (let left = looks; left > 0 && Atomics.load(numbers, at) !== 0; left--);
          Atomics.wait(numbers, at, 2, patience);
          const state = Atomics.exchange(numbers, at, 0);
          if (state !== 0)
            throw new Error(
              `KernelMemory: every thread must finish its part, got one that ${state === 3 ? 'failed' : 'took more than a minute'}`,
            );
        }
      });
    },
    end() {
      for (const worker of workers) void worker.terminate();
    },
  };
}
