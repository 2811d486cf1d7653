/*
 * The rectifier kernels against copying the same array and against other libraries: PReLU with one slope over 64 K elements,
 * which stay in a core's cache, 1 M, which stay in the cache that cores share, and 16.8 M, which do not, with random signs. In every round everybody has a
 * turn, or several after one that does not count and brings its arrays into the cache; ratios are taken within a round. One thread but where threads are named. Passes in place have slope 1, so that values stay what they are
 * from round to round; slopes above 0 and up to 1 take the same instructions. `npm run bench -- kernels [cache|shared|memory]` prints the ratios,
 * and at the end what was aimed at and reached, and draws them into out/kernels.svg.
 */
import { mkdir } from 'node:fs/promises';
import { writeFigure } from '../dist/cli/figure-file.js';
import {
  KernelMemory,
  prelu,
  preluBackward,
  preluBackwardFromMask,
  preluBackwardFromMaskAndOutput,
  preluBias,
  preluBiasBackward,
  relu,
  rreluTrain,
  signMask,
} from '../dist/kernels/index.js';
import { aimLines } from './kernel-aims.js';
import { drawTimes } from './kernel-figure.js';
import { rivals } from './kernel-rivals.js';
import { secondCore } from './second-core.js';
import { spread } from './statistics.js';

const slope = 0.25;
/** The slope of passes in place: it leaves values as they are. */
const still = 1;
const warmUp = 3;
const sizes = [
  { name: 'cache', length: 2 ** 16, rounds: 41, repeats: 32 },
  { name: 'shared', length: 2 ** 20, rounds: 21, repeats: 8 },
  { name: 'memory', length: 2 ** 24, rounds: 21, repeats: 1 },
];

/** Numbers from -1 to 1 whose signs cannot be predicted. */
const noise = length => Float32Array.from({ length }, () => Math.random() * 2 - 1);

function milliseconds(pass) {
  const start = performance.now();
  pass();
  return performance.now() - start;
}

/** Arrays for our passes in a memory with some threads. */
function placed({ x, dy, length }, threads) {
  const memory = new KernelMemory({ bytes: 5 * 4 * length, threads });
  const take = values => {
    const array = memory.allocate(length);
    array.set(values);
    return array;
  };
  return { x: take(x), dy: take(dy), out: take(x), z: take(x), y: take(prelu(x, slope)), close: () => memory.close() };
}

/** Our passes by name, on arrays of the page and of a memory. */
function passes({ x, dy, length }) {
  const own = placed({ x, dy, length }, 1);
  const out = new Float32Array(length);
  const mask = signMask(x);
  const bias = 0.125;
  const layout = { outer: length / 64, channels: 64, inner: 1 };
  const slopes = new Float32Array(64).fill(slope);
  const separate = () => {
    preluBias(own.x, bias, 1, { out: own.z });
    prelu(own.z, slope, { out: own.out });
  };
  return {
    close: own.close,
    passes: {
      copy: () => out.set(x),
      forward: () => prelu(own.x, slope, { out: own.out }),
      'forward, in place': () => prelu(own.z, still, { out: own.z }),
      'forward, slope -0.5': () => prelu(own.x, -0.5, { out: own.out }),
      'forward, other arrays': () => prelu(x, slope, { out }),
      'forward, JavaScript': () => prelu(x, slope, { out, path: 'js' }),
      relu: () => relu(own.x, { out: own.out }),
      'bias fused': () => preluBias(own.x, bias, slope, { out: own.out }),
      'bias separate': separate,
      'bias backward': () => preluBiasBackward(own.x, bias, own.dy, slope, { out: own.out }),
      backward: () => preluBackward(own.x, own.dy, slope, { out: own.out }),
      'backward, in place': () => preluBackward(own.x, own.z, still, { out: own.z }),
      'backward, other arrays': () => preluBackward(x, dy, slope, { out }),
      'backward, JavaScript': () => preluBackward(x, dy, slope, { out, path: 'js' }),
      'forward, 64 channels last': () => prelu(own.x, slopes, { layout, out: own.out }),
      'backward, 64 channels last': () => preluBackward(own.x, own.dy, slopes, { layout, out: own.out }),
      'RReLU in training': () => rreluTrain(own.x, { seed: 1, out: own.out }),
      'backward from mask': () => preluBackwardFromMask(mask, own.dy, slope, { out: own.out }),
      'backward from mask and output': () =>
        preluBackwardFromMaskAndOutput(mask, own.y, own.dy, slope, { out: own.out }),
    },
  };
}

