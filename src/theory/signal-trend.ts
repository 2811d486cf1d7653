/** What becomes of a signal on its way through a network. */
export type SignalVerdict = 'vanishing' | 'stable' | 'exploding';

/** How a norm changes from one end of a network to the other. */
export interface SignalTrend {
  /** The norm where the signal leaves over the norm where it enters; 0 or Infinity where that is outside the range of float64. */
  readonly ratio: number;
  /** ln of the ratio. */
  readonly logRatio: number;
  /** The factor which, for each layer alike, gives the ratio. */
  readonly factorPerLayer: number;
  /** `'stable'` while the ratio is between 1/`stableWithin` and `stableWithin`. */
  readonly verdict: SignalVerdict;
}

/**
 * A norm that changes by more than this factor on its way is said to vanish or to explode. Xavier's weights divide the norm of a ReLU network's
 * gradient by √2 in every layer: with them He et al. 2015 (figures 2 and 3) trained 22 layers, a factor of 2^11, though it started late,
 * and failed at 30, a factor of 2^15. A factor of 100 warns before either.
 */
export const stableWithin = 100;

/** The trend of a norm whose ratio has this logarithm, over so many layers. */
export function trendOf(logRatio: number, layers: number): SignalTrend {
  const verdict =
    logRatio < -Math.log(stableWithin) ? 'vanishing' : logRatio > Math.log(stableWithin) ? 'exploding' : 'stable';
  return { ratio: Math.exp(logRatio), logRatio, factorPerLayer: Math.exp(logRatio / layers), verdict };
}
