/*
 * Training steps against TF.js and jax-js: an MLP and a CNN with ReLU and with PReLU (a slope for each channel), SGD, everybody from the same parameters
 * on the same batches. A step takes a batch from JavaScript and gives the loss. In every round everybody has a turn; ratios are taken within a
 * round. One thread but where two are named: in Node neither TF.js nor jax-js can use more. `npm run bench -- train [mlp|cnn]` prints the ratios
 * and draws them into out/train.svg.
 */
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeFigure } from '../dist/cli/figure-file.js';
import { matrixProduct } from './matrix-product.js';
import { secondCore } from './second-core.js';
import { quantile, spread } from './statistics.js';
import { printAims } from './train-aims.js';
import { drawSteps } from './train-figure.js';
import { jaxJs } from './train-jax.js';
import { firstParameters, networks, someBatches } from './train-networks.js';
import { ours } from './train-ours.js';
import { tfjs } from './train-tfjs.js';

const baseline = 'Reluminate';
const pair = 'Reluminate, 2 threads';
const rectifiers = ['ReLU', 'PReLU'];
const rounds = 31;
/** Steps that everybody takes one after the other, so many that a turn lasts longer than what disturbs it. */
const stepsInTurn = 12;

/** Who trains; TF.js cannot train a CNN as it is, since its backend has no gradient of a convolution's filter. */
const contestants = [
  { name: baseline, open: (network, first, options) => ours(network, first, { ...options, threads: 1 }) },
  { name: pair, open: (network, first, options) => ours(network, first, { ...options, threads: 2 }) },
  { name: 'TF.js wasm', open: tfjs },
  {
    name: 'TF.js wasm, own gradients',
    open: (network, first, options) => tfjs(network, first, { ...options, asLibrary: true }),
    only: 'mlp',
  },
  { name: 'jax-js wasm, jit', open: jaxJs },
];

/** Threads that wait for work go on spinning for a while after their last step. */
const rest = () => new Promise(resolve => setTimeout(resolve, 20));

/** Everybody must have the same losses, up to that after five steps. */
async function agree(network, trainers, batches) {
  const all = new Map();
  for (const [name, { step }] of trainers) {
    const losses = [];
    for (let at = 0; at < 6; at++) losses.push(await step(batches[at % batches.length]));
    all.set(name, losses);
  }
  const expected = all.get(baseline);
  for (const [name, losses] of all) {
    console.log(`  ${name.padEnd(28)} ${losses.map(loss => loss.toFixed(5)).join('  ')}`);
    const differs = losses.findIndex((loss, at) => !(Math.abs(loss - expected[at]) <= 1e-3));
    if (differs >= 0)
      throw new Error(
        `bench: losses on ${network.name} must agree to 1e-3, got ${losses[differs]} and ${expected[differs]}`,
      );
  }
}

async function openAll(network, isParametric, batches) {
  const first = firstParameters(network, 1);
  const trainers = new Map();
  for (const { name, open, only } of contestants)
    if (only === undefined || only === network.key)
      trainers.set(name, await open(network, first, { isParametric, learningRate: network.learningRate }));
  console.log(`\n${network.name}, ${isParametric ? 'PReLU' : 'ReLU'}: losses of the first steps`);
  await agree(network, trainers, batches);
  return trainers;
}

/** Milliseconds of a step: the median of three, or of as many as somebody makes in 20 ms. */
async function turn({ step }, batches) {
  const times = [];
  const begin = performance.now();
  for (let now = begin; now - begin < 20 || times.length < 3; ) {
    await step(batches[times.length % batches.length]);
    const after = performance.now();
    times.push(after - now);
    now = after;
  }
  return quantile(times, 0.5);
}