/** How much faster two threads are than one at our passes, which nobody else disturbs. */
async function measureThreads({ length, rounds, repeats }) {
  const arrays = { x: noise(length), dy: noise(length), length };
  const [one, two] = [placed(arrays, 1), placed(arrays, 2)];
  const passesOf = ({ x, dy, out }, path) => ({
    forward: () => prelu(x, slope, { out, path }),
    backward: () => preluBackward(x, dy, slope, { out, path }),
    'RReLU in training': () => rreluTrain(x, { seed: 1, out, path }),
  });
  const [alone, together] = [passesOf(one, 'simd'), passesOf(two, 'threads')];
  await new Promise(resolve => setTimeout(resolve, 100));
  const found = new Map(Object.keys(alone).map(name => [name, []]));
  const timed = pass =>
    milliseconds(() => {
      for (let repeat = 0; repeat < repeats; repeat++) pass();
    });
  for (let round = -warmUp; round < rounds; round++)
    for (const [name, speedups] of found) {
      const speedup = timed(alone[name]) / timed(together[name]);
      if (round >= 0) speedups.push(speedup);
    }
  two.close();
  return found;
}

/** Times of everybody, round by round; the first rounds, in which code is compiled, do not count. */
async function measure({ length, rounds, repeats }) {
  const arrays = { x: noise(length), dy: noise(length), slope, length };
  const ours = passes(arrays);
  const others = await rivals(arrays);
  const turns = [
    ...Object.entries(ours.passes).map(([name, pass]) => [name, () => milliseconds(pass)]),
    ...others.flatMap(({ name, forward, backward }) => [
      [`forward, ${name}`, forward],
      [`backward, ${name}`, backward],
    ]),
  ];
  const times = new Map(turns.map(([name]) => [name, []]));
  for (let round = 0; round < warmUp + rounds; round++)
    for (const [name, turn] of turns) {
      if (repeats > 1) await turn();
      let time = 0;
      for (let repeat = 0; repeat < repeats; repeat++) time += await turn();
      if (round >= warmUp) times.get(name).push(time / repeats);
    }
  ours.close();
  for (const rival of others) await rival.close();
  return { times, rivals: others.map(({ name }) => name) };
}

const ratios = (above, below) => above.map((time, round) => time / below[round]);

function print({ name, length, rounds }, { times, rivals: names }) {
  const of = key => times.get(key);
  const line = (label, above, below) => console.log(`  ${label.padEnd(44)} ${spread(ratios(of(above), of(below)), 2)}`);
  console.log(`\n${length.toLocaleString('en')} elements (${name}); median (middle half) of ${rounds} rounds`);
  console.log('time / time of a copy (TypedArray.set)');
  for (const key of times.keys()) if (key !== 'copy') line(key, key, 'copy');
  console.log('times faster');
  for (const rival of names) {
    line(`forward than ${rival}`, `forward, ${rival}`, 'forward');
    line(`backward than ${rival}`, `backward, ${rival}`, 'backward');
    line(`backward, in place, than ${rival}`, `backward, ${rival}`, 'backward, in place');
  }
  line('bias fused than separate', 'bias separate', 'bias fused');
}

export async function run(flags) {
  const measured = [];
  for (const size of sizes.filter(({ name }) => flags.length === 0 || flags.includes(name))) {
    const result = await measure(size);
    print(size, result);
    measured.push({ ...size, ...result });
  }
  await mkdir('out', { recursive: true });
  await writeFigure('out/kernels.svg', drawTimes(measured), 'Kernels against a copy');
  console.log('\n2 threads against 1');
  for (const size of measured.filter(({ name }) => name !== 'cache')) {
    size.speedups = await measureThreads(size);
    for (const [name, speedups] of size.speedups)
      console.log(`  ${`${name}, ${size.length.toLocaleString('en')} elements`.padEnd(44)} ${spread(speedups, 2)}`);
  }
  const { arithmetic, copying } = await secondCore(21);
  console.log(`  ${'arithmetic of any kind'.padEnd(44)} ${spread(arithmetic, 2)}`);
  console.log(`  ${'copying 64 MiB (TypedArray.set)'.padEnd(44)} ${spread(copying, 2)}`);
  console.log(`\n${aimLines(measured).join('\n')}`);
  process.exit();
}
