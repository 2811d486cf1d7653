import { elementwise } from './elementwise.js';
import {
  asFloats,
  deliver,
  type Elements,
  type FloatArray,
  type Floats,
  isFloat32,
  type OutOption,
  type Result,
  refuseOverlap,
  targetFor,
} from './floats.js';
import { slopeMoments } from './gaussian-moments.js';
import { type AtZeroOption, atKink } from './kink.js';
import { leakyReluRectifier } from './leaky-relu.js';
import { rounded } from './parameters.js';
import {
  flat,
  flats,
  invertibleSlope,
  slopeDerivative,
  slopeDerivatives,
  slopeInverse,
  slopeInverses,
  slopeLogDet,
  slopeValue,
  slopeValues,
} from './piecewise-linear.js';
import type { Rectifier } from './rectifier.js';
import {
  distributionOf,
  meanOf,
  meanSlopeOf,
  type NoiseOptions,
  noiseOf,
  type RreluOptions,
  slopeExpectations,
  slopeSource,
} from './rrelu-slopes.js';

/**
 * Randomized leaky ReLU in evaluation: leaky ReLU with the slope `rreluMeanSlope`. Special values as `leakyRelu`.
 *
 * @example
 * import { rrelu } from 'reluminate';
 * rrelu([-8, 8], { lower: 0.25, upper: 0.5 }); // => [-3, 8]
 */
