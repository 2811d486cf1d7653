/*
 * What an audit costs beside plain inference. Every batch is run plainly and audited in turn, in one process on the same
 * threads; each ratio is over a block of 32 batches, in which the default schedule measures one in full. Peak memory is that of a
 * process that audits 100 or 2,000 samples read from files.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { dissect } from '../dist/audit/anatomy.js';
import { observe } from '../dist/audit/observe.js';
import { openSamples } from '../dist/data/index.js';
import { readModelFile } from '../dist/onnx/file.js';
import { inputSpecs, openSession } from '../dist/onnx/index.js';
import { models as all } from './models.js';
import { quantile, spread } from './statistics.js';

/** Two of one family and one of another. */
const measured = ['mlsd_320x320_large', 'mlsd_320x320_tiny', 'ch_PP-OCRv4_det'];
const models = all.filter(({ name }) => measured.includes(name));
const block = 32;
const blocks = 9;
const scenes = 32;

/** Time of each batch, plain and audited, from the second batch on (the first starts the sessions). */
async function timings({ path, images, draw }) {
  const model = await readModelFile(path);
  const source = await openSamples(await draw(scenes), inputSpecs(model), { ...images, batch: 1 });
  const decoded = [];
  for await (const each of source.batches()) decoded.push(each);
  const plain = await openSession(model);
  await plain.run(decoded[0].feeds);
  async function* cycle() {
    for (let at = 0; at <= block * blocks; at++) yield decoded[at % decoded.length];
  }
  const steps = observe(model, dissect(model).layers, cycle());
  const start = performance.now();
  await steps.next();
  const startup = performance.now() - start;
  const times = { plain: [], audit: [] };
  for (let at = 1; at <= block * blocks; at++) {
    const turns = {
      plain: () => plain.run(decoded[at % decoded.length].feeds),
      audit: () => steps.next(),
    };
    for (const turn of at % 2 === 0 ? ['plain', 'audit'] : ['audit', 'plain']) {
      const before = performance.now();
      await turns[turn]();
      times[turn].push(performance.now() - before);
    }
  }
  await steps.return();
  await plain.close();
  return { startup, times };
}

const sum = values => values.reduce((a, b) => a + b, 0);

/** Peak resident memory in MiB of a fresh process that audits so many samples. */
function peakMemory(name, files, samples) {
  const child = fileURLToPath(new URL('audit-memory.js', import.meta.url));
  const { stdout, status, stderr } = spawnSync(process.execPath, [child, name, String(samples), ...files], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

export async function run(flags) {
  const chosen = models.filter(({ name }) => flags.length === 0 || flags.some(flag => name.includes(flag)));
  console.log(`audit / plain inference, median (middle half) of ${blocks} blocks of ${block} batches, sessions open`);
  for (const each of chosen) {
    const { startup, times } = await timings(each);
    const ratios = Array.from({ length: blocks }, (_, at) => {
      const part = values => sum(values.slice(at * block, (at + 1) * block));
      return part(times.audit) / part(times.plain);
    });
    const light = quantile(times.audit, 0.5) / quantile(times.plain, 0.5);
    console.log(
      `${each.name.padEnd(22)} ${spread(ratios)}   sample without full statistics ${light.toFixed(3)}   plain ${quantile(times.plain, 0.5).toFixed(1)} ms   start ${startup.toFixed(0)} ms`,
    );
  }
  console.log('\npeak memory of an audit, MiB');
  for (const each of chosen) {
    const files = await each.draw(scenes);
    const few = peakMemory(each.name, files, 100);
    const many = peakMemory(each.name, files, 2000);
    console.log(
      `${each.name.padEnd(22)} 100 samples ${few.toFixed(0)}   2,000 samples ${many.toFixed(0)}   ratio ${(many / few).toFixed(3)}`,
    );
  }
}
