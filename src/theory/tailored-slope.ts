import { finite } from '../rectifiers/parameters.js';
import { bisect } from './bisect.js';
import { leakyCorrelation } from './leaky-correlation.js';
import { largestThrough, type NetworkLike, type NetworkStructure, structureOf } from './network-map.js';

/** A slope tailored to a network. */
export interface TailoredSlope {
  /** a, from 0 to 1. */
  readonly negativeSlope: number;
  /** √(2/(1 + a²)): what outputs are multiplied by where weights have σ_w² = 1, or else the gain of the weights. */
  readonly outputScale: number;
  /** What the network makes of correlation 0 with this slope: η, to rounding. */
  readonly reached: number;
}

export interface TailoredSlopeOptions {
  /** η, between 0 and 1 (default 0.9): what the network is to make of the correlation of two orthogonal inputs. */
  readonly eta?: number | undefined;
}

/** Deepest plain network that is looked at. */
const deepest = 100_000;

function checkEta(operation: string, eta: number): number {
  if (!(finite(operation, 'eta', eta) > 0 && eta < 1))
    throw new RangeError(`${operation}: eta must be greater than 0 and less than 1, got ${eta}`);
  return eta;
}

/** The largest C_f(0) over the subnetworks f, with leaky ReLUs of slope a: falls from ReLU's at a = 0 to 0 at a = 1. */
const reached = (structure: NetworkStructure, slope: number): number =>
  largestThrough(structure, 0, c => leakyCorrelation(c, slope));

/**
 * The largest correlation that a network makes of orthogonal inputs with any slope from 0 to 1, which is with ReLU: for every η up to
 * it there is a tailored slope. Range (0, 1). Throws as `tailoredSlope`.
 *
 * @example
 * import { reachableCorrelation } from 'reluminate/theory';
 * reachableCorrelation({ depth: 5 }).toFixed(4); // => "0.7359"
 */
export const reachableCorrelation = (network: NetworkLike): number =>
  reached(structureOf('reachableCorrelation', network), 0);

/**
 * The slope with which a network makes η of the correlation of orthogonal inputs (TAT: Zhang, Botev & Martens 2022, "Deep learning without shortcuts: shaping
 * the kernel with tailored rectifiers"): the a in [0, 1] for which the largest C_f(0) over the subnetworks f is η, to rounding, and the output scale that keeps the
 * variance. Null where there is none, because even ReLU stays below η: the network is shallow enough as it is. Exact for wide layers. Throws
 * a RangeError for η outside (0, 1), a network without rectified layers or with more than 100,000, and a description that is none or has other
 * rectifiers than the leaky ReLU replaces (ReLU, leaky ReLU, PReLU).
 *
 * @example
 * import { tailoredSlope } from 'reluminate/theory';
 * const { negativeSlope, outputScale } = tailoredSlope({ depth: 100 });
 * negativeSlope.toFixed(6); // => "0.570440"
 * outputScale.toFixed(6); // => "1.228404"
 * tailoredSlope({ depth: 5 }); // => null
 */
export function tailoredSlope(network: NetworkLike, { eta = 0.9 }: TailoredSlopeOptions = {}): TailoredSlope | null {
  checkEta('tailoredSlope', eta);
  const structure = structureOf('tailoredSlope', network);
  if (reached(structure, 0) < eta) return null;
  const negativeSlope = bisect(slope => reached(structure, slope) >= eta, 0, 1);
  return {
    negativeSlope,
    outputScale: Math.sqrt(2 / (1 + negativeSlope * negativeSlope)),
    reached: reached(structure, negativeSlope),
  };
}

/**
 * The depth of the shallowest plain network that has a tailored slope for η, from 1 up; null where that takes more than 100,000 layers. Throws a
 * RangeError for η outside (0, 1).
 *
 * @example
 * import { minTailoredDepth } from 'reluminate/theory';
 * minTailoredDepth(0.9); // => 13
 */
export function minTailoredDepth(eta: number): number | null {
  checkEta('minTailoredDepth', eta);
  for (let depth = 1, c = 0; depth <= deepest; depth++) {
    c = leakyCorrelation(c, 0);
    if (c >= eta) return depth;
  }
  return null;
}
