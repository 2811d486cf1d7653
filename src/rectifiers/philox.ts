import { describe } from './floats.js';

/** One round's multiplication: the high 32 bits of a * b, whose low ones are `low`. float64 has the product to within 2^11. */
const high = (a: number, b: number, low: number): number => Math.round((a * b - low) / 2 ** 32);

/** `philox` for loops: counter and key as words, lowest first, and the four numbers written to `out`. */
export function philoxInto(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    const high0 = high(0xd2511f53, c0, low0);
    const high1 = high(0xcd9e8d57, c2, low1);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

function refuseWords(name: string, words: unknown, count: number): void {
  if (!Array.isArray(words) || words.length !== count || !words.every(Number.isInteger))
    throw new TypeError(`philox: ${name} must be an array of ${count} 32-bit whole numbers, got ${describe(words)}`);
}

/**
 * Philox4x32-10, Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3": four 32-bit random numbers as a
 * function of a 128-bit counter and a 64-bit key, both given as 32-bit words, lowest first. Having no state, it gives any part of a
 * stream at any time, on any thread.
 *
 * @example
 * import { philox } from 'reluminate';
 * Array.from(philox([0, 0, 0, 0], [0, 0])); // => [1713891541, 3781805453, 3159862348, 2600524760]
 */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): Uint32Array<ArrayBuffer> {
  refuseWords('counter', counter, 4);
  refuseWords('key', key, 2);
  const numbers = new Uint32Array(4);
  philoxInto(numbers, ...counter, ...key);
  return numbers;
}
