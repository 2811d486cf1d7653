import type { EpochSums } from './checkpoint.js';
import type { Evaluation } from './evaluate.js';
import type { StepResult } from './trainer.js';

/** Before the first step of an epoch. */
export const noSums: EpochSums = {
  steps: 0,
  loss: 0,
  correct: 0,
  counted: 0,
  gradientNorms: {},
  layerNorms: {},
  seconds: 0,
};

/** The length of the gradient of each layer, of the parameters that belong to it together. */
function normsByLayer(norms: ReadonlyMap<string, number>, layers: ReadonlyMap<string, string>): Map<string, number> {
  const squares = new Map<string, number>();
  for (const [name, norm] of norms) {
    const layer = layers.get(name);
    if (layer !== undefined) squares.set(layer, (squares.get(layer) ?? 0) + norm ** 2);
  }
  return new Map(Array.from(squares, ([layer, square]) => [layer, Math.sqrt(square)]));
}

const plus = (sums: Readonly<Record<string, number>>, found: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries(Array.from(found, ([name, value]) => [name, (sums[name] ?? 0) + value]));

/** With what a step found; `layers` says to which layer a parameter belongs. */
export function added(
  sums: EpochSums,
  { loss, correct, counted, gradientNorms }: StepResult,
  layers: ReadonlyMap<string, string>,
  seconds: number,
): EpochSums {
  const norms = gradientNorms ?? new Map<string, number>();
  return {
    steps: sums.steps + 1,
    loss: sums.loss + loss * (counted ?? 1),
    correct: sums.correct + (correct ?? 0),
    counted: sums.counted + (counted ?? 0),
    gradientNorms: plus(sums.gradientNorms, norms),
    layerNorms: plus(sums.layerNorms, normsByLayer(norms, layers)),
    seconds: sums.seconds + seconds,
  };
}

/** The mean loss and the share that was right: over what had a class, as `evaluate` has them; over the steps without classes. */
export function trainEvaluation({ steps, loss, correct, counted }: EpochSums, classes: number | null): Evaluation {
  if (classes === null) return { loss: loss / steps, accuracy: null };
  return { loss: loss / Math.max(1, counted), accuracy: counted === 0 ? null : correct / counted };
}

/** Sums as means, for one. */
export const scaled = (sums: Readonly<Record<string, number>>, factor: number): Record<string, number> =>
  Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum * factor]));
