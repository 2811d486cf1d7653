import { describe } from '../rectifiers/floats.js';
import { slopeValue } from '../rectifiers/piecewise-linear.js';
import { type CanonicalUnit, canonicalForm, type NormalizedUnit } from './batch-norm.js';

const holders = ['learned', 'shared', 'fixed'] as const;

export interface RedundancyOptions {
  /** Whether the slope is this channel's own and learned (default), shared with other channels, or fixed. */
  readonly slope?: (typeof holders)[number] | undefined;
  /** The lowest and highest slope that a constraint allows (default: any). */
  readonly slopeRange?: readonly [number, number] | undefined;
}

/** Which parameters of a channel cannot be told apart. */
export interface Redundancies {
  readonly canonical: CanonicalUnit;
  /** Parameters of the channel: gamma, beta, the next weights, and the slope where it is learned and its own. */
  readonly parameters: number;
  /** Directions in which these can move, to first order, without any change of the function. */
  readonly redundant: number;
  /** The unit with gamma of the other sign that computes the same; null where none exists or none is allowed. */
  readonly twin: Pick<NormalizedUnit, 'gamma' | 'beta' | 'negativeSlope' | 'nextWeights'> | null;
  /** What cannot be told apart, and why, in plain words. */
  readonly sentences: readonly string[];
}

/** The rank of the map from the parameters to the function of z, constants left out where the next biases take them up. */
function rank({ gamma, beta, negativeSlope, nextWeights, nextHasBias = true }: NormalizedUnit, isOwn: boolean): number {
  const rows = nextWeights.length;
  const own = Number(isOwn);
  const constant = slopeValue(beta, negativeSlope);
  const isRead = nextWeights.some(weight => weight !== 0);
  const isLevel = !nextHasBias && constant !== 0;
  if (!isRead) return gamma !== 0 || isLevel ? rows : 0;
  if (gamma !== 0) return negativeSlope !== 1 ? rows + 1 + own : rows + own + Number(!nextHasBias);
  const moves = beta >= 0 || negativeSlope !== 0;
  const shifts = !nextHasBias && (moves || (isOwn && beta < 0));
  return Number(moves) + (isLevel ? rows : Number(shifts));
}

/** A number in a sentence. */
const text = (value: number): string =>
  String(Number(value.toPrecision(6)))
    .replaceAll('-', '\u2212')
    .replace('Infinity', '∞');

type Twin = { readonly twin: NonNullable<Redundancies['twin']>; readonly why: null } | { twin: null; why: string };

/** The mirror image of a unit with gamma other than 0, or why there is none. */
function mirrored(
  { gamma, beta, negativeSlope, nextWeights }: NormalizedUnit,
  { slope = 'learned', slopeRange: [lowest, highest] = [-Infinity, Infinity] }: RedundancyOptions,
): Twin {
  const told = (why: string): Twin => ({ twin: null, why });
  if (negativeSlope === 0)
    return told(
      'The sign of gamma can be told: a rectifier of slope 0 has no mirror image, as it is flat on one side only and the sign says on which.',
    );
  const other = 1 / negativeSlope;
  if (!Number.isFinite(other))
    return told(`The sign of gamma can be told: its twin has slope 1/${text(negativeSlope)}, beyond float64.`);
  if (other !== negativeSlope && slope !== 'learned')
    return told(
      `The sign of gamma can be told: its twin has slope ${text(other)}, and the slope is ${slope === 'fixed' ? 'fixed' : 'shared with channels that would have to change too'}.`,
    );
  if (other < lowest || other > highest)
    return told(
      `The sign of gamma can be told: its twin has slope ${text(other)}, outside the allowed ${text(lowest)} to ${text(highest)}.`,
    );
  const twin = { gamma: -gamma + 0, beta: -beta + 0, negativeSlope: other };
  return { twin: { ...twin, nextWeights: nextWeights.map(weight => -negativeSlope * weight + 0) }, why: null };
}

function sentencesOf(unit: NormalizedUnit, { twin, why }: Twin | { twin: null; why: null }): string[] {
  const { gamma, negativeSlope, nextWeights, nextHasBias = true } = unit;
  const biases = nextHasBias ? ", and the next layer's biases take up the constant" : '';
  if (nextWeights.every(weight => weight === 0))
    return ['The next weights are all 0: gamma, beta and the slope cannot be told, as nothing reads the channel.'];
  if (gamma === 0)
    return [
      `Gamma is 0, so the channel is constant: beta, the slope and the next weights cannot be told apart${biases}.`,
    ];
  const scale =
    'Gamma, beta and the next weights share a scale: (t gamma, t beta, next weights / t) computes the same for every t > 0.';
  if (negativeSlope === 1)
    return [
      scale.replace('every t > 0', 'every t other than 0'),
      `The slope is 1, so the channel is a line${nextHasBias ? ": beta cannot be told from the next layer's biases" : ''}.`,
    ];
  if (why !== null) return [scale, why];
  return twin === null
    ? [scale]
    : [
        scale,
        `The sign of gamma and the slope cannot be told apart: gamma ${text(twin.gamma)}, beta ${text(twin.beta)}, slope ${text(twin.negativeSlope)} and next weights times ${text(-negativeSlope)} compute the same.`,
      ];
}

/**
 * Which parameters of a channel with batch norm cannot be told apart by any data, how many directions are lost to that, and the
 * canonical form. Generically one direction is lost (the scale), and two isolated settings compute the same (gamma > 0 with slope a,
 * gamma < 0 with slope 1/a). The second needs a slope that may become 1/a: one that is learned, its own and not bounded away from it.
 * (The scale is that of Neyshabur, Salakhutdinov & Srebro 2015, "Path-SGD"; the mirror follows from f_a(−x) = −a f_{1/a}(x).) Throws a RangeError for what
 * `canonicalForm` refuses, a range that is none and a slope outside it.
 *
 * @example
 * import { redundancies } from 'reluminate/theory';
 * const found = redundancies({ gamma: -0.5, beta: 0.25, negativeSlope: 0.25, nextWeights: [1, 2] });
 * `${found.redundant} of ${found.parameters}`; // => "1 of 5"
 * found.twin.negativeSlope; // => 4
 */
export function redundancies(unit: NormalizedUnit, options: RedundancyOptions = {}): Redundancies {
  const canonical = canonicalForm(unit);
  const { slope = 'learned', slopeRange: [lowest, highest] = [-Infinity, Infinity] } = options;
  if (!holders.includes(slope))
    throw new RangeError(`redundancies: slope must be one of ${holders.join(', ')}, got ${describe(slope)}`);
  if (!(lowest <= highest))
    throw new RangeError(
      `redundancies: slopeRange must go from a lower to a higher slope, got ${lowest} to ${highest}`,
    );
  if (!(lowest <= unit.negativeSlope && unit.negativeSlope <= highest))
    throw new RangeError(
      `redundancies: negativeSlope must lie in the slopeRange ${lowest} to ${highest}, got ${unit.negativeSlope}`,
    );
  const isOwn = slope === 'learned';
  const parameters = unit.nextWeights.length + 2 + Number(isOwn);
  const isPlain = unit.gamma !== 0 && unit.nextWeights.some(weight => weight !== 0) && unit.negativeSlope !== 1;
  const mirror: Twin | { twin: null; why: null } = isPlain ? mirrored(unit, options) : { twin: null, why: null };
  return {
    canonical,
    parameters,
    redundant: parameters - rank(unit, isOwn),
    twin: mirror.twin,
    sentences: sentencesOf(unit, mirror),
  };
}
