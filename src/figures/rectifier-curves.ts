import * as Plot from '@observablehq/plot';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface CurveOptions {
  /** Width of the drawing in units of 1/96 inch, 320 or more (default 960); below 640 the panels stand one under the other. */
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

function drawPanel(
  { title, of }: CurvePanel,
  rectifiers: readonly Rectifier[],
  width: number,
  height: number,
  domain: readonly [number, number],
): Element {
  const drawn = rectifiers.flatMap((rectifier, index) => {
    const f = of(rectifier);
    return f ? [{ index, points: curve(f, domain) }] : [];
  });
  return panel(title, {
    width,
    height,
    x: { label: 'pre-activation x', domain: [...domain] },
    y: { label: null, grid: true, nice: true },
    marks: [
      Plot.ruleX([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
      Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
      ...drawn.map(({ index, points }) =>
        Plot.line(points, { x: 'x', y: 'y', stroke: strokeOf(index), strokeWidth: 2, strokeDasharray: dashOf(index) }),
      ),
    ],
  });
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
  if (!(domain[0] < domain[1] && Number.isFinite(domain[1] - domain[0])))
    throw new RangeError(`rectifierCurves: domain must go from a lower to a higher number, got ${domain.join(' to ')}`);
  const shown = panels.filter(({ of }) => rectifiers.some(of));
  const labels = rectifiers.map(({ label }) => label);
  return figure('rectifierCurves', {
    width,
    label: `Curves of ${labels.join(', ')}: ${shown.map(({ title }) => title).join(', ')}`,
    curves: labels,
    panels: shown.map(one => (panelWidth, height) => drawPanel(one, rectifiers, panelWidth, height, domain)),
  });
}
