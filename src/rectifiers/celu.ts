import { elementwise, type Loop, total } from './elementwise.js';
import type { Elements, OutOption, Result } from './floats.js';
import { quadratureMoments } from './gaussian-moments.js';
import { fittedDivisor, positive, refuseMisspelled, refuseNonObject, rounded } from './parameters.js';
import type { Rectifier } from './rectifier.js';

export interface CeluOptions {
  /** The level -α that large negative inputs come to, and how slowly: above 0 (default 1). */
  readonly alpha?: number | undefined;
}

function alphaOf(operation: string, options: CeluOptions, x?: Elements): number {
  refuseNonObject(operation, options, '{ alpha: 1 }');
  if (options.alpha === undefined) refuseMisspelled(operation, options, 'alpha');
  const { alpha = 1 } = options;
  return fittedDivisor(operation, 'alpha', positive(operation, 'alpha', alpha), x);
}

const value = (x: number, alpha: number): number => (x > 0 ? x : alpha * Math.expm1(x / alpha));
const values: Loop = (x, y, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = value(x[i]!, alpha);
};

/**
 * The continuously differentiable exponential linear unit: `x > 0 ? x : α (exp(x/α) - 1)`. Barron 2017, "Continuously
 * differentiable exponential linear units". An ELU without its kink, whatever α > 0. Range (-α, ∞); Lipschitz constant 1. -α at
 * -Infinity, -0 at -0, NaN for NaN.
 *
 * @example
 * import { celu } from 'reluminate';
 * celu([-Infinity, 0, 2], { alpha: 0.5 }); // => [-0.5, 0, 2]
 */
export const celu = <X extends Elements>(x: X, options: CeluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('celu', x, options, value, values, alphaOf('celu', options, x));

const derivative = (x: number, alpha: number): number => (x > 0 ? 1 : Math.exp(x / alpha));
const derivatives: Loop = (x, y, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = derivative(x[i]!, alpha);
};

/**
 * f'(x): 1 for x >= 0, exp(x/α) for x < 0. There is no kink. NaN for NaN.
 *
 * @example
 * import { celuDerivative } from 'reluminate';
 * celuDerivative([-Infinity, 0, 2], { alpha: 0.5 }); // => [0, 1, 1]
 */
export const celuDerivative = <X extends Elements>(x: X, options: CeluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('celuDerivative', x, options, derivative, derivatives, alphaOf('celuDerivative', options, x));

const second = (x: number, alpha: number): number => (x >= 0 ? 0 : Math.exp(x / alpha) / alpha);
const seconds: Loop = (x, y, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = second(x[i]!, alpha);
};

/**
 * f''(x): 0 for x >= 0, exp(x/α)/α for x < 0: it jumps at 0. NaN for NaN.
 *
 * @example
 * import { celuSecondDerivative } from 'reluminate';
 * celuSecondDerivative([-Infinity, 0, 2]); // => [0, 0, 0]
 * celuSecondDerivative(-0.5 * Math.LN2, { alpha: 0.5 }).toFixed(4); // => "1.0000"
 */
export const celuSecondDerivative = <X extends Elements>(x: X, options: CeluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('celuSecondDerivative', x, options, second, seconds, alphaOf('celuSecondDerivative', options, x));

/** exp(u) - 1 - u exp(u) for u <= 0; by its series -Σ (k-1)/k! u^k near 0, where it would cancel. */
function alphaGradientOf(u: number): number {
  if (u <= -0.5) return u < -746 ? -1 : Math.expm1(u) - u * Math.exp(u);
  let [sum, power] = [0, u];
  for (let k = 2; k <= 16; k++) {
    power *= u / k;
    sum -= (k - 1) * power;
  }
  return sum;
}

const alphaGradient = (x: number, alpha: number): number => (x > 0 ? 0 : alphaGradientOf(x / alpha));
const alphaGradients: Loop = (x, y, alpha) => {
  for (let i = 0; i < x.length; i++) y[i] = alphaGradient(x[i]!, alpha);
};

/**
 * ∂f/∂α = exp(u) - 1 - u exp(u) with u = min(x, 0)/α. -1 at -Infinity, NaN for NaN.
 *
 * @example
 * import { celuAlphaGradient } from 'reluminate';
 * celuAlphaGradient([-Infinity, 0, 2]); // => [-1, 0, 0]
 */
export const celuAlphaGradient = <X extends Elements>(x: X, options: CeluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('celuAlphaGradient', x, options, alphaGradient, alphaGradients, alphaOf('celuAlphaGradient', options, x));

const inverse = (y: number, alpha: number): number => (y > 0 ? y : alpha * Math.log1p(y / alpha));
const inverses: Loop = (y, x, alpha) => {
  for (let i = 0; i < y.length; i++) x[i] = inverse(y[i]!, alpha);
};

/**
 * The inverse, `y > 0 ? y : α ln(1 + y/α)`: -Infinity at -α, NaN below.
 *
 * @example
 * import { celuInverse } from 'reluminate';
 * celuInverse([0, 2], { alpha: 0.5 }); // => [0, 2]
 */
export const celuInverse = <Y extends Elements>(y: Y, options: CeluOptions & OutOption<Y> = {}): Result<Y> =>
  elementwise('celuInverse', y, options, inverse, inverses, alphaOf('celuInverse', options, y));

/**
 * log |det J| of the map over all elements: the sum of x/α over the negative ones.
 *
 * @example
 * import { celuLogDet } from 'reluminate';
 * celuLogDet([-1, 2, -3], { alpha: 2 }); // => -2
 */
export function celuLogDet(x: Elements, options: CeluOptions = {}): number {
  const alpha = alphaOf('celuLogDet', options);
  return total('celuLogDet', x, value => (value >= 0 ? 0 : value / alpha));
}

/**
 * CELU as a `Rectifier`; its moments by quadrature.
 *
 * @example
 * import { celuRectifier } from 'reluminate';
 * celuRectifier(0.5).range; // => [-0.5, null]
 */
export function celuRectifier(alpha = 1): Rectifier {
  positive('celuRectifier', 'alpha', alpha);
  const f = (x: number) => value(x, alpha);
  const slope = (x: number) => derivative(x, alpha);
  return {
    name: `celu:${alpha}`,
    label: `CELU (${rounded(alpha)})`,
    parameters: { alpha },
    value: f,
    derivative: slope,
    secondDerivative: x => second(x, alpha),
    slopeGradient: null,
    inverse: y => inverse(y, alpha),
    range: [-alpha, Number.POSITIVE_INFINITY],
    lipschitz: 1,
    monotone: true,
    kinks: [0],
    width: alpha,
    moments: (mean, std) => quadratureMoments(mean, std, f, slope, [], alpha),
  };
}
