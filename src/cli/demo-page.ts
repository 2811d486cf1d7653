import { count, percent } from '../report/numbers.js';
import type { Chapter } from './demo-story.js';

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** A bar for a share from 0 to 1, beside its number. */
const bar = (share: number, kind: string): string =>
  `<td><span class="bar ${kind}" style="width:${(6 * share).toFixed(2)}rem"></span>${percent(share)}</td>`;

const row = ({ title, parameters, units, dead, accuracy }: Chapter, audit: string): string =>
  `<tr><th scope="row"><a href="${audit}">${escaped(title)}</a></th><td>${count(parameters)}</td><td>${count(units)}</td>${bar(dead / units, 'dead')}${bar(accuracy, 'right')}</tr>`;

function check({ title, verification }: Chapter): string {
  if (verification === null) return '';
  const { seen, heldOut } = verification;
  const time = heldOut.time ? ` It runs ${heldOut.time.ratio.toFixed(2)} times as fast.` : '';
  return `<h2>${escaped(title)}</h2><p>On the samples it was trained on: ${escaped(seen.sentence)}</p><p>On held-out samples: ${escaped(heldOut.sentence)}${time}</p>`;
}

/** The story as a page of its own: every model before and after, what the checks of the repairs found, and links to the audits at the given paths. */
export const storyPage = (
  chapters: readonly Chapter[],
  auditOf: (chapter: Chapter) => string,
): string => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>A network that dies, healed</title>
<style>
:root { font: 1rem/1.5 system-ui, sans-serif; --line: #8886; --dead: #d55e00; --right: #2b87c8 }
body { margin: 2rem auto; max-width: 56rem; padding: 0 1rem; background: Canvas; color: CanvasText }
h1 { font-size: 1.6rem } h2 { font-size: 1.1rem; margin-top: 1.5rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .4rem .8rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child { text-align: left; font-weight: 500 } a { color: inherit }
.bar { display: inline-block; height: .7rem; margin-right: .5rem; vertical-align: baseline }
.dead { background: var(--dead) } .right { background: var(--right) }
</style></head><body>
<h1>A network that dies, healed</h1>
<p>A ReLU network is trained on handwritten digits so fast that units die. For shipping, the dead are removed. For training on, ReLUs become PReLUs of slope 0 and dead units get fresh
weights, which changes no output; then it is trained further beside its untreated twin.</p>
<div class="wide"><table><thead><tr><th>model (its audit)</th><th>parameters</th><th>units</th><th>dead</th><th>held-out digits right</th></tr></thead>
<tbody>${chapters.map(chapter => row(chapter, auditOf(chapter))).join('\n')}</tbody></table></div>
${chapters.map(check).join('\n')}
</body></html>
`;
