import { Failure } from '../failure.js';
import { inputSpecs, type Model, opsetOf } from '../onnx/model.js';
import { openSession, type Session, type SessionOptions } from '../onnx/runtime.js';
import { shapesOf } from '../onnx/shapes.js';
import type { Batch, TensorData, TypedArray } from '../onnx/tensor-data.js';
import type { RectifiedLayer } from './anatomy.js';
import {
  firingInstrument,
  fullInstrument,
  type Instrument,
  matrixOrder,
  type ObservedLayer,
  rawInstrument,
  watched,
} from './instrument.js';
import { addFiring, addFull, emptyTally, mergeTallies, type Tally, tallyFromJson, tallyToJson } from './tally.js';

/** What is counted, and on how many samples the pre-activations are measured in full. */
export interface ObserveOptions extends SessionOptions {
  /**
   * `some` (default): firing on every sample, pre-activation statistics on the first 16 and then on every 32nd batch; `all`: everything on
   * every sample. The light pass costs a few percent of plain inference, the full one about a third.
   */
  readonly statistics?: 'some' | 'all';
}

/** What was counted of each rectifier, in the order of the graph; a layer that could not be observed has a reason in place of a tally. */
export interface Observation {
  readonly samples: number;
  /** Dimensions of the first batch, by input. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly layers: readonly { readonly name: string; readonly tally: Tally | null; readonly reason: string | null }[];
}

/**
 * What two parts of the data say together, for example from two processes that each took half of it. Throws a RangeError for
 * observations of different models.
 */
export function mergeObservations(a: Observation, b: Observation): Observation {
  const names = (of: Observation) => JSON.stringify(of.layers.map(layer => [layer.name, layer.tally?.units]));
  if (names(a) !== names(b))
    throw new RangeError('mergeObservations: both must be of the same model, got different layers');
  return {
    samples: a.samples + b.samples,
    inputs: a.inputs,
    layers: a.layers.map((layer, index) => {
      const other = b.layers[index]?.tally;
      return layer.tally && other ? { ...layer, tally: mergeTallies(layer.tally, other) } : layer;
    }),
  };
}

/** An observation as JSON, to be merged by another process. */
export const observationToJson = (observation: Observation) => ({
  ...observation,
  layers: observation.layers.map(layer => ({ ...layer, tally: layer.tally && tallyToJson(layer.tally) })),
});

/** Reads an observation back from JSON. */
export const observationFromJson = (json: ReturnType<typeof observationToJson>): Observation => ({
  ...json,
  layers: json.layers.map(layer => ({ ...layer, tally: layer.tally && tallyFromJson(layer.tally) })),
});

const fullAtFirst = 16;
const fullEvery = 32;

/** Decides where samples and units lie in a rectifier's values, or says why that is unknown. */
export function place(
  layer: RectifiedLayer,
  dims: readonly number[] | undefined,
  samples: number,
): ObservedLayer | string {
  const { rectifier } = layer;
  if (rectifier.scope.parent) return `it runs inside ${rectifier.scope.path}, whose values do not leave the engine`;
  if (!dims || dims.length === 0) return 'its input has no axes';
  const rank = dims.length;
  const guess = layer.axis ?? (rank >= 4 ? 1 : rank - 1);
  const unitAxis = guess < 0 ? guess + rank : guess;
  const units = dims[unitAxis];
  if (units === undefined || (layer.units !== null && layer.units !== units))
    return `its ${layer.units} units were expected on axis ${unitAxis}, got values of shape [${dims.join(', ')}]`;
  const samplesFirst = unitAxis > 0 && dims[0] === samples;
  if (!samplesFirst && samples > 1)
    return `its first axis must be the batch of ${samples}, got values of shape [${dims.join(', ')}]`;
  const elements = dims.reduce((a, b) => a * b, 1);
  const positions = elements / units / (samplesFirst ? samples : 1);
  if (!(positions >= 1)) return `its values must not be empty, got shape [${dims.join(', ')}]`;
  return { rectifier, units, positions, dims, unitAxis, samplesFirst };
}

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

/** The rows of the batch: samples and padding together. */
const rowsOf = (batch: Batch): number =>
  Math.max(
    batch.samples,
    ...Object.values(batch.feeds).flatMap(({ dims }) => (dims.length > 0 ? [dims[0] as number] : [])),
  );

const floats = (results: Record<string, TensorData>, name: string): Float32Array => results[name]?.data as Float32Array;

/** Everything that depends on the shapes of one batch: layers placed, instruments open. */
class Plan {
  readonly placed: readonly (ObservedLayer | string)[];
  readonly layers: readonly ObservedLayer[];
  private readonly model: Model;
  private readonly options: ObserveOptions;
  private firing: Opened<'signal' | 'activity'> | null = null;
  private full: Opened<'max' | 'negatedMin' | 'mean' | 'residual' | 'square' | 'positiveShare'> | null = null;

