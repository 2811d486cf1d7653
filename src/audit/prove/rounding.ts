/**
 * How far float32 arithmetic can be off. Model: fl(a op b) = (a op b)(1 + d) with |d| <= u = 2^-24, results below 2^-126 may be flushed to 0.
 * A sum of n products in any order, with or without fused multiply-add, then lies within γ_n·Σ|wᵢ xᵢ| of the exact one,
 * γ_n = n·u / (1 − n·u). Higham 2002, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.1.
 */
const unitRoundoff = 2 ** -24;

/** Roundings beside those of the sum: an engine may fold batch norm, factors and shifts into weights and bias, a handful of roundings each. */
const margin = 32;

/** Beyond so many terms γ is of no use. */
const mostTerms = 2 ** 22;

const gamma = (terms: number): number => (terms * unitRoundoff) / (1 - terms * unitRoundoff);

/**
 * The share of Σ|wᵢ xᵢ| + |b| by which a bound of a sum of `terms` products must be widened: once γ for the network's own arithmetic, once for that
 * of the bound itself, which is float32 too, and a tenth for the arithmetic on this very share. Null for sums too long to say anything.
 */
export const roundingShare = (terms: number): number | null =>
  terms + margin > mostTerms ? null : 2.2 * gamma(terms + margin);

/** What flushed subnormal numbers can add to the error of a sum of `terms` products with factors up to `largest`: each product and each input may be flushed. */
export const underflow = (terms: number, largest: number): number => (terms + margin) * (1 + largest) * 2 ** -124;

/** Share by which results of exp, tanh, erf and their like, and 1 beside them, may be off in ONNX Runtime's vectorized kernels: several times what its tests allow. */
export const smoothShare = 2 ** -18;

const bits = new DataView(new ArrayBuffer(4));

/** The largest float32 that is not above x. */
export function downToFloat32(x: number): number {
  const near = Math.fround(x);
  if (!(near > x)) return near;
  if (near === 0) return -(2 ** -149);
  bits.setFloat32(0, near);
  bits.setInt32(0, bits.getInt32(0) + (near > 0 ? -1 : 1));
  return bits.getFloat32(0);
}

/** The smallest float32 that is not below x. */
export const upToFloat32 = (x: number): number => -downToFloat32(-x);
