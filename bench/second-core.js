/* How much faster two threads are than one, at arithmetic and at copying memory: the most that threads can give on this machine right now. */
import { Worker } from 'node:worker_threads';

function multiply() {
  let product = 1;
  for (let i = 0; i < 2e7; i++) product = (product * 31 + i) | 0;
  return product;
}

const arrays = {};

function copy() {
  arrays.from ??= new Float32Array(2 ** 24).fill(1);
  arrays.to ??= new Float32Array(2 ** 24);
  arrays.to.set(arrays.from);
}

const serve = job => `const arrays = {};
${job}
const numbers = require('node:worker_threads').workerData;
for (;;) {
  Atomics.wait(numbers, 0, 0);
  ${job.name}();
  Atomics.store(numbers, 0, 0);
  Atomics.notify(numbers, 0);
}`;

/** Ratios of the time of two jobs one after the other to that of both at once; the first rounds, which warm up, do not count. */
async function speedups(job, rounds) {
  const numbers = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(serve(job), { eval: true, workerData: numbers });
  await new Promise(resolve => worker.once('online', resolve));
  const ratios = [];
  for (let round = -3; round < rounds; round++) {
    const start = performance.now();
    job();
    const between = performance.now();
    Atomics.store(numbers, 0, 1);
    Atomics.notify(numbers, 0);
    job();
    Atomics.wait(numbers, 0, 1);
    if (round >= 0) ratios.push((2 * (between - start)) / (performance.now() - between));
  }
  await worker.terminate();
  return ratios;
}

/** What a second thread gives at arithmetic, and at copying 64 MiB. */
export const secondCore = async rounds => ({
  arithmetic: await speedups(multiply, rounds),
  copying: await speedups(copy, rounds),
});
