import type { Model } from '../onnx/model.js';
import { positive, whole } from '../rectifiers/parameters.js';
import { checkDataset } from './check-dataset.js';
import type { Checkpoint } from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { batchesPerEpoch } from './datasets/batches.js';
import type { EpochRecord } from './record.js';
import { sampleInput } from './sample-input.js';
import { checkSchedule, type Schedule } from './schedule.js';
import type { StepResult, Trainer, TrainerOptions } from './trainer.js';

export interface FitOptions extends Omit<TrainerOptions, 'batch' | 'loss' | 'sampleDims'> {
  /** Times that all samples are taken (default 5). */
  readonly epochs?: number | undefined;
  /** Samples in a step (default 32, at most all; or as many as the model declares to take at once). */
  readonly batch?: number | undefined;
  /** Default 0.05 for SGD, 0.001 for Adam and AdamW. */
  readonly learningRate?: number | undefined;
  /** Default constant. */
  readonly schedule?: Schedule | undefined;
  /** Decides the order of the samples, and the slopes that RReLU draws (default 0). */
  readonly seed?: number | undefined;
  /** Held-out samples, evaluated after every epoch. */
  readonly validation?: Dataset | undefined;
  /** Stops after so many epochs without a lower validation loss, and gives the best epoch's model. */
  readonly patience?: number | undefined;
  /** Samples of the held-out ones (else of the others) that the audit sees after every epoch (default 1000; 0 for no audit). */
  readonly auditSamples?: number | undefined;
  /**
   * Where to go on. Network, data and settings must be those of the checkpoint, but for the learning rate and `clipNorm`, so that a training that
   * diverged can go on with others, and `epochs`, unless the schedule spans them (cosine, linear).
   */
  readonly from?: Checkpoint | undefined;
  /** Stops after the step that is being made. */
  readonly signal?: AbortSignal | undefined;
  /** After every step: steps done of all, and what it found. */
  readonly onStep?: ((done: number, total: number, result: StepResult) => void) | undefined;
  /** After every epoch. Whatever it returns is awaited. */
  readonly onEpoch?: ((record: EpochRecord, trainer: Trainer) => unknown) | undefined;
  /** After every `checkpointEvery` epochs: where training could go on. Whatever it returns is awaited. */
  readonly onCheckpoint?: ((checkpoint: Checkpoint) => unknown) | undefined;
  /** Default 1. */
  readonly checkpointEvery?: number | undefined;
}

/** The options with their defaults. Throws a Failure for data that are none, a RangeError for options out of range. */
export function checkFit(model: Model, data: Dataset, options: FitOptions) {
  const { epochs = 5, seed = 0, validation, patience, auditSamples = 1000, checkpointEvery = 1, from } = options;
  checkDataset('train', 'training data', data);
  if (validation) checkDataset('train', 'held-out data', validation);
  const input = sampleInput(model, data);
  if (validation) sampleInput(model, validation);
  const batch = options.batch ?? Math.min(input.batch ?? 32, data.count);
  if (whole('train', 'epochs', epochs, 1) < (from?.epochs.length ?? 0))
    throw new RangeError(`train: epochs must be at least ${from?.epochs.length} (the checkpoint's), got ${epochs}`);
  if (whole('train', 'batch', batch, 1) > data.count)
    throw new RangeError(`train: batch must be at most ${data.count} (the samples), got ${batch}`);
  whole('train', 'seed', seed, 0);
  whole('train', 'auditSamples', auditSamples, 0);
  whole('train', 'checkpointEvery', checkpointEvery, 1);
  if (patience !== undefined) whole('train', 'patience', patience, 1);
  if (patience !== undefined && !validation)
    throw new RangeError('train: validation must be given for patience, got none');
  const perEpoch = batchesPerEpoch(data.count, batch);
  const schedule = checkSchedule(options.schedule ?? { kind: 'constant' }, epochs * perEpoch);
  const isAdam = options.optimizer !== undefined && options.optimizer.kind !== 'sgd';
  const learningRate = positive('train', 'learningRate', options.learningRate ?? (isAdam ? 0.001 : 0.05));
  return {
    input,
    batch,
    epochs,
    seed,
    auditSamples,
    checkpointEvery,
    schedule,
    learningRate,
    total: epochs * perEpoch,
  };
}

export type CheckedFit = ReturnType<typeof checkFit>;
