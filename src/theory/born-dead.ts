import { describe } from '../rectifiers/floats.js';
import { finite, whole } from '../rectifiers/parameters.js';
import { isRelu } from './can-die.js';
import type { WeightDistribution } from './initializer.js';
import type { NetworkDescription } from './network.js';

/** A ReLU network without biases, whose weights are independent, continuous and symmetric about 0. */
export interface BornDeadNetwork {
  /** Units of each hidden layer, first to last; none for a network of depth 1. */
  readonly hiddenWidths: readonly number[];
  /** d, the number of inputs (default 1). */
  readonly inputs?: number | undefined;
  /** Of weights (default `'normal'`); some values are known for normal weights only. `'orthogonal'` ones are not independent, and refused. */
  readonly distribution?: WeightDistribution | undefined;
}

/** Between what the probability lies that a network is constant at initialization: all inputs meet a layer that is silent. */
export interface BornDeadBounds {
  readonly lower: number;
  readonly upper: number;
  /** The probability that one given input, not 0, meets a silent layer: exact, and the upper bound of Lu et al. */
  readonly pointDeath: number;
  /** The probability itself where it is known, else null. */
  readonly exact: number | null;
}

/** 1 − Π (1 − p) with all digits of small results. */
const anyOf = (probabilities: readonly number[]): number =>
  0 - Math.expm1(probabilities.reduce((sum, p) => sum + Math.log1p(-p), 0));

/** The probability that n fair coins all fall tails. */
const tails = (n: number): number => 2 ** -n;

/**
 * The lower bound of Lu et al. 2019, section 3, layer by layer and so for layers of different widths: the activations of x = 1 and x = −1 are linearly
 * independent (`both`), parallel or one of them 0 (`one`), or both 0 (`dead`). Every step is the least that can be lost.
 */
function lowerForOneInput([first = 1, ...others]: readonly number[]): number {
  let [dead, one] = [0, tails(first - 1)];
  let both = 1 - one;
  for (const width of others) {
    const [half, quarter] = [tails(width), tails(2 * width)];
    dead += both * quarter + one * half;
    one = one * (1 - half) + both * (2 * half + (width - 2) * quarter);
    both *= 1 - 2 * half - (width - 1) * quarter;
  }
  return dead;
}

/** What is known of networks with more inputs: a layer is silent for all of them where none of its weights is positive. */
const lowerForInputs = (widths: readonly number[]): number =>
  anyOf(widths.slice(1).map((width, at) => tails(width * (widths[at] as number))));

/**
 * On a line through 0 the first layer is never silent on both sides; the second is with 4^−N where both sides are active, with 2^−N
 * where one is; every later one with at most 2^−N.
 */
function upperBound([first = 1, second, ...others]: readonly number[]): number {
  if (second === undefined) return 0;
  const one = tails(first - 1);
  return anyOf([(1 - one) * tails(2 * second) + one * tails(second), ...others.map(tails)]);
}

/**
 * Three hidden layers, two units in the second, normal weights, one input. With both sides active in the first layer, the second
 * one's two rows are independent directions; θ = π s/2 is the angle between the sides' activations behind it, and the third is silent with
 * ((π − θ)/2π)^N = p^N, p = 1/2 − s/4. s is |s₁ − s₂| of two uniform numbers with probability 1/16, 0 with 2/16, uniform with 4/16, 1 with
 * 2/16; in 6/16 one side is silent, in 1/16 both are.
 */
function threeLayersOfTwo(first: number, third: number): number {
  const between = (power: number) => (tails(power) - tails(2 * power)) / power;
  const uniform = 4 * between(third + 1);
  const difference = 8 * (4 * between(third + 2) - between(third + 1));
  const active = (difference + 2 * tails(third) + 4 * uniform + 2 * tails(2 * third) + 6 * tails(third) + 1) / 16;
  const one = tails(first - 1);
  return (1 - one) * active + one * anyOf([tails(2), tails(third)]);
}

function exactValue(widths: readonly number[], inputs: number, distribution: WeightDistribution): number | null {
  const [first, second, third] = widths as [number, number, number];
  if (widths.length < 2) return 0;
  if (first === 1) return anyOf(widths.slice(1).map(tails));
  if (inputs > 1) return null;
  if (widths.length === 2) return upperBound(widths);
  return widths.length === 3 && second === 2 && distribution === 'normal' ? threeLayersOfTwo(first, third) : null;
}

/**
 * The hidden widths of a network of `depth` layers of weights, all of `width` units: depth − 1 of them. Throws a RangeError unless both are
 * whole numbers from 1 up, and for a depth above 1,000,000.
 *
 * @example
 * import { hiddenWidths } from 'reluminate/theory';
 * hiddenWidths(4, 3); // => [4, 4]
 */
