/*
 * Trains a small MLP with PReLU by Adam and prints the resident memory of this process in MiB after each of the given counts of steps, as JSON. What
 * JavaScript no longer uses is collected first, so that the rest is held: run with --expose-gc, and with --max-semi-space-size=1, since V8's young
 * generation grows with the garbage of the first thousands of steps.
 */
import { openTrainer } from '../dist/train/index.js';
import { firstParameters, someBatches } from './train-networks.js';
import { modelOf } from './train-ours.js';

const network = {
  name: 'MLP 64-64-10',
  batch: 32,
  inputDims: [64],
  layers: [
    { kind: 'dense', inputs: 64, outputs: 64 },
    { kind: 'rectifier', channels: 64, side: null },
    { kind: 'dense', inputs: 64, outputs: 10 },
  ],
};
const counts = process.argv.slice(2).map(Number);
const batches = someBatches(network, 8, 2);
const trainer = await openTrainer(modelOf(network, firstParameters(network, 1), true), {
  batch: network.batch,
  optimizer: { kind: 'adam' },
  threads: 1,
});

/** Collects twice, with a pause in which the collected arrays are freed. */
async function collect() {
  for (let pass = 0; pass < 2; pass++) {
    globalThis.gc();
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

const memory = [];
for (const count of counts) {
  while (trainer.steps < count) await trainer.step(batches[trainer.steps % batches.length], 1e-4);
  await collect();
  memory.push(process.memoryUsage().rss / 2 ** 20);
}
await trainer.close();
process.stdout.write(JSON.stringify(memory));
