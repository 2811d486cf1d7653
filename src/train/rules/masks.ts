import { float } from '../../onnx/build.js';
import type { Writer } from '../writer.js';

/** The steepest slope that HardSigmoid can have. */
export const steepest = 3.4e38;

/**
 * 1 where x > 0, 0 elsewhere: HardSigmoid with the steepest slope there is. One pass without branches, as fast as any other, where Where,
 * Cast(Greater) and Sign take longer (measured). Below 1 / 3.4e38 = 2.94e-39, which is subnormal, a value counts in part: x · 3.4e38. NaN stays NaN.
 */
export const step = (writer: Writer, x: string): string =>
  writer.op('HardSigmoid', [x], { alpha: float(steepest), beta: float(0) });

/** 1 where x <= 0, 0 elsewhere, in the same way. */
export const stepDown = (writer: Writer, x: string): string =>
  writer.op('HardSigmoid', [x], { alpha: float(-steepest), beta: float(1) });

/** 1 where x >= 0, 0 elsewhere, in the same way. */
export const stepFromZero = (writer: Writer, x: string): string =>
  writer.op('HardSigmoid', [x], { alpha: float(steepest), beta: float(1) });
