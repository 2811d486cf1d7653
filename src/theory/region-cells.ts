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
  readonly map: AffineMap;
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

export const valueAt = (row: readonly number[], point: Point): number =>
  row.reduce((sum, value, at) => sum + value * (at < point.length ? (point[at] as number) : 1), 0);

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

/** A part of a cell with the units of the layer at hand that have been placed. */
interface Part {
  readonly corners: Corners;
  readonly pattern: string;
}

/** The part cut by one unit's zero line, or whole, with the unit's digit; a value within rounding of 0 is 0. */
function place(part: Part, row: readonly number[], nothing: number, onCut: (seam: readonly Point[]) => void): Part[] {
  const values = part.corners.map(corner => {
    const value = valueAt(row, corner);
    return Math.abs(value) <= nothing ? 0 : value;
  });
  const isAbove = values.some(value => value > 0);
  if (!(isAbove && values.some(value => value < 0)))
    return [{ corners: part.corners, pattern: part.pattern + Number(isAbove) }];
  const { below, above, seam } = cut(part.corners, values);
  onCut(seam);
  return [
    { corners: below, pattern: `${part.pattern}0` },
    { corners: above, pattern: `${part.pattern}1` },
  ];
}

function activations({ rows, errors }: AffineMap, pattern: string, slope: number): AffineMap {
  const factors = Array.from(pattern, digit => (digit === '1' ? 1 : slope));
  return {
    rows: rows.map((row, unit) => (factors[unit] === 1 ? row : row.map(value => factors[unit]! * value))),
    errors: errors.map((error, unit) => Math.abs(factors[unit]!) * error),
  };
}

/** Cuts a cell by the kinks of one layer (its index goes into the kinks), and carries the map of each part through the layer. */
export function throughLayer(cell: Cell, layer: RectifierLayer, index: number, reach: number, kinks: Kink[]): Cell[] {
  const before = preActivations(layer, cell.map, reach);
  const { negativeSlope } = layer;
  if (negativeSlope === null) return [{ ...cell, map: before }];
  let parts: Part[] = [{ corners: cell.corners, pattern: '' }];
  before.rows.forEach((row, unit) => {
    const nothing = slack * (before.errors[unit]! + epsilon * magnitude(row, reach));
    parts = parts.flatMap(part =>
      place(part, row, nothing, seam => {
        kinks.push({ layer: index, unit, points: seam.length > 1 ? [seam[0]!, seam.at(-1)!] : seam });
      }),
    );
  });
  return parts.map(({ corners, pattern }) => ({
    corners,
    pattern: [...cell.pattern, pattern],
    map: activations(before, pattern, negativeSlope),
  }));
}
