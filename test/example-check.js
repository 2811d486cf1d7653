/* What the modules made from examples check their values with. */
import { isDeepStrictEqual } from 'node:util';

const plain = value => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** Compares values as JSON sees them, and counts how many were compared. */
export function checker() {
  let count = 0;
  const check = (got, want) => {
    count++;
    if (!isDeepStrictEqual(plain(got), plain(want)))
      throw new Error(`got ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
  };
  return { check, count: () => count };
}
