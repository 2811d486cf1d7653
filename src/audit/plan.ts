import type { Model } from '../onnx/model.js';
import { openSession, type Session, type SessionOptions } from '../onnx/runtime.js';
import type { Batch, TensorData } from '../onnx/tensor-data.js';
import {
  firingInstrument,
  fullInstrument,
  type Instrument,
  matrixOrder,
  type ObservedLayer,
  rawInstrument,
} from './instrument.js';
import { isPlaced, type Unplaced } from './place.js';
import type { Tally } from './tally.js';

/** The rows of the batch: samples and padding together. */
export const rowsOf = (batch: Batch): number =>
  Math.max(
    batch.samples,
    ...Object.values(batch.feeds).flatMap(({ dims }) => (dims.length > 0 ? [dims[0] as number] : [])),
  );

const floats = (results: Record<string, TensorData>, name: string): Float32Array => results[name]?.data as Float32Array;

/** Everything that depends on the shapes of one batch: layers placed, instruments open. */
export class Plan {
  readonly placed: readonly (ObservedLayer | Unplaced)[];
  readonly layers: readonly ObservedLayer[];
  private readonly model: Model;
  private readonly options: SessionOptions;
  private firing: Opened<'signal' | 'activity'> | null = null;
  private full: Opened<'max' | 'negatedMin' | 'mean' | 'residual' | 'square' | 'positiveShare'> | null = null;

  constructor(model: Model, placed: readonly (ObservedLayer | Unplaced)[], options: SessionOptions) {
    this.model = model;
    this.placed = placed;
    this.layers = matrixOrder(placed.filter(isPlaced));
    this.options = options;
  }

  /** Whether some layer can be observed one sample at a time only. */
  get isFolded(): boolean {
    return this.placed.some(layer => !isPlaced(layer) && layer.isFolded);
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