/** Times of everybody, round by round, in one order and in the other; the first rounds, in which code is compiled, do not count. */
async function measure(network) {
  const batches = someBatches(network, stepsInTurn, 2);
  const all = [];
  for (const rectifier of rectifiers) all.push(await openAll(network, rectifier === 'PReLU', batches));
  const times = new Map(rectifiers.map((each, at) => [each, new Map([...all[at].keys()].map(name => [name, []]))]));
  const turns = [...all[0].keys()].flatMap(name => rectifiers.map((rectifier, at) => ({ name, rectifier, at })));
  const warmUp = 2;
  for (let round = -warmUp; round < rounds; round++) {
    for (const { name, rectifier, at } of turns) {
      const time = await turn(all[at].get(name), batches);
      if (round >= 0) times.get(rectifier).get(name).push(time);
      if (name === pair) await rest();
    }
    turns.reverse();
  }
  for (const trainers of all) for (const trainer of trainers.values()) await trainer.close();
  return times;
}

const ratios = (above, below) => above.map((time, round) => time / below[round]);
const line = (label, above, below) => console.log(`  ${label.padEnd(44)} ${spread(ratios(above, below), 2)}`);

function print({ name, batch }, times) {
  console.log(`\n${name}, batch ${batch}, SGD; median (middle half) of ${rounds} rounds`);
  for (const rectifier of rectifiers) {
    const mine = times.get(rectifier);
    console.log(`steps per second, ${rectifier}`);
    for (const [who, each] of mine) console.log(`  ${who.padEnd(44)} ${(1000 / quantile(each, 0.5)).toFixed(1)}`);
    console.log(`times as many steps, ${rectifier}`);
    for (const who of mine.keys())
      if (who !== baseline && who !== pair) line(`than ${who}`, mine.get(who), mine.get(baseline));
    line('on 2 threads than on 1', mine.get(baseline), mine.get(pair));
    for (const who of mine.keys())
      if (who !== baseline && who !== pair) line(`on 2 threads than ${who}`, mine.get(who), mine.get(pair));
  }
  console.log('time of a step, PReLU / ReLU');
  for (const who of times.get('ReLU').keys()) line(who, times.get('PReLU').get(who), times.get('ReLU').get(who));
}

/** Billions of floating-point operations a second in the products of a dense network's step (three for each layer, two for the first), beside those of a large product. */
async function printRate(measured) {
  const mlp = measured.find(({ key }) => key === 'mlp');
  if (!mlp) return;
  const sizes = mlp.layers.flatMap(({ kind, inputs, outputs }) => (kind === 'dense' ? [inputs * outputs] : []));
  const operations = 2 * mlp.batch * sizes.reduce((sum, each, at) => sum + each * (at === 0 ? 2 : 3), 0);
  const step = quantile(mlp.times.get('ReLU').get(baseline), 0.5);
  console.log(
    `\nGFLOP/s on one thread: a step of ${mlp.name} ${(operations / step / 1e6).toFixed(0)}, a product of 768x768 matrices ${(await matrixProduct()).toFixed(0)}`,
  );
}

/** Memory after 1,000 steps and after 10,000, in a process of its own. */
function printMemory() {
  const script = fileURLToPath(new URL('train-memory.js', import.meta.url));
  const [early, late] = JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=1', script, '1000', '10000'], {
      encoding: 'utf8',
    }),
  );
  console.log('\nresident memory of a training process, MiB');
  console.log(
    `  after 1,000 steps ${early.toFixed(1)}   after 10,000 steps ${late.toFixed(1)}   ratio ${(late / early).toFixed(3)}`,
  );
}

export async function run(flags) {
  const measured = [];
  for (const network of networks.filter(({ key }) => flags.length === 0 || flags.includes(key))) {
    const times = await measure(network);
    print(network, times);
    measured.push({ ...network, times });
  }
  await mkdir('out', { recursive: true });
  await writeFigure('out/train.svg', drawSteps(measured, rectifiers, baseline), 'Training steps');
  printMemory();
  printAims(measured);
  await printRate(measured);
  const { arithmetic, copying } = await secondCore(21);
  console.log('\n2 threads against 1 on this machine, whatever they run');
  console.log(`  arithmetic ${spread(arithmetic, 2)}   copying ${spread(copying, 2)}`);
  process.exit();
}
