/** The rectifiers: functions, derivatives and parameter gradients over numbers and arrays. */
export * from './celu.js';
export * from './elu.js';
export type { Elements, FloatArray, Floats, HalfFloats, Out, OutOption, Result } from './floats.js';
export * from './forms.js';
export type { GaussianMoments } from './gaussian-moments.js';
export * from './gelu.js';
export * from './gelu-tanh.js';
export * from './hard-swish.js';
export type { AtZero, AtZeroOption } from './kink.js';
export { channelLayout, type Layout, type LayoutOption, type Slopes } from './layout.js';
export {
  leakyRelu,
  leakyReluDerivative,
  leakyReluInverse,
  leakyReluLogDet,
  leakyReluRectifier,
  leakyReluSecondDerivative,
  leakyReluSlopeGradient,
  type NegativeSlopeOption,
} from './leaky-relu.js';
export * from './mish.js';
export { normalCdf, normalDensity } from './normal.js';
export * from './parse-rectifier.js';
export { philox } from './philox.js';
export {
  prelu,
  preluDerivative,
  preluInverse,
  preluLogDet,
  preluRectifier,
  preluSecondDerivative,
} from './prelu.js';
export { type PreluGradients, preluBackward, preluBackwardFromOutput } from './prelu-backward.js';
export * from './prelu-unit.js';
export type { Rectifier } from './rectifier.js';
export * from './relu.js';
export * from './relu6.js';
export {
  rrelu,
  rreluDerivative,
  rreluInverse,
  rreluLogDet,
  rreluRectifier,
  rreluSecondDerivative,
  rreluTrain,
  rreluTrainBackward,
} from './rrelu.js';
export {
  type NoiseOptions,
  type RreluConvention,
  type RreluOptions,
  rreluMeanSlope,
  rreluSlopes,
} from './rrelu-slopes.js';
export * from './selu.js';
export { preluBackwardFromMask, preluBackwardFromMaskAndOutput, signMask } from './sign-mask.js';
export * from './silu.js';
export {
  parameterFromSlope,
  type SlopeConstraint,
  slopeByParameter,
  slopeFromParameter,
} from './slope-constraint.js';
export * from './softplus.js';
export * from './thresholded-relu.js';
