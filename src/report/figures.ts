import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { type AuditReport, type LayerReport, type Verdict, verdicts } from '../audit/report.js';
import { displayWidth, labels, printable } from './names.js';
import { count, percent, plural, si, significant } from './numbers.js';
import { verdictColor, verdictStyles, verdictsIn } from './verdict-style.js';

export interface FigureOptions {
  /** Width of the drawing in units of 1/96 inch; text stays the same size, so a narrow page wants a narrow drawing. */
  width?: number;
}

type Svg = ReturnType<typeof Plot.plot>;

const { document } = parseHTML('<html><body></body></html>') as unknown as { document: Document };
const fontSize = 11;
/** Width of a character on average, at `fontSize`. */
const em = 6.1;
const plotWidth = ({ width = 880 }: FigureOptions) => Math.max(240, width);
const isNarrow = (width: number) => width < 560;

const element = (name: string, attributes: Record<string, string | number>, text = ''): Element => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.textContent = text;
  return node;
};

/** A legend above a drawing, broken into rows; returns its height. */
function addLegend(svg: Element, shown: readonly Verdict[], width: number): number {
  const row = 20;
  let x = 0;
  let line = 0;
  const entries = shown.map(verdict => {
    const { label } = verdictStyles[verdict];
    const size = 28 + displayWidth(label) * em;
    if (x + size > width && x > 0) {
      x = 0;
      line++;
    }
    const entry = { verdict, label, x, line };
    x += size;
    return entry;
  });
  const height = (line + 1) * row + 6;
  for (const entry of entries) {
    const y = entry.line * row - height;
    const color = verdictColor(entry.verdict);
    svg.append(
      element('rect', { x: entry.x, y: y + 4, width: 11, height: 11, fill: color }),
      element('text', { x: entry.x + 16, y: y + 13.5, 'text-anchor': 'start' }, entry.label),
    );
  }
  return height;
}

/** The drawing as text: scales with the page, takes its text colour from it, and tells what it shows to those who cannot see it. */
function finish(svg: Svg, label: string, legend: readonly Verdict[] = []): string {
  const [, , width, height] = svg.getAttribute('viewBox')!.split(' ').map(Number) as [number, number, number, number];
  for (const style of svg.querySelectorAll('style')) style.remove();
  for (const name of ['class', 'width', 'height']) svg.removeAttribute(name);
  const above = legend.length === 0 ? 0 : addLegend(svg, legend, width);
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('viewBox', `0 ${-above} ${width} ${height + above}`);
  svg.setAttribute('font-size', String(fontSize));
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  return svg.outerHTML;
}

/** Shares of the verdicts of one layer, from 0 to 1, end to end; a verdict that occurs is `least` wide or wider. */
function segments(counts: LayerReport['counts'], least: number) {
  const shown = verdictsIn(counts);
  const total = shown.reduce((sum, verdict) => sum + counts[verdict], 0);
  const sizes = shown.map(verdict => Math.max(counts[verdict] / total, least));
  const scale = sizes.reduce((sum, size) => sum + size, 0);
  let x = 0;
  return shown.map((verdict, k) => {
    const x1 = x;
    x += sizes[k]! / scale;
    return { verdict, n: counts[verdict], total, x1, x2: x };
  });
}

/** The vertical axis of figures with one row for each layer: names, or no more than numbers where there are too many. */
function layerAxis(layers: readonly LayerReport[], width: number) {
  const names = layers.map(layer => layer.name);
  const short = labels(names, isNarrow(width) ? 16 : 34);
  const rowHeight = layers.length <= 48 ? 17 : layers.length <= 160 ? 13 : 4;
  const ticks = rowHeight >= 13 ? [...layers.keys()] : [...layers.keys()].filter(l => l % 10 === 9);
  const tickFormat = rowHeight >= 13 ? (l: number) => short[l]! : (l: number) => count(l + 1);
  const margin = Math.max(...ticks.map(l => displayWidth(tickFormat(l)) * em), 10) + 14;
  return {
    rowHeight,
    margin,
    axis: Plot.axisY({
      ticks,
      tickFormat,
      tickSize: 0,
      label: null,
      fontSize: Math.min(fontSize, rowHeight - 1 > 9 ? fontSize : 9),
    }),
  };
}

