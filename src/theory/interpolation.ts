/** Points at which `interpolated` stops adding more. */
const most = 513;

/** The n + 1 Chebyshev points of [from, to], ends included. */
const chebyshevPoints = (n: number, from: number, to: number): number[] =>
  Array.from({ length: n + 1 }, (_, k) => from + ((to - from) * (1 - Math.cos((k * Math.PI) / n))) / 2);

/** The polynomial through Chebyshev points, by the barycentric formula (Berrut & Trefethen 2004, equation 5.4). */
function through(points: readonly number[], values: readonly number[]): (x: number) => number {
  return x => {
    let [above, below] = [0, 0];
    for (let k = 0; k < points.length; k++) {
      const distance = x - points[k]!;
      if (distance === 0) return values[k]!;
      const weight = (k % 2 === 0 ? 1 : -1) * (k === 0 || k === points.length - 1 ? 0.5 : 1);
      above += (weight / distance) * values[k]!;
      below += weight / distance;
    }
    return above / below;
  };
}

/**
 * A function on [from, to] that costs much, as one that costs little: the polynomial through its values at Chebyshev points, doubled until
 * the last polynomial foretells the new values to `tolerance`. For an analytic f the error falls geometrically, so the polynomial that is
 * given is closer still.
 */
export function interpolated(
  f: (x: number) => number,
  from: number,
  to: number,
  tolerance: number,
): (x: number) => number {
  let points = chebyshevPoints(16, from, to);
  let values = points.map(f);
  for (;;) {
    const polynomial = through(points, values);
    points = chebyshevPoints(2 * (points.length - 1), from, to);
    const before = values;
    values = points.map((x, k) => (k % 2 === 0 ? before[k / 2]! : f(x)));
    const isClose = values.every((value, k) => k % 2 === 0 || Math.abs(polynomial(points[k]!) - value) <= tolerance);
    if (isClose || points.length >= most) return through(points, values);
  }
}
