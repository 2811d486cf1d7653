export { backwardRows, backwardRuns } from './backward';
export { forwardBiasRows, forwardBiasRuns, forwardRows, forwardRuns } from './forward';
export { maskRows, maskRuns, signMask } from './mask';
export { relu } from './relu';
export { rrelu } from './rrelu';