/**
 * What became of the units of each layer, in network order: stacked shares of the verdicts, strongest first, as SVG.
 * Verdicts too few to be seen are drawn 1.5 wide. Null for a model without rectifiers.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit } from 'reluminate/audit';
 * import { verdictsByLayer } from 'reluminate/report';
 * import { buildNetwork } from 'reluminate/train';
 * const report = await audit(buildNetwork('mlp:2-3-1', { rectifier: parseRectifier('relu') }), null);
 * verdictsByLayer(report, { width: 480 }).startsWith('<svg'); // => true
 * verdictsByLayer({ ...report, layers: [] }); // => null
 */
export function verdictsByLayer(report: AuditReport, options: FigureOptions = {}): string | null {
  const { layers, totals } = report;
  if (layers.length === 0) return null;
  const width = plotWidth(options);
  const { rowHeight, margin, axis } = layerAxis(layers, width);
  const unitsMargin = 12 + em * Math.max(5, ...layers.map(({ units }) => count(units.length).length));
  const least = 1.5 / (width - margin - unitsMargin);
  const bars = layers.flatMap(({ counts, name }, l) => segments(counts, least).map(part => ({ ...part, l, name })));
  const sizes = layers.map(({ channels }, l) => ({ l, text: channels === null ? '?' : count(channels) }));
  const svg = Plot.plot({
    document,
    width,
    height: layers.length * rowHeight + 46,
    marginTop: 42,
    marginBottom: 4,
    marginLeft: margin,
    marginRight: unitsMargin,
    x: { domain: [0, 1], label: null },
    y: { type: 'band', domain: [...layers.keys()], padding: rowHeight > 10 ? 0.22 : 0.1 },
    marks: [
      Plot.axisX({
        anchor: 'top',
        ticks: isNarrow(width) ? 3 : 5,
        tickFormat: (x: number) => percent(x),
        tickSize: 4,
        label: null,
      }),
      Plot.text(['share of the layer’s units'], { frameAnchor: 'top-left', textAnchor: 'start', dy: -32 }),
      axis,
      Plot.barX(bars, {
        x1: 'x1',
        x2: 'x2',
        y: 'l',
        insetRight: 0.5,
        fill: d => verdictColor(d.verdict),
        title: d =>
          `${printable(d.name)}\n${count(d.n)} of ${plural(d.total, 'unit')} ${verdictStyles[d.verdict as Verdict].label} (${percent(d.n / d.total)})`,
      }),
      ...(rowHeight < 13
        ? []
        : [
            Plot.text(sizes, {
              x: 1,
              y: 'l',
              text: 'text',
              textAnchor: 'end',
              dx: unitsMargin - 2,
              fontVariant: 'tabular-nums',
              fill: 'currentColor',
            }),
            Plot.text(['units'], { frameAnchor: 'top-right', dx: unitsMargin - 2, dy: -32 }),
          ]),
    ],
  });
  const label = `Verdicts on the units of ${plural(layers.length, 'layer')}, layer by layer: ${count(totals.dead)} of ${plural(totals.units, 'unit')} dead.`;
  return finish(svg, label, verdictsIn(totals.counts));
}

/** The bins of the firing rates: exactly never, `inner` equal bins, exactly always. */
function firingBins({ layers, samples }: AuditReport, inner: number) {
  const bins = Array.from({ length: inner + 2 }, () => new Map<Verdict, number>());
  for (const { units } of layers) {
    for (const { firedSamples, verdict } of units) {
      if (firedSamples === null) continue;
      const rate = firedSamples / samples;
      const bin = rate === 0 ? bins[0]! : rate === 1 ? bins[inner + 1]! : bins[1 + Math.floor(rate * inner)]!;
      bin.set(verdict, (bin.get(verdict) ?? 0) + 1);
    }
  }
  return bins;
}

