import * as Plot from '@observablehq/plot';
import type { NetworkRegions } from '../theory/plane-regions.js';
import { valueAt } from '../theory/region-cells.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';
import type { RegionMapOptions, RegionPicture } from './plane-regions.js';

/** The first output at the ends of every interval. */
const curve = ({ regions }: NetworkRegions) =>
  regions.flatMap(({ corners, outputs }) => corners.map(end => ({ x: end[0]!, y: valueAt(outputs[0]!, end) })));

/** Where the first output goes from one linear region to the next. */
const joints = ({ regions }: NetworkRegions) =>
  regions
    .slice(1)
    .flatMap(({ corners, outputs, linearRegion }, at) =>
      linearRegion === regions[at]!.linearRegion ? [] : [{ x: corners[0]![0]!, y: valueAt(outputs[0]!, corners[0]!) }],
    );

/**
 * The first output of networks along a line, found by `lineRegions` on the same segment, as an SVG: a curve for each, with a dot where one
 * linear region ends and the next begins. Throws a RangeError for no pictures and a width below 320.
 *
 * @example
 * import { lineRegionCurves } from 'reluminate/figures';
 * import { lineRegions } from 'reluminate/theory';
 * const relu = { fanIn: 1, fanOut: 1, weights: Float64Array.of(1), biases: Float64Array.of(0), negativeSlope: 0 };
 * lineRegionCurves([{ label: 'ReLU', found: lineRegions([relu]) }]).includes('ReLU: 2 linear regions'); // => true
 */
export function lineRegionCurves(pictures: readonly RegionPicture[], { width = 960 }: RegionMapOptions = {}): string {
  if (pictures.length === 0) throw new RangeError('lineRegionCurves: there must be a picture, got none');
  const labels = pictures.map(({ label, found: { linearRegions } }) => {
    const noun = linearRegions === 1 ? 'linear region' : 'linear regions';
    return `${label.replace('-', '\u2212')}: ${linearRegions} ${noun}`;
  });
  return figure('lineRegionCurves', {
    width,
    label: `Outputs of networks along a line of their inputs: ${labels.join('; ')}`,
    curves: labels,
    panels: [
      (panelWidth, height) =>
        panel('output; a dot where it bends', {
          width: panelWidth,
          height,
          marginLeft: 52,
          x: { label: 'place on the line of inputs' },
          y: { label: null, grid: true, nice: true },
          marks: pictures.flatMap(({ found }, index) => [
            Plot.line(curve(found), {
              x: 'x',
              y: 'y',
              stroke: strokeOf(index),
              strokeWidth: 2,
              strokeDasharray: dashOf(index),
            }),
            Plot.dot(joints(found), { x: 'x', y: 'y', r: 3, fill: strokeOf(index) }),
          ]),
        }),
    ],
  });
}
