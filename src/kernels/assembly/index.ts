export { backwardBiasRows, backwardBiasRuns, backwardRows, backwardRuns } from './backward';
export { forwardBiasRows, forwardBiasRuns, forwardRows, forwardRuns } from './forward';
export { maskRows, maskRuns, signed, signMask } from './mask';
export { relu, reluBackward } from './relu';
export { rrelu } from './rrelu';