/**
 * How often units fire: a histogram of the share of samples on which a unit fires, with bars of their own for never and
 * always, as SVG. Null without data.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit } from 'reluminate/audit';
 * import { firingRates } from 'reluminate/report';
 * import { buildNetwork } from 'reluminate/train';
 * const model = buildNetwork('mlp:2-3-1', { rectifier: parseRectifier('relu') });
 * const input = { type: 'float32', dims: [2, 2], data: Float32Array.of(1, -1, 2, 0.5) };
 * const data = { kind: 'samples', description: 'two points', total: 2, batches: () => [{ feeds: { input }, samples: 2 }] };
 * firingRates(await audit(model, data)).startsWith('<svg'); // => true
 * firingRates(await audit(model, null)); // => null
 */
export function firingRates(report: AuditReport, options: FigureOptions = {}): string | null {
  const width = plotWidth(options);
  const inner = isNarrow(width) ? 10 : 20;
  const bins = firingBins(report, inner);
  const totals = bins.map(bin => [...bin.values()].reduce((sum, n) => sum + n, 0));
  const observed = totals.reduce((sum, n) => sum + n, 0);
  if (observed === 0) return null;
  // The bars for never and always stand apart from the scale of 0 to 1.
  const step = 1 / inner;
  const left = (bin: number) => (bin === 0 ? -1.9 * step : bin === inner + 1 ? 1 + 0.9 * step : (bin - 1) * step);
  const name = (bin: number) =>
    bin === 0 ? 'never' : bin === inner + 1 ? 'always' : `${percent((bin - 1) * step)} to ${percent(bin * step)}`;
  const bars = bins.flatMap((bin, b) => {
    let y = 0;
    return verdicts.flatMap(verdict => {
      const n = bin.get(verdict) ?? 0;
      y += n;
      const title = `fires on ${name(b)} of the samples: ${plural(n, 'unit')} ${verdictStyles[verdict].label}`;
      return n === 0 ? [] : [{ x1: left(b), x2: left(b) + step, y1: y - n, y2: y, verdict, title }];
    });
  });
  const tops = totals.flatMap((n, b) =>
    n === 0 ? [] : [{ x: left(b) + step / 2, y: n, text: n < 10_000 ? count(n) : si(n) }],
  );
  const ends = [0, inner + 1].map(b => ({ x: left(b) + step / 2, text: name(b) }));
  const svg = Plot.plot({
    document,
    width,
    height: isNarrow(width) ? 240 : 280,
    marginTop: 34,
    marginBottom: 40,
    marginLeft: 48,
    marginRight: 8,
    x: { domain: [-2.1 * step, 1 + 2.1 * step], label: null },
    y: { label: null, nice: true },
    marks: [
      Plot.gridY({ ticks: 4, strokeOpacity: 0.12 }),
      Plot.axisY({
        ticks: 4,
        tickSize: 0,
        tickFormat: si,
        label: 'units',
        labelArrow: 'none',
        labelOffset: 40,
        labelAnchor: 'top',
      }),
      Plot.axisX(isNarrow(width) ? [0.2, 0.4, 0.6, 0.8] : [0, 0.2, 0.4, 0.6, 0.8, 1], {
        tickFormat: (x: number) => percent(x),
        tickSize: 4,
        label: 'share of samples on which the unit fires',
        labelAnchor: 'center',
        labelArrow: 'none',
      }),
      Plot.rectY(bars, {
        x1: 'x1',
        x2: 'x2',
        y1: 'y1',
        y2: 'y2',
        insetLeft: 0.5,
        insetRight: 0.5,
        fill: d => verdictColor(d.verdict),
        title: 'title',
      }),
      Plot.text(tops, { x: 'x', y: 'y', text: 'text', dy: -7, fontSize: 10, fontVariant: 'tabular-nums' }),
      Plot.text(ends, { x: 'x', text: 'text', frameAnchor: 'bottom', dy: 17 }),
      Plot.ruleY([0], { strokeOpacity: 0.4 }),
    ],
  });
  const label = `Distribution of firing rates of ${plural(observed, 'unit')} on ${plural(report.samples, 'sample')}: ${count(totals[0]!)} never fire, ${count(totals.at(-1)!)} fire on every sample.`;
  return finish(
    svg,
    label,
    verdictsIn(report.totals.counts).filter(verdict => bins.some(bin => bin.has(verdict))),
  );
}

