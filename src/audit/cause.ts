import type { RectifiedLayer } from './anatomy.js';
import type { ProvedBounds } from './prove/proved-bounds.js';
import type { Verdict } from './report.js';
import type { Tally } from './tally.js';
import { type ConstantPreActivation, isFlatBelow, type Judgement } from './verdict.js';

/** What is known of a unit when its cause is sought. */
export interface Evidence {
  readonly layer: RectifiedLayer;
  readonly unit: number;
  readonly judgement: Judgement;
  readonly constant: ConstantPreActivation | null;
  readonly tally: Tally | null;
  /** Proved bounds of the pre-activation over the declared input range. */
  readonly bounds: ProvedBounds | null;
  /** Whether every input the unit weighs is itself dead on the data. */
  readonly inputsDead: boolean;
  /** E|h| over the layer's mean of E|h|. */
  readonly activity: number | null;
  /** Whether the rest of the model leaks (leaky or parametric) while this layer does not. */
  readonly slopeLost: boolean;
  readonly read: boolean;
}

/** A number in a sentence: three significant digits, true minus sign, powers of ten as a person would write them. */
export function inWords(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return String(value).replace('-', '−');
  const size = Math.abs(value);
  const digits = size >= 1e4 || size < 1e-3 ? value.toExponential(1) : Number(value.toPrecision(3)).toString();
  return digits.replace('e+', 'e').replaceAll('-', '−');
}

const largest = (values: Float64Array): number => values.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), 0);

function vanishedCause({ layer, unit, constant }: Evidence): string {
  const { feed, norms } = layer;
  const level = inWords((constant as ConstantPreActivation).level);
  const gamma = feed?.batchNorm?.gamma[unit];
  const norm = norms?.[unit] as number;
  if (gamma === 0) return `batch norm's gamma is 0, so its pre-activation is always beta, ${level}`;
  if (feed?.scale[unit] === 0) return `its channel is multiplied by 0, so its pre-activation is always ${level}`;
  if (norm === 0) return `its incoming weights are all 0, so its pre-activation is always its bias, ${level}`;
  const beside = `its incoming weights have norm ${inWords(norm)} beside up to ${inWords(largest(norms as Float64Array))} in its layer`;
  return `${beside}, so its pre-activation is its bias, ${level}, to float32 rounding; weight decay does this to a unit without gradient`;
}

/** How far below zero batch norm puts a unit before any input is seen: beta in units of |gamma|, the standard deviation it gives the pre-activation. */
function batchNormPush({ layer, unit }: Evidence): string | null {
  const batchNorm = layer.feed?.batchNorm;
  const gamma = batchNorm?.gamma[unit];
  if (!batchNorm || gamma === undefined || gamma === 0) return null;
  const beta = (batchNorm.beta[unit] as number) / Math.abs(gamma);
  return beta <= -2
    ? `batch norm's beta ${inWords(batchNorm.beta[unit] as number)} lies ${inWords(-beta)} times |gamma| (${inWords(Math.abs(gamma))}) below 0`
    : null;
}

/** Whether the bias or the inputs keep the pre-activation down, by the share each has in its mean. */
function biasOrInputs({ layer, unit, tally }: Evidence): string | null {
  const full = tally?.full;
  if (!full || full.samples === 0) return null;
  const mean = full.mean[unit] as number;
  const max = full.max[unit] as number;
  if (!Number.isFinite(max)) return null;
  const deviation = Math.sqrt((full.squares[unit] as number) / (full.finite[unit] as number));
  const where = `its pre-activation averages ${inWords(mean)} (standard deviation ${inWords(deviation)}, largest ${inWords(max)})`;
  const bias = layer.feed?.bias[unit];
  const norm = layer.norms?.[unit];
  if (bias === undefined || norm === undefined) return where;
  const inputs = mean - bias;
  const numbers = `bias ${inWords(bias)}, weight norm ${inWords(norm)}, weighted inputs ${inWords(inputs)} on average`;
  return bias < 0 && -bias >= -inputs
    ? `${where}: its bias is too negative for its weights (${numbers})`
    : `${where}: its inputs are shifted against its weights (${numbers})`;
}

function silentCause(evidence: Evidence): string | null {
  const { tally, unit, constant, inputsDead, slopeLost } = evidence;
  const nan = tally?.full.nan[unit] ?? 0;
  if (nan > 0) return `its pre-activation is NaN at ${nan} of ${tally?.full.positions} positions measured`;
  if (constant) return 'every input it weighs is constant, so it cannot follow the model’s input';
  const reason = inputsDead
    ? 'every input it weighs is dead itself'
    : [batchNormPush(evidence), biasOrInputs(evidence)].filter(text => text !== null).join('; ') || null;
  const lost = slopeLost
    ? 'this layer has slope 0 while the other rectifiers leak: a slope may have been lost in export'
    : null;
  return [reason, lost].filter(text => text !== null).join('; ') || null;
}

