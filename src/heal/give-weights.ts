import type { Anatomy, RectifiedLayer } from '../audit/anatomy.js';
import type { AuditData } from '../audit/audit.js';
import type { AuditReport, LayerReport, UnitReport } from '../audit/report.js';
import type { Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { createRandom } from '../random.js';
import type { DeadUnit } from './dead-unit.js';
import { startEdits } from './edits.js';
import { drawWeights, fitUnit } from './fresh-weights.js';
import { channelValues } from './pre-activations.js';
import { silence } from './silence.js';
import { wavesOf } from './waves.js';

const median = (values: readonly number[]): number | null =>
  values.length === 0 ? null : ([...values].sort((a, b) => a - b)[values.length >> 1] as number);

/** The variance of a typical living unit's pre-activation; null where there is none. */
const typicalVariance = ({ units }: LayerReport): number | null =>
  median(
    units.flatMap(({ dead, preActivation }) => (!dead && preActivation?.variance ? [preActivation.variance] : [])),
  );

export interface Attempt {
  readonly model: Model;
  /** Units whose fresh weights do not do, and why. */
  readonly failed: ReadonlyMap<UnitReport, string>;
}

/** Gives the units fresh weights, wave by wave, so that each is fitted to what those before it give. */
export async function giveWeights(
  anatomy: Anatomy,
  report: AuditReport,
  units: readonly DeadUnit[],
  wide: ReadonlySet<UnitReport>,
  data: AuditData | null,
  seed: number,
  session: SessionOptions,
): Promise<Attempt> {
  const edits = startEdits(anatomy.model, anatomy.scope);
  const failed = new Map<UnitReport, string>();
  silence(edits, anatomy, units);
  for (const wave of wavesOf(units, wide)) {
    for (const { layer, unit, into, inputs } of wave) {
      // A stream for each unit, so that a unit that is left out does not change the weights of the others.
      const random = createRandom(createRandom(seed).integer(2 ** 32) + 2 ** 20 * layer + unit);
      drawWeights(edits, into, unit, inputs, random);
    }
    edits.write();
    if (!data) continue;
    const layers = [...new Set(wave.map(({ layer }) => layer))].map(layer => ({
      ...(anatomy.layers[layer] as RectifiedLayer),
      own: wave.filter(each => each.layer === layer),
      variance: typicalVariance(report.layers[layer] as LayerReport),
    }));
    const picked = layers.map(({ rectifier, axis, own }) => ({
      value: rectifier.input,
      axis: axis ?? 1,
      channels: own.map(({ unit }) => unit),
    }));
    const values = await channelValues(edits.model, picked, data, session);
    for (const [at, { own, variance, rectifier }] of layers.entries())
      for (const [index, { found, unit, into }] of own.entries()) {
        const reason = fitUnit(edits, into, unit, values[at]?.[index] as Float64Array, variance, rectifier.threshold);
        if (reason) failed.set(found, reason);
      }
    edits.write();
  }
  return { model: edits.model, failed };
}