export const rrelu = <X extends Elements>(x: X, options: RreluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('rrelu', x, options, slopeValue, slopeValues, meanSlopeOf('rrelu', options, x));

/**
 * f'(x) in evaluation: `leakyReluDerivative` with the slope `rreluMeanSlope`. (In training it is `rreluTrainBackward` of ones.)
 *
 * @example
 * import { rreluDerivative } from 'reluminate';
 * rreluDerivative([-8, 8], { lower: 0.25, upper: 0.5 }); // => [0.375, 1]
 */
export function rreluDerivative<X extends Elements>(
  x: X,
  options: RreluOptions & AtZeroOption & OutOption<X> = {},
): Result<X> {
  const slope = meanSlopeOf('rreluDerivative', options, x);
  const kink = atKink('rreluDerivative', options.atZero, slope);
  return elementwise('rreluDerivative', x, options, slopeDerivative, slopeDerivatives, slope, kink);
}

/**
 * f''(x): 0, except that the kink at 0 is a point mass of 1 - a, for which 0 is given. NaN for NaN.
 *
 * @example
 * import { rreluSecondDerivative } from 'reluminate';
 * rreluSecondDerivative([-8, 0, 8]); // => [0, 0, 0]
 */
export const rreluSecondDerivative = <X extends Elements>(x: X, options: RreluOptions & OutOption<X> = {}): Result<X> =>
  elementwise('rreluSecondDerivative', x, options, flat, flats);

/**
 * The inverse in evaluation: `leakyReluInverse` with the slope `rreluMeanSlope`. Throws a RangeError unless that is above 0.
 *
 * @example
 * import { rreluInverse } from 'reluminate';
 * rreluInverse([-3, 8], { lower: 0.25, upper: 0.5 }); // => [-8, 8]
 */
export const rreluInverse = <Y extends Elements>(y: Y, options: RreluOptions & OutOption<Y> = {}): Result<Y> =>
  elementwise(
    'rreluInverse',
    y,
    options,
    slopeInverse,
    slopeInverses,
    invertibleSlope('rreluInverse', 'the mean slope', meanSlopeOf('rreluInverse', options), y),
  );

/**
 * log |det J| of the map in evaluation: `leakyReluLogDet` with the slope `rreluMeanSlope`. Throws a RangeError unless that is above 0.
 *
 * @example
 * import { rreluLogDet } from 'reluminate';
 * rreluLogDet([-2, 3, -1], { lower: 0.5, upper: 1.5 }); // => 0
 */
export const rreluLogDet = (x: Elements, options: RreluOptions = {}): number =>
  slopeLogDet('rreluLogDet', x, invertibleSlope('rreluLogDet', 'the mean slope', meanSlopeOf('rreluLogDet', options)));

/** y_i = x_i for signs_i > 0, slope * x_i else: forward for signs x, backward for signs x and x the upstream gradient. */
export function rectifyNoisily(signs: Floats, x: Floats, y: Floats, slope: (i: number) => number): void {
  for (let i = 0; i < x.length; i++) y[i] = signs[i]! > 0 ? x[i]! : slope(i) * x[i]!;
}

/**
 * Randomized leaky ReLU in training: `x > 0 ? x : r_i * x` with a slope r_i drawn for each element. Xu, Wang, Chen & Li 2015,
 * "Empirical evaluation of rectified activations in convolutional network". The noise comes from Philox, a function of seed and
 * index: it is never stored, and `rreluTrainBackward` meets the same slopes again. Special values as `leakyRelu`.
 *
 * @example
 * import { rreluTrain } from 'reluminate';
 * const y = rreluTrain([-1, 2], { seed: 1 });
 * y[1]; // => 2
 * y[0] <= -1 / 8 && y[0] >= -1 / 3; // => true
 */
export function rreluTrain<X extends Elements>(x: X, options: RreluOptions & NoiseOptions & OutOption<X>): Result<X> {
  if (typeof x === 'number') {
    const slope = slopeSource(noiseOf('rreluTrain', options, false), false);
    if (options.out !== undefined) throw new TypeError('rreluTrain: out must be left out where x is a number');
    return slopeValue(x, slope(0)) as Result<X>;
  }
  const source = asFloats('rreluTrain', 'x', x);
  const slope = slopeSource(noiseOf('rreluTrain', options, isFloat32(x)), isFloat32(x));
  const target = targetFor('rreluTrain', x, options.out);
  rectifyNoisily(source, source, target, slope);
  return deliver(x, options.out, target);
}

/**
 * dx of `rreluTrain`: dy for x > 0, r_i * dy else, with the slopes of the forward pass, given the same options. `x` may also be its
 * output where all slopes are above 0 (they have the same signs). `out` may be `dy` or `x` itself.
 *
 * @example
 * import { rreluTrain, rreluTrainBackward } from 'reluminate';
 * rreluTrainBackward([-1, 2], [1, 1], { seed: 1 })[0] === -rreluTrain([-1, 2], { seed: 1 })[0]; // => true
 */
export function rreluTrainBackward<G extends FloatArray>(
  x: FloatArray,
  dy: G,
  options: RreluOptions & NoiseOptions & OutOption<G>,
): Result<G> {
  const operation = 'rreluTrainBackward';
  const signs = asFloats(operation, 'x', x);
  const upstream = asFloats(operation, 'dy', dy);
  if (upstream.length !== signs.length)
    throw new RangeError(`${operation}: dy must have length ${signs.length} (that of x), got ${upstream.length}`);
  const slope = slopeSource(noiseOf(operation, options, isFloat32(dy)), isFloat32(dy));
  const target = targetFor(operation, dy, options.out, 'dy');
  refuseOverlap(operation, options.out, 'x', x);
  rectifyNoisily(signs, upstream, target, slope);
  return deliver(dy, options.out, target);
}

/**
 * RReLU as a `Rectifier`: values and derivatives of evaluation, moments of training, over the noise as well: they use E r and
 * E r², (l² + lu + u²)/3 for `'uniform'`; ln(u/l)/(u - l) and 1/(lu) for `'xu2015'`.
 *
 * @example
 * import { rreluRectifier } from 'reluminate';
 * rreluRectifier({ lower: 0, upper: 1 }).moments(0, 1).secondMoment.toFixed(4); // => "0.6667"
 */
export function rreluRectifier(options: RreluOptions = {}): Rectifier {
  const distribution = distributionOf('rreluRectifier', options);
  const { convention, lower, upper } = distribution;
  const [slope, slopeSquared] = slopeExpectations(distribution);
  const bounds = [lower, upper].map(bound => `${convention === 'uniform' ? '' : '1/'}${rounded(bound, 3)}`);
  return {
    ...leakyReluRectifier(meanOf(distribution)),
    name: `${convention === 'uniform' ? 'rrelu' : 'rrelu-xu2015'}:${lower},${upper}`,
    label: `RReLU (${bounds.join(' to ')})`,
    parameters: { lower, upper },
    moments: (mean, std) => slopeMoments(mean, std, slope, slopeSquared),
  };
}
