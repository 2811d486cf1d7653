import type { Rectifier } from '../../onnx/rectifiers.js';

/** Bounds that a unit's pre-activation has been proved to lie in. */
export interface ProvedBounds {
  readonly lower: number;
  readonly upper: number;
}

/** What bounds prove of a unit: it never fires (`dead`), its rectifier never does anything (`linear`), or neither. */
export function provedBy(
  { threshold, ceiling }: Pick<Rectifier, 'threshold' | 'ceiling'>,
  { lower, upper }: ProvedBounds,
): 'dead' | 'linear' | null {
  if (upper <= threshold) return 'dead';
  return (threshold === 0 ? lower >= 0 : lower > threshold) && upper <= ceiling ? 'linear' : null;
}
