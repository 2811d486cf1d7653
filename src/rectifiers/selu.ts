import { elementwise, type Loop, total } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { type AtZeroOption, atKink } from './kink.js';
import { fittedDivisor, positive, refuseMisspelled, refuseNonObject } from './parameters.js';
import type { Rectifier } from './rectifier.js';

/**
 * The α for which a standard normal input keeps mean 0 and variance 1.
 *
 * @example
 * import { seluAlpha } from 'reluminate';
 * seluAlpha; // => 1.6732632423543772
 */
export const seluAlpha = 1.6732632423543772;
/**
 * The λ for which a standard normal input keeps mean 0 and variance 1.
 *
 * @example
 * import { seluLambda } from 'reluminate';
 * seluLambda; // => 1.0507009873554805
 */
export const seluLambda = 1.0507009873554805;

export interface SeluOptions {
  /** Where large negative inputs come to, over -λ: above 0 (default `seluAlpha`). */
  readonly alpha?: number | undefined;
  /** The scale of everything, ONNX's gamma: above 0 (default `seluLambda`). */
  readonly lambda?: number | undefined;
}

function parametersOf(operation: string, options: SeluOptions, x?: Elements): readonly [number, number] {
  refuseNonObject(operation, options, '{ alpha: 1.67, lambda: 1.05 }');
  if (options.alpha === undefined || options.lambda === undefined)
    refuseMisspelled(operation, options, 'alpha', 'lambda');
  const { alpha = seluAlpha, lambda = seluLambda } = options;
  return [
    fittedDivisor(operation, 'lambda', positive(operation, 'lambda', lambda), x),
    fittedDivisor(operation, 'alpha', positive(operation, 'alpha', alpha), x),
  ];
}

const value = (x: number, lambda: number, alpha: number): number => lambda * (x > 0 ? x : alpha * Math.expm1(x));
const values: Loop = (x, y, lambda, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!, lambda, alpha);
};

/**
 * The scaled exponential linear unit: `λ (x > 0 ? x : α (exp(x) - 1))`. Klambauer, Unterthiner, Mayr & Hochreiter 2017,
 * "Self-normalizing neural networks", equation 2. Its λ and α make mean 0 and variance 1 a stable fixed point. Range (-λα, ∞);
 * Lipschitz constant λ max(1, α). -λα at -Infinity, -0 at -0, NaN for NaN.
 *
 * @example
 * import { selu } from 'reluminate';
 * selu([-Infinity, 0, 2], { alpha: 2, lambda: 3 }); // => [-6, 0, 6]
 */
export const selu = <X extends Elements>(x: X, options: SeluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('selu', x, options, value, values, ...parametersOf('selu', options, x));

const derivative = (x: number, lambda: number, alpha: number, kink: number): number =>
  x > 0 ? lambda : x === 0 ? kink : lambda * (alpha * Math.exp(x));
const derivatives: Loop = (x, y, lambda, alpha, kink) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!, lambda, alpha, kink);
};

/**
 * f'(x): λ for x > 0, λα exp(x) for x < 0. At the kink λα, or as `atZero` says (`'one'`: λ). NaN for NaN.
 *
 * @example
 * import { seluDerivative } from 'reluminate';
 * seluDerivative([-Infinity, 0, 2], { alpha: 2, lambda: 3 }); // => [0, 6, 3]
 */
export function seluDerivative<X extends Elements>(
  x: X,
  options: SeluOptions & AtZeroOption & OutOption<X> = {},
): Result<X> {
  const [lambda, alpha] = parametersOf('seluDerivative', options, x);
  const kink = atKink('seluDerivative', options.atZero, lambda * alpha, lambda);
  return elementwise('seluDerivative', x, options, derivative, derivatives, lambda, alpha, kink);
}

const second = (x: number, lambda: number, alpha: number): number => (x >= 0 ? 0 : lambda * (alpha * Math.exp(x)));
const seconds: Loop = (x, y, lambda, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!, lambda, alpha);
};

/**
 * f''(x): 0 for x >= 0, λα exp(x) for x < 0 (and a point mass of λ - λα at 0). NaN for NaN.
 *
 * @example
 * import { seluSecondDerivative } from 'reluminate';
 * seluSecondDerivative([-Infinity, 0, 2]); // => [0, 0, 0]
 * seluSecondDerivative(-1, { alpha: 2, lambda: 3 }).toFixed(4); // => "2.2073"
 */
export const seluSecondDerivative = <X extends Elements>(x: X, options: SeluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('seluSecondDerivative', x, options, second, seconds, ...parametersOf('seluSecondDerivative', options, x));

const inverse = (y: number, lambda: number, alpha: number): number =>
  y > 0 ? y / lambda : Math.log1p(y / lambda / alpha);
const inverses: Loop = (y, x, lambda, alpha) => {
  for (let i = 0; i < y.length; i++) x[i] = inverse(y[i]!, lambda, alpha);
};

/**
 * The inverse, `y > 0 ? y/λ : ln(1 + y/(λα))`: -Infinity at -λα, NaN below.
 *
 * @example
 * import { seluInverse } from 'reluminate';
 * seluInverse([0, 6], { alpha: 2, lambda: 3 }); // => [0, 2]
 */
export const seluInverse = <Y extends Elements>(y: Y, options: SeluOptions & OutOption<Y> = {}): Result<Y> =>
  elementwise('seluInverse', y, options, inverse, inverses, ...parametersOf('seluInverse', options, y));

/**
 * log |det J| of the map over all elements: the sum of ln λ, and of ln α + x over the negative ones.
 *
 * @example
 * import { seluLogDet } from 'reluminate';
 * seluLogDet([-1, 2], { alpha: 1, lambda: 1 }); // => -1
 */
export function seluLogDet(x: Elements, options: SeluOptions = {}): number {
  const [logLambda, logAlpha] = parametersOf('seluLogDet', options).map(Math.log) as [number, number];
  return total('seluLogDet', x, value => logLambda + (value >= 0 ? 0 : logAlpha + value));
}

/**
 * SELU with its own λ and α as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { seluRectifier } from 'reluminate';
 * seluRectifier().moments(0, 1).secondMoment.toFixed(12); // => "1.000000000000"
 */
export function seluRectifier(): Rectifier {
  const [lambda, alpha] = [seluLambda, seluAlpha];
  const f = (x: number) => value(x, lambda, alpha);
  const slope = (x: number) => derivative(x, lambda, alpha, lambda * alpha);
  return {
    name: 'selu',
    label: 'SELU',
    parameters: {},
    value: f,
    derivative: slope,
    secondDerivative: x => second(x, lambda, alpha),
    slopeGradient: null,
    inverse: y => inverse(y, lambda, alpha),
    range: [-lambda * alpha, Number.POSITIVE_INFINITY],
    lipschitz: lambda * alpha,
    monotone: true,
    kinks: [0],
    moments: (mean, std) => quadratureMoments(mean, std, f, slope),
  };
}
