import { Failure } from '../failure.js';
import type { Pinned } from '../onnx/channels.js';
import { inputSpecs, type Model } from '../onnx/model.js';
import type { SessionOptions } from '../onnx/runtime.js';
import { sampleDims, shapesOf } from '../onnx/shapes.js';
import type { Batch, InputSpec } from '../onnx/tensor-data.js';
import { version } from '../version.js';
import { type Anatomy, dissect, flowWith, withProved } from './anatomy.js';
import { costlyValues } from './cost.js';
import { describeModel } from './describe.js';
import { findingsOf } from './findings.js';
import { type Examined, judgeLayer, silentUnits, slopesLost } from './layer-report.js';
import type { Observation } from './observation.js';
import { type ObserveOptions, observe } from './observe.js';
import { type InputRanges, provableDims, rangesOf } from './prove/box.js';
import { type LayerBounds, proveBounds } from './prove/prove.js';
import { boundsOfUnit, provedConstants } from './prove/proved-units.js';
import { costs } from './removable.js';
import type { AuditReport } from './report.js';
import { timeFlush } from './timing.js';
import { defaultThresholds, leavesBounds, type Thresholds, verdictCounts } from './verdict.js';
import { countParameters, takeCensus } from './weights.js';

/** Samples to audit on: batches, and where they come from in words. */
export interface AuditData {
  readonly kind: 'samples' | 'synthetic';
  readonly description: string;
  /** Number of samples if it is known beforehand, for the time left. */
  readonly total: number | null;
  batches(): AsyncIterable<Batch> | Iterable<Batch>;
}

/** Samples that were observed before, here or in other processes, with `observeSteps` and `mergeObservations`. */
export interface ObservedData {
  readonly kind: 'samples' | 'synthetic';
  readonly description: string;
  readonly observation: Observation;
}

export interface AuditOptions extends ObserveOptions {
  readonly thresholds?: Partial<Thresholds>;
  /** Measure what tiny weights cost, in this many interleaved rounds on the first batch of the data. */
  readonly timeRounds?: number;
  /** Inputs with free dimensions fixed, for an audit without data to know shapes; by default what the model declares. */
  readonly inputs?: readonly InputSpec[];
  /** Prove bounds of every pre-activation for all inputs in these ranges: see `proveBounds`. */
  readonly prove?: { readonly ranges: InputRanges; readonly linearWork?: number };
}

/** How far an audit has come. */
export interface AuditProgress {
  readonly phase: 'weights' | 'samples' | 'proof' | 'timing';
  /** Samples done, and all of them if that is known. */
  readonly done: number;
  readonly total: number | null;
}

/** Passes batches on and remembers the first, for timing. */
async function* remember(
  batches: AsyncIterable<Batch> | Iterable<Batch>,
  first: { batch: Batch | null },
): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    first.batch ??= batch;
    yield batch;
  }
}

async function* observed(
  { model, layers }: Anatomy,
  data: AuditData,
  first: { batch: Batch | null },
  options: ObserveOptions,
): AsyncGenerator<AuditProgress, Observation> {
  const steps = observe(model, layers, remember(data.batches(), first), options);
  try {
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
      yield { phase: 'samples', done: step.value, total: data.total };
    }
  } finally {
    await steps.return(undefined as never);
  }
}

/**
 * Counts what the units of a model do on data without judging them: the part of an audit that several processes can share.
 * Yields progress, returns the observation, which `mergeObservations` joins with others and `audit` takes in place of data.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { audit, observeSteps } from 'reluminate/audit';
 * import { buildNetwork } from 'reluminate/train';
 * const model = buildNetwork('mlp:2-3-1', { rectifier: parseRectifier('relu') });
 * const input = { type: 'float32', dims: [2, 2], data: Float32Array.of(1, -1, 2, 0.5) };
 * const data = { kind: 'samples', description: 'two points', total: 2, batches: () => [{ feeds: { input }, samples: 2 }] };
 * const steps = observeSteps(model, data);
 * let step = await steps.next();
 * while (!step.done) step = await steps.next();
 * [step.value.samples, step.value.layers[0].tally.units]; // => [2, 3]
 * (await audit(model, { ...data, observation: step.value })).samples; // => 2
 */
