import { philox } from '../rectifiers/philox.js';
import { workerThreads } from '../worker-threads.js';
import { type CountedNetwork, type DeathCounter, type DeathCounts, deathCounter } from './born-dead-counter.js';

/** Networks to draw: as many as `sizes` says from each state of the generator, four words in `states`. */
interface Task {
  readonly states: Uint32Array<ArrayBuffer>;
  readonly sizes: readonly number[];
}

/** What does one task after another. */
interface Hand {
  count(task: Task): Promise<DeathCounts>;
  end(): void;
}

/** Networks that share a state of the generator; a seed's results depend on it. */
const blockSize = 1000;
const blocksInTask = 8;

function* tasksFor(networks: number, seed: number): Generator<Task, void> {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const;
  const blocks = Math.ceil(networks / blockSize);
  for (let first = 0; first < blocks; first += blocksInTask) {
    const length = Math.min(blocksInTask, blocks - first);
    const states = new Uint32Array(4 * length);
    for (let k = 0; k < length; k++) states.set(philox([first + k, 0, 0, 0], key), 4 * k);
    yield { states, sizes: Array.from({ length }, (_, k) => Math.min(blockSize, networks - (first + k) * blockSize)) };
  }
}

/** What a worker does. It travels as text, so it must not refer to anything outside. */
function countTask(count: DeathCounter, layers: number, { states, sizes }: Task): DeathCounts {
  const counts = { dead: new Float64Array(layers), pointDead: new Float64Array(layers) };
  sizes.forEach((size, k) => {
    count(states.subarray(4 * k, 4 * k + 4), size, counts);
  });
  return counts;
}

/** The caller's own thread, which takes a breath after each task. */
const ownHand = (count: DeathCounter, layers: number): Hand => ({
  async count(task) {
    const counts = countTask(count, layers, task);
    await new Promise(resolve => setTimeout(resolve));
    return counts;
  },
  end() {},
});

function threadHand({ Worker }: typeof import('node:worker_threads'), network: CountedNetwork): Hand {
  const code = `const { parentPort, workerData } = require('node:worker_threads');
const count = (${deathCounter})(workerData);
const countTask = ${countTask};
parentPort.on('message', task => parentPort.postMessage(countTask(count, workerData.layers.length, task)));`;
  // Flags of the process such as --input-type are not for this code.
  const worker = new Worker(code, { eval: true, workerData: network, execArgv: [] });
  return {
    count: task =>
      new Promise((resolve, reject) => {
        worker.removeAllListeners();
        worker.once('message', resolve).once('error', reject);
        worker.postMessage(task);
      }),
    end: () => void worker.terminate(),
  };
}

export interface CountOptions {
  readonly networks: number;
  readonly seed: number;
  readonly threads: number;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The counts of that many networks and by how many threads they were made, the same for a seed whatever the number of threads: all of Node's worker threads that are asked for where
 * there are any and the network can be sent to them, else the caller's thread.
 */
export async function countDeaths(
  layers: number,
  network: CountedNetwork | DeathCounter,
  { networks, seed, threads, onProgress, signal }: CountOptions,
): Promise<DeathCounts & { readonly threads: number }> {
  const node = threads > 1 ? workerThreads() : null;
  const hands =
    node === null || typeof network === 'function'
      ? [ownHand(typeof network === 'function' ? network : deathCounter(network), layers)]
      : Array.from({ length: threads }, () => threadHand(node, network));
  const tasks = tasksFor(networks, seed);
  const sum: DeathCounts = { dead: new Float64Array(layers), pointDead: new Float64Array(layers) };
  let done = 0;
  let refuse: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    refuse = () => reject(signal?.reason);
  });
  const employ = async (hand: Hand) => {
    for (const task of tasks) {
      const counts = await Promise.race([hand.count(task), aborted]);
      for (let at = 0; at < layers; at++) {
        sum.dead[at]! += counts.dead[at]!;
        sum.pointDead[at]! += counts.pointDead[at]!;
      }
      done += task.sizes.reduce((total, size) => total + size, 0);
      onProgress?.(done, networks);
    }
  };
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', refuse);
    await Promise.all(hands.map(employ));
  } finally {
    signal?.removeEventListener('abort', refuse);
    for (const hand of hands) hand.end();
  }
  return { ...sum, threads: hands.length };
}
