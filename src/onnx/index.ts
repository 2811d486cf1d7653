/** Reading, editing, understanding and running ONNX models. */
export { Failure } from '../failure.js';
export * from './attributes.js';
export * from './build.js';
export type { Channels, Knowledge, Pinned } from './channels.js';
export { propagateConstants } from './constant-flow.js';
export { constantsToInitializers } from './constant-nodes.js';
export * from './constants.js';
export * from './edit.js';
export * from './functions.js';
export * from './layers.js';
export * from './model.js';
export { propagateReads, type Reads } from './read-flow.js';
export * from './rectifiers.js';
export * from './runtime.js';
export * from './scope.js';
export * from './shapes.js';
export * from './tensor.js';
export * from './tensor-data.js';
