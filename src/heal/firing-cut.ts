/** Revived units fire on between 10 % and 90 % of their positions. */
export const leastFiring = 0.1;
export const mostFiring = 0.9;

/**
 * The threshold nearest the median that leaves a share of 10 % to 90 % of the numbers above it, halfway between two neighbours that differ; null where numbers
 * that hardly differ have none.
 */
export function firingCut(values: Float64Array): number | null {
  const sorted = values.slice().sort();
  const count = sorted.length;
  const middle = count / 2;
  const separates = (at: number) => at > 0 && at < count && (sorted[at - 1] as number) < (sorted[at] as number);
  for (let away = 0; away <= middle; away++) {
    for (const at of [Math.floor(middle) - away, Math.ceil(middle) + away]) {
      const share = (count - at) / count;
      if (!separates(at) || share < leastFiring || share > mostFiring) continue;
      return ((sorted[at - 1] as number) + (sorted[at] as number)) / 2;
    }
  }
  return null;
}
