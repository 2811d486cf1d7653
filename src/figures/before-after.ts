import * as Plot from '@observablehq/plot';
import { figure, panel, strokeOf } from './drawing.js';

/** A share of a whole with an interval, all from 0 to 1. */
export interface Estimate {
  readonly share: number;
  readonly lower: number;
  readonly upper: number;
}

/** One state of a network: before a repair, after it, or after further training. */
export interface NetworkState {
  readonly label: string;
  /** The share of each layer's units that never fire, from 0 to 1. */
  readonly neverFiring: readonly number[];
  /** The share of held-out samples that it answers rightly, with an interval. */
  readonly right: Estimate;
  readonly parameters: number;
}

export interface BeforeAfterOptions {
  /** Width of the drawing in units of 1/96 inch, 320 or more (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

type Size = readonly [width: number, height: number];

/** How far apart the bars and dots of states are, and how thick: the states share a row. */
const rows = (states: readonly NetworkState[]) => ({
  type: 'band' as const,
  domain: states.map((_, at) => String(at + 1)),
  label: null,
  padding: 0.35,
  tickFormat: undefined,
  tickSize: 0,
});

const inPercent = (share: number): string => `${Number((100 * share).toFixed(1))}\u00a0%`;

function firing(states: readonly NetworkState[], [width, height]: Size): Element {
  const cells = states.flatMap(({ neverFiring }, at) =>
    neverFiring.map((share, layer) => ({ state: String(at + 1), layer: String(layer + 1), share })),
  );
  const layers = Math.max(...states.map(({ neverFiring }) => neverFiring.length));
  return panel('units that never fire, by layer', {
    width,
    height,
    marginLeft: 24,
    x: {
      type: 'band',
      domain: Array.from({ length: layers }, (_, layer) => String(layer + 1)),
      label: 'layer',
      padding: 0.06,
      tickFormat: undefined,
    },
    y: { ...rows(states), padding: 0.06 },
    marks: [
      Plot.cell(cells, {
        x: 'layer',
        y: 'state',
        fill: strokeOf(1),
        fillOpacity: ({ share }) => 0.08 + 0.72 * share ** 0.7,
      }),
      Plot.text(cells, { x: 'layer', y: 'state', text: ({ share }) => inPercent(share), fontVariant: 'tabular-nums' }),
    ],
  });
}

function answers(states: readonly NetworkState[], [width, height]: Size): Element {
  const points = states.map(({ right }, at) => ({ state: String(at + 1), ...right }));
  const low = Math.min(...points.map(({ lower }) => lower));
  const high = Math.max(...points.map(({ upper }) => upper));
  return panel('right on held-out samples', {
    width,
    height,
    marginLeft: 24,
    marginRight: 44,
    x: {
      label: null,
      domain: [Math.max(0, low - 0.1 * (high - low)), Math.min(1, high + 0.1 * (high - low))],
      ticks: 4,
      tickFormat: inPercent,
      grid: true,
    },
    y: rows(states),
    marks: [
      Plot.ruleY(points, { y: 'state', x1: 'lower', x2: 'upper', stroke: strokeOf(0), strokeWidth: 2 }),
      Plot.dot(points, { y: 'state', x: 'share', fill: strokeOf(0), r: 4 }),
      Plot.text(points, {
        y: 'state',
        x: 'upper',
        text: ({ share }) => inPercent(share),
        textAnchor: 'start',
        dx: 6,
        fontVariant: 'tabular-nums',
      }),
    ],
  });
}

function sizes(states: readonly NetworkState[], [width, height]: Size): Element {
  const bars = states.map(({ parameters }, at) => ({ state: String(at + 1), parameters }));
  return panel('parameters', {
    width,
    height,
    marginLeft: 24,
    marginRight: 64,
    x: {
      label: null,
      domain: [0, Math.max(...bars.map(({ parameters }) => parameters))],
      ticks: 3,
      tickFormat: (value: number) => (value === 0 ? '0' : `${value / 1000}k`),
      grid: true,
    },
    y: rows(states),
    marks: [
      Plot.barX(bars, { y: 'state', x: 'parameters', fill: strokeOf(0), fillOpacity: 0.75 }),
      Plot.ruleX([0], { stroke: 'currentColor', strokeOpacity: 0.6 }),
      Plot.text(bars, {
        y: 'state',
        x: 'parameters',
        text: ({ parameters }) => parameters.toLocaleString('en-US'),
        textAnchor: 'start',
        dx: 6,
        fontVariant: 'tabular-nums',
      }),
    ],
  });
}

/**
 * The states of a network side by side, one numbered row each, as an SVG: the share of units that never fire layer by layer, the share of held-out samples answered
 * rightly with its interval, and the parameters. Throws a RangeError for no states and a width below 320.
 *
 * @example
 * import { beforeAfter } from 'reluminate/figures';
 * const right = { share: 0.9, lower: 0.88, upper: 0.92 };
 * const states = [
 *   { label: 'as it was', neverFiring: [0.25, 0.5], right, parameters: 1200 },
 *   { label: 'pruned', neverFiring: [0, 0], right, parameters: 700 },
 * ];
 * beforeAfter(states).startsWith('<svg'); // => true
 */
export function beforeAfter(states: readonly NetworkState[], { width = 960 }: BeforeAfterOptions = {}): string {
  if (states.length === 0) throw new RangeError('beforeAfter: there must be a state, got none');
  return figure('beforeAfter', {
    width,
    label: `Units that never fire, held-out samples answered rightly and parameters: ${states.map(({ label }, at) => `${at + 1} ${label}`).join(', ')}`,
    curves: [],
    heightFor: () => 80 + 34 * states.length,
    panels: [firing, answers, sizes].map(draw => (panelWidth, panelHeight) => draw(states, [panelWidth, panelHeight])),
  });
}