export const observeSteps = (
  model: Model,
  data: AuditData,
  options: ObserveOptions = {},
): AsyncGenerator<AuditProgress, Observation> => observed(dissect(model), data, { batch: null }, options);

/**
 * The shapes that costs are counted by. An audit of the weights alone does without them where ONNX Runtime refuses the model, say for
 * an operator it does not know: the weights can be judged all the same, and the multiply-adds stay unknown.
 */
async function costShapes(
  { model, scope, lookup }: Anatomy,
  dims: Readonly<Record<string, readonly number[]>>,
  hasRun: boolean,
  options: SessionOptions,
): Promise<Map<string, number[]>> {
  try {
    return await shapesOf(model, dims, [...new Set(costlyValues(scope, lookup))], options);
  } catch (cause) {
    if (hasRun || !(cause instanceof Failure)) throw cause;
    return new Map();
  }
}

/** Whether the data left the declared input range, as seen by proved bounds that they exceed. */
const leavesRange = ({ layer, tally, bounds }: Examined): boolean =>
  Array.from({ length: tally?.units ?? 0 }, (_, unit) => boundsOfUnit(bounds, unit)).some(
    (found, unit) => found !== null && leavesBounds(unit, tally, found, layer.rectifier.threshold),
  );

/** Bounds over the declared input range, for one sample where the batch is free. */
async function proved(
  anatomy: Anatomy,
  observation: Observation | null,
  { ranges, linearWork }: NonNullable<AuditOptions['prove']>,
  options: AuditOptions,
): Promise<LayerBounds[]> {
  const specs = options.inputs ?? inputSpecs(anatomy.model);
  const seen = specs.map(spec => ({
    ...spec,
    dims: spec.dims.map((dim, axis) =>
      typeof dim === 'number' || axis === 0 ? dim : (observation?.inputs[spec.name]?.[axis] ?? dim),
    ),
  }));
  const dims = provableDims(seen);
  return proveBounds(anatomy, dims, ranges, { ...options, ...(linearWork === undefined ? {} : { linearWork }) });
}

/**
 * Audits a model step by step: yields progress, returns the report. `data` null audits the file alone. Nothing of the
 * environment is read, so that the same call works in Node and in a browser.
 * Throws a Failure for a model or data that cannot be used.
 *
 * @example
 * import { auditSteps } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, readModel, valueInfo, writeModel } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 2])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [2, 3], [1, 0, 2, 1, 0, 2]), floatTensor('b', [3], [0, -1, 0])],
 * });
 * const steps = auditSteps(readModel(writeModel({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 })), null);
 * let step = await steps.next();
 * while (!step.done) step = await steps.next();
 * step.value.layers[0].units.map(unit => unit.verdict); // => ["unobserved", "vanished", "unobserved"]
 */
