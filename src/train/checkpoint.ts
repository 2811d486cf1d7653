import { Failure } from '../failure.js';
import type { EpochRecord } from './record.js';
import { isObject, readSafetensors, writeSafetensors } from './safetensors.js';
import type { Settings } from './settings.js';
import type { TrainerState } from './trainer.js';

/** Sums over the steps of an epoch that is not over. */
export interface EpochSums {
  readonly steps: number;
  /** Of all that has a class; of the steps' means where there are no classes. */
  readonly loss: number;
  readonly correct: number;
  /** How many have a class. */
  readonly counted: number;
  /** By parameter, as in the epoch's record. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  /** By rectifier, of the parameters that reach it first. */
  readonly layerNorms: Readonly<Record<string, number>>;
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
  /** What decides the numbers: going on with other settings would not be the same training. */
  readonly settings: Settings;
  readonly sums: EpochSums;
  readonly epochs: readonly EpochRecord[];
  readonly best: Best | null;
}

const format = 'reluminate-checkpoint-1';
const prefix = 'best/';

/**
 * Writes a checkpoint as a safetensors file: everything carried from step to step, and the rest as JSON in its header.
 *
 * @example
 * import { readCheckpoint, writeCheckpoint } from 'reluminate/train';
 * const state = { steps: 2, tensors: new Map([['w', { dims: [1], data: Float32Array.of(0.5) }]]) };
 * const sums = { steps: 2, loss: 1.5, correct: 3, counted: 4, gradientNorms: {}, layerNorms: {}, seconds: 0.1 };
 * const bytes = writeCheckpoint({ state, settings: { seed: '0' }, sums, epochs: [], best: null });
 * readCheckpoint(bytes).state.steps; // => 2
 */
export function writeCheckpoint({ state, settings, sums, epochs, best }: Checkpoint): Uint8Array<ArrayBuffer> {
  const tensors = new Map(state.tensors);
  for (const [name, tensor] of best?.state.tensors ?? []) tensors.set(prefix + name, tensor);
  const progress = JSON.stringify({
    settings,
    steps: state.steps,
    sums,
    epochs,
    best: best && { epoch: best.epoch, loss: best.loss, steps: best.state.steps },
  });
  return writeSafetensors({ metadata: { format, progress }, tensors });
}

type Check = (value: unknown) => boolean;

const isNumber: Check = value => Number.isFinite(value);
const isCount: Check = value => Number.isSafeInteger(value) && (value as number) >= 0;
const isText: Check = value => typeof value === 'string';
const each =
  (check: Check): Check =>
  value =>
    isObject(value) && Object.values(value).every(check);
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  value =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]));
const list =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.every(check);
const orNull =
  (check: Check): Check =>
  value =>
    value === null || check(value);

const isEvaluation = fields({ loss: isNumber, accuracy: orNull(isNumber) });

/** What the progress of a training is made of. */
const parts: Readonly<Record<string, Check>> = {
  settings: each(isText),
  steps: isCount,
  sums: fields({
    steps: isCount,
    loss: isNumber,
    correct: isNumber,
    counted: isCount,
    gradientNorms: each(isNumber),
    layerNorms: each(isNumber),
    seconds: isNumber,
  }),
  epochs: list(
    fields({
      epoch: isCount,
      steps: isCount,
      learningRate: isNumber,
      train: isEvaluation,
      validation: orNull(isEvaluation),
      gradientNorms: each(isNumber),
      layers: list(fields({ name: isText, units: isCount })),
      seconds: isNumber,
    }),
  ),
  best: orNull(fields({ epoch: isCount, loss: isNumber, steps: isCount })),
};

const fail = (must: string, got: string) => new Failure('input', `read checkpoint: ${must}, got ${got}`);

interface Progress extends Pick<Checkpoint, 'settings' | 'sums' | 'epochs'> {
  readonly steps: number;
  readonly best: { readonly epoch: number; readonly loss: number; readonly steps: number } | null;
}

function parseProgress(text: string | undefined): Progress {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '');
  } catch {
    throw fail('its progress must be JSON', `'${(text ?? '').slice(0, 40)}'`);
  }
  if (!isObject(found)) throw fail('its progress must be an object', JSON.stringify(found).slice(0, 40));
  const wrong = Object.entries(parts).find(([name, check]) => !check(found[name]));
  if (wrong)
    throw fail(`its ${wrong[0]} must be as they were written`, String(JSON.stringify(found[wrong[0]])).slice(0, 80));
  return found as unknown as Progress;
}

/**
 * Reads a checkpoint. Throws a Failure for files that are none and for damaged ones.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { buildNetwork, fit, moons, readCheckpoint, writeCheckpoint } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-8-2', { rectifier: parseRectifier('prelu') });
 * const data = moons({ count: 64 });
 * const { checkpoint } = await fit(network, data, { epochs: 1 });
 * const from = readCheckpoint(writeCheckpoint(checkpoint));
 * (await fit(network, data, { epochs: 3, from })).epochs.length; // => 3
 */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const { metadata, tensors } = readSafetensors(bytes);
  if (metadata.format !== format)
    throw fail('the file must be a checkpoint of Reluminate', `format '${metadata.format ?? 'none'}'`);
  const { settings, steps, sums, epochs, best } = parseProgress(metadata.progress);
  const part = (isBest: boolean) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix) === isBest)
        .map(([name, tensor]) => [isBest ? name.slice(prefix.length) : name, tensor] as const),
    );
  return {
    state: { steps, tensors: part(false) },
    settings,
    sums,
    epochs,
    best: best && { epoch: best.epoch, loss: best.loss, state: { steps: best.steps, tensors: part(true) } },
  };
}
