import { describe } from '../rectifiers/floats.js';
import { normalDensity } from '../rectifiers/normal.js';
import { finite, positive, whole } from '../rectifiers/parameters.js';
import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';
import { bisect } from './bisect.js';
import { gaussianMean, gaussianProduct } from './gaussian-product.js';
import { interpolated } from './interpolation.js';
import { leakyCorrelation, leakyCorrelationDerivative } from './leaky-correlation.js';

/** What a rectified layer makes of the correlation of two inputs, and how fast it changes with it. */
export interface CorrelationMap {
  /** C(c), for c in [-1, 1]. */
  value(c: number): number;
  /** C'(c), for c in [-1, 1]. */
  derivative(c: number): number;
}

/** A correlation, once it is one; what rounding has put beyond ±1 goes back there. */
export function correlation(operation: string, c: number): number {
  if (!(Math.abs(finite(operation, 'c', c)) <= 1 + 1e-9))
    throw new RangeError(`${operation}: c must be from -1 to 1, got ${c}`);
  return Math.max(-1, Math.min(1, c));
}

/** The map, once it is one and not the rectifier itself, which has a value and a derivative too. */
export function checkMap(operation: string, map: CorrelationMap): CorrelationMap {
  const isRectifier = (map as Partial<Rectifier> | null | undefined)?.moments !== undefined;
  if (isRectifier || typeof (map as Partial<CorrelationMap> | null | undefined)?.value !== 'function')
    throw new TypeError(
      `${operation}: map must be a correlation map, such as correlationMap(parseRectifier('relu')), got ${isRectifier ? 'a rectifier' : describe(map)}`,
    );
  return map;
}

const checked = (map: CorrelationMap): CorrelationMap => ({
  value: c => map.value(correlation('correlationMap', c)),
  derivative: c => map.derivative(correlation('correlationMap', c)),
});

/** Throws unless E f², which correlations are divided by, is a number above 0. */
function checkNorm({ name }: Rectifier, norm: number): void {
  if (!(norm > 0 && norm < Number.POSITIVE_INFINITY))
    throw new RangeError(`correlationMap: E f² must be positive and finite, got ${norm} for ${name}`);
}

const hasClosedForm = ({ slopeGradient, name }: Rectifier): boolean => slopeGradient !== null || name === 'relu';

/** The closed form. A random slope r, drawn for each input anew, keeps of every product what E r makes of it, and E r² of the norm. */
function slopeMap(rectifier: Rectifier): CorrelationMap {
  const { derivativeMean, secondMoment } = rectifier.moments(0, 1);
  checkNorm(rectifier, secondMoment);
  const [slope, square] = [2 * derivativeMean - 1, 2 * secondMoment - 1];
  const kept = (1 + slope * slope) / (1 + square);
  const share = Math.abs(kept - 1) < 1e-14 ? 1 : kept;
  return {
    value: c => share * leakyCorrelation(c, slope),
    derivative: c => share * leakyCorrelationDerivative(c, slope),
  };
}

/** What the jumps of f, as point masses of f', add to E f'(X) f'(Y). The masses of X and Y meet as √(1 - c²) goes to 0. */
function jumpProduct({ value, derivative, kinks }: Rectifier, c: number, std: number): number {
  const heights = kinks.map(at => value(at + Math.abs(at) * 2 ** -50) - value(at - Math.abs(at) * 2 ** -50));
  const spread = std * Math.sqrt((1 - c) * (1 + c));
  const density = (x: number, mean: number, width: number) => normalDensity((x - mean) / width) / width;
  return kinks.reduce((sum, at, j) => {
    const others = kinks.reduce((total, to, i) => total + heights[i]! * density(to, c * at, spread), 0);
    const rest = 2 * gaussianMean(derivative, kinks, c * at, spread);
    return sum + heights[j]! * density(at, 0, std) * (rest + others);
  }, 0);
}

/** By quadrature, interpolated in acos c, of which C and the smooth part of C' are smooth functions, at ±1 too. */
function quadratureMap(rectifier: Rectifier, std: number): CorrelationMap {
  const { value, derivative, kinks, lipschitz, width = 1 } = rectifier;
  const norm = gaussianProduct(value, kinks, 1, std, width);
  checkNorm(rectifier, norm);
  const tabulate = (f: (x: number) => number, scale: number) => {
    let table: ((angle: number) => number) | undefined;
    const entry = (angle: number) => (gaussianProduct(f, kinks, Math.cos(angle), std, width) * scale) / norm;
    return (c: number) => {
      table ??= interpolated(entry, 0, Math.PI, 1e-7);
      return table(Math.acos(c));
    };
  };
  const slope = tabulate(derivative, std * std);
  const jumps = (c: number) =>
    c === 1 ? Number.POSITIVE_INFINITY : (jumpProduct(rectifier, c, std) * std * std) / norm;
  return {
    value: tabulate(value, 1),
    derivative: lipschitz === Number.POSITIVE_INFINITY ? c => slope(c) + jumps(c) : slope,
  };
}

