import { Failure } from '../failure.js';
import type { Model } from '../onnx/model.js';
import { positive, whole } from '../rectifiers/parameters.js';
import type { Best, Checkpoint, EpochSums } from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { batchesPerEpoch, shuffledBatches } from './datasets/batches.js';
import { evaluate } from './evaluate.js';
import type { Loss } from './loss.js';
import { type EpochRecord, layerRecords } from './record.js';
import { sampleInput } from './sample-input.js';
import { checkSchedule, rateAt, type Schedule } from './schedule.js';
import { openTrainer, type StepResult, type Trainer, type TrainerOptions } from './trainer.js';

export interface FitOptions extends Omit<TrainerOptions, 'batch' | 'loss' | 'sampleDims'> {
  /** Times that all samples are taken (default 5). */
  readonly epochs?: number | undefined;
  /** Samples in a step (default 32, at most all). */
  readonly batch?: number | undefined;
  /** Default 0.05 for SGD, 0.001 for Adam and AdamW. */
  readonly learningRate?: number | undefined;
  /** Default constant. */
  readonly schedule?: Schedule | undefined;
  /** Decides the order of the samples (default 0). */
  readonly seed?: number | undefined;
  /** Held-out samples, evaluated after every epoch. */
  readonly validation?: Dataset | undefined;
  /** Stops after so many epochs without a lower validation loss, and gives the best epoch's model. */
  readonly patience?: number | undefined;
  /** Samples of the held-out ones (else of the others) that the audit sees after every epoch (default 1000; 0 for no audit). */
  readonly auditSamples?: number | undefined;
  /** Where to go on. */
  readonly from?: Checkpoint | undefined;
  /** Stops after the step that is being made. */
  readonly signal?: AbortSignal | undefined;
  /** After every step: steps done of all, and what it found. */
  readonly onStep?: ((done: number, total: number, result: StepResult) => void) | undefined;
  /** After every epoch. Whatever it returns is awaited. */
  readonly onEpoch?: ((record: EpochRecord, trainer: Trainer) => unknown) | undefined;
}

/** What a training gives. */
export interface FitResult {
  /** The trained model: with `patience` that of the best epoch, else the last. */
  readonly model: Model;
  readonly epochs: readonly EpochRecord[];
  /** The epoch (from 1) whose model this is; null where none was completed. */
  readonly epoch: number | null;
  /** Why it ended. */
  readonly ended: 'epochs' | 'patience' | 'signal';
  /** Where it could go on. */
  readonly checkpoint: Checkpoint;
}

const noSums: EpochSums = { steps: 0, loss: 0, correct: 0, gradientNorms: {}, seconds: 0 };

const added = (sums: EpochSums, { loss, correct, gradientNorms }: StepResult, seconds: number): EpochSums => ({
  steps: sums.steps + 1,
  loss: sums.loss + loss,
  correct: sums.correct + (correct ?? 0),
  gradientNorms: Object.fromEntries(
    Array.from(gradientNorms ?? [], ([name, norm]) => [name, (sums.gradientNorms[name] ?? 0) + norm]),
  ),
  seconds: sums.seconds + seconds,
});

const scaled = (sums: Readonly<Record<string, number>>, factor: number): Record<string, number> =>
  Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum * factor]));

/** What decides the numbers of a training, as text to compare; functions, data and the number of epochs aside. */
const settingsOf = (
  { optimizer, groups, batchStatistics, clipNorm }: FitOptions,
  batch: number,
  seed: number,
  rate: number,
  schedule: Schedule,
  data: Dataset,
): string =>
  JSON.stringify({
    optimizer,
    groups,
    batchStatistics,
    clipNorm,
    batch,
    seed,
    rate,
    schedule,
    data: [data.name, data.count],
  });

/**
 * Trains a model on a dataset: shuffled batches, validation, early stopping, and after each epoch what the audit says of every layer. The same
 * seed gives the same numbers, and going on from a checkpoint the same bits as never having stopped (with the same number of threads). Throws a Failure where the loss is
 * no longer finite, and for models that cannot be trained; a RangeError for options out of range.
 */
