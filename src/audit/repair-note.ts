import { create } from '@bufbuild/protobuf';
import { copyModel, type Model } from '../onnx/model.js';
import { StringStringEntryProtoSchema } from '../onnx/proto.js';
import type { DeclaredInput } from './prove/box.js';

/** What a repair notes in the file that it writes, so that whoever finds the file knows what its outputs are equal for. */
export interface RepairNote {
  /** Version of Reluminate that wrote the file. */
  readonly reluminate: string;
  /** The repairs by the names of their flags, in order. */
  readonly repairs: readonly string[];
  /** What the inputs may be for the promise to hold; empty where they may be anything. */
  readonly inputs: readonly DeclaredInput[];
  /** The samples that units were silent on or fresh weights were fitted to; null for none. */
  readonly data: string | null;
  /** The width that a prune kept multiples of, and the constant or unread units that it left; null without one. */
  readonly prune: { readonly align: number; readonly left: number } | null;
}

/** The metadata of a model that holds the note, as JSON. */
const key = 'reluminate.heal';

const isNote = (value: unknown): value is RepairNote => {
  const { reluminate, repairs, inputs, prune } = (value ?? {}) as Partial<Record<keyof RepairNote, unknown>>;
  const { align, left } = (prune ?? { align: 1, left: 0 }) as Record<'align' | 'left', unknown>;
  const isCount = (number: unknown, least: number) => Number.isSafeInteger(number) && (number as number) >= least;
  return (
    typeof reluminate === 'string' &&
    Array.isArray(repairs) &&
    Array.isArray(inputs) &&
    isCount(align, 1) &&
    isCount(left, 0)
  );
};

/** The note of the last repair; null where there is none, or one that is not understood. */
export function repairNoteOf({ proto }: Model): RepairNote | null {
  const text = proto.metadataProps.find(entry => entry.key === key)?.value;
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isNote(value) ? value : null;
  } catch {
    return null;
  }
}

/** A copy of the model with a note in place of the one it had. */
export function withRepairNote(original: Model, note: RepairNote): Model {
  const model = copyModel(original);
  const others = model.proto.metadataProps.filter(entry => entry.key !== key);
  model.proto.metadataProps = [...others, create(StringStringEntryProtoSchema, { key, value: JSON.stringify(note) })];
  return model;
}
