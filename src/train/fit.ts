import type { Model } from '../onnx/model.js';
import type { Best, Checkpoint } from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { shuffledBatches } from './datasets/batches.js';
import { allFinite, Divergence, diverged, explainDivergence } from './divergence.js';
import { added, noSums, scaled, trainEvaluation } from './epoch-sums.js';
import { type Evaluation, evaluate, feedsFor, requireOutput } from './evaluate.js';
import { checkFit, type FitOptions } from './fit-options.js';
import type { Loss } from './loss.js';
import { type EpochRecord, layerRecords } from './record.js';
import { rectifiedLayers } from './rectified-layers.js';
import { sampleInput } from './sample-input.js';
import { rateAt } from './schedule.js';
import { requireSameSettings, settingsOf } from './settings.js';
import { openTrainer, type TrainerState } from './trainer.js';

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

/** Throws a Divergence where the parameters, or what else is carried, are no longer finite. */
function requireFiniteState({ steps, tensors }: TrainerState): void {
  const wrong = [...tensors].find(([, { data }]) => !allFinite(data));
  if (wrong) throw diverged('parameters must stay finite', `NaN or Infinity in '${wrong[0]}' after step ${steps}`);
}

/** The loss on held-out samples. Throws a Divergence where it is not finite. */
async function evaluateFinite(model: Model, data: Dataset, steps: number, options: FitOptions): Promise<Evaluation> {
  const found = await evaluate(model, data, options);
  if (Number.isFinite(found.loss)) return found;
  const batches = (function* () {
    for (const { feeds } of feedsFor(data, sampleInput(model, data))) yield feeds;
  })();
  const what = { what: 'the held-out loss', loss: found.loss, when: `after step ${steps}` };
  throw await explainDivergence(model, batches, what, options);
}

/**
 * Trains a model on a dataset: shuffled batches, validation, early stopping, and after each epoch what the audit says of every layer. The same
 * seed gives the same numbers, and going on from a checkpoint the same bits as never having stopped (with the same number of threads). Throws a Divergence, which
 * carries the last good checkpoint, where losses, gradients or parameters are no longer finite, a Failure for data that are none and models that cannot be trained, a
 * RangeError for options out of range. In a browser it needs a secure page (https or localhost), where Web Crypto is.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, fit, moons } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-8-2', { rectifier: parseRectifier('prelu') });
 * const { epochs, ended } = await fit(network, moons({ count: 200 }), { epochs: 10, schedule: { kind: 'cosine' } });
 * ended; // => "epochs"
 * epochs[9].train.loss < epochs[0].train.loss; // => true
 */
export async function fit(model: Model, data: Dataset, options: FitOptions = {}): Promise<FitResult> {
  const checked = checkFit(model, data, options);
  const { input, batch, epochs, seed, auditSamples, checkpointEvery, schedule, learningRate, total } = checked;
  const { validation, patience, from, signal, onStep, onEpoch, onCheckpoint, gradientNorms = true } = options;
  const loss: Loss = data.classes === null ? 'mean-squared-error' : 'cross-entropy';
  const sampleDims = { [input.name]: input.dims };
  let lastGood: Checkpoint | null = from ?? null;
  const trainer = await openTrainer(model, { ...options, batch, loss, gradientNorms, sampleDims });
  try {
    requireOutput('train', trainer.output, batch, data);
    // Samples of other dimensions, which a model may take, have another output: the first evaluation sees it.
    if (validation && sampleInput(model, validation).dims.join() === input.dims.join())
      requireOutput('train', trainer.output, batch, validation);
    const settings = await settingsOf({ model, data, options }, checked, trainer);
    if (from) requireSameSettings(from.settings, settings);
    if (from) trainer.restore(from.state);
    const layers = rectifiedLayers(model, trainer.parameters);
    const records: EpochRecord[] = [...(from?.epochs ?? [])];
    let sums = from?.sums ?? noSums;
    let best: Best | null = from?.best ?? null;
    let ended: FitResult['ended'] = 'epochs';
    const isStale = () => patience !== undefined && best !== null && records.length - best.epoch >= patience;
    const checkpointOf = (state: TrainerState): Checkpoint => ({ state, settings, sums, epochs: [...records], best });

    const endEpoch = async (rate: number): Promise<void> => {
      const epoch = records.length + 1;
      const state = trainer.state();
      requireFiniteState(state);
      const current = trainer.model();
      const found = validation ? await evaluateFinite(current, validation, state.steps, options) : null;
      const layerNorms = scaled(sums.layerNorms, 1 / sums.steps);
      const record: EpochRecord = {
        epoch,
        steps: state.steps,
        learningRate: rate,
        train: trainEvaluation(sums, data.classes),
        validation: found,
        gradientNorms: scaled(sums.gradientNorms, 1 / sums.steps),
        layers:
          auditSamples > 0 ? await layerRecords(current, validation ?? data, auditSamples, layerNorms, options) : [],
        seconds: sums.seconds,
      };
      records.push(record);
      sums = noSums;
      if (found && patience !== undefined && (best === null || found.loss < best.loss))
        best = { epoch, loss: found.loss, state };
      lastGood = checkpointOf(state);
      await onEpoch?.(record, trainer);
      if (epoch % checkpointEvery === 0) await onCheckpoint?.(lastGood);
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
        sums = added(sums, result, layers, (performance.now() - start) / 1000);
        onStep?.(trainer.steps, total, result);
      }
      await endEpoch(rate);
    };

    while (records.length < epochs && !isStale() && !signal?.aborted) await runEpoch();
    if (records.length < epochs) ended = isStale() ? 'patience' : 'signal';
    const state = trainer.state();
    requireFiniteState(state);
    const checkpoint = checkpointOf(state);
    // The signal may come in the middle of an epoch: what has been learned since the last one counts.
    const chosen = best as Best | null;
    if (chosen !== null && ended !== 'signal') trainer.restore(chosen.state);
    const epoch = chosen?.epoch ?? (records.length === 0 ? null : records.length);
    return { model: trainer.model(), epochs: records, epoch, ended, checkpoint };
  } catch (cause) {
    throw cause instanceof Divergence ? new Divergence(cause.message, lastGood) : cause;
  } finally {
    await trainer.close();
  }
}