export async function fit(model: Model, data: Dataset, options: FitOptions = {}): Promise<FitResult> {
  const { epochs = 5, seed = 0, schedule = { kind: 'constant' }, validation, patience, auditSamples = 1000 } = options;
  const { from, signal, onStep, onEpoch, gradientNorms = true } = options;
  const batch = options.batch ?? Math.min(32, data.count);
  whole('train', 'epochs', epochs, 1);
  if (whole('train', 'batch', batch, 1) > data.count)
    throw new RangeError(`train: batch must be at most ${data.count} (the samples), got ${batch}`);
  whole('train', 'seed', seed, 0);
  whole('train', 'auditSamples', auditSamples, 0);
  if (patience !== undefined) whole('train', 'patience', patience, 1);
  if (patience !== undefined && !validation)
    throw new RangeError('train: validation must be given for patience, got none');
  checkSchedule(schedule);
  const isAdam = options.optimizer !== undefined && options.optimizer.kind !== 'sgd';
  const learningRate = positive('train', 'learningRate', options.learningRate ?? (isAdam ? 0.001 : 0.05));
  const perEpoch = batchesPerEpoch(data.count, batch);
  const total = epochs * perEpoch;
  const loss: Loss = data.classes === null ? 'mean-squared-error' : 'cross-entropy';
  const settings = settingsOf(options, batch, seed, learningRate, schedule, data);
  if (from && from.settings !== settings)
    throw new Failure(
      'usage',
      `train: a checkpoint must be continued with its own settings, ${from.settings}, got ${settings}`,
    );
  const input = sampleInput(model, data);
  const trainer = await openTrainer(model, {
    ...options,
    batch,
    loss,
    gradientNorms,
    sampleDims: { [input.name]: input.dims },
  });
  try {
    if (from) trainer.restore(from.state);
    const records: EpochRecord[] = [...(from?.epochs ?? [])];
    let sums = from?.sums ?? noSums;
    let best: Best | null = from?.best ?? null;
    let ended: FitResult['ended'] = 'epochs';
    const isStale = () => patience !== undefined && best !== null && records.length - best.epoch >= patience;

    const endEpoch = async (rate: number): Promise<void> => {
      const epoch = records.length + 1;
      const current = trainer.model();
      const found = validation ? await evaluate(current, validation, options) : null;
      const record: EpochRecord = {
        epoch,
        steps: trainer.steps,
        learningRate: rate,
        train: {
          loss: sums.loss / sums.steps,
          accuracy: data.classes === null ? null : sums.correct / (sums.steps * batch),
        },
        validation: found,
        gradientNorms: scaled(sums.gradientNorms, 1 / sums.steps),
        layers: auditSamples > 0 ? await layerRecords(current, validation ?? data, auditSamples, options) : [],
        seconds: sums.seconds,
      };
      records.push(record);
      sums = noSums;
      if (found && patience !== undefined && (best === null || found.loss < best.loss))
        best = { epoch, loss: found.loss, state: trainer.state() };
      await onEpoch?.(record, trainer);
    };

    const runEpoch = async (): Promise<void> => {
      const batches = shuffledBatches(data, { batchSize: batch, seed, epoch: records.length });
      let rate = learningRate;
      let skip = sums.steps;
      for (const each of batches) {
        if (skip-- > 0) continue;
        if (signal?.aborted) return;
        const start = performance.now();
        rate = learningRate * rateAt(schedule, trainer.steps, total);
        const result = await trainer.step(each, rate);
        sums = added(sums, result, (performance.now() - start) / 1000);
        onStep?.(trainer.steps, total, result);
      }
      await endEpoch(rate);
    };

    while (records.length < epochs && !isStale() && !signal?.aborted) await runEpoch();
    if (records.length < epochs) ended = isStale() ? 'patience' : 'signal';
    const checkpoint: Checkpoint = { state: trainer.state(), settings, sums, epochs: records, best };
    // The signal may come in the middle of an epoch: what has been learned since the last one counts.
    const chosen = best as Best | null;
    if (chosen !== null && ended !== 'signal') trainer.restore(chosen.state);
    const epoch = chosen?.epoch ?? (records.length === 0 ? null : records.length);
    return { model: trainer.model(), epochs: records, epoch, ended, checkpoint };
  } finally {
    await trainer.close();
  }
}
