import { type Corners, cut, type Point } from './convex-cells.js';
import type { RectifierLayer } from './rectifier-layer.js';

/**
 * What a layer computes in a cell, where it is affine: for each of its values a row [slope along each axis, constant], and a bound of the
 * rounding error that has gathered in the value anywhere in the range.
 */
export interface AffineMap {
  readonly rows: readonly (readonly number[])[];
  readonly errors: readonly number[];
}

/** A convex cell of the slice in which every unit so far is on one side of its kink. */
export interface Cell {
  readonly corners: Corners;
  /** For each layer that has a rectifier, a digit for each unit: 1 where its pre-activation is above 0, else 0. */
  readonly pattern: readonly string[];
  /** What the network computes in the cell up to the layer at hand; made when asked for, as all maps together outgrow the memory. */
  readonly map: () => AffineMap;
}

/** Where the pre-activation of a unit (layer and unit from 0) is 0 within a cell: a segment of the plane, a point of a line. */
export interface Kink {
  readonly layer: number;
  readonly unit: number;
  readonly points: readonly Point[];
}

const epsilon = 2 ** -52;
/** How many times the bound of rounding errors still counts as nothing. */
export const slack = 16;

/** The largest that a row's terms can add up to where no coordinate exceeds `reach`. */
const magnitude = (row: readonly number[], reach: number): number =>
  row.reduce((sum, value, at) => sum + Math.abs(value) * (at < row.length - 1 ? reach : 1), 0);

export function valueAt(row: readonly number[], point: Point): number {
  let value = row[point.length] as number;
  for (let axis = 0; axis < point.length; axis++) value += (row[axis] as number) * (point[axis] as number);
  return value;
}

function preActivations({ fanIn, fanOut, weights, biases }: RectifierLayer, map: AffineMap, reach: number): AffineMap {
  const length = map.rows[0]!.length;
  const sizes = map.rows.map((row, k) => map.errors[k]! + epsilon * magnitude(row, reach));
  const rows: number[][] = [];
  const errors: number[] = [];
  for (let unit = 0; unit < fanOut; unit++) {
    const row = new Array<number>(length).fill(0);
    row[length - 1] = biases[unit]!;
    let error = epsilon * Math.abs(biases[unit]!);
    for (let k = 0; k < fanIn; k++) {
      const weight = weights[unit * fanIn + k]!;
      for (let at = 0; at < length; at++) row[at]! += weight * map.rows[k]![at]!;
      error += Math.abs(weight) * sizes[k]!;
    }
    rows.push(row);
    errors.push(error);
  }
  return { rows, errors };
}

/** Puts into `placed` a part of a cell, or its halves where one unit's zero line cuts it; a value within rounding of 0 is 0. */
function place(
  corners: Corners,
  row: readonly number[],
  nothing: number,
  placed: Corners[],
  onCut: (seam: readonly Point[]) => void,
): void {
  if (!(isAbove(corners, row, nothing) && corners.some(corner => valueAt(row, corner) < -nothing))) {
    placed.push(corners);
    return;
  }
  const values = corners.map(corner => {
    const value = valueAt(row, corner);
    return Math.abs(value) <= nothing ? 0 : value;
  });
  const { below, above, seam } = cut(corners, values);
  onCut(seam);
  placed.push(below, above);
}

/** Whether a unit is on in a part of a cell that its zero line does not cut. */
const isAbove = (corners: Corners, row: readonly number[], nothing: number): boolean =>
  corners.some(corner => valueAt(row, corner) > nothing);

function activations({ rows, errors }: AffineMap, pattern: string, slope: number): AffineMap {
  const factors = Array.from(pattern, digit => (digit === '1' ? 1 : slope));
  return {
    rows: rows.map((row, unit) => (factors[unit] === 1 ? row : row.map(value => factors[unit]! * value))),
    errors: errors.map((error, unit) => Math.abs(factors[unit]!) * error),
  };
}

/** Where a layer stands in the work of cutting. */
export interface CutAt {
  /** Index of the layer, which goes into the kinks. */
  readonly index: number;
  /** The largest coordinate. */
  readonly reach: number;
  /** Told behind each unit how many parts the cell has. */
  readonly onUnit: (parts: number) => void;
  /** Told the map of the pre-activations in the cell. */
  readonly onMap: (map: AffineMap) => void;
}

/** Cuts a cell by the kinks of one layer, and carries the map of each part through the layer. */
export function throughLayer(
  cell: Cell,
  layer: RectifierLayer,
  { index, reach, onUnit, onMap }: CutAt,
  kinks: Kink[],
): Cell[] {
  const before = preActivations(layer, cell.map(), reach);
  onMap(before);
  const { negativeSlope } = layer;
  if (negativeSlope === null) return [{ ...cell, map: () => before }];
  const nothings = before.rows.map((row, unit) => slack * (before.errors[unit]! + epsilon * magnitude(row, reach)));
  let parts: Corners[] = [cell.corners];
  before.rows.forEach((row, unit) => {
    const placed: Corners[] = [];
    const onCut = (seam: readonly Point[]) => {
      kinks.push({ layer: index, unit, points: seam.length > 1 ? [seam[0]!, seam.at(-1)!] : seam });
    };
    for (const part of parts) place(part, row, nothings[unit]!, placed, onCut);
    parts = placed;
    onUnit(parts.length);
  });
  return parts.map(corners => {
    const pattern = before.rows.map((row, unit) => Number(isAbove(corners, row, nothings[unit]!))).join('');
    return { corners, pattern: [...cell.pattern, pattern], map: () => activations(before, pattern, negativeSlope) };
  });
}
