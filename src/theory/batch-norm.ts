import { describe } from '../rectifiers/floats.js';
import { finite } from '../rectifiers/parameters.js';
import { slopeValue } from '../rectifiers/piecewise-linear.js';

/**
 * One channel of batch norm, the slope behind it and the weights that read it. The channel's normalized pre-activation z adds
 * nextWeights[j] f_a(gamma z + beta) to the sum of unit j of the next layer, f_a(x) = x for x > 0, a x else.
 */
export interface NormalizedUnit {
  readonly gamma: number;
  readonly beta: number;
  /** The slope a: any finite number. */
  readonly negativeSlope: number;
  /** The weight of each unit of the next layer that reads the channel: one or more. */
  readonly nextWeights: readonly number[];
  /** Whether the next layer has biases, or a batch norm of its own, that take up a constant (default true). */
  readonly nextHasBias?: boolean | undefined;
}

/** The one representative of all parameters that compute the same. */
export interface CanonicalUnit {
  /** 1; -1 for slope 0 behind a negative gamma, which has no mirror image; 0 for a constant. */
  readonly gamma: 1 | -1 | 0;
  readonly beta: number;
  readonly negativeSlope: number;
  readonly nextWeights: readonly number[];
  /** What is added to the bias of each unit of the next layer: 0 unless the unit is constant or a line. */
  readonly nextBiasShift: readonly number[];
}

/** What the unit adds to each unit of the next layer at a normalized pre-activation z. */
export const contributions = (
  { gamma, beta, negativeSlope, nextWeights }: NormalizedUnit,
  z: number,
): readonly number[] => {
  const activation = slopeValue(gamma * z + beta, negativeSlope);
  return nextWeights.map(weight => weight * activation);
};

/** Throws unless the parameters are finite numbers and something reads the unit. */
export function checkUnit(operation: string, { gamma, beta, negativeSlope, nextWeights }: NormalizedUnit): void {
  finite(operation, 'gamma', gamma);
  finite(operation, 'beta', beta);
  finite(operation, 'negativeSlope', negativeSlope);
  if (!Array.isArray(nextWeights) || nextWeights.length === 0)
    throw new RangeError(`${operation}: nextWeights must hold one weight or more, got ${describe(nextWeights)}`);
  nextWeights.forEach((weight, at) => {
    finite(operation, `nextWeights[${at}]`, weight);
  });
}

/** The canonical form of a unit that has passed `checkUnit`, whatever its next weights; one that nothing reads is not recognized yet. */
function reduce({ gamma, beta, negativeSlope, nextWeights, nextHasBias = true }: NormalizedUnit): CanonicalUnit {
  const times = (factor: number) => nextWeights.map(weight => factor * weight + 0);
  const none = times(0);
  if (gamma === 0) {
    const level = times(slopeValue(beta, negativeSlope));
    const [weights, shift] = nextHasBias ? [none, level] : [level, none];
    return { gamma: 0, beta: 1, negativeSlope: 0, nextWeights: weights, nextBiasShift: shift };
  }
  if (negativeSlope === 1 && nextHasBias)
    return { gamma: 1, beta: 0, negativeSlope: 1, nextWeights: times(gamma), nextBiasShift: times(beta) };
  const unshifted = { nextBiasShift: none };
  if (gamma < 0 && negativeSlope === 0)
    return { gamma: -1, beta: beta / -gamma + 0, negativeSlope: 0, nextWeights: times(-gamma), ...unshifted };
  const [slope, factor] = gamma > 0 ? [negativeSlope, gamma] : [1 / negativeSlope, negativeSlope * gamma];
  return { gamma: 1, beta: beta / gamma + 0, negativeSlope: slope, nextWeights: times(factor), ...unshifted };
}

