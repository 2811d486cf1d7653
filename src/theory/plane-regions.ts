import { finite, whole } from '../rectifiers/parameters.js';
import type { Corners } from './convex-cells.js';
import { type Slice, sliceOf } from './input-slice.js';
import { joinCells } from './join-cells.js';
import { checkLayers, type RectifierLayer } from './rectifier-layer.js';
import { type AffineMap, type Cell, type Kink, throughLayer } from './region-cells.js';

export interface RegionOptions {
  /** From and to, along each axis of the slice (default -1 to 1). */
  readonly range?: readonly [number, number] | undefined;
  /** Which line or plane, needed where the network has more inputs than that has dimensions (default: the inputs themselves). */
  readonly slice?: Slice | undefined;
  /** Refused beyond so many activation regions (default 100 000). */
  readonly limit?: number | undefined;
}

/** A convex part of the slice in which no unit changes sides. */
export interface ActivationRegion {
  /** The two ends of an interval, or the corners of a polygon in order. */
  readonly corners: Corners;
  /** For each layer that has a rectifier, a digit for each unit: 1 where its pre-activation is above 0, else 0. */
  readonly pattern: readonly string[];
  /** For each output [slope along each axis, constant]: the network is this affine map here. */
  readonly outputs: readonly (readonly number[])[];
  /** The linear region (from 0) that it is a part of. */
  readonly linearRegion: number;
}

export interface NetworkRegions {
  readonly regions: readonly ActivationRegion[];
  /** The number of activation regions made by the layers up to and with each. */
  readonly countAfterLayer: readonly number[];
  /** The number of linear regions: activation regions that touch and have the same map are one. */
  readonly linearRegions: number;
  readonly kinks: readonly Kink[];
}

/** Parts of cells that units may be placed in, all together: about a minute. */
const greatestWork = 5e7;

const isWithinFloat64 = ({ rows }: AffineMap): boolean => rows.every(row => row.every(Number.isFinite));

function enumerate(
  operation: string,
  dimensions: 1 | 2,
  layers: readonly RectifierLayer[],
  { range = [-1, 1], slice, limit = 100_000 }: RegionOptions,
): NetworkRegions {
  checkLayers(operation, layers);
  whole(operation, 'limit', limit, 1);
  const [from, to] = [finite(operation, 'range', range[0]), finite(operation, 'range', range[1])];
  if (!(from < to && Number.isFinite(to - from)))
    throw new RangeError(`${operation}: range must go from a lower to a higher number, got ${from} to ${to}`);
  const { origin, directions } = sliceOf(operation, dimensions, layers[0]!.fanIn, slice);
  const corners: Corners =
    dimensions === 1
      ? [[from], [to]]
      : [
          [from, from],
          [to, from],
          [to, to],
          [from, to],
        ];
  const rows = origin.map((start, input) => [...directions.map(direction => direction[input]!), start]);
  const reach = Math.max(Math.abs(from), Math.abs(to));
  const kinks: Kink[] = [];
  let work = 0;
  let cells: Cell[] = [{ corners, pattern: [], map: () => ({ rows, errors: rows.map(() => 0) }) }];
  const countAfterLayer = layers.map((layer, index) => {
    const next: Cell[] = [];
    const onUnit = (parts: number) => {
      work += parts;
      if (work > greatestWork)
        throw new RangeError(
          `${operation}: units times regions must be at most ${greatestWork}, about a minute of work, got more in layer ${index}`,
        );
      if (next.length + parts > limit)
        throw new RangeError(`${operation}: there must be at most ${limit} activation regions (limit), got more`);
    };
    const onMap = (map: AffineMap) => {
      if (!isWithinFloat64(map))
        throw new RangeError(`${operation}: what layer ${index} computes must be finite, got an overflow`);
    };
    for (const cell of cells)
      for (const part of throughLayer(cell, layer, { index, reach, onUnit, onMap }, kinks)) next.push(part);
    cells = next;
    return cells.length;
  });
  const mapped = cells.map(({ corners, pattern, map }) => ({ corners, pattern, map: map() }));
  if (!mapped.every(({ map }) => isWithinFloat64(map)))
    throw new RangeError(`${operation}: what layer ${layers.length - 1} computes must be finite, got an overflow`);
  const { labels, count } = joinCells(mapped, reach, Math.max(1e-10 * (to - from), 2 ** -46 * reach));
  const regions = mapped.map(({ map, ...cell }, at) => ({ ...cell, outputs: map.rows, linearRegion: labels[at]! }));
  return { regions, countAfterLayer, linearRegions: count, kinks };
}

/**
 * Every region of a network in a square of a plane of its inputs, exactly: polygons cut by the kinks of one layer after the other, in each of
 * which the network is one affine map. *Activation regions* differ in which units are on; those that touch and have the same map
 * make one *linear region* (Hanin & Rolnick 2019, "Complexity of linear regions in deep networks"; the enumeration as in Humayun,
 * Balestriero, Balakrishnan & Baraniuk 2023, "SplineCam"). Corners within the bound of rounding errors of a kink lie on it, so kinks that
 * meet in a point or coincide make no slivers. Throws a RangeError for layers that do not chain, a slice that does not fit or is no plane, more regions than `limit`, and
 * more work than about a minute's.
 *
 * @example
 * import { planeRegions } from 'reluminate/theory';
 * const absolute = {
 *   fanIn: 2, fanOut: 2, weights: Float64Array.of(1, 0, 0, 1), biases: Float64Array.of(0, 0), negativeSlope: -1,
 * };
 * planeRegions([absolute]).regions.map(({ pattern }) => pattern[0]); // => ["00", "01", "10", "11"]
 */
export const planeRegions = (layers: readonly RectifierLayer[], options: RegionOptions = {}): NetworkRegions =>
  enumerate('planeRegions', 2, layers, options);

/**
 * The same on a segment of a line of the inputs: intervals, from left to right. Throws as `planeRegions`.
 *
 * @example
 * import { lineRegions } from 'reluminate/theory';
 * const relu = { fanIn: 1, fanOut: 1, weights: Float64Array.of(2), biases: Float64Array.of(-1), negativeSlope: 0 };
 * lineRegions([relu], { range: [0, 1] }).regions.map(({ corners }) => corners.flat()); // => [[0, 0.5], [0.5, 1]]
 */
export function lineRegions(layers: readonly RectifierLayer[], options: RegionOptions = {}): NetworkRegions {
  const found = enumerate('lineRegions', 1, layers, options);
  const leftOf = ([a, b]: Corners): number => Math.min(a![0]!, b![0]!);
  return { ...found, regions: found.regions.toSorted((a, b) => leftOf(a.corners) - leftOf(b.corners)) };
}
