/**
 * The rectifiers' passes over Float32Arrays at memory speed: the same names, arguments and results as the functions of
 * `reluminate`, in WebAssembly SIMD, on several threads or in JavaScript without branches.
 */

export type { AtZero } from '../rectifiers/kink.js';
export type { Layout, Slopes } from '../rectifiers/layout.js';
export type { PreluGradients } from '../rectifiers/prelu-backward.js';
export { KernelMemory, type KernelMemoryOptions } from './memory.js';
export type { Path, PathOption } from './path.js';
export { type ForwardOptions, leakyRelu, prelu } from './prelu.js';
export { type BackwardOptions, preluBackward, preluBackwardFromOutput } from './prelu-backward.js';
export { preluBias } from './prelu-bias.js';
export { type PreluBiasGradients, preluBiasBackward } from './prelu-bias-backward.js';
export { preluUnitBackward, preluUnitForward } from './prelu-unit.js';
export { relu, reluBackward } from './relu.js';
export { type NoisyOptions, rrelu, rreluTrain, rreluTrainBackward } from './rrelu.js';
export { preluBackwardFromMask, preluBackwardFromMaskAndOutput, signMask } from './sign-mask.js';
