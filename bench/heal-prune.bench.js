/*
 * What flushing and pruning do to real models, and to two that were constructed, as Markdown tables: size, work, the largest difference of each output as a share of the
 * output's largest number, and time as a share of the original's, run in turns in one process on one thread. "Fusions alone" is how far ONNX Runtime's fusions move the original,
 * which is the measure of the differences. `npm run bench -- heal-prune [part of a model's name]… [rounds=15]`.
 */
import { openSamples, syntheticSamples } from '../dist/data/index.js';
import { dropInitializerInputs, flushTiny, prune } from '../dist/heal/index.js';
import { readModelFile } from '../dist/onnx/file.js';
import { inputSpecs, openSession, writeModel } from '../dist/onnx/index.js';
import { fedNetwork, subnormalNetwork } from './constructed.js';
import { models } from './models.js';
import { spread } from './statistics.js';

const pictures = 4;
const whole = number => number.toLocaleString('en-US');
/** A number and by how much it differs from the original's. */
const share = (before, after) => {
  const change = Number((100 * (after / before - 1)).toFixed(1));
  return `${whole(after)}${change === 0 ? '' : ` (${String(change).replace('-', '−')} %)`}`;
};
const row = cells => console.log(`| ${cells.join(' | ')} |`);

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
  const shares = Object.values(worst);
  return shares.every(share => share === 0) ? 'equal' : shares.map(share => share.toExponential(1)).join(', ');
}

/** Milliseconds of each round of each session, in turns. */
async function timesOf(sessions, batches, rounds) {
  const times = sessions.map(() => []);
  for (let round = -1; round < rounds; round++)
    for (const [at, session] of sessions.entries()) {
      const start = performance.now();
      await session.run(batches[Math.max(0, round) % batches.length].feeds);
      if (round >= 0) times[at].push(performance.now() - start);
    }
  return times;
}

/** One row for each repaired variant of a model. */
async function compare(title, model, variants, batches, rounds) {
  const all = [{ model }, ...variants];
  const open = graphOptimizationLevel =>
    Promise.all(all.map(each => openSession(each.model, { threads: 1, graphOptimizationLevel })));
  const [fused, plain] = [await open('all'), await open('disabled')];
  const times = await timesOf(fused, batches, rounds);
  const alone = await drift(plain[0], fused[0], batches);
  const bytes = writeModel(model).length;
  for (const [index, { repair, model: repaired, facts }] of variants.entries()) {
    const at = index + 1;
    const ratios = times[at].map((time, round) => time / times[0][round]);
    const size = writeModel(repaired).length;
    row([
      index === 0 ? title : '',
      repair,
      ...facts,
      share(bytes, size),
      await drift(plain[0], plain[at], batches),
      await drift(fused[0], fused[at], batches),
      index === 0 ? alone : '',
      spread(ratios, Math.max(...ratios) < 0.1 ? 4 : 2),
    ]);
  }
  for (const session of [...fused, ...plain]) await session.close();
}

async function realModel({ name, path, images, range, pictures: shown, draw }, rounds) {
  const model = await readModelFile(path);
  const [spec] = inputSpecs(model);
  const source = await openSamples(await draw(pictures), [spec], { ...images, batch: 1 });
  const batches = [];
  for await (const each of source.batches()) batches.push(each);
  const inputs = [{ ...spec, dims: batches[0].feeds[spec.name].dims }];
  const flushed = flushTiny(model);
  const pruned = [
    ['prune', await prune(model, { inputs })],
    ['prune --align 1', await prune(model, { align: 1, inputs })],
  ];
  if (range) {
    const ranges = { '': { lower: range[0], upper: range[1] } };
    pruned.push([`prune --input-range ${range.join(',')}`, await prune(model, { ranges, inputs })]);
  }
  const { before } = pruned[0][1].report;
  await compare(
    `${name}, ${shown}`,
    model,
    [
      {
        repair: 'flush',
        model: flushed.model,
        facts: [`${whole(flushed.report.flushed)} weights to 0`, whole(before.parameters), whole(before.multiplyAdds)],
      },
      ...pruned.map(
        ([
          repair,
          {
            model: smaller,
            report: { rectifiedUnits, after },
          },
        ]) => ({
          repair,
          model: smaller,
          facts: [
            `${whole(rectifiedUnits)} units`,
            share(before.parameters, after.parameters),
            share(before.multiplyAdds, after.multiplyAdds),
          ],
        }),
      ),
    ],
    batches,
    rounds,
  );
}

async function constructedModels(rounds) {
  const made = [
    [subnormalNetwork(), 'flush', model => flushTiny(model), report => `${whole(report.flushed)} weights to 0`],
    [fedNetwork(), 'drop-initializer-inputs', dropInitializerInputs, report => `${report.dropped.length} inputs`],
  ];
  for (const [model, repair, heal, what] of made) {
    const specs = inputSpecs(model).filter(({ name }) => name === 'x');
    const source = syntheticSamples(specs, { distribution: 'normal', samples: pictures, seed: 1 });
    const batches = [];
    for await (const each of source.batches()) batches.push(each);
    const { model: healed, report } = heal(model);
    const facts = [what(report), '', ''];
    await compare(`constructed: ${model.name}`, model, [{ repair, model: healed, facts }], batches, rounds);
  }
}

export async function run(flags) {
  const rounds = Number(flags.find(flag => flag.startsWith('rounds='))?.slice('rounds='.length) ?? 15);
  const names = flags.filter(flag => !flag.startsWith('rounds='));
  const isChosen = name => names.length === 0 || names.some(part => name.includes(part));
  row([
    'model, pictures',
    'repair',
    'what',
    'parameters',
    'multiply-adds',
    'bytes',
    'difference, node by node',
    'with fusions',
    'fusions alone',
    `time, ${rounds} rounds`,
  ]);
  row(new Array(10).fill('---'));
  for (const each of models) if (isChosen(each.name)) await realModel(each, rounds);
  if (isChosen('constructed')) await constructedModels(rounds);
}
