import * as Plot from '@observablehq/plot';
import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface CurveOptions {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
  /** The pre-activations shown, from and to (default -4 to 4). */
  readonly domain?: readonly [number, number];
}

/** A panel: one function of each rectifier, null where a rectifier does not have it. */
interface CurvePanel {
  readonly title: string;
  readonly of: (rectifier: Rectifier) => ((x: number) => number) | null;
}

const panels: readonly CurvePanel[] = [
  { title: 'value f(x)', of: rectifier => x => rectifier.value(x) },
  { title: 'derivative f′(x)', of: rectifier => x => rectifier.derivative(x) },
  { title: 'slope gradient min(x, 0)', of: rectifier => rectifier.slopeGradient },
];

type Domain = readonly [from: number, to: number];

const samples = 400;

/** How far from a kink its two sides are looked at, in units of the distance between samples. */
const beside = 1e-9;

/** A jump this small beside the largest value is none. */
const rounding = 1e-6;

/** Points of a curve, with a gap (NaN) where it jumps, which it can only at its kinks. */
function curve(f: (x: number) => number, kinks: readonly number[], [from, to]: Domain): { x: number; y: number }[] {
  const step = (to - from) / samples;
  const points = Array.from({ length: samples + 1 }, (_, at) => ({ x: from + at * step, y: f(from + at * step) }));
  const least = rounding * points.reduce((most, { y }) => Math.max(most, Math.abs(y)), 0);
  return kinks
    .filter(kink => kink > from && kink < to)
    .reduce((drawn, x) => {
      const offset = Math.max(beside * step, Math.abs(x) * 2 ** -50);
      const [left, right] = [f(x - offset), f(x + offset)];
      const gap = Math.abs(right - left) > least ? [{ x, y: Number.NaN }] : [];
      const [before, after] = [drawn.filter(point => point.x < x), drawn.filter(point => point.x > x)];
      return [...before, { x, y: left }, ...gap, { x, y: right }, ...after];
    }, points);
}

/** A number at an axis, with a true minus sign; large and small ones by powers of ten. */
function axisNumber(value: number): string {
  const isPlain = value === 0 || (Math.abs(value) < 1e5 && Math.abs(value) >= 1e-4);
  return (isPlain ? String(value) : value.toExponential().replace('e+', 'e')).replaceAll('-', '\u2212');
}

/** The width a panel needs at its left for the numbers of its y axis. */
function marginFor(panel: Element): number {
  const labels = [...panel.querySelectorAll('g[aria-label="y-axis tick label"] text')];
  return Math.max(44, ...labels.map(({ textContent }) => 14 + 7 * textContent.length));
}

function drawPanel(
  { title, of }: CurvePanel,
  rectifiers: readonly Rectifier[],
  width: number,
  height: number,
  domain: Domain,
): Element {
  const drawn = rectifiers.flatMap((rectifier, index) => {
    const f = of(rectifier);
    return f ? [{ index, points: curve(f, rectifier.kinks, domain) }] : [];
  });
  const draw = (marginLeft: number) =>
    panel(title, {
      width,
      height,
      marginLeft,
      x: { label: 'pre-activation x', domain: [...domain], tickSpacing: 50, tickFormat: axisNumber },
      y: { label: null, grid: true, nice: true, tickFormat: axisNumber },
      marks: [
        Plot.ruleX([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
        Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
        ...drawn.map(({ index, points }) =>
          Plot.line(points, {
            x: 'x',
            y: 'y',
            stroke: strokeOf(index),
            strokeWidth: 2,
            strokeDasharray: dashOf(index),
          }),
        ),
      ],
    });
  const first = draw(44);
  const margin = marginFor(first);
  return margin === 44 ? first : draw(margin);
}

/** Throws a RangeError unless the domain has room for the samples, each another number and none so small that it has lost digits. */
function checkDomain([from, to]: Domain): void {
  const got = `got ${from} to ${to}`;
  if (!(from < to && Number.isFinite(to - from)))
    throw new RangeError(`rectifierCurves: domain must go from a lower to a higher number, ${got}`);
  const step = (to - from) / samples;
  if (step < 2 ** -900 || step < 2 ** -48 * Math.max(Math.abs(from), Math.abs(to)))
    throw new RangeError(`rectifierCurves: domain must be wide enough for ${samples} different numbers, ${got}`);
}

/**
 * Curves of rectifiers as an SVG: value, derivative and, where a slope could be learned, the gradient of the slope, against the
 * pre-activation. Text takes the page's colour, so it reads on light and on dark. Throws a RangeError for no rectifiers, a width
 * below 320 or above 10,000, and a domain that is empty or too narrow for its numbers to differ.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { rectifierCurves } from 'reluminate/figures';
 * const svg = rectifierCurves([parseRectifier('relu'), parseRectifier('leaky:0.1')]);
 * svg.startsWith('<svg'); // => true
 */
export function rectifierCurves(
  rectifiers: readonly Rectifier[],
  { width = 960, domain = [-4, 4] }: CurveOptions = {},
): string {
  if (rectifiers.length === 0) throw new RangeError('rectifierCurves: there must be a rectifier, got none');
  for (const rectifier of rectifiers) checkRectifier('rectifierCurves', rectifier);
  checkDomain(domain);
  const shown = panels.filter(({ of }) => rectifiers.some(of));
  const labels = rectifiers.map(({ label }) => label);
  return figure('rectifierCurves', {
    width,
    label: `Curves of ${labels.join(', ')}: ${shown.map(({ title }) => title).join(', ')}`,
    curves: labels,
    panels: shown.map(one => (panelWidth, height) => drawPanel(one, rectifiers, panelWidth, height, domain)),
  });
}
