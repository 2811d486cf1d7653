import { quadratureMoments } from '../rectifiers/gaussian-moments.js';
import type { Rectifier } from '../rectifiers/rectifier.js';
import { checkNetwork, type LayerDescription, type NetworkDescription } from './network.js';
import { gateMoment, refuseRandomSlopes, sideSlopes } from './side-slopes.js';
import { momentsAt, type SignalOptions, signal } from './signal.js';

/** How the squared singular values of the Jacobian from input to output are spread, in the limit of wide networks. */
export interface JacobianSpread {
  /** How many singular values there are: the lesser of the input's and the output's width. */
  readonly singularValues: number;
  /** E s²: the mean of the squared singular values, as the mean over networks of any width where `signal` is exact. */
  readonly meanSquare: number;
  /** Var s² / (E s²)²; 0 where all are equal. */
  readonly variance: number;
  /**
   * (E Σ s²)² / E Σ s⁴: about how many directions pass, at most `singularValues`. Below 1 where the network is deeper than wide: there few
   * networks carry both means.
   */
  readonly directions: number;
}

/** E f'(z)⁴ / (E f'(z)²)² - 1 for a Gaussian z: the relative variance of the squared slopes that a layer's units show. */
function gateSpread(rectifier: Rectifier | null, logVariance: number): number {
  const slopes = sideSlopes(rectifier);
  if (rectifier === null || slopes !== null) {
    const { above, below } = slopes ?? { above: 1, below: 1 };
    return gateMoment({ above, below }, 4) / gateMoment({ above, below }, 2) ** 2 - 1;
  }
  const { std } = momentsAt(rectifier, logVariance);
  const squared = (x: number) => rectifier.derivative(x) ** 2;
  const { mean, secondMoment } = quadratureMoments(0, std, squared, squared, rectifier.kinks, rectifier.width);
  return secondMoment / mean ** 2 - 1;
}

/** What the weights of a layer add to E tr (JJᵀ)² / (E tr JJᵀ)²: those of an orthogonal layer nothing unless it narrows. */
const weightsAdd = ({ distribution, fanIn, fanOut }: LayerDescription): number =>
  distribution === 'orthogonal' ? Math.max(0, 1 / fanOut - 1 / fanIn) : 1 / fanOut;

/**
 * The spread of the squared singular values of the Jacobian at initialization. In the limit of wide networks E tr (JJᵀ)² / (E tr JJᵀ)²
 * starts at 1/fanIn of the first layer, and each layer adds to it: independent weights 1/fanOut, orthogonal ones nothing (where a layer
 * narrows, 1/fanOut - 1/fanIn), gates (E f'⁴/(E f'²)² - 1)/fanOut. For L equal layers of slope a the variance of s² is L ((1 - a²)/(1 +
 * a²))² with orthogonal and 2 L (1 + a⁴)/(1 + a²)² with normal weights, where E s² = 1 (Pennington, Schoenholz & Ganguli 2017,
 * "Resurrecting the sigmoid in deep learning through dynamical isometry", which also shows that ReLU networks cannot be made isometric).
 * Throws a RangeError for a network that is none, for random slopes (RReLU), and where no gradient passes at all.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { describeNetwork, jacobian, parseInitializer, parseWidths } from 'reluminate/theory';
 * const rectifier = parseRectifier('relu');
 * const options = { rectifier, last: rectifier, initializer: parseInitializer('orthogonal') };
 * jacobian(describeNetwork(parseWidths('256x17'), options)).variance.toFixed(9); // => "16.000000000"
 */
export function jacobian(network: NetworkDescription, options: SignalOptions = {}): JacobianSpread {
  checkNetwork('jacobian', network);
  refuseRandomSlopes('jacobian', network);
  const { depths } = signal(network, options);
  const [input, output] = [depths[0]!, depths.at(-1)!];
  const logVariances = depths.slice(1).map(({ preActivationVariance }) => Math.log(preActivationVariance!));
  const share = network.reduce(
    (sum, layer, at) => sum + weightsAdd(layer) + gateSpread(layer.rectifier, logVariances[at]!) / layer.fanOut,
    1 / input.width,
  );
  if (!Number.isFinite(share))
    throw new RangeError('jacobian: some gradient must pass every layer, got a network that passes none');
  const singularValues = Math.min(input.width, output.width);
  // E |Jᵀ g|² = tr JJᵀ for a gradient g of independent elements with variance 1.
  const trace = input.gradientSecondMoment * input.width;
  return {
    singularValues,
    meanSquare: trace / singularValues,
    variance: Math.max(0, singularValues * share - 1),
    directions: 1 / share,
  };
}
