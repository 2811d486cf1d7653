import { withMetadata } from '../onnx/metadata.js';
import { copyModel, type Model } from '../onnx/model.js';
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

const isDeclared = (value: unknown): value is DeclaredInput => {
  const { name, lower, upper } = (value ?? {}) as Partial<Record<keyof DeclaredInput, unknown>>;
  const isBound = (bound: unknown): bound is number[] =>
    Array.isArray(bound) && bound.length > 0 && bound.every(each => Number.isFinite(each));
  return typeof name === 'string' && isBound(lower) && isBound(upper) && lower.length === upper.length;
};

const isNote = (value: unknown): value is RepairNote => {
  const { reluminate, repairs, inputs, data, prune } = (value ?? {}) as Partial<Record<keyof RepairNote, unknown>>;
  const { align, left } = (prune ?? { align: 1, left: 0 }) as Record<'align' | 'left', unknown>;
  const isCount = (number: unknown, least: number) => Number.isSafeInteger(number) && (number as number) >= least;
  return (
    typeof reluminate === 'string' &&
    Array.isArray(repairs) &&
    Array.isArray(inputs) &&
    inputs.every(isDeclared) &&
    (data === null || typeof data === 'string') &&
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

/** The inputs for which promises made one after the other hold together: those in the ranges of both. */
export const commonInputs = (a: readonly DeclaredInput[], b: readonly DeclaredInput[]): readonly DeclaredInput[] => {
  if (a.length === 0) return b;
  const both = (x: readonly number[], y: readonly number[], choose: (p: number, q: number) => number): number[] =>
    Array.from({ length: Math.max(x.length, y.length) }, (_, at) =>
      choose(x[x.length === 1 ? 0 : at] as number, y[y.length === 1 ? 0 : at] as number),
    );
  return a.map(each => {
    const other = b.find(({ name }) => name === each.name) ?? each;
    const { name } = each;
    return { name, lower: both(each.lower, other.lower, Math.max), upper: both(each.upper, other.upper, Math.min) };
  });
};

/** A copy of the model without the note: what is trained further no longer does what the note promises. */
export function withoutRepairNote(original: Model): Model {
  const model = copyModel(original);
  model.proto.metadataProps = model.proto.metadataProps.filter(entry => entry.key !== key);
  return model;
}

/** A copy of the model with a note in place of the one it had. */
export const withRepairNote = (original: Model, note: RepairNote): Model =>
  withMetadata(original, key, JSON.stringify(note));
