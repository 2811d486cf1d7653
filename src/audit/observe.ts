import { Failure } from '../failure.js';
import { inputSpecs, type Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { shapesOf } from '../onnx/shapes.js';
import type { Batch, TensorData, TypedArray } from '../onnx/tensor-data.js';
import type { RectifiedLayer } from './anatomy.js';
import { type ObservedLayer, watched } from './instrument.js';
import type { Observation } from './observation.js';
import { isPlaced, place } from './place.js';
import { Plan, rowsOf } from './plan.js';
import { addFiring, addFull, emptyTally, type Tally } from './tally.js';

/** What is counted, and on how many samples the pre-activations are measured in full. */
export interface ObserveOptions extends SessionOptions {
  /**
   * `some` (default): firing on every sample, pre-activation statistics on the first 16 and then on every 32nd batch; `all`: everything on
   * every sample. The light pass costs a few percent of plain inference, the full one about a third.
   */
  readonly statistics?: 'some' | 'all';
}

const fullAtFirst = 16;
const fullEvery = 32;

/** One sample of a batch as a batch of its own; inputs without a batch axis pass as they are. */
function* singles(batch: Batch, size: number): Generator<Batch> {
  for (let sample = 0; sample < batch.samples; sample++) {
    const feeds = Object.fromEntries(
      Object.entries(batch.feeds).map(([name, tensor]): [string, TensorData] => {
        if (tensor.dims[0] !== size) return [name, tensor];
        const each = tensor.data.length / size;
        const data = tensor.data.subarray(sample * each, (sample + 1) * each) as TypedArray;
        return [name, { ...tensor, dims: [1, ...tensor.dims.slice(1)], data }];
      }),
    );
    yield { feeds, samples: 1 };
  }
}

const dimsOf = (batch: Batch): Record<string, number[]> =>
  Object.fromEntries(Object.entries(batch.feeds).map(([name, tensor]) => [name, [...tensor.dims]]));

/** The part of a `[samples, units of all layers]` matrix that is one sample of one layer. */
const rowOf = (matrix: Float32Array, row: number, width: number, offset: number, units: number) =>
  matrix.subarray(row * width + offset, row * width + offset + units);

/**
 * Runs the instrumented model on batches and tallies every unit. Only a few floats for each unit leave the engine, and memory
 * does not grow with the number of samples. Yields the number of samples done after each batch. Throws a Failure where the
 * model does not run on the data.
 */
export async function* observe(
  model: Model,
  layers: readonly RectifiedLayer[],
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  options: ObserveOptions = {},
): AsyncGenerator<number, Observation> {
  const tallies: (Tally | null)[] = layers.map(() => null);
  let reasons: (string | null)[] = layers.map(() => null);
  const plans = new Map<string, Plan>();
  const values = layers.filter(layer => !layer.rectifier.scope.parent).map(layer => layer.rectifier.input);
  let samples = 0;
  let batchNumber = 0;
  let inputs: Observation['inputs'] = {};

  const specs = inputSpecs(model);
  const freeBatch = specs.every(({ dims }) => dims.length === 0 || typeof dims[0] !== 'number');
  /** Batches of any size above one share a plan where the model leaves the batch axis free, and a last batch of one sample may use it too. */
  const keyOf = (dims: Record<string, number[]>, batch: string) =>
    JSON.stringify(Object.entries(dims).map(([name, all]) => [name, freeBatch ? [batch, ...all.slice(1)] : all]));

  const planFor = async (batch: Batch): Promise<Plan> => {
    const dims = dimsOf(batch);
    const key = keyOf(dims, rowsOf(batch) > 1 ? 'many' : 'one');
    const shared = plans.get(keyOf(dims, 'many'));
    const known = plans.get(key) ?? (shared && !shared.isFolded ? shared : undefined);
    if (known) return known;
    const shapes = await shapesOf(model, dims, [...new Set(values)], options);
    const plan = new Plan(
      model,
      layers.map(layer => place(layer, shapes.get(layer.rectifier.input), rowsOf(batch))),
      options,
    );
    const [oldest] = plans.keys();
    if (plans.size >= 4 && oldest !== undefined) {
      await plans.get(oldest)?.close();
      plans.delete(oldest);
    }
    plans.set(key, plan);
    return plan;
  };

  const tallyAt = (index: number, { units }: ObservedLayer): Tally => {
    const tally = tallies[index] ?? emptyTally(units);
    tallies[index] = tally;
    return tally;
  };

  const run = async (batch: Batch): Promise<void> => {
    const plan = await planFor(batch);
    reasons = plan.placed.map((layer, index) => (isPlaced(layer) || tallies[index] ? null : layer.reason));
    if (plan.layers.length === 0) return;
    const width = plan.layers.reduce((sum, layer) => sum + layer.units, 0);
    const eachLayer = (visit: (layer: ObservedLayer, tally: Tally, offset: number) => void) => {
      let offset = 0;
      for (const layer of plan.layers) {
        visit(layer, tallyAt(plan.placed.indexOf(layer), layer), offset);
        offset += layer.units;
      }
    };
    const { signal, activity } = await plan.runFiring(batch);
    eachLayer((layer, tally, offset) => {
      const { threshold } = watched(layer.rectifier);
      for (let row = 0; row < batch.samples; row++)
        addFiring(
          tally,
          rowOf(signal, row, width, offset, layer.units),
          rowOf(activity, row, width, offset, layer.units),
          threshold,
        );
    });
    const scheduled = options.statistics === 'all' || samples < fullAtFirst || batchNumber % fullEvery === 0;
    if (!scheduled && activity.subarray(0, batch.samples * width).every(Number.isFinite)) return;
    const { max: maxima, negatedMin, mean: means, residual, square, positiveShare } = await plan.runFull(batch);
    const tallyOf = new Map<ObservedLayer, Tally>();
    eachLayer((layer, tally, offset) => {
      const part = (matrix: Float32Array, row: number) => rowOf(matrix, row, width, offset, layer.units);
      for (let row = 0; row < batch.samples; row++) {
        const lost = part(residual, row);
        const mean = Float64Array.from(part(means, row), (item, unit) => item + (lost[unit] as number));
        const variance = Float64Array.from(part(square, row), (item, unit) =>
          Math.max(0, item - (lost[unit] as number) ** 2),
        );
        const min = part(negatedMin, row).map(item => -item);
        const [max, share] = [part(maxima, row), part(positiveShare, row)];
        addFull(tally, { positions: layer.positions, max, min, mean, variance, positiveShare: share });
        if (!mean.every(Number.isFinite)) tallyOf.set(layer, tally);
      }
    });
    if (tallyOf.size > 0) await plan.count(batch, [...tallyOf.keys()], layer => tallyOf.get(layer) as Tally);
  };

  try {
    for await (const batch of batches) {
      if (samples === 0) inputs = dimsOf(batch);
      const rows = rowsOf(batch);
      const apart = rows > 1 && (await planFor(batch)).isFolded;
      const canSplit =
        apart && freeBatch && Object.values(batch.feeds).every(({ dims }) => dims.length === 0 || dims[0] === rows);
      for (const part of canSplit ? singles(batch, rows) : [batch]) await run(part);
      samples += batch.samples;
      batchNumber++;
      yield samples;
    }
    if (samples === 0) throw new Failure('input', 'audit: the data must hold at least one sample, got none');
    return {
      samples,
      inputs,
      layers: layers.map(({ rectifier }, index) => ({
        name: rectifier.name,
        tally: tallies[index] ?? null,
        reason: reasons[index] ?? null,
      })),
    };
  } finally {
    for (const plan of plans.values()) await plan.close();
  }
}
