import { createHash } from 'node:crypto';
import { type AuditReport, type LayerReport, type Verdict, verdicts } from '../audit/report.js';
import { escaped as html } from './escape.js';
import { firingRates, slopesByLayer, verdictsByLayer } from './figures.js';
import { labels, printable } from './names.js';
import { count, percent, plural, si, significant } from './numbers.js';
import { type PageData, pageData } from './page-data.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';
import { feeder, isLeftByPrune, modelFacts, proofRange, summary, syntheticWarning, worstFirst } from './summary.js';
import { verdictColor, verdictStyles, verdictsIn } from './verdict-style.js';

/** A name from the model as HTML: printable, escaped, and kept from turning the text around it. */
const name = (text: string): string => `<bdi>${html(printable(text))}</bdi>`;

const when = (condition: boolean, text: () => string): string => (condition ? text() : '');

/** Data as the content of a script element. */
const embedded = (data: PageData): string => JSON.stringify(data).replaceAll('<', '\\u003c');

const hash = (source: string): string => `'sha256-${createHash('sha256').update(source).digest('base64')}'`;

const banner = (report: AuditReport): string => {
  const warning = syntheticWarning(report);
  return warning === null ? '' : `<p class="banner" role="note">${html(warning)}</p>`;
};

const dims = (shape: readonly (number | string | null)[]): string =>
  shape.map(dim => (dim === null ? '?' : printable(String(dim)))).join(' × ');

/** The last part of a path: what a reader knows the model by. The whole path stands among the facts. */
const fileName = (path: string): string => path.split(/[\\/]/).at(-1) || path;

function header(report: AuditReport): string {
  const { inputs, outputs } = report.model;
  const input = inputs.map(each => `${name(each.name)} ${html(each.type)} ${html(dims(each.dims))}`).join(', ');
  const output = outputs
    .map(each => name(each.name) + when(each.constant, () => ' (constant: does not depend on the input)'))
    .join(', ');
  const range = proofRange(report);
  return `<header>
<div class="top"><span>Rectifier audit</span><button type="button" class="plain" id="theme" hidden>Dark</button></div>
<h1>${name(fileName(report.model.name))}</h1>
<dl class="facts">
<dt>Model</dt><dd>${name(report.model.name)}<br>${html(modelFacts(report).join(', '))}</dd>
<dt>${inputs.length === 1 ? 'Input' : 'Inputs'}</dt><dd>${input || 'none'}</dd>
<dt>${outputs.length === 1 ? 'Output' : 'Outputs'}</dt><dd>${output || 'none'}</dd>
<dt>Data</dt><dd>${name(report.data.description)}</dd>
${when(range !== null, () => `<dt>Proof</dt><dd>for inputs ${html((range as string[]).join('; '))}</dd>\n`)}</dl>
</header>`;
}

/** A number set large and what it counts. */
interface KeyFigure {
  value: string;
  label: string;
  bad?: boolean;
}

/** What could go, as an upper limit; nothing where that is what a prune left. */
function savings(report: AuditReport): KeyFigure[] {
  const { removable, removableOnData } = report.totals;
  const less = removableOnData ?? removable;
  if (isLeftByPrune(report) && less.units <= removable.units) return [];
  const proviso = removableOnData === null ? '' : ', on this data';
  const { multiplyAdds, multiplyAddShare } = less;
  return [
    {
      value: `≤ ${percent(less.parameterShare)}`,
      label: `of the parameters can go${proviso} (${count(less.parameters)})`,
    },
    ...(multiplyAdds === null || multiplyAddShare === null
      ? []
      : [
          {
            value: `≤ ${percent(multiplyAddShare)}`,
            label: `of the multiply-adds can go${proviso} (${si(multiplyAdds)})`,
          },
        ]),
  ];
}

function keyFigures(report: AuditReport): KeyFigure[] {
  const { totals, layers, samples, subnormals } = report;
  const hit = layers.filter(layer => layer.dead > 0).length;
  return [
    {
      value: count(totals.dead),
      label: `dead of ${plural(totals.units, 'unit')} (${percent(totals.units === 0 ? 0 : totals.dead / totals.units)})`,
      bad: totals.dead > 0,
    },
    { value: count(hit), label: `of ${plural(layers.length, 'layer')} with dead units` },
    ...savings(report),
    {
      value: samples === 0 ? 'none' : count(samples),
      label: samples === 0 ? 'samples: weights alone were read' : 'samples observed',
    },
    ...(subnormals.subnormal === 0 ? [] : [{ value: si(subnormals.subnormal), label: 'subnormal weights' }]),
    ...(subnormals.time === null
      ? []
      : [{ value: `${significant(subnormals.time.ratio, 2)}×`, label: 'as fast with tiny weights set to zero' }]),
  ];
}

const keyFigure = ({ value, label, bad = false }: KeyFigure): string =>
  `<div><dt>${html(label)}</dt><dd${when(bad, () => ' class="bad"')}>${html(value)}</dd></div>`;

const severityMarks = { error: '✖ error', warning: '▲ warning', note: '● note' } as const;

