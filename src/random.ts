import { describe } from './rectifiers/floats.js';

/** A seeded stream of pseudo-random numbers: the same seed gives the same numbers wherever V8 runs, its uniform numbers everywhere. */
export interface Random {
  /** The next number, uniform on [0, 1), a multiple of 2^-32. */
  uniform(): number;
  /** The next number of the standard normal distribution (mean 0, variance 1). */
  normal(): number;
  /** The next whole number, uniform on 0 … n - 1, for n from 1 to 2^32. */
  integer(n: number): number;
}

/**
 * A generator for the given seed (any number): xoshiro128**, its state filled by splitmix32; normals by Box and Muller, whose logarithm, sine and cosine engines
 * other than V8 may round differently. Not for cryptography. Throws a TypeError for a seed that is no number.
 *
 * @example
 * import { createRandom } from 'reluminate/theory';
 * const random = createRandom(1);
 * [random.uniform(), random.uniform()].map(x => x.toFixed(6)); // => ["0.552742", "0.836517"]
 * random.integer(6); // => 3
 */
export function createRandom(seed: number): Random {
  if (typeof seed !== 'number' || Number.isNaN(seed))
    throw new TypeError(`createRandom: seed must be a number, got ${describe(seed)}`);
  const [low, high] = new Uint32Array(Float64Array.of(seed).buffer);
  const expand = splitmix32(low! ^ Math.imul(high!, 0x9e3779b1));
  const next = xoshiro128(expand(), expand(), expand(), expand());
  const uniform = () => next() / 2 ** 32;
  let spare: number | null = null;

  const normal = () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    // 1 - uniform() is never 0, so the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };

  return { uniform, normal, integer: n => Math.floor(uniform() * n) };
}

/** Steele, Lea and Flood's splitmix in 32 bits, which spreads one word over many; each call gives a whole number in [0, 2^32). */
function splitmix32(state: number): () => number {
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** Blackman and Vigna's xoshiro128** (prng.di.unimi.it); each call gives a whole number in [0, 2^32). */
function xoshiro128(a: number, b: number, c: number, d: number): () => number {
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
}
