import * as Plot from '@observablehq/plot';
import { dashOf, figure, panel, strokeOf, tick } from './drawing.js';

/** What is drawn of an epoch: a part of the training record. */
export interface TrainingEpoch {
  readonly epoch: number;
  readonly train: { readonly loss: number };
  readonly validation: { readonly loss: number } | null;
  readonly layers: readonly {
    readonly name: string;
    readonly dead: number;
    readonly slopes: { readonly min: number; readonly median: number; readonly max: number } | null;
  }[];
}

export interface TrainingDrawing {
  /** Width of the drawing in units of 1/96 inch, 320 or more (default 960); below 640 the panels stand one under the other. */
  readonly width?: number;
}

/** A curve over the epochs, between two thin ones where its points have a range. */
interface Curve {
  readonly label: string;
  readonly points: readonly {
    readonly epoch: number;
    readonly y: number;
    readonly low?: number;
    readonly high?: number;
  }[];
}

function lossCurves(epochs: readonly TrainingEpoch[]): Curve[] {
  const heldOut = epochs.flatMap(({ epoch, validation }) => (validation ? [{ epoch, y: validation.loss }] : []));
  return [
    { label: 'training loss', points: epochs.map(({ epoch, train }) => ({ epoch, y: train.loss })) },
    { label: 'held-out loss', points: heldOut },
  ].filter(({ points }) => points.length > 0);
}

/** Slopes that say something: ReLU's are 0. */
const learned = (slopes: TrainingEpoch['layers'][number]['slopes']) =>
  slopes && (slopes.min !== 0 || slopes.max !== 0) ? slopes : null;

/** A curve for each layer that has something to draw. */
const layerCurves = (
  epochs: readonly TrainingEpoch[],
  names: readonly string[],
  pointOf: (layer: TrainingEpoch['layers'][number]) => Omit<Curve['points'][number], 'epoch'> | null,
): Curve[] =>
  names
    .map(name => ({
      label: name,
      points: epochs.flatMap(({ epoch, layers }) => {
        const layer = layers.find(each => each.name === name);
        const point = layer && pointOf(layer);
        return point ? [{ epoch, ...point }] : [];
      }),
    }))
    .filter(({ points }) => points.length > 0);

interface Frame {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly y: Plot.ScaleOptions;
}

function draw(
  { title, curves, y }: Frame,
  epochs: readonly TrainingEpoch[],
  labels: readonly string[],
  [width, height]: readonly [number, number],
): Element {
  const [first, last] = [epochs[0]?.epoch as number, epochs.at(-1)?.epoch as number];
  const alone = first === last;
  const marks = curves.flatMap(({ label, points }) => {
    const index = labels.indexOf(label);
    const [stroke, all] = [strokeOf(index), [...points]];
    return [
      ...(all[0]?.low === undefined
        ? []
        : ['low', 'high'].map(y => Plot.line(all, { x: 'epoch', y, stroke, strokeOpacity: 0.6, strokeWidth: 1 }))),
      Plot.line(all, { x: 'epoch', y: 'y', stroke, strokeWidth: 2, strokeDasharray: dashOf(index) }),
      ...(alone ? [Plot.dot(all, { x: 'epoch', y: 'y', fill: stroke, r: 3 })] : []),
    ];
  });
  return panel(title, {
    width,
    height,
    x: {
      label: 'epoch',
      domain: alone ? [first - 1, last + 1] : [first, last],
      ticks: alone ? [first] : Math.min(6, last - first),
      tickFormat: epoch => (Number.isInteger(epoch) ? String(epoch) : ''),
    },
    y: { label: null, grid: true, ...y },
    marks,
  });
}

/**
 * A training as an SVG, epoch by epoch: its losses, the share of dead units of each layer, and the slopes of each layer (the median, and thin the least and the greatest) where the record has them. Throws a RangeError for no epochs and a width below 320.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { trainingCurves } from 'reluminate/figures';
 * import { buildNetwork, fit, moons } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-8-8-2', { rectifier: parseRectifier('prelu') });
 * const { epochs } = await fit(network, moons({ count: 100 }), { epochs: 3 });
 * trainingCurves(epochs).startsWith('<svg'); // => true
 */
export function trainingCurves(epochs: readonly TrainingEpoch[], { width = 960 }: TrainingDrawing = {}): string {
  if (epochs.length === 0) throw new RangeError('trainingCurves: there must be an epoch, got none');
  const names = [...new Set(epochs.flatMap(({ layers }) => layers.map(({ name }) => name)))];
  const dead = layerCurves(epochs, names, layer => ({ y: layer.dead }));
  const most = Math.max(0.1, ...dead.flatMap(({ points }) => points.map(({ y }) => y)));
  const frames: Frame[] = [
    { title: 'loss', curves: lossCurves(epochs), y: { zero: true, nice: true } },
    {
      title: 'share of dead units',
      curves: dead,
      y: { domain: [0, most], nice: true, tickFormat: (share: number) => `${tick(Math.round(100 * share))}\u00a0%` },
    },
    {
      title: 'slopes: median and range',
      curves: layerCurves(epochs, names, layer => {
        const slopes = learned(layer.slopes);
        return slopes && { y: slopes.median, low: slopes.min, high: slopes.max };
      }),
      y: { nice: true },
    },
  ].filter(({ curves }) => curves.length > 0);
  const labels = [...new Set(frames.flatMap(({ curves }) => curves.map(({ label }) => label)))];
  return figure('trainingCurves', {
    width,
    label: `A training over ${epochs.length} epochs: ${frames.map(({ title }) => title).join('; ')}`,
    curves: labels,
    panels: frames.map(frame => (panelWidth, height) => draw(frame, epochs, labels, [panelWidth, height])),
  });
}
