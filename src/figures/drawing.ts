import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** The document that figures are drawn in, in Node and in the browser alike. */
export const { document } = parseHTML('<html><body></body></html>') as unknown as { document: Document };

/**
 * After Okabe and Ito (2008, "Color universal design"), the blue lightened so that all keep contrast on white and on black, and three more for figures with many curves. Dashes
 * tell curves apart where colour does not.
 */
const strokes = [
  '#2b87c8',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#8a63c9',
  '#8a8a8a',
  '#a0703c',
] as const;
const dashes = ['', '8 3', '2 3', '8 3 2 3', '12 4', '5 2'] as const;

/** The colour of the curve with this index. */
export const strokeOf = (index: number) => strokes[index % strokes.length] as string;

/** The dashes of the curve with this index, none for the first. */
export const dashOf = (index: number) => dashes[(index + Math.floor(index / strokes.length)) % dashes.length] as string;

/** An SVG element with attributes (empty ones left out) and children. */
export const element = (
  name: string,
  attributes: Record<string, string | number>,
  ...children: (Node | string)[]
): Element => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) if (value !== '') node.setAttribute(key, String(value));
  node.append(...children);
  return node;
};

/** A number as a tick's label, with a true minus sign. */
export const tick = (value: number): string => String(value).replace('-', '\u2212');

/** One plot with its title above, to be placed in a `figure`. Ticks have true minus signs unless the options say how to format them. */
export function panel(title: string, { x, y, ...options }: Plot.PlotOptions): Element {
  const svg = Plot.plot({
    document,
    marginTop: 34,
    marginLeft: 44,
    marginBottom: 40,
    marginRight: 12,
    ...options,
    x: { labelAnchor: 'center', labelArrow: 'none', tickFormat: tick, ...x },
    y: { tickFormat: tick, ...y },
  }) as unknown as Element;
  for (const style of svg.querySelectorAll('style')) style.remove();
  svg.removeAttribute('class');
  const left = options.marginLeft ?? 44;
  svg.append(
    element(
      'text',
      { x: left, y: 14, 'text-anchor': 'start', fill: 'currentColor', 'font-size': 13, 'font-weight': 600 },
      title,
    ),
  );
  return svg;
}

/** An entry of a legend: its text, and the sign before it for a baseline at (x, y), 28 wide. */
export interface Key {
  readonly label: string;
  readonly sign: (x: number, y: number) => Element;
}

const curveKey = (label: string, index: number): Key => ({
  label,
  sign: (x, y) =>
    element('line', {
      x1: x,
      x2: x + 28,
      y1: y - 4,
      y2: y - 4,
      stroke: strokeOf(index),
      'stroke-width': 2,
      'stroke-dasharray': dashOf(index),
    }),
});

const swatchKey = ({ label, color }: Swatch): Key => ({
  label,
  sign: (x, y) => element('rect', { x: x + 8, y: y - 11, width: 20, height: 14, fill: color }),
});

/** A legend, row by row, and the height it takes. */
function legend(keys: readonly Key[], width: number): { entries: Element[]; height: number } {
  const edge = 8;
  let x = edge;
  let y = 14;
  const entries = keys.map(({ label, sign }) => {
    const size = 52 + label.length * 7;
    if (x > edge && x + size > width) {
      x = edge;
      y += 22;
    }
    const text = element('text', { x: x + 34, y, fill: 'currentColor', 'font-size': 13 }, label);
    const entry = element('g', {}, sign(x, y), text);
    x += size;
    return entry;
  });
  return { entries, height: keys.length === 0 ? 0 : y + 16 };
}

/** What a colour of filled areas stands for. */
export interface Swatch {
  readonly label: string;
  readonly color: string;
}

/** What a figure consists of. */
export interface FigureParts {
  /** Width in units of 1/96 inch, 320 to 10,000. */
  readonly width: number;
  /** What is seen, for those who cannot see it. */
  readonly label: string;
  /** Names of the curves, which have the colours and dashes of their indices; none draws no legend. */
  readonly curves: readonly string[];
  /** Colours of filled areas, after the curves in the legend (default none). */
  readonly swatches?: readonly Swatch[];
  /** Further entries of the legend (default none). */
  readonly keys?: readonly Key[];
  /** Draws each panel in the given width and height. */
  readonly panels: readonly ((width: number, height: number) => Element)[];
  /** A panel's height for its width (default 0.85 of it, at most 340). */
  readonly heightFor?: (panelWidth: number) => number;
}

/** Room between panels that stand one under the other. */
const gap = 14;

/**
 * A figure as an SVG: the legend, and below it the panels side by side, or one under the other in a width below 640. Text takes the
 * page's colour, so it reads on light and on dark. Throws a RangeError for a width below 320 or above 10,000, naming the operation.
 */
export function figure(
  operation: string,
  {
    width,
    label,
    curves,
    swatches = [],
    keys = [],
    panels,
    heightFor = size => Math.min(340, size * 0.85),
  }: FigureParts,
): string {
  if (!(width >= 320)) throw new RangeError(`${operation}: width must be 320 or more, got ${width}`);
  if (width > 10_000) throw new RangeError(`${operation}: width must be 10000 or less, got ${width}`);
  const isNarrow = width < 640;
  const panelWidth = isNarrow ? width : Math.floor(width / panels.length);
  const panelHeight = Math.round(heightFor(panelWidth));
  const { entries, height: top } = legend([...curves.map(curveKey), ...swatches.map(swatchKey), ...keys], width);
  const root = element('svg', {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${top + (isNarrow ? panels.length * (panelHeight + gap) - gap : panelHeight)}`,
    'font-family': 'system-ui, sans-serif',
    'font-size': 11,
    fill: 'currentColor',
    role: 'img',
    'aria-label': label,
  });
  root.append(...entries);
  panels.forEach((draw, index) => {
    const svg = draw(panelWidth, panelHeight);
    svg.setAttribute('x', String(isNarrow ? 0 : index * panelWidth));
    svg.setAttribute('y', String(top + (isNarrow ? index * (panelHeight + gap) : 0)));
    root.append(svg);
  });
  return root.outerHTML;
}