/** Distinct slopes of a layer, to a four-hundredth of the range that is drawn. */
function slopeTicks({ slopes, units }: LayerReport, range: number): number[] {
  const each = slopes!.shared ? [slopes!.median] : units.flatMap(({ negativeSlope }) => negativeSlope ?? []);
  return [...new Map(each.map(slope => [Math.round((slope / range) * 400), slope])).values()];
}

/**
 * The negative slopes of the layers that have any: a tick for each unit and a dot for the median, as SVG. Null where all
 * slopes are 0, which is ReLU, or there are none.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit } from 'reluminate/audit';
 * import { slopesByLayer } from 'reluminate/report';
 * import { buildNetwork } from 'reluminate/train';
 * const audited = rectifier => audit(buildNetwork('mlp:2-3-1', { rectifier: parseRectifier(rectifier) }), null);
 * slopesByLayer(await audited('prelu')).startsWith('<svg'); // => true
 * slopesByLayer(await audited('relu')); // => null
 */
export function slopesByLayer(report: AuditReport, options: FigureOptions = {}): string | null {
  const layers = report.layers.filter(({ slopes }) => slopes !== null);
  if (!layers.some(({ slopes }) => slopes!.min !== 0 || slopes!.max !== 0)) return null;
  const width = plotWidth(options);
  const { rowHeight, margin, axis } = layerAxis(layers, width);
  const low = layers.reduce((low, { slopes }) => Math.min(low, slopes!.min), 0);
  const high = layers.reduce((high, { slopes }) => Math.max(high, slopes!.max), low < 0 ? 0 : 1e-3);
  const ticks = layers.flatMap((layer, l) => slopeTicks(layer, high - low).map(slope => ({ l, slope })));
  const medians = layers.map(({ slopes, name }, l) => ({ l, name, ...slopes! }));
  const regions = [
    { at: 0, text: 'ReLU' },
    { at: 1, text: 'identity' },
  ].filter(({ at }) => at >= low && at <= high * 1.05);
  const svg = Plot.plot({
    document,
    width,
    height: layers.length * rowHeight + 62,
    marginTop: 24,
    marginBottom: 38,
    marginLeft: margin,
    marginRight: 16,
    x: { domain: [low, high], nice: true, label: null },
    y: { type: 'band', domain: [...layers.keys()], padding: 0.22 },
    marks: [
      Plot.gridY({ ticks: [...layers.keys()], strokeOpacity: 0.08 }),
      axis,
      Plot.axisX({
        ticks: isNarrow(width) ? 4 : 8,
        tickFormat: (x: number) => significant(x),
        tickSize: 4,
        label: 'negative slope',
        labelAnchor: 'center',
        labelArrow: 'none',
      }),
      Plot.ruleX(regions, { x: 'at', strokeOpacity: 0.45, strokeDasharray: '2 3' }),
      Plot.text(regions, { x: 'at', text: 'text', frameAnchor: 'top', dy: -14 }),
      Plot.tickX(ticks, { x: 'slope', y: 'l', stroke: 'var(--figure-ink, #0072b2)', strokeOpacity: 0.7 }),
      Plot.dot(medians, {
        x: 'median',
        y: 'l',
        r: 3,
        fill: 'currentColor',
        title: d =>
          `${printable(d.name)}\nmedian ${significant(d.median)}, ${significant(d.min)} to ${significant(d.max)}`,
      }),
    ],
  });
  const label = `Negative slopes of ${plural(layers.length, 'layer')}, from ${significant(low)} to ${significant(high)}: a tick for each unit, a dot for the median.`;
  return finish(svg, label);
}
