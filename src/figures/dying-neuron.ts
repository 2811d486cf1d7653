import * as Plot from '@observablehq/plot';
import type { NeuronStep } from '../theory/dying-neuron.js';
import { decade, decadeTicks } from './decades.js';
import { dashOf, figure, panel, strokeOf, tick } from './drawing.js';

/** One rectifier's course. */
export interface NeuronCurve {
  readonly label: string;
  readonly trace: readonly NeuronStep[];
}

export interface DyingNeuronDrawing {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

/** Smaller losses and gradients are drawn on the lower edge. */
const floor = -8;

interface NeuronPanel {
  readonly title: string;
  /** What is drawn of a step, NaN for a gap. */
  readonly of: (step: NeuronStep) => number;
  /** Whether that is a decimal logarithm. */
  readonly isLogarithm: boolean;
}

const logarithm = (value: number): number => (value === 0 ? Number.NaN : Math.max(floor, Math.log10(value)));

const panels: readonly NeuronPanel[] = [
  {
    title: 'largest pre-activation (fires above 0)',
    of: ({ preActivations }) => Math.max(...preActivations),
    isLogarithm: false,
  },
  { title: 'loss: mean (y − t)²', of: ({ loss }) => logarithm(loss), isLogarithm: true },
  {
    title: 'gradient: √((∂L/∂w)² + (∂L/∂b)²)',
    of: ({ weightGradient, biasGradient }) => logarithm(Math.hypot(weightGradient, biasGradient)),
    isLogarithm: true,
  },
];

/** Steps 0, 1, 2, 5, 10, … up to the last. */
const stepTicks = (last: number): number[] =>
  [0, 1, ...[1, 10, 100, 1000, 10_000].flatMap(ten => [2 * ten, 5 * ten, 10 * ten])].filter(step => step <= last);

function drawPanel(
  { title, of, isLogarithm }: NeuronPanel,
  curves: readonly NeuronCurve[],
  width: number,
  height: number,
) {
  const last = Math.max(1, ...curves.map(({ trace }) => trace.length - 1));
  const drawn = curves.map(({ trace }) => trace.map(step => ({ x: step.step, y: of(step) })));
  const seen = drawn.flatMap(points => points.map(({ y }) => y)).filter(Number.isFinite);
  const ticks = decadeTicks(seen.length > 0 ? seen : [floor, 0]);
  const decades = { domain: [ticks[0]!, ticks.at(-1)!], ticks, tickFormat: decade };
  return panel(title, {
    width,
    height,
    x: { label: 'step', type: 'symlog', domain: [0, last], ticks: stepTicks(last), tickFormat: tick },
    y: { label: null, grid: true, ...(isLogarithm ? decades : { nice: true }) },
    marks: [
      ...(isLogarithm ? [] : [Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.6 })]),
      ...drawn.flatMap((points, index) => {
        const stroke = strokeOf(index);
        const alone = points.filter(({ y }) => Number.isFinite(y));
        return [
          Plot.line(points, { x: 'x', y: 'y', stroke, strokeWidth: 2, strokeDasharray: dashOf(index) }),
          ...(alone.length === 1 ? [Plot.dot(alone, { x: 'x', y: 'y', fill: stroke, r: 3 })] : []),
        ];
      }),
    ],
  });
}

/**
 * The course of one neuron under several rectifiers as an SVG: its largest pre-activation, its loss and the length of its gradient, step by
 * step, the steps on a scale that widens the first ones. A gradient of exactly 0 is a gap. Throws a RangeError for no curves and a
 * width below 320.
 *
 * @example
 * import { dyingNeuronFigure } from 'reluminate/figures';
 * import { dyingNeuron, traceNeuron } from 'reluminate/theory';
 * dyingNeuronFigure([{ label: 'ReLU', trace: traceNeuron(dyingNeuron) }]).startsWith('<svg'); // => true
 */
export function dyingNeuronFigure(curves: readonly NeuronCurve[], { width = 960 }: DyingNeuronDrawing = {}): string {
  if (curves.length === 0) throw new RangeError('dyingNeuronFigure: there must be a curve, got none');
  const labels = curves.map(({ label }) => label);
  return figure('dyingNeuronFigure', {
    width,
    label: `One neuron trained step by step with ${labels.join(', ')}: pre-activation, loss, gradient`,
    curves: labels,
    panels: panels.map(one => (panelWidth, height) => drawPanel(one, curves, panelWidth, height)),
  });
}
