/*
 * Trains one deep narrow network three times, on the same data with the same seed, and prints how many units are dead after each of some
 * steps: with ReLU it dies and stays dead, with a leak or a learned slope it does not. `node examples/dying-network/main.js`; `--seed 3` draws
 * another network, `--steps 300` trains for longer, `--all` prints every step, `--json` the same as JSON.
 */
import { parseArgs } from 'node:util';
import { parseRectifier } from 'reluminate';
import { audit } from 'reluminate/audit';
import { buildNetwork, moons, openTrainer } from 'reluminate/train';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    steps: { type: 'string', default: '150' },
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(flags.seed);
const rectifiers = ['relu', 'leaky:0.01', 'prelu'];
const steps = Number(flags.steps);
const shown = flags.all
  ? Array.from({ length: steps + 1 }, (_, step) => step)
  : [0, 1, 2, 5, 10, 20, 40, 60, 80, 100, steps].filter(step => step <= steps);
const data = moons({ count: 256, noise: 0.1, seed: 0 });
const x = { type: 'float32', dims: [data.count, 2], data: data.inputs };
const samples = {
  kind: 'samples',
  description: data.name,
  total: data.count,
  batches: () => [{ feeds: { input: x }, samples: data.count }],
};

/** The network after some of its steps: units that are dead, or fire on no sample, loss and share of samples classified rightly. */
async function story(rectifier) {
  const network = buildNetwork('mlp:2-8x8-2', { rectifier: parseRectifier(rectifier), seed });
  const trainer = await openTrainer(network, {
    batch: data.count,
    optimizer: { kind: 'sgd', momentum: 0.9 },
    threads: 1,
  });
  const rows = [];
  for (let step = 0; step <= steps; step++) {
    const { totals } = shown.includes(step) ? await audit(trainer.model(), samples, { threads: 1 }) : {};
    const { loss, correct } = await trainer.step(data, 0.1);
    const silent = totals && totals.counts.silent + totals.counts.vanished + totals.counts['proved-dead'];
    if (totals) rows.push({ step, units: totals.units, dead: totals.dead, silent, loss, right: correct / data.count });
  }
  await trainer.close();
  return rows;
}

const stories = [];
for (const rectifier of rectifiers) stories.push({ rectifier, rows: await story(rectifier) });

if (flags.json) process.stdout.write(`${JSON.stringify(stories)}\n`);
else {
  const percent = share => `${(100 * share).toFixed(0)} %`.padStart(6);
  for (const { rectifier, rows } of stories) {
    console.log(`${rectifier}\n  step    dead  silent      loss   right`);
    for (const { step, units, dead, silent, loss, right } of rows)
      console.log(
        `  ${String(step).padStart(4)}  ${percent(dead / units)}  ${percent(silent / units)}  ${loss.toFixed(4).padStart(8)}  ${percent(right)}`,
      );
  }
}
