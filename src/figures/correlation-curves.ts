import * as Plot from '@observablehq/plot';
import { whole } from '../rectifiers/parameters.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { type CorrelationMap, correlationMap, iterateCorrelation } from '../theory/correlation-map.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface CorrelationCurveOptions {
  /** Rectified layers that the second and the third panel go through, 1 or more (default 50). */
  readonly depth?: number;
  /** Variance of the pre-activations (default 1). */
  readonly preActivationVariance?: number;
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

type Point = readonly [number, number];

const samples = 120;

/** Correlations from -1 to 1, close together at the ends, where the maps are steep. */
const correlations = Array.from({ length: samples + 1 }, (_, k) => -Math.cos((k * Math.PI) / samples));

const lines = (curves: readonly (readonly Point[])[]) =>
  curves.map((points, index) =>
    Plot.line(points as Point[], { stroke: strokeOf(index), strokeWidth: 2, strokeDasharray: dashOf(index) }),
  );

/** Correlation behind some layers against the correlation before them, with the line on which nothing changes. */
const mapPanel =
  (title: string, maps: readonly CorrelationMap[], depth: number) =>
  (width: number, height: number): Element =>
    panel(title, {
      width,
      height,
      x: { label: 'correlation of two inputs', domain: [-1, 1] },
      y: { label: null, grid: true, domain: [-1, 1] },
      marks: [
        Plot.line(
          [
            [-1, -1],
            [1, 1],
          ],
          { stroke: 'currentColor', strokeOpacity: 0.35 },
        ),
        ...lines(maps.map(map => correlations.map((c): Point => [c, iterateCorrelation(map, c, depth).at(-1)!]))),
      ],
    });

const depthPanel =
  (maps: readonly CorrelationMap[], depth: number) =>
  (width: number, height: number): Element =>
    panel('orthogonal inputs, by depth', {
      width,
      height,
      x: { label: 'depth (rectified layers)', domain: [0, depth] },
      y: { label: null, grid: true, domain: [0, 1] },
      marks: lines(maps.map(map => iterateCorrelation(map, 0, depth).map((c, layer): Point => [layer, c]))),
    });

/**
 * Correlation maps of rectifiers as an SVG: what one layer and what `depth` layers make of the correlation of two inputs, and what becomes of
 * orthogonal inputs layer by layer (dimensionless, exact for wide layers that keep the variance). Throws a RangeError for no rectifiers, a depth
 * that is not a whole number from 1 up, a width below 320, and as `correlationMap`.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { correlationCurves } from 'reluminate/figures';
 * correlationCurves([parseRectifier('relu'), parseRectifier('leaky:0.5')], { depth: 20 }).startsWith('<svg'); // => true
 */
export function correlationCurves(
  rectifiers: readonly Rectifier[],
  { depth = 50, preActivationVariance = 1, width = 960 }: CorrelationCurveOptions = {},
): string {
  if (rectifiers.length === 0) throw new RangeError('correlationCurves: there must be a rectifier, got none');
  whole('correlationCurves', 'depth', depth, 1);
  const maps = rectifiers.map(rectifier => correlationMap(rectifier, preActivationVariance));
  const labels = rectifiers.map(({ label }) => label);
  const layers = `correlation behind ${depth} layers`;
  return figure('correlationCurves', {
    width,
    label: `Correlation maps of ${labels.join(', ')}: behind one layer, behind ${depth} layers, and layer by layer from orthogonal inputs`,
    curves: labels,
    panels: [
      mapPanel('correlation behind one layer', maps, 1),
      ...(depth > 1 ? [mapPanel(layers, maps, depth), depthPanel(maps, depth)] : []),
    ],
  });
}
