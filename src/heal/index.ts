/** Repairs of models, and the check of what they promise. */
export type { OutputDifference } from './compare.js';
export { silentUnits } from './dead-units.js';
export {
  type DropReport,
  dropInitializerInputs,
  type FlushedTensor,
  type FlushReport,
  flushTiny,
} from './flush.js';
export type { RepairPromise } from './promise.js';
export { type PruneOptions, prune } from './prune/prune.js';
export type { LeftUnits, PrunedLayer, PruneReport } from './prune/report.js';
export type { Repaired } from './repaired.js';
export { type RevivedUnit, type ReviveOptions, type ReviveReport, revive } from './revive.js';
export { canonicalSlopes, type SlopesChange, type SlopesOptions, type SlopesReport } from './slopes.js';
export type { Snap } from './snap.js';
export { type SoftenOptions, type SoftenReport, soften } from './soften.js';
export { type BeforeAfter, type CheckedOutput, type Verification, type VerifyOptions, verify } from './verify.js';
