import { dissect } from '../audit/anatomy.js';
import { type AuditData, audit } from '../audit/audit.js';
import type { AuditReport, LayerReport } from '../audit/report.js';
import { silentUnits } from '../heal/dead-units.js';
import { exactButRounding } from '../heal/promise.js';
import { prune } from '../heal/prune/prune.js';
import { revive } from '../heal/revive.js';
import { soften } from '../heal/soften.js';
import { type Verification, verify } from '../heal/verify.js';
import { type Model, writeModel } from '../onnx/model.js';
import type { Batch } from '../onnx/tensor-data.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { buildNetwork } from '../train/builders/build-network.js';
import type { Dataset, Split } from '../train/dataset.js';
import { evaluate } from '../train/evaluate.js';
import { fit } from '../train/fit.js';
import { sampleInput, samplesOf } from '../train/sample-input.js';

/** One model of the story, and what is known of it. */
export interface Chapter {
  readonly title: string;
  readonly model: Model;
  readonly parameters: number;
  readonly units: number;
  /** Units that are dead by the audit, on the samples it was trained on. A PReLU is never dead, since its negative side has a slope that learns. */
  readonly dead: number;
  /** Units that fire on none of these samples, whatever their negative side does: of all units, and as a share of each layer's. */
  readonly neverFiring: number;
  readonly neverFiringByLayer: readonly number[];
  /** Share of held-out samples classified rightly. */
  readonly accuracy: number;
  /** Size of its file. */
  readonly bytes: number;
  /** How long training or repairing it took, checks left out. */
  readonly seconds: number;
  /** How its outputs compare with those of the model it was repaired from, on the samples that the repair saw and on those held out; null where it was trained. */
  readonly verification: { readonly seen: Verification; readonly heldOut: Verification } | null;
  readonly report: AuditReport;
}

/** What is told, and of what. */
export interface Story {
  readonly network: string;
  readonly seed: number;
  readonly data: string;
  readonly samples: { readonly train: number; readonly test: number };
  readonly chapters: readonly Chapter[];
}

export interface StoryOptions {
  readonly seed: number;
  readonly onProgress: (what: string) => void;
}

/** A network deep enough and a rate high enough for units to die. */
const network = 'mlp:784-128x4-10';
const deadly = { optimizer: { kind: 'adam' }, learningRate: 0.01, epochs: 3 } as const;
const gentle = { optimizer: { kind: 'adam' }, learningRate: 0.001, epochs: 3, schedule: { kind: 'cosine' } } as const;

const batchSize = 500;

function* batches(model: Model, data: Dataset): Generator<Batch> {
  const input = sampleInput(model, data);
  for (let from = 0; from < data.count; from += batchSize) {
    const samples = Math.min(batchSize, data.count - from);
    yield { feeds: { [input.name]: samplesOf(data, input, from, samples) }, samples };
  }
}

const auditData = (model: Model, data: Dataset): AuditData => ({
  kind: 'samples',
  description: `${data.name}, the samples trained on`,
  total: data.count,
  batches: () => batches(model, data),
});

/** Something that was made, and how long that took. */
interface Timed<T> {
  readonly made: T;
  readonly seconds: number;
}

async function timed<T>(make: () => Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  const made = await make();
  return { made, seconds: (performance.now() - start) / 1000 };
}

/** The units of a layer that fired on none of the samples. */
const neverFiring = ({ units }: LayerReport): number => units.filter(({ firedSamples }) => firedSamples === 0).length;

/**
 * Trains a ReLU network on data in a regime in which units die, then heals it in two ways: for shipping the dead units are removed; for
 * training on ReLUs become PReLUs with slope 0 and dead units get fresh weights, and it is trained further beside its untreated twin.
 */
export async function tellStory({ train, test }: Split, { seed, onProgress }: StoryOptions): Promise<Story> {
  const chapter = async (
    title: string,
    { made: model, seconds }: Timed<Model>,
    verification: Chapter['verification'],
  ): Promise<Chapter> => {
    const report: AuditReport = await audit(model, auditData(model, train));
    const { accuracy } = await evaluate(model, test);
    const { units, dead } = report.totals;
    return {
      title,
      model,
      parameters: report.model.parameters,
      units,
      dead,
      neverFiring: report.layers.reduce((sum, layer) => sum + neverFiring(layer), 0),
      neverFiringByLayer: report.layers.map(layer => neverFiring(layer) / layer.units.length),
      accuracy: accuracy as number,
      bytes: writeModel(model).length,
      seconds,
      verification,
      report,
    };
  };
  // What is silent on the samples seen may fire on others: there the repair is exact, here its drift is told.
  const compared = async (before: Model, after: Model) => ({
    seen: await verify(before, after, [...batches(before, train)], {
      promise: exactButRounding(),
      rounds: 0,
    }),
    heldOut: await verify(before, after, [...batches(before, test)], { promise: { kind: 'report' } }),
  });

  onProgress(`training ${network} with ReLU`);
  const start = buildNetwork(network, { rectifier: parseRectifier('relu'), seed });
  const trained = await timed(async () => (await fit(start, train, { ...deadly, seed, auditSamples: 0 })).model);
  const first = await chapter('trained with ReLU', trained, null);

  onProgress('removing dead units');
  const constants = silentUnits(dissect(trained.made).layers, first.report);
  const pruned = await timed(async () => (await prune(trained.made, { constants, align: 8 })).model);
  const shipped = await chapter('pruned, for shipping', pruned, await compared(trained.made, pruned.made));

  onProgress('softening and reviving');
  const soft = await timed(async () => {
    const revived = await revive(trained.made, { data: auditData(trained.made, train), seed });
    return soften(revived.model, { to: 'prelu', negativeSlope: 0 }).model;
  });
  const healed = await chapter('softened and revived', soft, await compared(trained.made, soft.made));

  onProgress('training on, untreated and healed');
  const further = ({ made }: Timed<Model>) =>
    timed(async () => (await fit(made, train, { ...gentle, seed, auditSamples: 0 })).model);
  const untreated = await chapter('trained on, untreated', await further(trained), null);
  const cured = await chapter('trained on, healed', await further(soft), null);
  return {
    network,
    seed,
    data: train.name,
    samples: { train: train.count, test: test.count },
    chapters: [first, shipped, healed, untreated, cured],
  };
}