  constructor(model: Model, placed: readonly (ObservedLayer | string)[], options: ObserveOptions) {
    this.model = model;
    this.placed = placed;
    this.layers = matrixOrder(placed.filter(layer => typeof layer !== 'string'));
    this.options = options;
  }

  async runFiring(batch: Batch): Promise<Record<'signal' | 'activity', Float32Array>> {
    this.firing ??= await open(firingInstrument(this.model, this.layers), this.options);
    return fetchAll(this.firing, batch);
  }

  async runFull(batch: Batch) {
    this.full ??= await open(fullInstrument(this.model, this.layers), this.options);
    return fetchAll(this.full, batch);
  }

  /** Counts NaN and infinities of the given layers on one batch. The session is not kept: this is rare. */
  async count(batch: Batch, layers: readonly ObservedLayer[], tallyOf: (layer: ObservedLayer) => Tally): Promise<void> {
    const { model, outputs } = rawInstrument(this.model, layers);
    const session = await openSession(model, this.options);
    try {
      const results = await session.run(batch.feeds, outputs);
      layers.forEach((layer, at) => {
        countNonFinite(floats(results, outputs[at] as string), layer, batch.samples / rowsOf(batch), tallyOf(layer));
      });
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    await this.firing?.session.close();
    await this.full?.session.close();
    this.firing = null;
    this.full = null;
  }
}

/** Whether the model folds the batch into another axis before some layer, so that samples have to be run one by one. */
const isFolded = ({ placed }: Plan): boolean =>
  placed.some(layer => typeof layer === 'string' && layer.startsWith('its first axis'));

interface Opened<Statistic extends string> {
  readonly session: Session;
  readonly outputs: Readonly<Record<Statistic, string>>;
}

const open = async <Statistic extends string>(
  { model, outputs }: Instrument<Statistic>,
  options: SessionOptions,
): Promise<Opened<Statistic>> => ({
  session: await openSession(model, options),
  outputs,
});

async function fetchAll<Statistic extends string>({ session, outputs }: Opened<Statistic>, batch: Batch) {
  const names: Record<string, string> = outputs;
  const results = await session.run(batch.feeds, Object.values(names));
  return Object.fromEntries(
    Object.entries(names).map(([statistic, name]) => [statistic, floats(results, name)]),
  ) as Record<Statistic, Float32Array>;
}

function countNonFinite(
  values: Float32Array,
  { dims, unitAxis, units }: ObservedLayer,
  realShare: number,
  tally: Tally,
): void {
  const inner = dims.slice(unitAxis + 1).reduce((a, b) => a * b, 1);
  const counted = values.length * realShare;
  for (let at = 0; at < counted; at++) {
    const value = values[at] as number;
    if (Number.isFinite(value)) continue;
    const unit = Math.floor(at / inner) % units;
    if (Number.isNaN(value)) tally.full.nan[unit]!++;
    else tally.full.infinite[unit]!++;
  }
}

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
    const known = plans.get(key) ?? (shared && !isFolded(shared) ? shared : undefined);
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
    reasons = plan.placed.map((place, index) => (typeof place === 'string' && !tallies[index] ? place : null));
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
      const apart = rows > 1 && isFolded(await planFor(batch));
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

/** HardSigmoid, Flatten and the global pools need opset 6; models older than that are not observed. */
export const observableFrom = 7;
export const isObservable = (model: Model): boolean => opsetOf(model) >= observableFrom;
