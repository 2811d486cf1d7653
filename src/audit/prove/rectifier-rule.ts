import type { Rectifier } from '../../onnx/rectifiers.js';
import { smoothShare, underflow } from './rounding.js';
import {
  constant,
  emit,
  type Interval,
  largestOf,
  magnitude,
  nearestTo,
  operand,
  type Sketch,
  slackOf,
  widened,
} from './sketch.js';

const piecewise = new Set(['relu', 'relu6', 'clipped-relu', 'leaky-relu', 'prelu']);

/** Whether a rectifier is two lines through 0, flat above a ceiling perhaps, with slopes the file tells. */
export const isPiecewiseLinear = ({ kind, negativeSlope }: Rectifier): boolean =>
  piecewise.has(kind) && negativeSlope !== null;

/** What a rectifier can be off by, as a share of |slope · x| and, where several nodes spell it, of |x|: spellings are recognized to a millionth. */
export function rectifierRounding({ nodes, negativeSlope }: Rectifier): { ofSlope: number; ofInput: number } {
  const isSingle = nodes.length === 1;
  const isFlat = negativeSlope?.data.every(slope => slope === 0) ?? false;
  return { ofSlope: isSingle ? 2 ** -21 : smoothShare, ofInput: isSingle || isFlat ? 0 : smoothShare };
}

/**
 * A rectifier with known slopes, from its input however it is spelled: its extremes over an interval lie at the ends or, where a slope is
 * negative, at 0.
 */
export function rectified(sketch: Sketch, rectifier: Rectifier): Interval {
  const x = operand(sketch, rectifier.input);
  const { data, dims } = rectifier.negativeSlope as NonNullable<Rectifier['negativeSlope']>;
  const isFlat = data.every(slope => slope === 0);
  const slopes = isFlat ? null : constant(sketch, data, dims);
  const at = (point: string): string => {
    const bent = slopes ? emit(sketch, 'PRelu', [point, slopes]) : emit(sketch, 'Relu', [point]);
    return Number.isFinite(rectifier.ceiling) ? emit(sketch, 'Min', [bent, constant(sketch, rectifier.ceiling)]) : bent;
  };
  const ends = [at(x.lower), at(x.upper)] as [string, string];
  if (!slopes) return { lower: ends[0], upper: ends[1], terms: 0, slack: null };
  const points = data.some(slope => slope < 0) ? [...ends, at(nearestTo(sketch, x, 0))] : ends;
  const { ofSlope, ofInput } = rectifierRounding(rectifier);
  const share = ofSlope * largestOf(data) + ofInput;
  const slack = slackOf(sketch, magnitude(sketch, x), share, underflow(1, largestOf(data)));
  const [lower, upper] = ['Min', 'Max'].map(op => emit(sketch, op, points)) as [string, string];
  return widened(sketch, lower, upper, slack, 0);
}
