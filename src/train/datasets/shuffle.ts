import type { Random } from '../../random.js';

/** Puts an array into random order, all orders equally likely, in place (Fisher & Yates 1938, as Durstenfeld 1964 does it), and returns it. */
export function shuffle<T extends { [index: number]: number; readonly length: number }>(values: T, random: Random): T {
  for (let last = values.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const value = values[last] as number;
    values[last] = values[other] as number;
    values[other] = value;
  }
  return values;
}
