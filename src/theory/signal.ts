import { positive } from '../rectifiers/parameters.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { checkNetwork, type NetworkDescription } from './network.js';
import { sideSlopes } from './side-slopes.js';
import { type SignalTrend, trendOf } from './signal-trend.js';

/** The signal behind one layer, as means over random networks; depth 0 is the input. */
export interface SignalAtDepth {
  readonly depth: number;
  readonly width: number;
  /** q = σ_w² E h² + σ_b², what the layer's rectifier is given; null at depth 0. */
  readonly preActivationVariance: number | null;
  /** E h in the limit of wide networks; 0 at depth 0. */
  readonly activationMean: number;
  /** E h², of one unit's activation. */
  readonly activationSecondMoment: number;
  /** E g², of the gradient at one unit's activation, where it is 1 at an output. */
  readonly gradientSecondMoment: number;
  /** ln E h², kept where E h² itself is below the range of float64; so are the next ones. */
  readonly logActivationSecondMoment: number;
  readonly logGradientSecondMoment: number;
}

export interface Signal {
  /** From the input (0) to the output: one more than there are layers. */
  readonly depths: readonly SignalAtDepth[];
  /** The root mean square of the activations: at the output over at the input. */
  readonly forward: SignalTrend;
  /** The norm of the gradient: at the input over at the output. */
  readonly backward: SignalTrend;
  /**
   * `'every width'`: second moments and trends are the exact means over random networks, because every rectifier is two lines through 0. (With
   * slope 0 and no biases but for `gradientSecondMoment` between the ends: it counts networks that are silent at that depth as if
   * they were not, a share of at most Σ 2^-width.) `'wide limit'`: they are what the means tend to as the widths grow.
   */
  readonly exactFor: 'every width' | 'wide limit';
}

export interface SignalOptions {
  /** E x² of the input's elements (default 1). */
  readonly inputSecondMoment?: number | undefined;
}

/** Standard deviations that moments are computed for; beyond these a rectifier is two lines, or a constant, to float64. */
const [leastStd, greatestStd] = [1e-100, 1e100];

/** What a rectifier makes of a Gaussian whose variance is given by its logarithm. */
export function momentsAt(rectifier: Rectifier | null, logVariance: number) {
  const std = Math.exp(logVariance / 2);
  if (rectifier === null) return { std, mean: 0, logSecondMoment: logVariance, logDerivativeSecondMoment: 0 };
  const inside = Math.min(greatestStd, Math.max(leastStd, std));
  const { mean, secondMoment, derivativeSecondMoment } = rectifier.moments(0, inside);
  const isLine = std < leastStd ? rectifier.value(0) === 0 : !rectifier.range.every(Number.isFinite);
  const logScale = isLine && inside !== std ? logVariance / 2 - Math.log(inside) : 0;
  return {
    std: inside,
    mean: mean * Math.exp(logScale),
    logSecondMoment: Math.log(secondMoment) + 2 * logScale,
    logDerivativeSecondMoment: Math.log(derivativeSecondMoment),
  };
}

/** ln(exp(x) + exp(y)). */
function logOfSum(x: number, y: number): number {
  const [greater, less] = x > y ? [x, y] : [y, x];
  return less === Number.NEGATIVE_INFINITY ? greater : greater + Math.log1p(Math.exp(less - greater));
}

/**
 * Second moments of activations and gradients, layer by layer, at initialization. Forward q = σ_w² E h² + σ_b², then E f(z)² for z ~
 * N(0, q); backward E g² times fanOut Var(w) E f'(z)². For two lines through 0 and weights that are symmetric about 0 these are the
 * exact means over networks of any width; for other rectifiers they are the limit of wide networks (He et al. 2015, equations 10 and 14;
 * Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos"; Schoenholz et al. 2017, "Deep
 * information propagation"). Logarithms are kept, so a thousand layers do not underflow. Throws a RangeError for a network that is none
 * and an input's second moment that is not positive.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, parseInitializer, parseWidths, signal } from 'reluminate/theory';
 * const widths = parseWidths('256x101');
 * const plain = describeNetwork(widths, { rectifier: parseRectifier('relu'), initializer: parseInitializer('pytorch') });
 * signal(plain).backward.verdict; // => "vanishing"
 * signal(plain).backward.ratio.toExponential(2); // => "1.75e-39"
 * const kept = describeNetwork(widths, { rectifier: parseRectifier('leaky:0.5'), initializer: parseInitializer('he') });
 * signal(kept).backward.ratio.toFixed(9); // => "1.000000000"
 */
export function signal(network: NetworkDescription, { inputSecondMoment = 1 }: SignalOptions = {}): Signal {
  checkNetwork('signal', network);
  let logSecondMoment = Math.log(positive('signal', 'inputSecondMoment', inputSecondMoment));
  const [first, last] = [network[0]!, network.at(-1)!];
  const input = { logVariance: null as number | null, mean: 0, logSecondMoment, width: first.fanIn };
  const forward = network.map(({ weightVariance, biasVariance, rectifier, fanOut }) => {
    const logVariance = logOfSum(Math.log(weightVariance) + logSecondMoment, Math.log(biasVariance));
    const moments = momentsAt(rectifier, logVariance);
    logSecondMoment = moments.logSecondMoment;
    return { logVariance, ...moments, width: fanOut };
  });
  const logGradients = [0];
  for (const [at, { fanIn, fanOut, weightVariance }] of [...network.entries()].reverse())
    logGradients.unshift(
      logGradients[0]! + Math.log(weightVariance) + Math.log(fanOut / fanIn) + forward[at]!.logDerivativeSecondMoment,
    );
  const depths = [input, ...forward].map(
    (at, depth): SignalAtDepth => ({
      depth,
      width: at.width,
      preActivationVariance: at.logVariance === null ? null : Math.exp(at.logVariance),
      activationMean: at.mean,
      activationSecondMoment: Math.exp(at.logSecondMoment),
      gradientSecondMoment: Math.exp(logGradients[depth]!),
      logActivationSecondMoment: at.logSecondMoment,
      logGradientSecondMoment: logGradients[depth]!,
    }),
  );
  const logNorms = logGradients[0]! + Math.log(first.fanIn / last.fanOut);
  return {
    depths,
    forward: trendOf((logSecondMoment - input.logSecondMoment) / 2, network.length),
    backward: trendOf(logNorms / 2, network.length),
    exactFor: network.every(({ rectifier }) => sideSlopes(rectifier) !== null) ? 'every width' : 'wide limit',
  };
}
