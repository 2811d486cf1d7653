import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Rectifier } from '../rectifiers/rectifier.js';

export interface CurveOptions {
  /** Width of the drawing in units of 1/96 inch, 320 or more (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
  /** The pre-activations shown, from and to (default -4 to 4). */
  readonly domain?: readonly [number, number];
}

const { document } = parseHTML('<html><body></body></html>') as unknown as { document: Document };

/**
 * After Okabe and Ito (2008, "Color universal design"), the blue lightened so that all keep contrast on white and on black. Dashes tell curves
 * apart where colour does not.
 */
const strokes = ['#2b87c8', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
const dashes = ['', '8 3', '2 3', '8 3 2 3', '12 4', '5 2'] as const;
const strokeOf = (index: number) => strokes[index % strokes.length] as string;
const dashOf = (index: number) => dashes[(index + Math.floor(index / strokes.length)) % dashes.length] as string;

const element = (
  name: string,
  attributes: Record<string, string | number>,
  ...children: (Node | string)[]
): Element => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value !== '') node.setAttribute(key, String(value));
  node.append(...children);
  return node;
};

/** A panel: one function of each rectifier, null where a rectifier does not have it. */
interface Panel {
  readonly title: string;
  readonly of: (rectifier: Rectifier) => ((x: number) => number) | null;
}

const panels: readonly Panel[] = [
  { title: 'value f(x)', of: rectifier => x => rectifier.value(x) },
  { title: 'derivative f′(x)', of: rectifier => x => rectifier.derivative(x) },
  { title: 'slope gradient ∂f/∂a (x)', of: rectifier => rectifier.slopeGradient },
];

const samples = 400;
/** Largest change between neighbouring samples that is drawn as a line, in units of the domain's width: beyond it the function jumps. */
const jump = 0.05;

/** Points of a curve, with a gap (NaN) where it jumps. */
function curve(f: (x: number) => number, [from, to]: readonly [number, number]): { x: number; y: number }[] {
  const step = (to - from) / samples;
  const points = Array.from({ length: samples + 1 }, (_, at) => ({ x: from + at * step, y: f(from + at * step) }));
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    const jumps = before && Math.abs(point.y - before.y) > jump * (to - from) && step < jump;
    return jumps ? [{ x: point.x, y: Number.NaN }, point] : [point];
  });
}

const number = (value: number): string => String(value).replace('-', '−');

function drawPanel(
  { title, of }: Panel,
  rectifiers: readonly Rectifier[],
  width: number,
  height: number,
  domain: readonly [number, number],
): Element {
  const drawn = rectifiers.flatMap((rectifier, index) => {
    const f = of(rectifier);
    return f ? [{ index, points: curve(f, domain) }] : [];
  });
  const svg = Plot.plot({
    document,
    width,
    height,
    marginTop: 34,
    marginLeft: 44,
    marginBottom: 40,
    marginRight: 12,
    x: {
      label: 'pre-activation x',
      labelAnchor: 'center',
      labelArrow: 'none',
      tickFormat: number,
      domain: [...domain],
    },
    y: { label: null, tickFormat: number, grid: true, nice: true },
    marks: [
      Plot.ruleX([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
      Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
      ...drawn.map(({ index, points }) =>
        Plot.line(points, { x: 'x', y: 'y', stroke: strokeOf(index), strokeWidth: 2, strokeDasharray: dashOf(index) }),
      ),
    ],
  }) as unknown as Element;
  for (const style of svg.querySelectorAll('style')) style.remove();
  svg.removeAttribute('class');
  svg.append(
    element(
      'text',
      { x: 44, y: 14, 'text-anchor': 'start', fill: 'currentColor', 'font-size': 13, 'font-weight': 600 },
      title,
    ),
  );
  return svg;
}

/** Places of the legend's entries, row by row, and the height they take. */
function legend(rectifiers: readonly Rectifier[], width: number): { entries: Element[]; height: number } {
  let x = 0;
  let y = 14;
  const entries = rectifiers.map(({ label }, index) => {
    const size = 52 + label.length * 7;
    if (x > 0 && x + size > width) {
      x = 0;
      y += 22;
    }
    const line = element('line', {
      x1: x,
      x2: x + 28,
      y1: y - 4,
      y2: y - 4,
      stroke: strokeOf(index),
      'stroke-width': 2,
      'stroke-dasharray': dashOf(index),
    });
    const text = element('text', { x: x + 34, y, fill: 'currentColor', 'font-size': 13 }, label);
    x += size;
    return element('g', {}, line, text);
  });
  return { entries, height: y + 16 };
}

/**
 * Curves of rectifiers as an SVG: value, derivative and, where a slope could be learned, the gradient of the slope, against the
 * pre-activation. Text takes the page's colour, so it reads on light and on dark. Throws a RangeError for no rectifiers, a width
 * below 320 and an empty domain.
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
  if (!(width >= 320)) throw new RangeError(`rectifierCurves: width must be 320 or more, got ${width}`);
  if (!(domain[0] < domain[1] && Number.isFinite(domain[1] - domain[0])))
    throw new RangeError(`rectifierCurves: domain must go from a lower to a higher number, got ${domain.join(' to ')}`);
  const shown = panels.filter(panel => rectifiers.some(panel.of));
  const isNarrow = width < 640;
  const panelWidth = isNarrow ? width : Math.floor(width / shown.length);
  const panelHeight = Math.round(Math.min(340, panelWidth * 0.85));
  const { entries, height: top } = legend(rectifiers, width);
  const height = top + (isNarrow ? shown.length : 1) * panelHeight;
  const root = element('svg', {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    'font-family': 'system-ui, sans-serif',
    'font-size': 11,
    fill: 'currentColor',
    role: 'img',
    'aria-label': `Curves of ${rectifiers.map(({ label }) => label).join(', ')}: ${shown.map(({ title }) => title).join(', ')}`,
  });
  root.append(...entries);
  shown.forEach((panel, index) => {
    const svg = drawPanel(panel, rectifiers, panelWidth, panelHeight, domain);
    svg.setAttribute('x', String(isNarrow ? 0 : index * panelWidth));
    svg.setAttribute('y', String(top + (isNarrow ? index * panelHeight : 0)));
    root.append(svg);
  });
  return root.outerHTML;
}