const finding = ({ severity, text, where }: AuditReport['findings'][number]): string =>
  `<li class="${severity}"><span class="severity">${severityMarks[severity]}</span><div><p>${name(text)}</p>${when(
    where.length > 0,
    () => `<p class="where">${where.map(name).join(', ')}</p>`,
  )}</div></li>`;

const findings = (report: AuditReport): string =>
  when(
    report.findings.length > 0,
    () =>
      `<section aria-labelledby="findings"><h2 id="findings">Findings</h2><ul class="findings">${report.findings.map(finding).join('\n')}</ul></section>`,
  );

/** A figure twice, as wide as the page and as narrow as a phone, of which the style sheet shows one. */
function figure(id: string, title: string, note: string, draw: (options: { width: number }) => string | null): string {
  const wide = draw({ width: 1000 });
  const narrow = draw({ width: 350 });
  if (wide === null || narrow === null) return '';
  return `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2><figure><figcaption>${note}</figcaption><div class="wide">${wide}</div><div class="narrow">${narrow}</div></figure></section>`;
}

const figures = (report: AuditReport): string =>
  figure(
    'verdicts',
    'Layer by layer',
    'Share of each layer’s units by verdict, in the order of the network. The worse, the farther left.',
    options => verdictsByLayer(report, options),
  ) +
  figure(
    'rates',
    'How often units fire',
    'Number of units by the share of samples on which they fire at one position or more.',
    options => firingRates(report, options),
  ) +
  figure(
    'slopes',
    'Slopes',
    'What each unit multiplies negative inputs with: a tick for each unit, a dot for the layer’s median. Below 0 a unit is not monotone; beyond 1 it amplifies.',
    options => slopesByLayer(report, options),
  );

/** A column head that sorts: its key, its title, whether it holds numbers, and which order comes first. */
interface Head {
  key: string;
  title: string;
  number?: boolean;
  descending?: boolean;
}

const head = ({ key, title, number = false, descending = false }: Head, sort?: 'ascending' | 'descending'): string =>
  `<th scope="col"${when(number, () => ' class="number"')}${when(sort !== undefined, () => ` aria-sort="${sort}"`)}><button type="button" data-key="${key}"${when(descending, () => ' data-first="descending"')}>${title}</button></th>`;

/** The verdicts of a layer as a small bar. */
function mix(counts: LayerReport['counts']): string {
  const present = verdictsIn(counts);
  const total = present.reduce((sum, verdict) => sum + counts[verdict], 0);
  let x = 0;
  const bars = present.map(verdict => {
    const share = (counts[verdict] / total) * 100;
    const rect = `<rect x="${x.toFixed(2)}" width="${share.toFixed(2)}" height="10" fill="${verdictColor(verdict)}"/>`;
    x += share;
    return rect;
  });
  return `<svg class="mix" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${bars.join('')}</svg>`;
}

const numberCell = (value: number | null, text = value === null ? '–' : count(value)): string =>
  `<td class="number" data-value="${value ?? ''}">${value === 0 || value === null ? `<span class="zero">${text}</span>` : text}</td>`;

function slopeCell({ slopes }: LayerReport): string {
  if (slopes === null) return numberCell(null);
  const { min, median, max } = slopes;
  return numberCell(median, min === max ? significant(min) : `${significant(min, 2)} to ${significant(max, 2)}`);
}

function layerRow(layer: LayerReport, l: number, label: string, columns: readonly Verdict[], slopes: boolean): string {
  const { counts, channels } = layer;
  const whole = html(printable(layer.name));
  const deadShare = layer.units.length === 0 ? '' : layer.dead / layer.units.length;
  const fed = feeder(layer);
  const cells = [
    numberCell(l + 1),
    `<th scope="row" class="name" data-value="${whole}"><bdi><a href="#units" data-layer="${l}" title="${whole}">${html(label)}</a></bdi></th>`,
    `<td data-value="${deadShare}">${mix(counts)}</td>`,
    numberCell(channels),
    ...columns.map(verdict => numberCell(counts[verdict])),
    ...(slopes ? [slopeCell(layer)] : []),
    `<td>${html(printable(layer.op))}</td>`,
    `<td class="fed">${fed === null ? '–' : html(fed)}</td>`,
  ];
  return `<tr>${cells.join('')}</tr>`;
}

function layerTable({ layers, totals }: AuditReport): string {
  if (layers.length === 0) return '';
  const columns = verdictsIn(totals.counts);
  const slopes = layers.some(layer => layer.slopes !== null);
  const short = labels(
    layers.map(layer => layer.name),
    40,
  );
  const heads: Omit<Head, 'key'>[] = [
    { title: '#', number: true },
    { title: 'layer' },
    { title: 'verdicts', descending: true },
    { title: 'units', number: true, descending: true },
    ...columns.map(verdict => ({
      title: verdictStyles[verdict].label.replace(' ', '<br>'),
      number: true,
      descending: true,
    })),
    ...(slopes ? [{ title: 'slope', number: true }] : []),
    { title: 'op' },
    { title: 'fed by' },
  ];
  const rows = worstFirst(layers).map(l => layerRow(layers[l]!, l, short[l]!, columns, slopes));
  return `<section aria-labelledby="layers"><h2 id="layers">Layers</h2><p class="note">Worst first. A layer’s name leads to its units.</p>
<div class="scroll" role="region" aria-labelledby="layers" tabindex="0"><table id="layer-table">
<thead><tr>${heads.map((each, place) => head({ ...each, key: String(place) })).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div></section>`;
}

