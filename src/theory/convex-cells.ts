/** Coordinates: one on a line, two in a plane. */
export type Point = readonly number[];

/** A convex cell: the two ends of a segment, or the corners of a polygon in order. */
export type Corners = readonly Point[];

const between = (from: Point, to: Point, share: number): Point =>
  from.map((value, axis) => value + share * ((to[axis] as number) - value));

/** Each corner's index with the next one's, around a polygon, or once along a segment. */
const edgesOf = (corners: Corners): readonly (readonly [number, number])[] =>
  corners.length === 2 ? [[0, 1]] : corners.map((_, at) => [at, (at + 1) % corners.length]);

/** A cell in two, and the points where it was cut: one for a segment, two for a polygon. */
export interface Halves {
  readonly below: Corners;
  readonly above: Corners;
  readonly seam: readonly Point[];
}

/** Cuts a cell where an affine function is 0, given its value at each corner: some must be below 0 and some above. */
export function cut(corners: Corners, values: readonly number[]): Halves {
  const [below, above, seam]: [Point[], Point[], Point[]] = [[], [], []];
  const nextOf = new Map(edgesOf(corners));
  corners.forEach((corner, at) => {
    const value = values[at] as number;
    if (value <= 0) below.push(corner);
    if (value >= 0) above.push(corner);
    if (value === 0) seam.push(corner);
    const next = nextOf.get(at);
    const there = next === undefined ? 0 : (values[next] as number);
    if (next !== undefined && Math.sign(value) * Math.sign(there) < 0) {
      const crossing = between(corner, corners[next] as Point, value / (value - there));
      for (const side of [below, above, seam]) side.push(crossing);
    }
  });
  return { below, above, seam };
}

/** The length of a segment, the area of a polygon. */
export function sizeOf(corners: Corners): number {
  if (corners.length === 2) return Math.abs((corners[1]![0] as number) - (corners[0]![0] as number));
  const [x0, y0] = corners[0] as [number, number];
  // Relative to a corner, so that a small cell far from the origin keeps its digits.
  const doubled = edgesOf(corners).reduce((sum, [from, to]) => {
    const [a, b] = [corners[from], corners[to]] as unknown as [[number, number], [number, number]];
    return sum + (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0);
  }, 0);
  return Math.abs(doubled) / 2;
}

/** The mean of the corners, which lies inside. */
export const centreOf = (corners: Corners): Point =>
  (corners[0] as Point).map((_, axis) => corners.reduce((sum, corner) => sum + corner[axis]!, 0) / corners.length);

/** Whether two segments share an end, or two polygons that do not overlap a stretch of edge longer than the tolerance. */
export function touch(a: Corners, b: Corners, tolerance: number): boolean {
  if (a.length === 2) return a.some(([x]) => b.some(([y]) => Math.abs(x! - y!) <= tolerance));
  return edgesOf(a).some(([from, to]) => {
    const [[x, y], [toX, toY]] = [a[from], a[to]] as unknown as [[number, number], [number, number]];
    const [dx, dy] = [toX - x, toY - y];
    const length = Math.hypot(dx, dy);
    if (length <= tolerance) return false;
    const seen = b.map(corner => {
      const [rightward, upward] = [corner[0]! - x, corner[1]! - y];
      return { along: (rightward * dx + upward * dy) / length, off: (rightward * dy - upward * dx) / length };
    });
    return edgesOf(b).some(([start, end]) => {
      const [p, q] = [seen[start]!, seen[end]!];
      if (Math.abs(p.off) > tolerance || Math.abs(q.off) > tolerance) return false;
      return Math.min(length, Math.max(p.along, q.along)) - Math.max(0, Math.min(p.along, q.along)) > tolerance;
    });
  });
}
