import { normalCdf, normalDensity } from '../rectifiers/normal.js';
import { finite } from '../rectifiers/parameters.js';

/**
 * The x with Φ(x) = p, for 0 < p < 1. Newton's method on ln Φ, which is concave: from the left of the root, −√(−2 ln p), it rises to the root
 * and never passes it. p above 1/2 is mirrored. Throws a RangeError for other p.
 *
 * @example
 * import { normalQuantile } from 'reluminate/theory';
 * normalQuantile(0.5); // => 0
 * normalQuantile(0.975).toFixed(9); // => "1.959963985"
 */
export function normalQuantile(p: number): number {
  if (!(finite('normalQuantile', 'p', p) > 0 && p < 1))
    throw new RangeError(`normalQuantile: p must be above 0 and below 1, got ${p}`);
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p === 0.5) return 0;
  let x = -Math.sqrt(-2 * Math.log(p));
  for (;;) {
    const below = normalCdf(x);
    const next = x + (Math.log(p / below) * below) / normalDensity(x);
    if (!(next > x)) return x;
    x = next;
  }
}
