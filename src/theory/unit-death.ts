import { normalCdf } from '../rectifiers/normal.js';
import { finite, positive, whole } from '../rectifiers/parameters.js';
import { checkRectifier, type Rectifier } from '../rectifiers/rectifier.js';
import { reluRectifier } from '../rectifiers/relu.js';
import { normalQuantile } from './normal-quantile.js';

/** A unit f(w·x + b) over inputs x ~ N(μ, Σ). */
export interface UnitDescription {
  /** b. */
  readonly bias: number;
  /** ‖w‖, 0 or more. */
  readonly weightNorm: number;
  /** ‖Σ^½ w‖ / ‖w‖: the inputs' standard deviation, for uncorrelated inputs of one scale (default 1: standardized inputs). */
  readonly inputStd?: number | undefined;
  /** w·μ: what the inputs' means add to the bias (default 0). */
  readonly inputMean?: number | undefined;
}

/** What becomes of a unit; every number is exact for Gaussian inputs. */
export interface UnitFate {
  /** P(w·x + b > 0) = Φ(z), z = (b + w·μ) / ‖Σ^½ w‖. */
  readonly firingRate: number;
  /** P(w·x + b <= 0) = Φ(−z): one input meets a silent unit. */
  readonly silence: number;
  /** Φ(−z)^N: none of N independent inputs fires it, so that on these samples a ReLU unit is dead. */
  readonly silentOnAll: number;
  /** How many inputs it takes on average until one fires it: 1 / firingRate. */
  readonly inputsUntilFiring: number;
  /** Inputs nearer than this to their mean, in units of `inputStd`, never fire it: max(0, −z); infinite for a constant that never fires. */
  readonly silentRadius: number;
  /** E f′(w·x + b)², the share of the squared gradient that gets through; 1 for a linear unit. */
  readonly gradientShare: number;
}

/** Mean and standard deviation of the pre-activation. */
function preActivation(operation: string, { bias, weightNorm, inputStd = 1, inputMean = 0 }: UnitDescription) {
  if (finite(operation, 'weightNorm', weightNorm) < 0)
    throw new RangeError(`${operation}: weightNorm must be at least 0, got ${weightNorm}`);
  return {
    mean: finite(operation, 'bias', bias) + finite(operation, 'inputMean', inputMean),
    std: weightNorm * positive(operation, 'inputStd', inputStd),
  };
}

/** P(X > 0) for X ~ N(mean, std²). */
const above = (mean: number, std: number): number => (std === 0 ? Number(mean > 0) : normalCdf(mean / std));

/**
 * What becomes of a unit over Gaussian inputs, given its bias and the norm of its weights: how often it fires, the odds that it is silent on
 * `samples` inputs (default 1000), and what share of the gradient it lets through with the given rectifier (default ReLU). A bias a few times
 * ‖w‖ below 0 is how a ReLU unit dies. A weight norm of 0 is allowed: the unit is then constant. Tails keep all digits. Throws
 * a RangeError for numbers that are not finite, negative norms and fewer than one sample.
 *
 * @example
 * import { unitFate } from 'reluminate/theory';
 * const { firingRate, silentOnAll, silentRadius } = unitFate({ bias: -3, weightNorm: 1 }, { samples: 1000 });
 * firingRate.toFixed(6); // => "0.001350"
 * silentOnAll.toFixed(4); // => "0.2590"
 * silentRadius; // => 3
 */
export function unitFate(
  unit: UnitDescription,
  {
    samples = 1000,
    rectifier = reluRectifier(),
  }: { readonly samples?: number | undefined; readonly rectifier?: Rectifier | undefined } = {},
): UnitFate {
  const { mean, std } = preActivation('unitFate', unit);
  whole('unitFate', 'samples', samples, 1);
  checkRectifier('unitFate', rectifier);
  const firingRate = above(mean, std);
  const silence = std === 0 ? 1 - firingRate : above(-mean, std);
  return {
    firingRate,
    silence,
    silentOnAll: firingRate < 0.5 ? Math.exp(samples * Math.log1p(-firingRate)) : silence ** samples,
    inputsUntilFiring: 1 / firingRate,
    silentRadius: firingRate === 0 && std === 0 ? Number.POSITIVE_INFINITY : Math.max(0, -mean / std),
    gradientShare: rectifier.moments(mean, std).derivativeSecondMoment,
  };
}

/**
 * The bias at which a unit fires on the given share of its inputs (above 0, below 1): ‖Σ^½ w‖ Φ⁻¹(p) − w·μ. Throws a RangeError for other
 * shares, and for a weight norm of 0, with which no bias gives them.
 *
 * @example
 * import { biasForFiringRate } from 'reluminate/theory';
 * biasForFiringRate(0.5, { weightNorm: 2 }); // => 0
 * biasForFiringRate(0.01, { weightNorm: 2 }).toFixed(4); // => "-4.6527"
 */
export function biasForFiringRate(firingRate: number, unit: Omit<UnitDescription, 'bias'>): number {
  const operation = 'biasForFiringRate';
  positive(operation, 'weightNorm', unit.weightNorm);
  const { mean, std } = preActivation(operation, { ...unit, bias: 0 });
  if (!(finite(operation, 'firingRate', firingRate) > 0 && firingRate < 1))
    throw new RangeError(`${operation}: firingRate must be above 0 and below 1, got ${firingRate}`);
  return std * normalQuantile(firingRate) - mean;
}
