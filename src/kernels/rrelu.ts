import { type OutOption, refuseOverlap, targetFor } from '../rectifiers/floats.js';
import { refuseNonObject } from '../rectifiers/parameters.js';
import { rreluTrain as scalar, rreluTrainBackward as scalarBackward } from '../rectifiers/rrelu.js';
import { meanSlopeOf, type Noise, type NoiseOptions, noiseOf, type RreluOptions } from '../rectifiers/rrelu-slopes.js';
import { float32, refuseOtherLength } from './arrays.js';
import { oneRun } from './parameters.js';
import { checkPath, type PathOption, perform } from './path.js';
import { forward } from './prelu.js';

/** What RReLU's kernels take besides their arrays. */
export type NoisyOptions = RreluOptions & NoiseOptions & OutOption<Float32Array> & PathOption;

/** The law of the slopes where others have slopes. */
const parametersOf = ({ lower, span, upper }: Noise, length: number) =>
  oneRun(Float32Array.of(lower, span, upper), length);

/**
 * `rrelu` of a Float32Array at memory speed: randomized leaky ReLU in evaluation, with the slope `rreluMeanSlope`. `out` takes the
 * result and may be `x`.
 *
 * @example
 * import { rrelu } from 'reluminate/kernels';
 * Array.from(rrelu(Float32Array.of(-8, 8), { lower: 0.25, upper: 0.5 })); // => [-3, 8]
 */
export function rrelu<X extends Float32Array>(
  x: X,
  options: RreluOptions & OutOption<Float32Array> & PathOption = {},
): X {
  const slope = meanSlopeOf('rrelu', options, x);
  return forward('rrelu', x, slope, { out: options.out, path: options.path });
}

/**
 * `rreluTrain` of a Float32Array: `x > 0 ? x : r_i * x` with the slopes that the definition draws, bit for bit. They are a function of seed,
 * stream and index, made where they are used and never stored. `out` takes the result and may be `x`. Throws a TypeError
 * or RangeError for arrays that do not fit, bounds that are no law and a `path` that cannot be taken.
 *
 * @example
 * import { rreluTrain } from 'reluminate/kernels';
 * const y = rreluTrain(Float32Array.of(-1, 2), { seed: 1 });
 * y[1]; // => 2
 * y[0] <= -1 / 8 && y[0] >= -1 / 3; // => true
 */
export function rreluTrain<X extends Float32Array>(x: X, options: NoisyOptions): X {
  refuseNonObject('rreluTrain', options, '{ seed: 1 }');
  const { path, ...rest } = options;
  checkPath('rreluTrain', path);
  const source = float32('rreluTrain', 'x', x);
  if (path === 'scalar') return scalar(source, rest) as X;
  const noise = noiseOf('rreluTrain', options, true);
  const output = targetFor('rreluTrain', source, options.out) as Float32Array;
  const parameters = parametersOf(noise, source.length);
  perform('rreluTrain', { kernel: 'rrelu', inputs: [source], mask: null, output, parameters, noise }, path);
  return output as X;
}

/**
 * dx of `rreluTrain`: dy for x > 0, r_i * dy else, with the slopes of the forward pass, given the same options. `x` may also be its
 * output where all slopes are above 0. `out` may be `dy` or `x` itself. Throws as `rreluTrain`.
 *
 * @example
 * import { rreluTrain, rreluTrainBackward } from 'reluminate/kernels';
 * const [x, dy] = [Float32Array.of(-1, 2), Float32Array.of(1, 1)];
 * rreluTrainBackward(x, dy, { seed: 1 })[0] === -rreluTrain(x, { seed: 1 })[0]; // => true
 */
export function rreluTrainBackward<G extends Float32Array>(x: Float32Array, dy: G, options: NoisyOptions): G {
  const operation = 'rreluTrainBackward';
  refuseNonObject(operation, options, '{ seed: 1 }');
  const { path, ...rest } = options;
  checkPath(operation, path);
  const signs = float32(operation, 'x', x);
  const upstream = float32(operation, 'dy', dy);
  if (path === 'scalar') return scalarBackward(signs, upstream, rest) as G;
  refuseOtherLength(operation, 'x', signs, upstream);
  const noise = noiseOf(operation, options, true);
  const output = targetFor(operation, upstream, options.out, 'dy') as Float32Array;
  refuseOverlap(operation, options.out, 'x', signs);
  const parameters = parametersOf(noise, signs.length);
  perform(operation, { kernel: 'rrelu', inputs: [signs, upstream], mask: null, output, parameters, noise }, path);
  return output as G;
}