/**
 * The canonical form of a channel with batch norm: the same function of z with gamma 1 wherever there is one, so that two units
 * compute the same exactly when their canonical forms are equal. For gamma > 0 the scale moves into the next weights,
 * f_a(γ z + β) = γ f_a(z + β/γ); for gamma < 0 the slope is mirrored besides, = aγ f_{1/a}(z + β/γ), unless a = 0. A constant moves
 * into the next biases, and so does the shift of a line (a = 1).
 *
 * Each number of the result is rounded at most twice (no rounding where gamma and the slope are powers of two). Throws a
 * RangeError for parameters that are not finite, no next weights, and quotients beyond float64.
 *
 * @example
 * import { canonicalForm } from 'reluminate/theory';
 * const unit = canonicalForm({ gamma: -0.5, beta: 0.25, negativeSlope: 0.25, nextWeights: [1, 2] });
 * unit.beta; // => -0.5
 * unit.negativeSlope; // => 4
 * unit.nextWeights; // => [-0.125, -0.25]
 */
export function canonicalForm(unit: NormalizedUnit): CanonicalUnit {
  checkUnit('canonicalForm', unit);
  const reduced = reduce(unit);
  const isRead = reduced.nextWeights.some(weight => weight !== 0);
  const canonical: CanonicalUnit = isRead ? reduced : { ...reduced, gamma: 0, beta: 0, negativeSlope: 0 };
  const { beta, negativeSlope, nextWeights, nextBiasShift } = canonical;
  for (const [name, value] of [
    ['beta / gamma', beta],
    ['1 / negativeSlope', negativeSlope],
    ['gamma times a next weight', nextWeights.find(weight => !Number.isFinite(weight)) ?? 0],
    ['the shift of a next bias', nextBiasShift.find(shift => !Number.isFinite(shift)) ?? 0],
  ] as const)
    if (!Number.isFinite(value)) throw new RangeError(`canonicalForm: ${name} must be a float64, got ${value}`);
  return canonical;
}

/** Points at which two functions with one kink each, at most, agree only if they agree everywhere. */
function tellingPoints(units: readonly CanonicalUnit[]): number[] {
  const kinks = units.map(({ gamma, beta }) => -gamma * beta);
  const reach = Math.max(1, ...kinks.map(Math.abs));
  return [...kinks, Math.min(...kinks) - reach, Math.max(...kinks) + reach];
}

/**
 * Whether two channels with batch norm compute the same function of z, so that no data can tell their parameters apart. Where the
 * next layer has biases these are taken to make up for any constant. They may differ by `tolerance` of the largest value at the points
 * that decide (default 1e-9). Throws a RangeError for what `canonicalForm` refuses, different numbers of next weights,
 * `nextHasBias` of one and not the other, and a tolerance below 0.
 *
 * @example
 * import { indistinguishable } from 'reluminate/theory';
 * const unit = { gamma: -1, beta: 0.5, negativeSlope: 0.5, nextWeights: [4] };
 * indistinguishable(unit, { gamma: 2, beta: -1, negativeSlope: 2, nextWeights: [-1] }); // => true
 * indistinguishable(unit, { ...unit, gamma: 1 }); // => false
 */
export function indistinguishable(
  p: NormalizedUnit,
  q: NormalizedUnit,
  { tolerance = 1e-9 }: { readonly tolerance?: number | undefined } = {},
): boolean {
  const operation = 'indistinguishable';
  if (finite(operation, 'tolerance', tolerance) < 0)
    throw new RangeError(`${operation}: tolerance must be at least 0, got ${tolerance}`);
  const [a, b] = [canonicalForm(p), canonicalForm(q)];
  const { nextHasBias = true } = p;
  if (a.nextWeights.length !== b.nextWeights.length)
    throw new RangeError(
      `${operation}: both units must have as many next weights, got ${a.nextWeights.length} and ${b.nextWeights.length}`,
    );
  if (nextHasBias !== (q.nextHasBias ?? true))
    throw new RangeError(`${operation}: nextHasBias must be the same for both units, got ${nextHasBias} for one only`);
  const points = tellingPoints([a, b]);
  const [left, right] = [a, b].map(unit => points.map(z => contributions(unit, z))) as [number[][], number[][]];
  const largest = Math.max(0, ...[left, right].flat(2).map(Math.abs));
  return a.nextWeights.every((_, row) => {
    const differences = points.map((_, at) => (left[at]?.[row] as number) - (right[at]?.[row] as number));
    const constant = nextHasBias ? (differences[0] as number) : 0;
    return differences.every(difference => Math.abs(difference - constant) <= tolerance * largest);
  });
}
