import { verdicts } from '../audit/report.js';
import { verdictStyles } from './verdict-style.js';

const verdictColors = verdicts
  .map(
    verdict => `  --verdict-${verdict}: light-dark(${verdictStyles[verdict].light}, ${verdictStyles[verdict].dark});`,
  )
  .join('\n');

/** The style sheet of the HTML report. Light and dark follow the system, or `data-theme` on the root element. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#fdfdfc, #131517);
  --raised: light-dark(#f4f4f1, #1c1f22);
  --ink: light-dark(#1b1d1f, #e4e6e8);
  --soft: light-dark(#5c6166, #9ba2a8);
  --hair: light-dark(#dddfe0, #2f3438);
  --link: light-dark(#00598c, #86c5ef);
  --alarm: light-dark(#a63a00, #ff9466);
  --alarm-ground: light-dark(#fff1ea, #33190d);
  --figure-ink: light-dark(#0072b2, #6cb6e6);
${verdictColors}
}
:root[data-theme='light'] { color-scheme: light; }
:root[data-theme='dark'] { color-scheme: dark; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 82rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1, h2, p, dl, dd, figure, ul { margin: 0; padding: 0; }
h1 { font-size: clamp(1.6rem, 4vw, 2.4rem); line-height: 1.15; font-weight: 650; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; font-weight: 650; line-height: 1.3; }
section { margin-top: 3.25rem; }
section > p.note, figcaption { color: var(--soft); font-size: 0.9rem; max-width: 46rem; margin: 0.2rem 0 1rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
button, select, input { font: inherit; color: inherit; }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.top { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: 0.6rem; color: var(--soft); font-size: 0.9rem; }
.plain { background: none; border: 1px solid var(--hair); border-radius: 0.35rem; padding: 0.25rem 0.7rem; cursor: pointer; }
.plain:hover:not(:disabled) { border-color: var(--soft); }
.plain:disabled { opacity: 0.4; cursor: default; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.1rem 1.25rem; margin-top: 1rem; font-size: 0.9rem; }
.facts dt { color: var(--soft); }
.facts dd { overflow-wrap: anywhere; }
.banner { margin: 1.5rem 0; padding: 0.8rem 1.1rem; border-left: 0.4rem solid var(--alarm); background: var(--alarm-ground); font-weight: 600; }
.lede { margin-top: 2rem; max-width: 46rem; }
.lede p:first-child { font-size: 1.25rem; line-height: 1.4; }
.lede p + p { margin-top: 0.5rem; color: var(--soft); }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.75rem, 1fr)); gap: 1.5rem; margin-top: 2.25rem; padding-top: 1.25rem; border-top: 1px solid var(--hair); }
.key div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.key dt { font-size: 0.875rem; color: var(--soft); line-height: 1.35; }
.key dd { font-size: 1.8rem; line-height: 1.2; font-weight: 400; letter-spacing: -0.015em; }
.key dd.bad { color: var(--alarm); font-weight: 600; }

.findings { list-style: none; margin-top: 0.75rem; }
.findings li { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 1rem; padding: 0.7rem 0; border-top: 1px solid var(--hair); }
.findings .severity { font-size: 0.875rem; line-height: 1.7; white-space: nowrap; }
.findings .error .severity { color: var(--alarm); font-weight: 650; }
.findings .warning .severity { font-weight: 650; }
.findings .note .severity { color: var(--soft); }
.findings p { max-width: 46rem; overflow-wrap: anywhere; }
.where { color: var(--soft); font-size: 0.875rem; overflow-wrap: anywhere; }

figure svg { display: block; width: 100%; height: auto; overflow: visible; }
figure svg rect:hover { opacity: 0.75; }
.narrow { display: none !important; }

.scroll { overflow-x: auto; margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.8375rem; line-height: 1.4; }
caption { text-align: left; color: var(--soft); }
th, td { text-align: left; padding: 0.3rem 0.45rem; vertical-align: baseline; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; }
thead th { border-bottom: 1px solid var(--soft); font-weight: 400; color: var(--soft); vertical-align: bottom; padding-bottom: 0.35rem; }
thead button { position: relative; background: none; border: 0; padding: 0.15rem 0; cursor: pointer; color: inherit; text-align: inherit; line-height: 1.2; white-space: nowrap; }
thead button:hover, th[aria-sort] button { color: var(--ink); }
th[aria-sort] button { font-weight: 650; }
thead button::after { content: '↕'; position: absolute; right: -0.8em; bottom: 0.15rem; opacity: 0; }
th.number button::after { right: auto; left: -0.8em; }
thead button:hover::after, thead button:focus-visible::after { opacity: 0.5; }
th[aria-sort='ascending'] button::after { content: '↑'; opacity: 1; }
th[aria-sort='descending'] button::after { content: '↓'; opacity: 1; }
tbody tr + tr:not(.why) > * { border-top: 1px solid var(--hair); }
tbody th { font-weight: 400; }
td .zero, .none { color: var(--soft); opacity: 0.55; }
.fed { color: var(--soft); }
.mix { display: block; width: 5.5rem; height: 0.7rem; }
.swatch { display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.4em; border-radius: 1px; }
${verdicts.map(verdict => `.swatch.${verdict} { background: var(--verdict-${verdict}); }`).join('\n')}
.why td { padding-top: 0; padding-bottom: 0.45rem; white-space: normal; }
.why div { position: sticky; left: 0; max-width: min(72rem, calc(100vw - 2.5rem)); color: var(--soft); font-size: 0.825rem; }
.filters { display: flex; flex-wrap: wrap; gap: 0.75rem 1.25rem; margin-top: 0.75rem; }
.filters label { display: flex; flex-direction: column; gap: 0.15rem; font-size: 0.8rem; color: var(--soft); min-width: 0; flex: 1 1 11rem; max-width: 22rem; }
.filters select, .filters input { width: 100%; min-width: 0; padding: 0.35rem 0.5rem; border: 1px solid var(--hair); border-radius: 0.35rem; background: var(--raised); color: var(--ink); font-size: 0.95rem; }
.bar { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; justify-content: space-between; margin-top: 1rem; font-size: 0.9rem; }
.bar .pages { display: flex; gap: 0.5rem; }
.about { color: var(--soft); font-size: 0.875rem; margin-top: 0.75rem; overflow-wrap: anywhere; }
.about:empty { display: none; }
.glossary { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.35rem 1.25rem; margin-top: 0.75rem; max-width: 52rem; font-size: 0.9rem; }
.glossary dd { color: var(--soft); }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--hair); color: var(--soft); font-size: 0.875rem; }

@media (max-width: 40rem) {
  body { padding-top: 1.25rem; }
  .wide { display: none !important; }
  .narrow { display: block !important; }
  .key { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.25rem; }
  .findings li { grid-template-columns: minmax(0, 1fr); }
  th.name { min-width: 9.5rem; white-space: normal; word-break: break-all; }
  .facts, .glossary { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd, .glossary dd { margin-bottom: 0.5rem; }
  .lede p:first-child { font-size: 1.1rem; }
}
@media print {
  :root, :root[data-theme] { color-scheme: light; }
  @page { margin: 16mm 14mm; }
  html { font-size: 9.5pt; }
  body { padding: 0; max-width: none; }
  .top button, .filters, .bar .pages, .visually-hidden { display: none; }
  .wide { display: block !important; }
  .narrow { display: none !important; }
  section { margin-top: 2rem; }
  .findings li, tr, .key { break-inside: avoid; }
  h2, figcaption, .note { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7pt; }
  th, td { padding: 0.15rem 0.25rem; }
  .fed, th.name { white-space: normal; overflow-wrap: anywhere; }
  .mix { width: 4rem; }
  .why div { max-width: none; font-size: 7pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
