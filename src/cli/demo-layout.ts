import { escaped } from '../report/escape.js';

const style = `
:root { color-scheme: light dark; --ground: light-dark(#fdfdfc, #131517); --ink: light-dark(#1b1d1f, #e4e6e8);
  --soft: light-dark(#5c6166, #9ba2a8); --hair: light-dark(#dddfe0, #2f3438); --link: light-dark(#00598c, #86c5ef) }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 66rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word }
h1 { font-size: clamp(1.6rem, 4vw, 2.4rem); line-height: 1.15; margin: 0 0 1rem }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem }
p { margin: .4rem 0; max-width: 46rem }
.lede p { font-size: 1.1rem; margin: .6rem 0 }
a { color: var(--link); text-underline-offset: .15em }
figure { margin: 2.5rem 0 0 }
figure svg { display: block; width: 100%; height: auto }
figcaption, footer, .note { color: var(--soft); font-size: .9rem; max-width: 46rem; margin-top: .75rem }
footer { margin-top: 3rem; border-top: 1px solid var(--hair); padding-top: 1rem }
.slim { display: none }
table { border-collapse: collapse; width: 100% }
th, td { padding: .45rem .6rem; border-bottom: 1px solid var(--hair); text-align: right }
td { white-space: nowrap }
th:first-child { text-align: left; padding-left: 0 }
thead th { color: var(--soft); font-weight: 400; font-size: .9rem; vertical-align: bottom }
tbody th { font-weight: 500 }
@media (max-width: 44rem) {
  .broad { display: none }
  .slim { display: block }
  table, tbody, tr, th, td { display: block }
  thead { display: none }
  tr { padding: .75rem 0; border-bottom: 1px solid var(--hair) }
  th, td { border: 0; padding: .1rem 0 }
  td { display: flex; justify-content: space-between }
  td::before { content: attr(data-label); color: var(--soft) }
}`;

/** A page of its own around a body of HTML, light or dark as the reader's system; tables become lists of labelled numbers where it is narrow. */
export const pageLayout = (title: string, body: string): string => `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}
</style></head><body>
<h1>${escaped(title)}</h1>
${body}
</body></html>
`;
