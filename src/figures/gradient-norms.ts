import * as Plot from '@observablehq/plot';
import type { SignalSimulation } from '../theory/signal-simulation.js';
import { decade } from './decades.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

/** Networks of one kind, simulated. */
export interface GradientNormCurves {
  readonly label: string;
  readonly simulation: SignalSimulation;
}

export interface GradientNormOptions {
  /** The factor within which a norm counts as kept, above 1: the band (default 3). */
  readonly factor?: number;
  /** Width of the drawing in units of 1/96 inch, 320 or more (default 960). */
  readonly width?: number;
}

/** Decades shown above and below 1; a curve that leaves them ends at the edge. */
const decades = 2;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** One network's course from the output to where it leaves the decades shown, its last point on the edge. */
function courseOf(norms: readonly number[]): Point[] {
  const course: Point[] = [];
  for (let depth = norms.length - 1; depth >= 0; depth--) {
    const y = norms[depth]! / Math.LN10;
    if (Math.abs(y) <= decades) {
      course.push({ x: depth, y });
      continue;
    }
    const before = course.at(-1)!;
    const edge = Math.sign(y) * decades;
    const share = Number.isFinite(y) ? (edge - before.y) / (y - before.y) : 1;
    course.push({ x: before.x - share, y: edge });
    break;
  }
  return course;
}

/** A note at the edge where the curves of one kind leave, if they do, with what becomes of them at the input. */
function notesOf({ simulation }: GradientNormCurves, courses: readonly (readonly Point[])[]) {
  const norms = simulation.logGradientNorms.flat().map(group => group[0]! / Math.LN10);
  return [-1, 1].flatMap(side => {
    const leaving = courses.flatMap((course, at) => {
      const end = course.at(-1)!;
      return end.y === side * decades && end.x > 0 ? [{ x: end.x, norm: norms[at]! }] : [];
    });
    if (leaving.length === 0) return [];
    const sorted = leaving.map(({ norm }) => norm).sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)]!;
    const fate = Number.isFinite(middle) ? `down to ${decade(Math.round(middle))}` : 'to 0';
    const text = `${leaving.length} of ${courses.length} leave, ${side < 0 ? fate : `up to ${decade(Math.round(middle))}`} at the input`;
    return [{ x: Math.min(...leaving.map(({ x }) => x)), y: side * decades, side, text }];
  });
}

/**
 * The norm of the gradient over that at the output, layer by layer, one line for each network and input of a simulation, as an SVG: on a logarithmic scale of
 * two decades either way, with a band where it is kept within the factor. Lines that leave end at the edge, with a note. Throws a RangeError for no curves, a
 * factor that is not above 1 or beyond the scale, and a width below 320.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { gradientNorms } from 'reluminate/figures';
 * import { describeNetwork, parseInitializer, simulateSignal } from 'reluminate/theory';
 * const network = describeNetwork([8, 8, 8], { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') });
 * const simulation = simulateSignal(network, { networks: 2 });
 * gradientNorms([{ label: 'ReLU, He', simulation }]).startsWith('<svg'); // => true
 */
export function gradientNorms(
  curves: readonly GradientNormCurves[],
  { factor = 3, width = 960 }: GradientNormOptions = {},
): string {
  if (curves.length === 0) throw new RangeError('gradientNorms: there must be a curve, got none');
  if (!(factor > 1 && factor < 10 ** decades))
    throw new RangeError(`gradientNorms: factor must be from 1 to ${10 ** decades}, got ${factor}`);
  const last = Math.max(...curves.map(({ simulation }) => simulation.depths.length - 1));
  const drawn = curves.map(curve => {
    const courses = curve.simulation.logGradientNorms.flat().map(courseOf);
    return { courses, notes: notesOf(curve, courses) };
  });
  const band = Math.log10(factor);
  return figure('gradientNorms', {
    width,
    label: `Norm of the gradient by layer, over that at the output, for ${curves.map(({ label }) => label).join('; ')}; a band from 1/${factor} to ${factor}`,
    curves: curves.map(({ label }) => label),
    swatches: [{ label: `within a factor ${factor}`, color: bandColor }],
    heightFor: size => Math.min(380, size * 0.75),
    panels: [
      (panelWidth, height) =>
        panel('norm of the gradient, 1 at the output', {
          width: panelWidth,
          height,
          marginLeft: 52,
          x: { label: 'layer (0: the input)', domain: [0, last], inset: 5 },
          y: {
            label: null,
            grid: true,
            domain: [-decades, decades],
            ticks: Array.from({ length: 2 * decades + 1 }, (_, at) => at - decades),
            tickFormat: decade,
          },
          marks: [
            Plot.rect([0], { x1: () => 0, x2: () => last, y1: -band, y2: band, fill: bandColor }),
            Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.6 }),
            ...drawn.flatMap(({ courses, notes }, index) => [
              ...courses.map(course =>
                Plot.line(course as Point[], {
                  x: 'x',
                  y: 'y',
                  stroke: strokeOf(index),
                  strokeOpacity: 0.7,
                  strokeDasharray: dashOf(index),
                }),
              ),
              ...notes.map(({ x, y, side, text }) =>
                Plot.text([text], {
                  x: () => x,
                  y: () => y,
                  textAnchor: x > last / 2 ? 'end' : 'start',
                  dx: x > last / 2 ? -8 : 8,
                  dy: 8 * side,
                  fill: strokeOf(index),
                }),
              ),
            ]),
          ],
        }),
    ],
  });
}

const bandColor = '#8888884d';