export function hiddenWidths(width: number, depth: number): number[] {
  whole('hiddenWidths', 'width', width, 1);
  if (whole('hiddenWidths', 'depth', depth, 1) > 1e6)
    throw new RangeError(`hiddenWidths: depth must be at most 1000000, got ${depth}`);
  return new Array<number>(depth - 1).fill(width);
}

/**
 * Bounds of the probability that a ReLU network is born dead, a constant function whatever its inputs, for biases of 0 and independent,
 * symmetric weights of any scale. Lu, Shin, Su & Karniadakis 2019, "Dying ReLU and initialization: theory and numerical examples", section 3;
 * the upper bound is a tighter one (docs/theory/born-dead.md). To about 1e-15 relative, for the tiniest probabilities
 * too. Throws a RangeError for widths that are not whole numbers from 1 up and for orthogonal weights.
 *
 * @example
 * import { bornDeadBounds, hiddenWidths } from 'reluminate/theory';
 * bornDeadBounds({ hiddenWidths: [2, 2] }).exact; // => 0.15625
 * const { lower, upper, pointDeath } = bornDeadBounds({ hiddenWidths: hiddenWidths(4, 10) });
 * [lower, upper, pointDeath].map(p => p.toFixed(4)); // => ["0.2042", "0.3706", "0.4406"]
 */
export function bornDeadBounds({
  hiddenWidths: widths,
  inputs = 1,
  distribution = 'normal',
}: BornDeadNetwork): BornDeadBounds {
  if (!Array.isArray(widths))
    throw new TypeError(`bornDeadBounds: hiddenWidths must be an array of widths, got ${describe(widths)}`);
  widths.forEach((width, at) => {
    whole('bornDeadBounds', `width ${at}`, width, 1);
  });
  whole('bornDeadBounds', 'inputs', inputs, 1);
  if (distribution === 'orthogonal')
    throw new RangeError("bornDeadBounds: distribution must be one of independent weights, got 'orthogonal'");
  const exact = exactValue(widths, inputs, distribution);
  const lower = inputs === 1 ? lowerForOneInput(widths) : lowerForInputs(widths);
  return {
    lower: inputs > 1 && widths[0] === 1 ? (exact as number) : lower,
    upper: upperBound(widths),
    pointDeath: anyOf(widths.map(tails)),
    exact,
  };
}

/** The bounds for described layers up to the last that counts; null where they do not apply: other rectifiers, biases, orthogonal weights. */
export function boundsOfNetwork(layers: NetworkDescription, inputs: number): BornDeadBounds | null {
  const applies = layers.every(
    ({ rectifier, biasVariance, distribution }) =>
      rectifier !== null && isRelu(rectifier) && biasVariance === 0 && distribution !== 'orthogonal',
  );
  if (!applies) return null;
  const distribution = layers.every(layer => layer.distribution === 'normal') ? 'normal' : 'uniform';
  return bornDeadBounds({ hiddenWidths: layers.map(({ fanOut }) => fanOut), inputs, distribution });
}

/** How wide a network has to be. */
export interface MinimalWidth {
  /** At this width the upper bound is within the probability wanted: wide enough for certain. */
  readonly sufficient: number;
  /** Below this width the lower bound is beyond it: too narrow for certain. */
  readonly necessary: number;
}

/**
 * The width from which on a network of `depth` layers of weights is born dead with at most the given probability (above 0, below 1), by both
 * bounds of `bornDeadBounds`: the answer lies between. Throws a RangeError for other probabilities and depths.
 *
 * @example
 * import { minimalWidth } from 'reluminate/theory';
 * minimalWidth({ depth: 10, probability: 0.01 }); // => { "sufficient": 10, "necessary": 7 }
 */
export function minimalWidth({
  depth,
  probability,
  inputs = 1,
}: {
  readonly depth: number;
  readonly probability: number;
  readonly inputs?: number;
}): MinimalWidth {
  if (!(finite('minimalWidth', 'probability', probability) > 0 && probability < 1))
    throw new RangeError(`minimalWidth: probability must be above 0 and below 1, got ${probability}`);
  const narrowest = (bound: 'lower' | 'upper'): number => {
    const isWithin = (width: number) =>
      bornDeadBounds({ hiddenWidths: hiddenWidths(width, depth), inputs })[bound] <= probability;
    let [below, width] = [0, 1];
    for (; !isWithin(width); width *= 2) below = width;
    while (width - below > 1) {
      const middle = Math.floor((below + width) / 2);
      if (isWithin(middle)) width = middle;
      else below = middle;
    }
    return width;
  };
  return { sufficient: narrowest('upper'), necessary: narrowest('lower') };
}
