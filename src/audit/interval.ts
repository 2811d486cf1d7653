/** The standard normal's 97.5 % point, for two-sided 95 % intervals. */
const z = 1.959963984540054;

/**
 * A 95 % confidence interval for the share of inputs on which a unit fires, when it fired on `fired` of `samples`.
 * At 0 and at all samples it is the exact one-sided bound, 1 - 0.05^(1/n) (about 3/n); between, Wilson's score interval (Wilson 1927,
 * "Probable inference, the law of succession, and statistical inference"), which keeps its level at small n (Agresti and Coull 1998).
 *
 * @example
 * import { firingInterval } from 'reluminate/audit';
 * firingInterval(0, 300).high.toFixed(4); // => "0.0099"
 * firingInterval(150, 300).low.toFixed(3); // => "0.444"
 */
export function firingInterval(fired: number, samples: number): { low: number; high: number } {
  if (fired === 0) return { low: 0, high: 1 - 0.05 ** (1 / samples) };
  if (fired === samples) return { low: 0.05 ** (1 / samples), high: 1 };
  const share = fired / samples;
  const weight = 1 + (z * z) / samples;
  const centre = (share + (z * z) / (2 * samples)) / weight;
  const half = (z / weight) * Math.sqrt((share * (1 - share)) / samples + (z * z) / (4 * samples * samples));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
