/** Training of rectifier networks on ONNX Runtime, slopes included. */

export { type Architecture, formatNetwork } from './builders/architecture.js';
export { type BuildOptions, buildNetwork } from './builders/build-network.js';
export { completeNetwork, parseNetwork } from './builders/parse-network.js';
export { standardizeInput } from './builders/standardize-input.js';
export { type SkipOptions, tailoredRectifier } from './builders/tailored-rectifier.js';
export { type Best, type Checkpoint, type EpochSums, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export type { Dataset, Split, Standardization } from './dataset.js';
export { type BatchOptions, batchesPerEpoch, epochOrder, shuffledBatches } from './datasets/batches.js';
export { type ClassesOption, moons, type PlaneOptions, rings, spirals } from './datasets/plane.js';
export { type SplitOptions, splitDataset } from './datasets/split.js';
export { standardizationOf, standardize, standardizeSplit } from './datasets/standardize.js';
export { type Differentiated, type DifferentiateOptions, differentiate } from './differentiate.js';
export { Divergence } from './divergence.js';
export { confusion, type Evaluation, evaluate } from './evaluate.js';
export { type FitResult, fit } from './fit.js';
export type { FitOptions } from './fit-options.js';
export type { Loss } from './loss.js';
export type { Optimizer } from './optimizer.js';
export type { ParameterGroup, ParameterGroups, SlopeGroup } from './parameter-group.js';
export { type Parameter, type ParameterKind, parametersOf, parameterValues } from './parameters.js';
export type { EpochRecord, LayerRecord } from './record.js';
export { type NamedTensors, readSafetensors, writeSafetensors } from './safetensors.js';
export { rateAt, type Schedule } from './schedule.js';
export type { Settings } from './settings.js';
export {
  openTrainer,
  type StepResult,
  type Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingBatch,
} from './trainer.js';