const unitHeads: Head[] = [
  { key: 'layer', title: 'layer' },
  { key: 'index', title: 'unit', number: true },
  { key: 'verdict', title: 'verdict' },
  { key: 'certainty', title: 'certainty' },
  { key: 'fired', title: 'fired', number: true },
  { key: 'min', title: 'min', number: true },
  { key: 'mean', title: 'mean', number: true },
  { key: 'max', title: 'max', number: true },
  { key: 'deviation', title: 'σ', number: true },
  { key: 'positive', title: 'positive', number: true },
  { key: 'slope', title: 'slope', number: true },
  { key: 'bias', title: 'bias', number: true },
  { key: 'norm', title: '‖w‖', number: true },
];

const option = (value: string, text: string): string => `<option value="${html(value)}">${html(text)}</option>`;

const pageButton = (step: string): string =>
  `<button type="button" class="plain" data-page="${step}" aria-controls="unit-table">${step[0]!.toUpperCase()}${step.slice(1)}</button>`;

function unitTable(report: AuditReport): string {
  if (report.totals.units === 0) return '';
  const data = pageData(report);
  const layers = data.layers.map(({ label }, l) => option(String(l), `${l + 1}  ${label}`));
  const present = verdictsIn(report.totals.counts).map(verdict => option(verdict, verdictStyles[verdict].label));
  return `<section aria-labelledby="units"><h2 id="units">Units</h2>
<p class="note">Minimum, mean, maximum, σ and positive share are of the pre-activation; bias and ‖w‖, the norm of the incoming weights, have batch norm folded in.</p>
<noscript><p class="note">This table takes JavaScript.</p></noscript>
<div class="filters">
<label>Layer<select id="filter-layer">${option('', 'every layer')}${layers.join('')}</select></label>
<label>Verdict<select id="filter-verdict">${option('any', 'every verdict')}${option('trouble', 'all but healthy')}${option('dead', 'dead of any kind')}${present.join('')}</select></label>
<label>Text in layer, verdict, cause or remedy<input id="filter-text" type="search" autocomplete="off" spellcheck="false"></label>
</div>
<p class="about" id="layer-about"></p>
<div class="bar"><span id="unit-status" role="status" aria-live="polite"></span><span class="pages">${['first', 'previous', 'next', 'last'].map(pageButton).join('')}</span></div>
<div class="scroll" role="region" aria-labelledby="units" tabindex="0"><table id="unit-table">
<thead><tr>${unitHeads.map(each => head(each, each.key === 'verdict' ? 'ascending' : undefined)).join('')}</tr></thead>
<tbody></tbody></table></div>
<script type="application/json" id="unit-data">${embedded(data)}</script></section>`;
}

const glossary = (): string =>
  `<section aria-labelledby="glossary"><h2 id="glossary">What the verdicts mean</h2><p class="note">A unit is a channel of a convolution or a feature of a dense layer. Strongest verdict first; the first three are dead.</p><dl class="glossary">${verdicts
    .map(
      verdict =>
        `<dt><span class="swatch ${verdict}"></span>${verdictStyles[verdict].label}</dt><dd>${html(verdictStyles[verdict].meaning)}</dd>`,
    )
    .join('\n')}</dl></section>`;

/**
 * The audit as one HTML file that needs nothing else: no network, no other files. Light and dark, wide and narrow, on
 * paper, and by keyboard; a content security policy lets nothing run but the report's own script.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit } from 'reluminate/audit';
 * import { renderHtml } from 'reluminate/report';
 * import { buildNetwork } from 'reluminate/train';
 * const page = renderHtml(await audit(buildNetwork('mlp:2-3-1', { rectifier: parseRectifier('relu') }), null));
 * /<title>(.*)<\/title>/.exec(page)[1]; // => "mlp:2-3-1: rectifier audit"
 * /(src|href)="http/.test(page); // => false
 */
export function renderHtml(report: AuditReport): string {
  const script = `(${pageScript})({ significant: ${significant} });`;
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(pageStyle)}; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="reluminate ${html(report.reluminate)}">
<title>${html(printable(fileName(report.model.name)))}: rectifier audit</title>
<style>${pageStyle}</style>
</head>
<body>
${header(report)}
<main>
${banner(report)}
<div class="lede">${summary(report)
    .map(sentence => `<p>${html(sentence)}</p>`)
    .join('\n')}</div>
${when(report.totals.layers > 0, () => `<dl class="key">${keyFigures(report).map(keyFigure).join('\n')}</dl>`)}
${findings(report)}
${figures(report)}
${layerTable(report)}
${unitTable(report)}
${when(report.totals.layers > 0, glossary)}
</main>
<footer>${banner(report)}Written by reluminate ${html(report.reluminate)}.</footer>
<script>${script}</script>
</body>
</html>
`;
}