/** A clause as a sentence. */
const sentence = (clause: string | null): string | null =>
  clause === null ? null : `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

/** Why the unit is as it is, one sentence with numbers; null where there is nothing to explain. */
export const causeOf = (evidence: Evidence): string | null => sentence(causeClause(evidence));

function causeClause(evidence: Evidence): string | null {
  const { judgement, constant, tally, unit, activity, read, bounds } = evidence;
  const samples = tally?.samples ?? 0;
  switch (judgement.verdict) {
    case 'vanished':
      return vanishedCause(evidence);
    case 'proved-dead':
    case 'proved-linear':
      if (!constant && bounds)
        return `for every input in the declared range its pre-activation lies between ${inWords(bounds.lower)} and ${inWords(bounds.upper)}${bounded(evidence)}`;
      return `every input it weighs is constant, so its pre-activation is always ${inWords((constant as ConstantPreActivation).level)}`;
    case 'silent':
      return silentCause(evidence);
    case 'rare':
      return `it fires on ${tally?.fired[unit]} of ${samples} samples${withReason(biasOrInputs(evidence))}`;
    case 'dormant':
      return `its mean output is ${inWords(100 * (activity as number))} % of its layer's average`;
    case 'linear':
      return `its pre-activation stays above 0: its smallest value is ${inWords(tally?.full.min[unit] as number)} on ${tally?.full.samples} samples`;
    default:
      return read ? null : 'no output of the model depends on it';
  }
}

/** The bias and weights behind proved bounds, where one layer makes the pre-activation. */
function bounded({ layer, unit }: Evidence): string {
  const [bias, norm] = [layer.feed?.bias[unit], layer.norms?.[unit]];
  return bias === undefined || norm === undefined ? '' : ` (bias ${inWords(bias)}, weight norm ${inWords(norm)})`;
}

const withReason = (reason: string | null): string => (reason ? `; ${reason}` : '');

/** Whether a unit of constant pre-activation gives something else than 0, by firing or by its negative side. */
const givesConstant = ({ judgement, layer, unit }: Evidence): boolean =>
  judgement.stuck === 'on' || !isFlatBelow(layer, unit);

const remedies: Record<Exclude<Verdict, 'healthy' | 'unobserved'>, (evidence: Evidence) => string> = {
  vanished: evidence =>
    givesConstant(evidence)
      ? 'to ship: remove it and fold its constant into the next layer (as a map where that layer pads), which changes nothing; to train on: give it fresh weights'
      : 'to ship: remove it, which changes nothing; to train on: give it fresh incoming weights and zero outgoing ones',
  'proved-dead': evidence =>
    !evidence.constant
      ? isFlatBelow(evidence.layer, evidence.unit)
        ? 'to ship: remove it, which changes nothing for inputs in the declared range; to train on: give the layer a negative slope, or the unit fresh weights'
        : 'nothing is lost: its negative slope keeps it and its gradient alive, but it acts as a linear unit'
      : givesConstant(evidence)
        ? 'to ship: fold its constant into the next layer; to train on: reconnect it to inputs that vary'
        : 'to ship: remove it, which changes nothing; to train on: reconnect it to inputs that vary',
  'proved-linear': ({ constant }) =>
    constant
      ? 'to ship: fold its constant into the next layer; to train on: reconnect it to inputs that vary'
      : 'the rectifier does nothing here: if the whole layer is linear, merge it with the next',
  silent: ({ layer, unit, tally }) =>
    (tally?.full.nan[unit] ?? 0) > 0
      ? 'find the first layer whose weights or values are not finite'
      : isFlatBelow(layer, unit)
        ? `to ship: remove it, exact on the ${tally?.samples} samples seen; to train on: give the layer a negative slope, or the unit fresh weights`
        : 'nothing is lost: its negative slope keeps it and its gradient alive, but it acts as a linear unit',
  rare: () => 'keep it to ship; to train on, watch it or give the layer a small negative slope',
  dormant: () =>
    'to ship: measure what removing it costs; to train on: give it fresh incoming weights and zero outgoing ones',
  linear: () => 'the rectifier does nothing here: if the whole layer is linear, merge it with the next',
};

/** What to do about a unit, for shipping and for training on; null where there is nothing to do. */
export const remedyOf = (evidence: Evidence): string | null => sentence(remedyClause(evidence));

function remedyClause(evidence: Evidence): string | null {
  const { verdict } = evidence.judgement;
  if (verdict === 'healthy' || verdict === 'unobserved')
    return evidence.read ? null : 'to ship: remove it, which changes nothing; to train on: connect it to an output';
  return remedies[verdict](evidence);
}
