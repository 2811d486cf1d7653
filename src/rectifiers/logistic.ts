/** The logistic function 1 / (1 + exp(-x)) without overflow: small values keep all their digits. */
export function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** x * weight for a weight that decays faster than x can grow: 0 where it has come to 0, at infinite x too. */
export const damped = (x: number, weight: number): number => (weight === 0 ? 0 : x * weight);
