import type { Rectifier } from '../../onnx/rectifiers.js';
import { rectifierRounding } from './rectifier-rule.js';

/** Lines around a rectifier over an interval of its input, element by element: lowerSlope·x + low <= f(x) <= upperSlope·x + high, rounding included. */
export interface Relaxation {
  readonly lowerSlope: Float32Array;
  readonly upperSlope: Float32Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * The slopes of the two lines: the chord on the side on which the rectifier bends away, and on the other one of its own slopes, that which
 * leaves the smaller area (the adaptive choice of Zhang et al. 2018, "Efficient neural network robustness certification with general
 * activation functions", CROWN, section 3).
 */
function slopesOf(lower: number, upper: number, slope: number, ceiling: number): [number, number] {
  if (lower >= ceiling) return [0, 0];
  if (lower >= 0 && upper <= ceiling) return [1, 1];
  if (upper <= 0) return [slope, slope];
  const f = (x: number) => Math.min(x > 0 ? x : slope * x, ceiling);
  const chord = (f(upper) - f(lower)) / (upper - lower);
  if (upper <= ceiling) {
    const own = upper >= -lower ? 1 : slope;
    return slope <= 1 ? [own, chord] : [chord, own];
  }
  if (lower >= 0) return [chord, ceiling - lower > upper - ceiling ? 1 : 0];
  return [upper >= -lower ? ceiling / upper : slope, (ceiling - f(lower)) / (ceiling - lower)];
}

/**
 * Relaxes a piecewise linear rectifier. Whatever the slopes, the offsets are right: f(x) minus a line has its extremes at the ends of the
 * interval or at a kink. `slopes` holds one negative slope for each element.
 */
export function relax(
  rectifier: Rectifier,
  slopes: ArrayLike<number>,
  { lower, upper }: { readonly lower: ArrayLike<number>; readonly upper: ArrayLike<number> },
): Relaxation {
  const count = lower.length;
  const { ceiling } = rectifier;
  const { ofSlope, ofInput } = rectifierRounding(rectifier);
  const [lowerSlope, upperSlope] = [new Float32Array(count), new Float32Array(count)];
  const [low, high] = [new Float64Array(count), new Float64Array(count)];
  for (let at = 0; at < count; at++) {
    const [l, u, a] = [lower[at] as number, upper[at] as number, slopes[at] as number];
    const [below, above] = slopesOf(l, u, a, ceiling).map(Math.fround) as [number, number];
    let [least, most] = [Infinity, -Infinity];
    // A falling negative side meets the ceiling as well.
    for (const x of [l, u, 0, ceiling, ceiling / a]) {
      if (!(x >= l && x <= u)) continue;
      const y = Math.min(x > 0 ? x : a * x, ceiling);
      least = Math.min(least, y - below * x);
      most = Math.max(most, y - above * x);
    }
    const size = Math.max(Math.abs(l), Math.abs(u));
    // Products by 0 and 1 are exact; others, here and in the backward pass, round.
    const rounded = (slope: number) => (slope === 0 || slope === 1 ? 0 : 2 ** -21 * Math.abs(slope));
    const share = (l >= 0 ? 0 : ofSlope * Math.abs(a)) + ofInput + rounded(below) + rounded(above);
    const slack = share * size + (share > 0 ? 2 ** -120 : 0) + 2 ** -48 * (Math.abs(least) + Math.abs(most));
    lowerSlope[at] = below;
    upperSlope[at] = above;
    low[at] = least - slack;
    high[at] = most + slack;
  }
  return { lowerSlope, upperSlope, low, high };
}
