import * as Plot from '@observablehq/plot';
import type { OutputDistribution } from '../theory/output-distribution.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface OutputDensityOptions {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

const samples = 400;
/** Peaks are cut off at this many times the peak of the pre-activation's density. */
const highest = 4.2;

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Points of a function that may jump at 0: both sides of the jump are sampled. */
function curve(f: (y: number) => number, [from, to]: readonly [number, number]): Place[] {
  const places = Array.from({ length: samples + 1 }, (_, at) => from + (at * (to - from)) / samples);
  const all = from < 0 && to > 0 ? [...places, -1e-9 * (to - from), 0].sort((a, b) => a - b) : places;
  return all.map(x => ({ x, y: f(x) }));
}

/** From the image of mean - 3.5 std to that of mean + 3.5 std, with some room. */
function domainOf(outputs: readonly OutputDistribution[]): [number, number] {
  const ends = outputs.flatMap(({ negativeSlope, mean, std }) =>
    [mean - 3.5 * std, mean + 3.5 * std, 0].map(x => (x > 0 ? x : negativeSlope * x)),
  );
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return [low - 0.05 * (high - low), high];
}

const nameOf = ({ negativeSlope, massAtZero }: OutputDistribution): string =>
  `slope ${String(negativeSlope).replace('-', '\u2212')}${massAtZero > 0 ? `, mass ${massAtZero.toPrecision(3)} at 0` : ''}`;

/**
 * The distribution of a rectifier's output for a Gaussian pre-activation and several slopes, as an SVG: the density, in which a mass at 0 is
 * an arrow whose height is the mass (its axis is the density's), and the distribution function. Peaks higher than 4.2 times the
 * pre-activation's are cut off. Throws a RangeError for no distributions and a width below 320.
 *
 * @example
 * import { outputDensity } from 'reluminate/figures';
 * import { outputDistribution } from 'reluminate/theory';
 * outputDensity([outputDistribution(0), outputDistribution(-0.5)]).includes('mass 0.500 at 0'); // => true
 */
export function outputDensity(
  outputs: readonly OutputDistribution[],
  { width = 960 }: OutputDensityOptions = {},
): string {
  if (outputs.length === 0) throw new RangeError('outputDensity: there must be a distribution, got none');
  const domain = domainOf(outputs);
  const cap = highest * Math.max(...outputs.map(({ std }) => 1 / (std * Math.sqrt(2 * Math.PI))));
  const densities = outputs.map(({ density }) => curve(density, domain));
  const masses = outputs.map(({ massAtZero }) => massAtZero);
  const top = Math.min(cap, 1.08 * Math.max(...densities.flat().map(({ y }) => y), ...masses));
  const labels = outputs.map(nameOf);
  const drawn = (curves: readonly Place[][]) =>
    curves.map((points, index) =>
      Plot.line(points, {
        x: 'x',
        y: 'y',
        stroke: strokeOf(index),
        strokeWidth: 2,
        strokeDasharray: dashOf(index),
        clip: true,
      }),
    );
  const arrows = masses.flatMap((mass, index) =>
    mass === 0
      ? []
      : [Plot.arrow([mass], { x1: 0, x2: 0, y1: 0, y2: (m: number) => m, stroke: strokeOf(index), strokeWidth: 2.5 })],
  );
  const x = { label: 'output y = f(x)', domain };
  return figure('outputDensity', {
    width,
    label: `Distribution of the output for ${labels.join('; ')}`,
    curves: labels,
    panels: [
      (panelWidth, height) =>
        panel('density of the output; an arrow is a mass', {
          width: panelWidth,
          height,
          x,
          y: { label: null, grid: true, domain: [0, top] },
          marks: [Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }), ...drawn(densities), ...arrows],
        }),
      (panelWidth, height) =>
        panel('probability of an output of y or less', {
          width: panelWidth,
          height,
          x,
          y: { label: null, grid: true, domain: [0, 1] },
          marks: drawn(outputs.map(({ cumulative }) => curve(cumulative, domain))),
        }),
    ],
  });
}
