/** Audit of a model: verdict, evidence, cause and remedy for every unit of every rectifier. Works in Node and in browsers. */
export { Failure } from '../failure.js';
export { type Anatomy, dissect, withProved } from './anatomy.js';
export {
  type AuditData,
  type AuditOptions,
  type AuditProgress,
  audit,
  auditSteps,
  type ObservedData,
  observeSteps,
} from './audit.js';
export { firingInterval } from './interval.js';
export { type MeasuredLayers, measureLayers } from './measured-layers.js';
export { mergeObservations, type Observation, observationFromJson, observationToJson } from './observation.js';
export type { ObserveOptions } from './observe.js';
export { type DeclaredInput, type InputRange, type InputRanges, parseInputRanges, rangesOf } from './prove/box.js';
export { type LayerBounds, type ProveOptions, proveBounds } from './prove/prove.js';
export { provedConstants } from './prove/proved-units.js';
export * from './report.js';
export * from './tally.js';
export { defaultThresholds, slopeKindOf, type Thresholds } from './verdict.js';
