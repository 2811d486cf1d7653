import { finite } from '../rectifiers/parameters.js';
import { bisect } from './bisect.js';
import { largestThrough, type NetworkLike, structureOf } from './network-map.js';

/** A leaky ReLU shaped by Deep Kernel Shaping: y = outputScale (f(x) + outputShift). */
export interface DksLeaky {
  /** a, from 0 to 1. */
  readonly negativeSlope: number;
  /** -E f(z) = -(1 - a)/√(2π), so that C(0) = 0. */
  readonly outputShift: number;
  /** 1/√((1 + a²)/2 - (1 - a)²/(2π)), so that the variance is kept with weights of σ_w² = 1. */
  readonly outputScale: number;
  /** C'(1) of one layer. */
  readonly localSlope: number;
}

export interface DksOptions {
  /** ζ, above 1 (default 1.5): the largest C_f'(1) over the subnetworks f. */
  readonly zeta?: number | undefined;
}

/**
 * The leaky ReLU with which a network's correlation map has slope ζ at 1 and keeps 0 (DKS: Martens et al. 2021, "Rapid training of deep neural networks
 * without skip connections or normalization layers using Deep Kernel Shaping"). In closed form given a layer's slope ζ_l, which is
 * ζ^(1/depth) for a plain network: (1 - a)²/(1 + a²) = π (1 - 1/ζ_l). Null where no slope in [0, 1] does: a layer's slope ends with ReLU's, 1/(1 - 1/π) =
 * 1.4669. Throws a RangeError unless ζ > 1 and the network has from 1 to 100,000 rectified layers, and for
 * descriptions as `tailoredSlope`.
 *
 * @example
 * import { dksLeaky } from 'reluminate/theory';
 * const { negativeSlope, outputShift, outputScale } = dksLeaky({ depth: 50 });
 * [negativeSlope, outputShift, outputScale].map(x => x.toFixed(6)); // => ["0.796371", "-0.081236", "1.110766"]
 * dksLeaky({ depth: 1 }); // => null
 */
export function dksLeaky(network: NetworkLike, { zeta = 1.5 }: DksOptions = {}): DksLeaky | null {
  if (!(finite('dksLeaky', 'zeta', zeta) > 1))
    throw new RangeError(`dksLeaky: zeta must be greater than 1, got ${zeta}`);
  const structure = structureOf('dksLeaky', network);
  const localSlope =
    'depth' in structure
      ? zeta ** (1 / structure.depth)
      : bisect(slope => largestThrough(structure, 1, x => slope * x) <= zeta, 1, zeta);
  const strength = Math.PI * (1 - 1 / localSlope);
  if (strength > 1) return null;
  const negativeSlope = (1 - strength) / (1 + Math.sqrt(strength * (2 - strength)));
  const variance = (1 + negativeSlope ** 2) / 2 - (1 - negativeSlope) ** 2 / (2 * Math.PI);
  return {
    negativeSlope,
    outputShift: -(1 - negativeSlope) / Math.sqrt(2 * Math.PI),
    outputScale: 1 / Math.sqrt(variance),
    localSlope,
  };
}
