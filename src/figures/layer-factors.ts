import * as Plot from '@observablehq/plot';
import type { InspectedLayer, Inspection } from '../theory/inspect.js';
import { decade, decadeTicks } from './decades.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface LayerFactorOptions {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

type Size = readonly [width: number, height: number];
type Quantity = (layer: InspectedLayer) => number | null;

/** What is drawn of a layer: its factor, and the product of the factors in its chain so far. */
interface Series {
  readonly name: string;
  readonly factor: Quantity;
  readonly product: Quantity;
}

const signal: Series = { name: 'signal', factor: layer => layer.forward, product: layer => layer.cumulativeForward };
const gradient: Series = {
  name: 'gradient',
  factor: layer => layer.backward,
  product: layer => layer.cumulativeBackward,
};

/** Signal and gradient, as one where they have the same factors to three digits. */
function seriesOf(layers: readonly InspectedLayer[]): Series[] {
  const same = layers.every(
    ({ forward, backward }) => Math.abs((forward ?? 0) / (backward || 1) - 1) < 1e-3 || !forward,
  );
  return same ? [{ ...signal, name: 'signal and gradient' }] : [signal, gradient];
}

/** A layer's place and the decimal logarithm of a quantity of it, left out where the quantity is not known or 0. */
const points = (layers: readonly InspectedLayer[], quantity: Quantity): { x: number; y: number; at: number }[] =>
  layers.flatMap((layer, at) => {
    const value = quantity(layer);
    return value ? [{ x: at + 1, y: Math.log10(value), at }] : [];
  });

const layerAxis = (count: number) => ({
  label: 'layer, in the order in which the model runs them',
  domain: [0.5, count + 0.5],
  ticks: Math.min(count, 8),
});

/** A panel of decimal logarithms over the layers, with the line at 1. */
function logPanel(title: string, logs: readonly number[], count: number, size: Size, marks: Plot.Markish[]): Element {
  const ticks = decadeTicks([-1, 1, ...logs]);
  return panel(title, {
    width: size[0],
    height: size[1],
    marginLeft: 52,
    x: layerAxis(count),
    y: {
      label: null,
      domain: [Math.min(...ticks, ...logs), Math.max(...ticks, ...logs)],
      ticks,
      tickFormat: decade,
      grid: true,
    },
    marks: [Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.6 }), ...marks],
  });
}

/** The dots of a series: full ones for the first, rings for the second. */
const dots = (data: { x: number; y: number }[], index: number): Plot.Markish =>
  Plot.dot(data, {
    x: 'x',
    y: 'y',
    r: 2.5,
    ...(index === 0 ? { fill: strokeOf(0) } : { stroke: strokeOf(index), strokeWidth: 1.5 }),
  });

function factors(layers: readonly InspectedLayer[], shown: readonly Series[], size: Size): Element {
  const drawn = shown.map(({ factor }) => points(layers, factor));
  return logPanel(
    'factor of each layer (1: critical)',
    drawn.flat().map(({ y }) => y),
    layers.length,
    size,
    drawn.flatMap((each, index) => [
      Plot.ruleX(each, {
        x: 'x',
        y1: 0,
        y2: 'y',
        stroke: strokeOf(index),
        strokeOpacity: 0.5,
        strokeDasharray: dashOf(index),
      }),
      dots(each, index),
    ]),
  );
}

function products(layers: readonly InspectedLayer[], shown: readonly Series[], size: Size): Element {
  const drawn = shown.map(({ product }) => points(layers, product));
  return logPanel(
    'product along each chain',
    drawn.flat().map(({ y }) => y),
    layers.length,
    size,
    drawn.flatMap((each, index) => {
      const { product } = shown[index] as Series;
      const links = each.flatMap(({ x, y, at }) => {
        const before = layers[at]?.previous ?? null;
        const from = before === null ? null : product(layers[before] as InspectedLayer);
        return before !== null && from ? [{ x1: before + 1, y1: Math.log10(from), x2: x, y2: y }] : [];
      });
      return [
        Plot.link(links, {
          x1: 'x1',
          y1: 'y1',
          x2: 'x2',
          y2: 'y2',
          stroke: strokeOf(index),
          strokeWidth: 2,
          strokeDasharray: dashOf(index),
        }),
        dots(each, index),
      ];
    }),
  );
}

/** What is left of the correlation 0 along each chain, with the line at 0.9 that a tailored slope is made for. */
function correlations(layers: readonly InspectedLayer[], _: readonly Series[], [width, height]: Size): Element {
  const reached = layers.map(({ cumulativeCorrelation }) => cumulativeCorrelation);
  const drawn = reached.flatMap((y, at) => (y === null ? [] : [{ x: at + 1, y }]));
  const links = layers.flatMap(({ previous }, at) => {
    const [y1, y2] = [previous === null ? null : reached[previous], reached[at]];
    return previous === null || y1 == null || y2 == null ? [] : [{ x1: previous + 1, y1, x2: at + 1, y2 }];
  });
  const stroke = strokeOf(2);
  return panel('correlation that c = 0 becomes', {
    width,
    height,
    marginLeft: 52,
    x: layerAxis(layers.length),
    y: { label: null, domain: [0, 1], grid: true },
    marks: [
      Plot.ruleY([0.9], { stroke: 'currentColor', strokeOpacity: 0.6, strokeDasharray: '4 3' }),
      Plot.text(['η = 0.9'], { frameAnchor: 'left', y: () => 0.9, dx: 4, dy: -8, textAnchor: 'start' }),
      Plot.link(links, { x1: 'x1', y1: 'y1', x2: 'x2', y2: 'y2', stroke, strokeWidth: 2 }),
      Plot.dot(drawn, { x: 'x', y: 'y', r: 2.5, fill: stroke }),
    ],
  });
}

/**
 * What each layer of an inspected model multiplies the second moment of its signal and the squared length of its gradient by, and the products
 * along its chains, as an SVG with logarithmic axes, where the line at 1 is critical; and what the chains make of two inputs of correlation 0, where the line
 * at 0.9 is what a tailored slope is made for. Layers whose factor is not known or 0 leave a gap. Throws a RangeError for an
 * inspection without layers and a width below 320.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { layerFactors } from 'reluminate/figures';
 * import { inspectLayers } from 'reluminate/theory';
 * const layer = {
 *   name: 'fc', units: 64, fanIn: 64, weightVariance: 1, ownWeightVariance: 1, weightMeanShare: 0, biasVariance: 0, hasBatchNorm: false,
 *   follows: 'Relu', rectifier: parseRectifier('relu'), isKnown: true, meanSlope: 0, previous: null,
 * };
 * layerFactors(inspectLayers([layer])).startsWith('<svg'); // => true
 */
export function layerFactors({ layers }: Inspection, { width = 960 }: LayerFactorOptions = {}): string {
  if (layers.length === 0) throw new RangeError('layerFactors: there must be a layer, got none');
  const shown = seriesOf(layers);
  const known = layers.filter(({ forward }) => forward !== null).length;
  return figure('layerFactors', {
    width,
    label: `Factors of ${known} layers and their products along ${layers.length === known ? 'the' : 'the known'} chains, for ${shown.map(({ name }) => name).join(' and ')}; the correlation that the chains make of 0`,
    curves: shown.map(({ name }) => name),
    panels: [factors, products, correlations].map(
      draw => (panelWidth, panelHeight) => draw(layers, shown, [panelWidth, panelHeight]),
    ),
  });
}
