import * as Plot from '@observablehq/plot';
import type { BornDeadCell, BornDeadMap } from '../theory/born-dead-map.js';
import { figure, panel, type Swatch } from './drawing.js';

export interface BornDeadMapDrawing {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

/** Classes of probabilities, dark to light: viridis, and whether text on it is black. Their edges are the contours of the map. */
const classes: readonly (Swatch & { readonly below: number; readonly text: string })[] = [
  { label: 'below 0.1 %', below: 0.001, color: '#440154', text: '#fff' },
  { label: '0.1 to 1 %', below: 0.01, color: '#414487', text: '#fff' },
  { label: '1 to 10 %', below: 0.1, color: '#2a788e', text: '#fff' },
  { label: '10 to 50 %', below: 0.5, color: '#22a884', text: '#000' },
  { label: '50 to 90 %', below: 0.9, color: '#7ad151', text: '#000' },
  { label: '90 % and more', below: Number.POSITIVE_INFINITY, color: '#fde725', text: '#000' },
];
const classOf = (probability: number) => classes.find(({ below }) => probability < below) as (typeof classes)[number];

/** A probability in percent, in four characters at most. */
function inPercent(probability: number): string {
  const percent = 100 * probability;
  if (probability === 0 || probability === 1) return String(percent);
  if (percent < 0.01) return '<.01';
  if (percent >= 99.5) return '>99';
  return percent >= 10 ? percent.toFixed(0) : percent >= 1 ? percent.toFixed(1) : percent.toFixed(2).slice(1);
}

interface MapPanel {
  readonly title: string;
  readonly of: (cell: BornDeadCell) => number;
  readonly text: (cell: BornDeadCell) => string;
}

/** What was counted; nothing in N networks says, with 95 % confidence, below 3/N. */
const simulated = (networks: number): MapPanel => ({
  title: 'simulated',
  of: ({ dead }) => dead.probability,
  text: ({ dead, bounds }) =>
    dead.probability === 0 && networks > 0 && bounds?.exact !== 0
      ? `<${inPercent(3 / networks).replace('<', '')}`
      : inPercent(dead.probability),
});

const bound = (title: string, of: MapPanel['of']): MapPanel => ({ title, of, text: cell => inPercent(of(cell)) });

const bounded = (networks: number): readonly MapPanel[] => [
  bound('lower bound', ({ bounds }) => bounds!.lower),
  simulated(networks),
  bound('upper bound', ({ bounds }) => bounds!.upper),
];

/** From this size on a cell has room for its number. */
const readable = 24;

function drawPanel(
  { title, of, text }: MapPanel,
  cells: readonly BornDeadCell[],
  width: number,
  height: number,
): Element {
  const widths = [...new Set(cells.map(cell => cell.width))];
  const depths = [...new Set(cells.map(cell => cell.depth))];
  const every = (values: readonly number[], room: number) =>
    values.filter((_, at) => at % Math.ceil((values.length * 18) / room) === 0);
  const hasText = (width - 56) / widths.length >= readable;
  const place = { x: 'width', y: 'depth' } as const;
  return panel(`${title}, in %`, {
    width,
    height,
    padding: 0.04,
    x: { label: 'width: units per hidden layer', domain: widths, ticks: every(widths, width - 56) },
    y: {
      label: 'depth: layers of weights',
      labelAnchor: 'center',
      domain: depths,
      ticks: every(depths, height - 74),
    },
    marks: [
      Plot.cell(cells, { ...place, fill: cell => classOf(of(cell)).color }),
      ...(hasText ? [Plot.text(cells, { ...place, text, fill: cell => classOf(of(cell)).text })] : []),
    ],
  });
}

/**
 * A map of the probability of being born dead over width and depth as an SVG: the lower bound, the simulation and the upper bound side by
 * side, or the simulation alone where there are no bounds. Where none of N networks was dead, and it is not known that none is, the cell reads `<` 300/N. Throws a RangeError for a map without cells and a width below 320.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { bornDeadMapFigure } from 'reluminate/figures';
 * import { bornDeadMap, parseInitializer } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he'), networks: 1000 };
 * const svg = bornDeadMapFigure(await bornDeadMap({ ...options, widths: [2, 3], depths: [2, 3] }));
 * svg.startsWith('<svg'); // => true
 */
export function bornDeadMapFigure({ cells, networks }: BornDeadMap, { width = 960 }: BornDeadMapDrawing = {}): string {
  if (cells.length === 0) throw new RangeError('bornDeadMapFigure: there must be a cell, got none');
  const panels = cells.every(({ bounds }) => bounds !== null) ? bounded(networks) : [simulated(networks)];
  const rows = new Set(cells.map(({ depth }) => depth)).size;
  return figure('bornDeadMapFigure', {
    width,
    label: `Probability that a network is born dead, by width and depth: ${panels.map(({ title }) => title).join(', ')}`,
    curves: [],
    swatches: classes.filter(one => cells.some(cell => panels.some(({ of }) => classOf(of(cell)) === one))),
    panels: panels.map(one => (panelWidth, height) => drawPanel(one, cells, panelWidth, height)),
    heightFor: () => 74 + Math.min(600, Math.max(90, rows * 26)),
  });
}
