import * as Plot from '@observablehq/plot';
import { whole } from '../rectifiers/parameters.js';
import { reluRectifier } from '../rectifiers/relu.js';
import { correlationMap, iterateCorrelation } from '../theory/correlation-map.js';
import { minTailoredDepth, tailoredSlope } from '../theory/tailored-slope.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface TailoredSlopeFigureOptions {
  /** Deepest network shown, from 10 to 100,000 (default 1000). */
  readonly deepest?: number;
  /** A depth to mark, 1 or more. */
  readonly depth?: number | undefined;
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

interface Point {
  readonly depth: number;
  readonly y: number;
}

/** Depths from 1 on, evenly spaced where depth is drawn by its logarithm. */
const depthsUpTo = (deepest: number): number[] => [
  ...new Set(Array.from({ length: 81 }, (_, k) => Math.round(deepest ** (k / 80)))),
];

/** Tailored slopes from the shallowest depth that has one. */
function slopes(eta: number, depths: readonly number[]): Point[] {
  const first = minTailoredDepth(eta) ?? Number.POSITIVE_INFINITY;
  const from = [first, ...depths.filter(depth => depth > first)].filter(depth => depth <= depths.at(-1)!);
  return from.map(depth => ({ depth, y: tailoredSlope({ depth }, { eta })!.negativeSlope }));
}

const byDepth = (deepest: number) =>
  ({ type: 'log', label: 'depth (rectified layers)', domain: [1, deepest] }) as const;

/** A line at the marked depth, its name above it. */
function mark(depth: number | undefined, deepest: number) {
  if (depth === undefined || depth > deepest) return [];
  const textAnchor = depth > deepest ** 0.8 ? 'end' : depth < deepest ** 0.2 ? 'start' : 'middle';
  return [
    Plot.ruleX([depth], { stroke: 'currentColor', strokeOpacity: 0.5 }),
    Plot.text([`depth ${depth}`], { x: () => depth, frameAnchor: 'top', dy: -12, textAnchor }),
  ];
}

/**
 * Tailored slopes of plain networks against their depth as an SVG, for each η, and beside it which η can be had at all: up to what even ReLU makes of
 * orthogonal inputs (dimensionless, exact for wide layers). A curve begins at the shallowest network that has a tailored slope. Throws a RangeError
 * for no η or one outside (0, 1), a deepest network outside 10 to 100,000, and a width below 320.
 *
 * @example
 * import { tailoredSlopeByDepth } from 'reluminate/figures';
 * tailoredSlopeByDepth([0.5, 0.9]).startsWith('<svg'); // => true
 */
export function tailoredSlopeByDepth(
  etas: readonly number[],
  { deepest = 1000, depth, width = 960 }: TailoredSlopeFigureOptions = {},
): string {
  if (etas.length === 0) throw new RangeError('tailoredSlopeByDepth: there must be an eta, got none');
  if (whole('tailoredSlopeByDepth', 'deepest', deepest, 10) > 100_000)
    throw new RangeError(`tailoredSlopeByDepth: deepest must be at most 100,000, got ${deepest}`);
  const depths = depthsUpTo(deepest);
  const curves = etas.map(eta => slopes(eta, depths));
  const relu = iterateCorrelation(correlationMap(reluRectifier()), 0, deepest);
  const reachable = depths.map(at => ({ depth: at, y: relu[at]! }));
  return figure('tailoredSlopeByDepth', {
    width,
    label: `Tailored slopes against depth for η = ${etas.join(', ')}, and the largest η that a depth can have`,
    curves: etas.map(eta => `η = ${eta}`),
    panels: [
      (panelWidth, height) =>
        panel('tailored negative slope a', {
          width: panelWidth,
          height,
          marginRight: 20,
          x: byDepth(deepest),
          y: { label: null, grid: true, domain: [0, 1] },
          marks: [
            ...mark(depth, deepest),
            ...curves.map((points, index) =>
              Plot.line(points, {
                x: 'depth',
                y: 'y',
                stroke: strokeOf(index),
                strokeWidth: 2,
                strokeDasharray: dashOf(index),
              }),
            ),
            ...curves.map((points, index) =>
              Plot.dot(points.slice(0, 1), { x: 'depth', y: 'y', r: 3, fill: strokeOf(index) }),
            ),
          ],
        }),
      (panelWidth, height) =>
        panel('largest η with a slope (shaded: none exists)', {
          width: panelWidth,
          height,
          marginRight: 20,
          x: byDepth(deepest),
          y: { label: null, grid: true, domain: [0, 1] },
          marks: [
            Plot.areaY(reachable, { x: 'depth', y1: 'y', y2: () => 1, fill: 'currentColor', fillOpacity: 0.15 }),
            Plot.line(reachable, { x: 'depth', y: 'y', stroke: 'currentColor', strokeWidth: 2 }),
            ...mark(depth, deepest),
            ...etas.map((eta, index) =>
              Plot.ruleY([eta], { stroke: strokeOf(index), strokeWidth: 2, strokeDasharray: dashOf(index) }),
            ),
          ],
        }),
    ],
  });
}
