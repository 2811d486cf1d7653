import { normalCdf } from '../rectifiers/normal.js';
import { finite } from '../rectifiers/parameters.js';
import { checkNetwork, type LayerDescription, type NetworkDescription } from './network.js';
import { gateMoment, refuseRandomSlopes, type SideSlopes, sideSlopes } from './side-slopes.js';

/** The law of R = |end|² / |start|², the squared norm ratio of one signal through one random network. */
export interface NormRatio {
  /** E R. */
  readonly mean: number;
  /** E R². */
  readonly secondMoment: number;
  /** E R² / (E R)², 1 where R is the same in every network. */
  readonly spread: number;
  /** ln of `spread`: about the variance of ln R, and about κ times the sum of 1/width. */
  readonly logSpread: number;
  /** E R / √spread: about the median of R, for R is nearly log-normal. */
  readonly typical: number;
}

export interface NormRatios {
  /** Activations, from the input to the output; exact where biases are 0. */
  readonly forward: NormRatio;
  /** Gradients, from the output to the input; exact with biases too. */
  readonly backward: NormRatio;
}

/** E |v|⁴ and E Σ v_i⁴ of a random vector, and E |v|² apart: all that the next layer asks of it. Kept as 1 with a logarithm beside it. */
interface Powers {
  readonly logSecond: number;
  /** E |v|⁴ / (E |v|²)². */
  readonly fourth: number;
  /** E Σ v_i⁴ / (E |v|²)². */
  readonly quartic: number;
}

/** A vector in a direction that is uniform on the sphere: E Σ u_i⁴ = 3 / (n + 2). */
const uniformDirection = (width: number): Powers => ({ logSecond: 0, fourth: 1, quartic: 3 / (width + 2) });

/** E w⁴ / (E w²)² of independent weights. */
const kurtosis = { normal: 3, uniform: 9 / 5 } as const;

/** The powers of W v for weights from `from` to `to` units, whichever way they are passed. */
function throughWeights(
  layer: LayerDescription,
  from: number,
  to: number,
  { logSecond, fourth, quartic }: Powers,
): Powers {
  const next = { logSecond: logSecond + Math.log((layer.weightVariance / layer.fanIn) * to) };
  if (layer.distribution === 'orthogonal') {
    // W v is the first `to` elements of a uniform direction among `all`, times a number that is the same in every network.
    const all = Math.max(from, to);
    const shared = (fourth * all) / ((all + 2) * to);
    return { ...next, fourth: shared * (to + 2), quartic: shared * 3 };
  }
  const unit = 3 * fourth + (kurtosis[layer.distribution] - 3) * quartic;
  return { ...next, fourth: (unit + (to - 1) * fourth) / to, quartic: unit / to };
}

/** The powers of f'(z) v where each gate is open or not by the toss of a fair coin of its own. */
function throughGates(slopes: SideSlopes, { logSecond, fourth, quartic }: Powers): Powers {
  const second = gateMoment(slopes, 2);
  const excess = gateMoment(slopes, 4) / second ** 2;
  return {
    logSecond: logSecond + Math.log(second),
    fourth: fourth + (excess - 1) * quartic,
    quartic: excess * quartic,
  };
}

function ratioOf({ logSecond, fourth }: Powers): NormRatio {
  const mean = Math.exp(logSecond);
  return {
    mean,
    secondMoment: mean === 0 ? 0 : mean ** 2 * fourth,
    spread: fourth,
    logSpread: Math.log(fourth),
    typical: mean / Math.sqrt(fourth),
  };
}

/**
 * How the squared norm ratio of activations and of gradients varies between random networks of finite width, for input and output
 * gradient in a random direction. For one normal layer E R² = (E R)² (1 + κ/n) with κ = 6 (1 + a⁴) / (1 + a²)² - 1, so that over L
 * layers ln E R² / (E R)² is about κ L/n: the ratio of depth to width is what counts (Hanin & Nica 2018, "Products of many large random
 * matrices and gradients in deep neural networks"; Hanin & Rolnick 2018, "How to start training"). Here E R² is computed exactly for
 * normal, uniform and orthogonal weights and any widths, by following E |v|⁴ and E Σ v_i⁴. Throws a RangeError for a rectifier that is
 * not two lines through 0, is 0 on both sides, or has random slopes (RReLU).
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, normRatio, parseInitializer, parseWidths } from 'reluminate/theory';
 * const relu = parseRectifier('relu');
 * const options = { rectifier: relu, last: relu, initializer: parseInitializer('he') };
 * const { forward } = normRatio(describeNetwork(parseWidths('64x11'), options));
 * forward.mean.toFixed(9); // => "1.000000000"
 * forward.secondMoment.toFixed(9); // => "2.121735132"
 */
export function normRatio(network: NetworkDescription): NormRatios {
  checkNetwork('normRatio', network);
  refuseRandomSlopes('normRatio', network);
  const layers = network.map(layer => ({ layer, slopes: slopesOf(layer) }));
  let forward = uniformDirection(network[0]!.fanIn);
  for (const { layer, slopes } of layers)
    forward = throughGates(slopes, throughWeights(layer, layer.fanIn, layer.fanOut, forward));
  let backward = uniformDirection(network.at(-1)!.fanOut);
  for (const { layer, slopes } of [...layers].reverse())
    backward = throughWeights(layer, layer.fanOut, layer.fanIn, throughGates(slopes, backward));
  return { forward: ratioOf(forward), backward: ratioOf(backward) };
}

/**
 * About what share of networks has a norm ratio √R within a factor (above 1) either way, from 0 to 1: that of a log-normal R with the given mean and spread, of
 * which narrow, deep networks have somewhat less. Throws a RangeError for other factors.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, normRatio, parseInitializer, parseWidths, shareWithin } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('leaky:0.57'), initializer: parseInitializer('orthogonal') };
 * shareWithin(normRatio(describeNetwork(parseWidths('128x101'), options)).backward, 3).toFixed(3); // => "0.993"
 */
export function shareWithin({ mean, logSpread }: NormRatio, factor: number): number {
  if (!(finite('shareWithin', 'factor', factor) > 1))
    throw new RangeError(`shareWithin: factor must be greater than 1, got ${factor}`);
  const [centre, reach] = [Math.log(mean) - logSpread / 2, 2 * Math.log(factor)];
  if (logSpread <= 0) return Number(Math.abs(centre) <= reach);
  const below = (bound: number) => normalCdf((bound - centre) / Math.sqrt(logSpread));
  return below(reach) - below(-reach);
}

function slopesOf({ rectifier }: LayerDescription): SideSlopes {
  const slopes = sideSlopes(rectifier);
  if (slopes === null || (slopes.above === 0 && slopes.below === 0))
    throw new RangeError(
      `normRatio: every rectifier must be two lines through 0 that are not both 0, got ${rectifier?.name ?? 'none'}`,
    );
  return slopes;
}
