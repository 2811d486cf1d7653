import { type Corners, touch } from './convex-cells.js';
import { type AffineMap, slack } from './region-cells.js';

/** A cell and what is computed in it. */
interface MappedCell {
  readonly corners: Corners;
  readonly map: AffineMap;
}

/**
 * The linear region that each cell belongs to, and how many there are: cells that touch (share more edge than the tolerance) and compute
 * the same, up to the bound of rounding errors where no coordinate exceeds `reach`, are joined.
 */
export function joinCells(
  cells: readonly MappedCell[],
  reach: number,
  tolerance: number,
): { labels: number[]; count: number } {
  const parents = cells.map((_, at) => at);
  const rootOf = (at: number): number => {
    while (parents[at] !== at) at = parents[at] = parents[parents[at]!]!;
    return at;
  };
  const differ = (a: MappedCell, b: MappedCell): boolean =>
    a.map.rows.some((row, output) => {
      const nothing = slack * (a.map.errors[output]! + b.map.errors[output]!);
      return row.some((value, at) => {
        const change = Math.abs(value - b.map.rows[output]![at]!);
        return (at < row.length - 1 ? change * reach : change) > nothing;
      });
    });
  const first = (at: number): number => cells[at]!.map.rows[0]![0]!;
  const largestError = cells.reduce((largest, { map }) => Math.max(largest, map.errors[0]!), 0);
  // In the order of one slope, cells that could be the same stand together.
  const order = parents.toSorted((a, b) => first(a) - first(b));
  order.forEach((a, place) => {
    for (let next = place + 1; next < order.length; next++) {
      const b = order[next]!;
      if ((first(b) - first(a)) * reach > 2 * slack * largestError) break;
      if (rootOf(a) === rootOf(b) || differ(cells[a]!, cells[b]!)) continue;
      if (touch(cells[a]!.corners, cells[b]!.corners, tolerance)) parents[rootOf(b)] = rootOf(a);
    }
  });
  const roots = [...new Set(parents.map((_, at) => rootOf(at)))];
  const numbers = new Map(roots.map((root, number) => [root, number]));
  return { labels: parents.map((_, at) => numbers.get(rootOf(at))!), count: roots.length };
}
