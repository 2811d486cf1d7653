import { type Corners, centreOf, sizeOf } from '../theory/convex-cells.js';
import type { NetworkRegions } from '../theory/plane-regions.js';
import { type Kink, valueAt } from '../theory/region-cells.js';
import { plural } from '../words.js';
import { dashOf, element, figure, panel, strokeOf } from './drawing.js';

/** The regions of one network in a square of a plane. */
export interface RegionPicture {
  readonly label: string;
  readonly found: NetworkRegions;
}

export interface RegionMapOptions {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960). */
  readonly width?: number;
}

/** The fill of the highest output; the lowest has none. */
const fullest = 0.4;

/** From a coordinate of the plane to one of the drawing. */
type Scale = (value: number) => number;

const path = (points: Corners, x: Scale, y: Scale): string =>
  points.map(([s, t], at) => `${at === 0 ? 'M' : 'L'}${x(s!).toFixed(2)},${y(t!).toFixed(2)}`).join('');

/** The mean of the first output over each linear region. */
function meanOutputs({ regions, linearRegions }: NetworkRegions): number[] {
  const [sums, areas] = [new Float64Array(linearRegions), new Float64Array(linearRegions)];
  for (const { corners, outputs, linearRegion } of regions) {
    // A triangle's mean is the value at its centre; a polygon is a fan of triangles.
    for (let at = 1; at + 1 < corners.length; at++) {
      const triangle = [corners[0]!, corners[at]!, corners[at + 1]!];
      sums[linearRegion]! += sizeOf(triangle) * valueAt(outputs[0]!, centreOf(triangle));
      areas[linearRegion]! += sizeOf(triangle);
    }
  }
  return Array.from(sums, (sum, at) => sum / areas[at]!);
}

const drawKinks = (kinks: readonly Kink[], layers: readonly number[], x: Scale, y: Scale): Element[] =>
  layers.map((layer, index) =>
    element('path', {
      d: kinks
        .filter(kink => kink.layer === layer)
        .map(({ points }) => path(points, x, y))
        .join(''),
      fill: 'none',
      stroke: strokeOf(index),
      'stroke-width': index === 0 ? 1.8 : 1.2,
      'stroke-dasharray': dashOf(index),
    }),
  );

/** A picture's name with a true minus sign, and what was counted. */
const titleOf = ({ label, found: { regions, linearRegions } }: RegionPicture): string => {
  const linear = linearRegions === regions.length ? '' : `, ${linearRegions} linear`;
  return `${label.replace('-', '\u2212')}: ${plural(regions.length, 'region')}${linear}`;
};

/**
 * The plane cut into the regions of one or more networks, found by `planeRegions` in the same square, as an SVG: the kinks of each layer as
 * lines, and each linear region filled by the mean of the first output over it, from none for the lowest to the fullest for the
 * highest of all pictures. Throws a RangeError for no pictures and a width below 320.
 *
 * @example
 * import { planeRegionMap } from 'reluminate/figures';
 * import { planeRegions } from 'reluminate/theory';
 * const absolute = {
 *   fanIn: 2, fanOut: 2, weights: Float64Array.of(1, 0, 0, 1), biases: Float64Array.of(0, 0), negativeSlope: -1,
 * };
 * planeRegionMap([{ label: 'absolute value', found: planeRegions([absolute]) }]).includes('4 regions'); // => true
 */
export function planeRegionMap(pictures: readonly RegionPicture[], { width = 960 }: RegionMapOptions = {}): string {
  if (pictures.length === 0) throw new RangeError('planeRegionMap: there must be a picture, got none');
  const sides = pictures.flatMap(({ found }) => found.regions.flatMap(({ corners }) => corners.map(([s]) => s!)));
  const domain = [sides.reduce((least, s) => Math.min(least, s)), sides.reduce((most, s) => Math.max(most, s))];
  const means = pictures.map(({ found }) => meanOutputs(found));
  const all = means.flat();
  const lowest = all.reduce((least, mean) => Math.min(least, mean));
  const spread = all.reduce((most, mean) => Math.max(most, mean)) - lowest || 1;
  const layers = [...new Set(pictures.flatMap(({ found }) => found.kinks.map(({ layer }) => layer)))].sort(
    (a, b) => a - b,
  );
  return figure('planeRegionMap', {
    width,
    label: `Regions of networks in a plane of their inputs: ${pictures.map(titleOf).join('; ')}`,
    curves: layers.map(layer => `kinks of layer ${layer + 1}`),
    heightFor: size => size + 18,
    panels: pictures.map((picture, index) => (panelWidth, height) => {
      const fills = (_: unknown, { x, y }: { x?: unknown; y?: unknown }) =>
        element(
          'g',
          {},
          ...picture.found.regions.map(({ corners, linearRegion }) =>
            element('path', {
              d: `${path(corners, x as Scale, y as Scale)}Z`,
              fill: 'currentColor',
              'fill-opacity': ((fullest * (means[index]![linearRegion]! - lowest)) / spread).toFixed(3),
            }),
          ),
          ...drawKinks(picture.found.kinks, layers, x as Scale, y as Scale),
        ) as SVGElement;
      return panel(titleOf(picture), {
        width: panelWidth,
        height,
        x: { label: 'first axis across, second up; fill: output, fuller is higher', domain },
        y: { label: null, domain },
        marks: [fills],
      });
    }),
  });
}