export async function* auditSteps(
  original: Model,
  data: AuditData | ObservedData | null,
  options: AuditOptions = {},
): AsyncGenerator<AuditProgress, AuditReport> {
  yield { phase: 'weights', done: 0, total: null };
  const anatomy = dissect(original);
  const { model, scope, layers } = anatomy;
  const census = takeCensus(model, scope);
  const first: { batch: Batch | null } = { batch: null };
  const observation =
    data === null ? null : 'observation' in data ? data.observation : yield* observed(anatomy, data, first, options);

  if (options.prove) yield { phase: 'proof', done: 0, total: null };
  const bounds = options.prove ? await proved(anatomy, observation, options.prove, options) : null;
  const examined = layers.map((layer, index): Examined => {
    const found = observation?.layers[index];
    return {
      layer,
      tally: found?.tally ?? null,
      unobservedBecause: found?.reason ?? null,
      bounds: bounds?.[index] ?? null,
    };
  });
  const outside = examined.filter(leavesRange);
  const surely = bounds && outside.length === 0 ? withProved(anatomy, provedConstants(layers, bounds)) : anatomy;
  const silent: Pinned = new Map(
    examined.flatMap(each => {
      const { rectifier } = each.layer;
      const units = rectifier.scope.parent ? [] : silentUnits(each);
      return units.length > 0 ? [[rectifier.output, new Map(units.map(unit => [unit, 0]))] as const] : [];
    }),
  );
  const onData = observation ? flowWith(surely, silent) : surely;
  const thresholds = { ...defaultThresholds, ...options.thresholds };
  const lost = slopesLost(layers);
  const reports = examined.map((each, index) => judgeLayer(each, surely, onData, lost[index] as boolean, thresholds));

  // Costs are counted for the dimensions of the data, or for what the model declares.
  const dims = observation?.inputs ?? sampleDims(options.inputs ?? inputSpecs(model));
  const shapes = dims ? await costShapes(anatomy, dims, observation !== null, options) : new Map<string, number[]>();
  const parameters = countParameters(model);
  const { whole, removable } = costs(anatomy, parameters, shapes);

  const tiny = census.filter(item => item.tiny > 0);
  let time = null;
  if (options.timeRounds && tiny.length > 0 && first.batch) {
    yield { phase: 'timing', done: 0, total: null };
    time = await timeFlush(model, new Set(tiny.map(item => item.name)), first.batch, options.timeRounds, options);
  }
  const units = reports.flatMap(report => report.units);
  return {
    schemaVersion: 1,
    reluminate: version,
    model: describeModel(anatomy, original, parameters, whole.multiplyAdds),
    data: data
      ? { kind: data.kind, description: data.description }
      : { kind: 'none', description: 'no data: the weights alone' },
    proof: options.prove ? { inputs: rangesOf(inputSpecs(model), options.prove.ranges) } : null,
    samples: observation?.samples ?? 0,
    totals: {
      layers: reports.length,
      units: units.length,
      counts: verdictCounts(units.map(unit => unit.verdict)),
      dead: units.filter(unit => unit.dead).length,
      removable: removable(surely),
      removableOnData: observation ? removable(onData) : null,
    },
    subnormals: {
      subnormal: tiny.reduce((sum, item) => sum + item.subnormal, 0),
      tiny: tiny.reduce((sum, item) => sum + item.tiny, 0),
      owners: tiny.map(({ name, node, subnormal, tiny: count }) => ({
        initializer: name,
        node,
        subnormal,
        tiny: count,
      })),
      time,
    },
    findings: findingsOf(
      anatomy,
      census,
      reports,
      data?.kind === 'synthetic',
      outside.map(({ layer }) => layer.rectifier.name),
    ),
    layers: reports,
  };
}

/**
 * Audits a model: which units can no longer fire, how surely, why, and what that costs. `data` null audits the file alone.
 *
 * @example
 * import { audit } from 'reluminate/audit';
 * import { floatTensor, graph, modelProto, node, readModel, valueInfo, writeModel } from 'reluminate/onnx';
 * const main = graph({
 *   nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['y'])],
 *   inputs: [valueInfo('x', ['N', 1])],
 *   outputs: [valueInfo('y')],
 *   initializers: [floatTensor('w', [1, 2], [1, 1]), floatTensor('b', [2], [0, -5])],
 * });
 * const model = readModel(writeModel({ proto: modelProto(main), external: new Map(), name: 'm', bytes: 0 }));
 * const x = { type: 'float32', dims: [3, 1], data: Float32Array.of(-1, 2, 3) };
 * const batches = () => [{ feeds: { x }, samples: 3 }];
 * const report = await audit(model, { kind: 'samples', description: 'three numbers', total: 3, batches });
 * report.layers[0].units.map(unit => unit.verdict); // => ["healthy", "silent"]
 */
export async function audit(
  model: Model,
  data: AuditData | ObservedData | null,
  options: AuditOptions = {},
): Promise<AuditReport> {
  const steps = auditSteps(model, data, options);
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return step.value;
}