/**
 * The correlation map of a rectifier: for two Gaussian pre-activations X and Y of mean 0, variance q (default 1) and correlation c,
 * C(c) = E f(X) f(Y) / E f(X)², uncentred, and C'(c) = q E f'(X) f'(Y) / E f(X)². For leaky ReLU with slope a, C(c) = c + g (√(1 - c²) - c acos c)/π with
 * g = (1 - a)²/(1 + a²), whatever q (Cho & Saul 2009, equation 6; Zhang, Botev & Martens 2022); for RReLU with slopes
 * drawn for each input anew, its closed form has C(1) < 1. For the rest quadrature, to about 1e-10 (1e-8 where f turns in a stretch that is short beside √q, and
 * there C' beside ±1 to about 1e-6), tabulated at the first call (some tenths of a second, a second or two for such f). C'(1) is infinite where f jumps. Throws a
 * RangeError for c outside [-1, 1], for a q that is not
 * positive, and where E f² is 0 or infinite in float64.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { correlationMap } from 'reluminate/theory';
 * const relu = correlationMap(parseRectifier('relu'));
 * relu.value(0) === 1 / Math.PI; // => true
 * relu.derivative(1); // => 1
 * correlationMap(parseRectifier('gelu')).value(0.5).toFixed(9); // => "0.534533001"
 */
export function correlationMap(rectifier: Rectifier, preActivationVariance = 1): CorrelationMap {
  checkRectifier('correlationMap', rectifier);
  const std = Math.sqrt(positive('correlationMap', 'preActivationVariance', preActivationVariance));
  return checked(hasClosedForm(rectifier) ? slopeMap(rectifier) : quadratureMap(rectifier, std));
}

/** C(c) for one c, without a table, to about 1e-12. */
export function correlationBehind(rectifier: Rectifier, std: number, c: number): number {
  if (hasClosedForm(rectifier)) return slopeMap(rectifier).value(c);
  const { value, kinks, width = 1 } = rectifier;
  const norm = gaussianProduct(value, kinks, 1, std, width);
  checkNorm(rectifier, norm);
  return gaussianProduct(value, kinks, c, std, width) / norm;
}

/**
 * The correlations of two inputs from layer to layer, c, C(c), C(C(c)), …: depth + 1 numbers from -1 to 1. Throws a RangeError for c outside
 * [-1, 1] and a depth that is not a whole number from 0 up.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { correlationMap, iterateCorrelation } from 'reluminate/theory';
 * iterateCorrelation(correlationMap(parseRectifier('relu')), 0, 3).map(c => c.toFixed(4)); // => ["0.0000", "0.3183", "0.4937", "0.6048"]
 */
export function iterateCorrelation(map: CorrelationMap, c: number, depth: number): number[] {
  checkMap('iterateCorrelation', map);
  const correlations = [correlation('iterateCorrelation', c)];
  for (let layer = 0; layer < whole('iterateCorrelation', 'depth', depth, 0); layer++)
    correlations.push(map.value(correlations[layer]!));
  return correlations;
}

/** Where correlations go. */
export interface CorrelationLimit {
  /** The fixed point c* = C(c*) that all correlations between -1 and 1 go to, from 0 to 1. */
  readonly correlation: number;
  /** C'(c*), at most 1: how much of a small distance to c* a layer leaves. Where it is 1 the distance falls as a power of the depth. */
  readonly rate: number;
}

/** Nearer than this to 1, a fixed point below 1 is not told from 1. */
const resolution = 1e-6;

/**
 * The correlation that all pairs of inputs go to with depth, whatever they started from (except ±1), and C' there; null for a linear function, which
 * keeps every correlation. 1 where C(1) = 1 and χ = C'(1) <= 1: inputs become the same (all leaky ReLUs, χ = 1); below 1 where χ > 1: the
 * network is chaotic, and equal inputs are told apart. C has no negative Taylor coefficients, so that it is convex on [0, 1] and
 * there is one such point. Poole et al. 2016, "Exponential expressivity"; Schoenholz et al. 2017.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { correlationMap, limitCorrelation } from 'reluminate/theory';
 * limitCorrelation(correlationMap(parseRectifier('leaky:0.2'))); // => { "correlation": 1, "rate": 1 }
 * limitCorrelation(correlationMap(parseRectifier('gelu'))).correlation.toFixed(4); // => "0.7604"
 */
export function limitCorrelation(map: CorrelationMap): CorrelationLimit | null {
  checkMap('limitCorrelation', map);
  const keepsOne = map.value(1) > 1 - 1e-12;
  if (keepsOne && map.derivative(1) <= 1 + resolution) {
    const isLinear = map.value(0) < 1e-12;
    return isLinear ? null : { correlation: 1, rate: map.derivative(1) };
  }
  const fixed = bisect(c => map.value(c) >= c, 0, 1 - resolution);
  return { correlation: fixed, rate: map.derivative(fixed) };
}
