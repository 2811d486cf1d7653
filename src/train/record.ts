import { audit } from '../audit/audit.js';
import type { Verdict } from '../audit/report.js';
import type { Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import type { Dataset } from './dataset.js';
import { type Evaluation, feedsFor } from './evaluate.js';
import { sampleInput } from './sample-input.js';

/** What an epoch found of one layer's rectifier. */
export interface LayerRecord {
  readonly name: string;
  readonly units: number;
  /** Share of units that are dead by the audit's verdicts, on the samples it saw. */
  readonly dead: number;
  /** How many units have each verdict. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Slopes on the negative side; null for rectifiers without. */
  readonly slopes: { readonly min: number; readonly median: number; readonly max: number } | null;
  /** Mean length over the steps of the gradient of all parameters that reach this rectifier first; null where lengths are not measured, and for layers without. */
  readonly gradientNorm: number | null;
}

/** What an epoch did and found. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Steps since training began. */
  readonly steps: number;
  /** Learning rate of the last step. */
  readonly learningRate: number;
  /** Of the epoch's batches together, each before its step moved the parameters. */
  readonly train: Evaluation;
  /** After the epoch, on the held-out samples; null where there are none. */
  readonly validation: Evaluation | null;
  /** Mean length over the steps of each parameter's gradient. */
  readonly gradientNorms: Readonly<Record<string, number>>;
  readonly layers: readonly LayerRecord[];
  readonly seconds: number;
}

/** The rectifiers of a model as the audit finds them on the first `samples` of a dataset, each with the length of its layer's gradient. */
export async function layerRecords(
  model: Model,
  data: Dataset,
  samples: number,
  gradientNorms: Readonly<Record<string, number>>,
  options: SessionOptions,
): Promise<LayerRecord[]> {
  const input = sampleInput(model, data);
  // A model that fixes its batch sees whole ones only.
  const size = Math.min(samples, data.count);
  const count = input.batch === null ? size : Math.max(1, Math.floor(size / input.batch)) * input.batch;
  const seen = { ...data, count, inputs: data.inputs.subarray(0, (data.inputs.length / data.count) * count) };
  const report = await audit(
    model,
    {
      kind: 'samples',
      description: data.name,
      total: count,
      batches: () => feedsFor(seen, input),
    },
    options,
  );
  return report.layers.map(({ name, units, dead, counts, slopes }) => ({
    name,
    units: units.length,
    dead: units.length === 0 ? 0 : dead / units.length,
    verdicts: counts,
    slopes: slopes && { min: slopes.min, median: slopes.median, max: slopes.max },
    gradientNorm: gradientNorms[name] ?? null,
  }));
}
