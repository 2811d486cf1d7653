/*
 * What flushing and pruning do to real models: size, work, largest difference of each output on drawn scenes, and time of the original and
 * the repaired models, run in turns in one process. `npm run bench -- heal-prune [part of a model's name]`.
 */
import { join } from 'node:path';
import { openSamples } from '../dist/data/index.js';
import { flushTiny } from '../dist/heal/flush.js';
import { prune } from '../dist/heal/prune/prune.js';
import { readModelFile } from '../dist/onnx/file.js';
import { inputSpecs, openSession, writeModel } from '../dist/onnx/index.js';
import { drawScenes } from '../examples/line-segments/draw.js';
import { models } from './models.js';
import { spread } from './statistics.js';

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
    const sessions = [];
    for (const [, variant] of variants) sessions.push(await openSession(variant, { threads: 1 }));
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
      if (at > 0) {
        const outputs = await drift(sessions[0], sessions[at], batches);
        console.log(`  ${''.padEnd(16)} time ${spread(ratios)} of the original's   ${outputs.join(', ')}`);
      }
    }
    for (const session of sessions) await session.close();
  }
}
