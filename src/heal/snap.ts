/** Numbers to which slopes are snapped: powers of two with either sign and 0, or multiples of 1/256. */
export type Snap = 'power-of-two' | 'n/256';

/** The power of two nearest to a size above 0; halfway, the smaller one. */
function nearestPower(size: number): number {
  // From 2^-149, the smallest float32, so that no slope that is not 0 becomes 0.
  const low = 2 ** Math.max(-149, Math.floor(Math.log2(size)));
  // The logarithm may be off by one in its last bit.
  const candidates = [low / 2, low, 2 * low, 4 * low].filter(power => power >= 2 ** -149);
  return candidates.reduce((best, power) => (Math.abs(size - power) < Math.abs(size - best) ? power : best));
}

/** The nearest number that a target can hold. NaN and infinities stay as they are. */
export function snapped(slope: number, snap: Snap): number {
  if (!Number.isFinite(slope) || slope === 0) return slope;
  if (snap === 'n/256') return Math.round(slope * 256) / 256;
  return Math.sign(slope) * nearestPower(Math.abs(slope));
}
