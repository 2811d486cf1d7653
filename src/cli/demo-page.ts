import { firingInterval } from '../audit/interval.js';
import { beforeAfter } from '../figures/before-after.js';
import type { Verification } from '../heal/verify.js';
import { escaped } from '../report/escape.js';
import { bytes, count, percent, significant } from '../report/numbers.js';
import { version } from '../version.js';
import { pageLayout } from './demo-layout.js';
import type { Chapter, Story } from './demo-story.js';

/** How much faster a model is than the one it was repaired from, with the middle half of the rounds. */
const speed = ({ time }: Verification): string =>
  time
    ? ` It runs ${significant(time.ratio)} times as fast (middle half ${significant(time.ratioLow)} to ${significant(time.ratioHigh)}, ${time.rounds} rounds in turns).`
    : '';

/** What the check of a repair found, in sentences; none for a model that was trained. */
export function findings({ verification }: Chapter): string[] {
  if (verification === null) return [];
  const { seen, heldOut } = verification;
  const same = heldOut.sameTopClass === null ? '' : ` The same digit wins on ${percent(heldOut.sameTopClass)} of them.`;
  return [
    `On the samples it was trained on: ${seen.sentence}`,
    `On held-out samples: ${heldOut.sentence}${same}${speed(heldOut)}`,
  ];
}

function figures({ chapters, samples: { test } }: Story): string {
  const states = chapters.map(({ title, neverFiringByLayer, accuracy, parameters }) => {
    const { low, high } = firingInterval(Math.round(accuracy * test), test);
    return {
      label: title,
      neverFiring: neverFiringByLayer,
      right: { share: accuracy, lower: low, upper: high },
      parameters,
    };
  });
  return `<figure><div class="broad">${beforeAfter(states)}</div><div class="slim">${beforeAfter(states, { width: 360 })}</div>
<figcaption>Rows are the models of the table below. First the share of each layer’s units that fire on none of the samples trained on; then the held-out digits answered rightly, with 95&nbsp;% intervals for
${count(test)} of them; then parameters.</figcaption></figure>`;
}

const heads = ['model, and its audit', 'parameters', 'file', 'dead units', 'never fire', 'held-out right', 'made in'];

function row(chapter: Chapter, index: number, audit: string): string {
  const { title, parameters, bytes: size, units, dead, neverFiring, accuracy, seconds } = chapter;
  const cells = [
    count(parameters),
    bytes(size),
    `${count(dead)} of ${count(units)}`,
    `${count(neverFiring)} of ${count(units)}`,
    percent(accuracy),
    `${significant(seconds, 2)}&nbsp;s`,
  ];
  const labelled = cells.map((cell, at) => `<td data-label="${heads[at + 1]}">${cell}</td>`);
  return `<tr><th scope="row">${index + 1}&ensp;<a href="${escaped(audit)}">${escaped(title)}</a></th>${labelled.join('')}</tr>`;
}

function check(chapter: Chapter, index: number): string {
  const found = findings(chapter);
  if (found.length === 0) return '';
  return `<h3>${index + 1}&ensp;${escaped(chapter.title)}</h3>\n${found.map(each => `<p>${escaped(each)}</p>`).join('\n')}`;
}

/** What came of it, in two sentences. */
function outcome({ chapters }: Story): string {
  const [trained, shipped, , untreated, healed] = chapters as [Chapter, Chapter, Chapter, Chapter, Chapter];
  return `<p>${count(trained.neverFiring)} of ${count(trained.units)} units never fire after training; pruned, the network keeps ${percent(shipped.parameters / trained.parameters)} of its parameters.
Trained on as it is, ${count(untreated.neverFiring)} still never fire; softened and revived first, ${count(healed.neverFiring)}.</p>`;
}

/**
 * The story as a page of its own: figures and numbers of every model before and after, what the checks of the repairs found, how it was made, and links to the audits at the
 * given paths.
 */
export const storyPage = (story: Story, auditOf: (chapter: Chapter) => string): string =>
  pageLayout(
    'A network that dies, healed',
    `<div class="lede"><p>A ReLU network is trained on handwritten digits so fast that units die. For shipping, the dead are removed. For training on, ReLUs become PReLUs of slope 0 and dead units get
fresh weights, which changes no output on the samples seen; then it is trained further beside its untreated twin.</p>
${outcome(story)}</div>
${figures(story)}
<h2>Before and after</h2>
<table><thead><tr>${heads.map(head => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${story.chapters.map((chapter, index) => row(chapter, index, auditOf(chapter))).join('\n')}</tbody></table>
<p class="note">A unit is dead where all it gives is a constant and no gradient reaches what would wake it. A PReLU is never dead by that measure, for its negative side has a slope that learns; how many
units never fire counts both alike.</p>
<h2>What the repairs changed</h2>
${story.chapters.map(check).join('\n')}
<footer>Network ${escaped(story.network)}, seed ${story.seed}; ${escaped(story.data)}, ${count(story.samples.train)} to train on and ${count(story.samples.test)} held out. Reluminate ${version}. Times are of
this run on this machine.</footer>`,
  );
