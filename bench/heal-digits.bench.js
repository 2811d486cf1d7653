/*
 * What healing is worth on digits, over ten seeds: a ReLU network is trained in a regime in which units die, then trained on, untreated and after
 * soften and revive; a PReLU is never dead, so that units that never fire are counted too. `npm run bench -- heal-digits [seeds]` prints every seed and means with 95 % intervals (Student's t).
 */
import { tellStory } from '../dist/cli/demo-story.js';
import { digits } from '../dist/train/datasets/index.js';

const titles = ['trained with ReLU', 'pruned, for shipping', 'trained on, untreated', 'trained on, healed'];

/** Student's t at 97.5 % for 1 to 30 degrees of freedom, rounded to three digits. */
const student = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

function interval(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, half: student[values.length - 2] * Math.sqrt(variance / values.length) };
}

const percent = (share, digits = 2) => (100 * share).toFixed(digits).replace('-', '−');
const shown = values => {
  const { mean, half } = interval(values);
  return `${percent(mean)} ± ${percent(half)}`;
};

export async function run([count = '10']) {
  const seeds = Array.from({ length: Number(count) }, (_, seed) => seed);
  if (seeds.length < 2 || seeds.length > student.length + 1)
    throw new RangeError(`bench: seeds must be 2 to ${student.length + 1}, got '${count}'`);
  const split = await digits();
  const found = new Map(titles.map(title => [title, []]));
  console.log('seed  dead, never firing and right, in %: trained | untreated | healed');
  for (const seed of seeds) {
    const { chapters } = await tellStory(split, { seed, onProgress: () => {} });
    for (const { title, dead, neverFiring, units, accuracy, parameters } of chapters)
      found.get(title)?.push({ dead: dead / units, never: neverFiring / units, accuracy, parameters });
    const [trained, , untreated, healed] = titles.map(title => found.get(title).at(-1));
    const cell = ({ dead, never, accuracy }) => `${percent(dead, 1)} ${percent(never, 1)} ${percent(accuracy)}`;
    console.log(`${String(seed).padStart(4)}  ${cell(trained)} | ${cell(untreated)} | ${cell(healed)}`);
  }
  console.log('\nmeans and 95 % intervals, in %');
  for (const title of titles) {
    const rows = found.get(title);
    console.log(
      `  ${title.padEnd(24)} dead ${shown(rows.map(row => row.dead))}   never firing ${shown(rows.map(row => row.never))}   held-out right ${shown(rows.map(row => row.accuracy))}`,
    );
  }
  const differences = found.get(titles[3]).map(({ accuracy }, at) => accuracy - found.get(titles[2])[at].accuracy);
  console.log(`  held-out right, healed minus untreated, seed by seed: ${shown(differences)}`);
  const awake = found.get(titles[3]).map(({ never }, at) => never - found.get(titles[2])[at].never);
  console.log(`  never firing, healed minus untreated, seed by seed: ${shown(awake)}`);
  const kept = found.get(titles[1]).map(({ parameters }, at) => parameters / found.get(titles[0])[at].parameters);
  console.log(`  parameters left after pruning: ${shown(kept)}`);
}
