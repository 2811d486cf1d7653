/* What a benchmark is meant to reach beside what it reached. */
import { quantile, spread } from './statistics.js';

/**
 * Prints a line for each aim: `what` is measured by `ratios`, whose median is to be at least `atLeast` or at most `atMost`.
 * An aim that is missed is printed as such; the page that shows the figures says why.
 */
export function printAims(aims) {
  console.log('\naims, by the median');
  for (const { what, ratios, atLeast, atMost } of aims) {
    const median = quantile(ratios, 0.5);
    const isMet = atLeast === undefined ? median <= atMost : median >= atLeast;
    const bound = atLeast === undefined ? `≤ ${atMost.toFixed(2)}` : `≥ ${atLeast.toFixed(2)}`;
    console.log(`  ${what.padEnd(60)} ${bound}   ${spread(ratios, 2)}   ${isMet ? 'met' : 'missed'}`);
  }
}
