import * as Plot from '@observablehq/plot';
import type { LogSpread } from '../theory/log-spread.js';
import type { Signal, SignalAtDepth } from '../theory/signal.js';
import type { SignalSimulation, SimulatedDepth } from '../theory/signal-simulation.js';
import { decadeAxis } from './decades.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

/** A network's signal, and what was measured of it where it was. */
export interface SignalCurve {
  readonly label: string;
  readonly signal: Signal;
  readonly simulation?: SignalSimulation | undefined;
}

export interface SignalByDepthOptions {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960). */
  readonly width?: number;
}

interface SignalPanel {
  readonly title: string;
  readonly exact: (at: SignalAtDepth) => number;
  readonly measured: (at: SimulatedDepth) => LogSpread;
}

const panels: readonly SignalPanel[] = [
  {
    title: 'activations: mean square E h²',
    exact: at => at.logActivationSecondMoment,
    measured: at => at.activation,
  },
  {
    title: 'gradients: mean square E g² (1 at the output)',
    exact: at => at.logGradientSecondMoment,
    measured: at => at.gradient,
  },
];

/** Depths at which a simulation is drawn: about so many. */
const shownDepths = 13;

/** A measured depth in decimal logarithms: mean, mean ± standard error, median. */
function measuredPoint(depth: number, { logMean, logMedian, mean, standardError }: LogSpread) {
  const error = mean > 0 ? standardError / mean : 0;
  const low = error < 1 ? logMean + Math.log1p(-error) : logMean;
  const [x, ...logs] = [depth, logMean, low, logMean + Math.log1p(error), logMedian];
  const [y, from, to, median] = logs.map(log => log / Math.LN10) as [number, number, number, number];
  return { x, y, from, to, median };
}

function pointsOf({ simulation }: SignalCurve, measured: SignalPanel['measured']) {
  if (simulation === undefined) return [];
  const last = simulation.depths.length - 1;
  const step = Math.max(1, Math.round(last / (shownDepths - 1)));
  return simulation.depths
    .filter(({ depth }) => depth % step === 0 || depth === last)
    .map(at => measuredPoint(at.depth, measured(at)))
    .filter(({ y }) => Number.isFinite(y));
}

function drawPanel(
  { title, exact, measured }: SignalPanel,
  curves: readonly SignalCurve[],
  width: number,
  height: number,
): Element {
  const drawn = curves.map((curve, index) => ({
    index,
    points: pointsOf(curve, measured),
    line: curve.signal.depths
      .map(at => ({ x: at.depth, y: exact(at) / Math.LN10 }))
      .filter(({ y }) => Number.isFinite(y)),
  }));
  const logs = drawn.flatMap(({ line, points }) => [
    ...line.map(({ y }) => y),
    ...points.flatMap(({ from, to, median }) => [from, to, median]),
  ]);
  const isMeasured = drawn.some(({ points }) => points.length > 0);
  return panel(title, {
    width,
    height,
    marginLeft: 52,
    x: {
      label: isMeasured ? 'layer (● measured mean ± standard error, ○ median)' : 'layer (0: the input)',
      domain: [0, Math.max(...curves.map(({ signal }) => signal.depths.length - 1))],
      inset: 5,
    },
    y: { label: null, grid: true, ...decadeAxis(logs.filter(Number.isFinite)) },
    marks: drawn.flatMap(({ index, line, points }) => {
      const stroke = strokeOf(index);
      return [
        Plot.line(line, { x: 'x', y: 'y', stroke, strokeWidth: 2, strokeDasharray: dashOf(index) }),
        Plot.ruleX(points, { x: 'x', y1: 'from', y2: 'to', stroke, strokeWidth: 1.5 }),
        Plot.dot(points, { x: 'x', y: 'median', stroke, r: 3.5 }),
        Plot.dot(points, { x: 'x', y: 'y', fill: stroke, r: 3 }),
      ];
    }),
  });
}

/**
 * Second moments of activations and gradients against depth as an SVG, on a logarithmic scale: lines as `signal` has them; where a
 * simulation is given, dots for its mean with standard error and rings for its median. Throws a RangeError for no curves and a width below 320.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { signalByDepth } from 'reluminate/figures';
 * import { describeNetwork, parseInitializer, signal } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') };
 * const svg = signalByDepth([{ label: 'ReLU, He', signal: signal(describeNetwork([8, 8, 8], options)) }]);
 * svg.startsWith('<svg'); // => true
 */
export function signalByDepth(curves: readonly SignalCurve[], { width = 960 }: SignalByDepthOptions = {}): string {
  if (curves.length === 0) throw new RangeError('signalByDepth: there must be a curve, got none');
  const labels = curves.map(({ label }) => label);
  return figure('signalByDepth', {
    width,
    label: `Mean squares of activations and of gradients by layer, for ${labels.join('; ')}`,
    curves: labels,
    panels: panels.map(one => (panelWidth, height) => drawPanel(one, curves, panelWidth, height)),
  });
}
