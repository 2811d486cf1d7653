import { Failure } from '../failure.js';
import type { EpochRecord } from './record.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import type { TrainerState } from './trainer.js';

/** Sums over the steps of an epoch that is not over. */
export interface EpochSums {
  readonly steps: number;
  readonly loss: number;
  readonly correct: number;
  /** By parameter, as in the epoch's record. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** The best epoch so far by validation loss, and what was learned until then. */
export interface Best {
  readonly epoch: number;
  readonly loss: number;
  readonly state: TrainerState;
}

/** A training that can go on as if it had never stopped. */
export interface Checkpoint {
  readonly state: TrainerState;
  /** Settings that decide the numbers: going on with others would not be the same training. */
  readonly settings: string;
  readonly sums: EpochSums;
  readonly epochs: readonly EpochRecord[];
  readonly best: Best | null;
}

const prefix = 'best/';

/**
 * Writes a checkpoint as a safetensors file: everything carried from step to step, and the rest as JSON in its header.
 *
 * @example
 * import { readCheckpoint, writeCheckpoint } from 'reluminate/train';
 * const state = { steps: 2, tensors: new Map([['w', { dims: [1], data: Float32Array.of(0.5) }]]) };
 * const sums = { steps: 2, loss: 1.5, correct: 3, gradientNorms: {}, seconds: 0.1 };
 * const bytes = writeCheckpoint({ state, settings: '{}', sums, epochs: [], best: null });
 * readCheckpoint(bytes).state.steps; // => 2
 */
export function writeCheckpoint({ state, settings, sums, epochs, best }: Checkpoint): Uint8Array<ArrayBuffer> {
  const tensors = new Map(state.tensors);
  for (const [name, tensor] of best?.state.tensors ?? []) tensors.set(prefix + name, tensor);
  const progress = JSON.stringify({
    steps: state.steps,
    sums,
    epochs,
    best: best && { epoch: best.epoch, loss: best.loss, steps: best.state.steps },
  });
  return writeSafetensors({ metadata: { format: 'reluminate-checkpoint-1', settings, progress }, tensors });
}

/** Reads a checkpoint. Throws a Failure for files that are none. */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const { metadata, tensors } = readSafetensors(bytes);
  if (metadata.format !== 'reluminate-checkpoint-1')
    throw new Failure(
      'input',
      `read checkpoint: the file must be a checkpoint of Reluminate, got format '${metadata.format ?? 'none'}'`,
    );
  const { steps, sums, epochs, best } = JSON.parse(metadata.progress as string);
  const part = (isBest: boolean) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix) === isBest)
        .map(([name, tensor]) => [isBest ? name.slice(prefix.length) : name, tensor] as const),
    );
  return {
    state: { steps, tensors: part(false) },
    settings: metadata.settings as string,
    sums,
    epochs,
    best: best && { epoch: best.epoch, loss: best.loss, state: { steps: best.steps, tensors: part(true) } },
  };
}
