/**
 * The last number of [from, to] for which `holds` holds, to the last bit: it must hold at `from`, and nowhere behind the first number for
 * which it does not.
 */
export function bisect(holds: (x: number) => boolean, from: number, to: number): number {
  if (holds(to)) return to;
  let [low, high] = [from, to];
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
