import { type Knowledge, type Pinned, propagateConstants, propagateReads, type Reads } from '../onnx/channels.js';
import { elementType } from '../onnx/tensor.js';
import { inputSpecs, type Model, mainGraph } from '../onnx/model.js';
import { nodeName } from '../onnx/scope.js';
import { fixedDims, shapesOf } from '../onnx/shapes.js';
import type { Batch, InputSpec } from '../onnx/tensor-data.js';
import { version } from '../version.js';
import { type Anatomy, dissect, type RectifiedLayer } from './anatomy.js';
import { causeOf, type Evidence, remedyOf } from './cause.js';
import { type Cost, costlyValues, keptCost } from './cost.js';
import { constantOutputs, findingsOf } from './findings.js';
import { firingInterval } from './interval.js';
import { type Observation, type ObserveOptions, observe } from './observe.js';
import type { AuditReport, LayerReport, PreActivation, Removable, UnitReport } from './report.js';
import type { Tally } from './tally.js';
import { timeFlush } from './timing.js';
import {
  type ConstantPreActivation,
  defaultThresholds,
  isFlatBelow,
  judge,
  slopeCounts,
  slopeKindOf,
  type Thresholds,
  verdictCounts,
} from './verdict.js';
import { countParameters, takeCensus } from './weights.js';

/** Samples to audit on: batches, and where they come from in words. */
export interface AuditData {
  readonly kind: 'samples' | 'synthetic';
  readonly description: string;
  /** Number of samples if it is known beforehand, for the time left. */
  readonly total: number | null;
  batches(): AsyncIterable<Batch> | Iterable<Batch>;
}

export interface AuditOptions extends ObserveOptions {
  readonly thresholds?: Partial<Thresholds>;
  /** Measure what tiny weights cost, in this many interleaved rounds on the first batch of the data. */
  readonly timeRounds?: number;
  /** Inputs with free dimensions fixed, for an audit without data to know shapes; by default what the model declares. */
  readonly inputs?: readonly InputSpec[];
}

/** How far an audit has come. */
export interface AuditProgress {
  readonly phase: 'weights' | 'samples' | 'timing';
  /** Samples done, and all of them if that is known. */
  readonly done: number;
  readonly total: number | null;
}

/** What one rectified layer's units are judged by. */
interface Examined {
  readonly layer: RectifiedLayer;
  readonly tally: Tally | null;
  readonly unobservedBecause: string | null;
}

type Flow = { known: ReadonlyMap<string, Knowledge>; reads: ReadonlyMap<string, Reads> };

function constantOf({ layer }: Examined, unit: number, known: ReadonlyMap<string, Knowledge>): ConstantPreActivation | null {
  const own = layer.vanished[unit];
  if (own && layer.feed) return { by: 'own weights', exact: own === 'zero', level: layer.feed.bias[unit] as number };
  const knowledge = known.get(layer.rectifier.input);
  if (layer.rectifier.scope.parent || !knowledge || knowledge === 'varying') return null;
  if (knowledge === 'constant') return { by: 'constant inputs', exact: true, level: Number.NaN };
  return knowledge.constant.length === layer.units && knowledge.constant[unit]
    ? { by: 'constant inputs', exact: true, level: knowledge.level[unit] as number }
    : null;
}

const finiteOrNull = (value: number | undefined): number | null => (value !== undefined && Number.isFinite(value) ? value : null);

function preActivationOf({ full }: Tally, unit: number): PreActivation | null {
  if (full.samples === 0) return null;
  const [min, max] = [full.min[unit] as number, full.max[unit] as number];
  const seen = min <= max;
  return {
    samples: full.samples,
    min: seen ? finiteOrNull(min) : null,
    max: seen ? finiteOrNull(max) : null,
    mean: seen ? finiteOrNull(full.mean[unit]) : null,
    variance: seen ? finiteOrNull((full.squares[unit] as number) / full.positions) : null,
    positiveShare: (full.positive[unit] as number) / full.positions,
    nan: full.nan[unit] as number,
    infinite: full.infinite[unit] as number,
  };
}

/** Whether an output of the model depends on the unit, as far as the graph tells. */
function isRead({ layer }: Examined, unit: number, reads: ReadonlyMap<string, Reads>): boolean {
  if (layer.rectifier.scope.parent) return true;
  const flags = reads.get(layer.rectifier.output);
  return flags === 'all' || (flags !== undefined && (flags.length !== layer.units || flags[unit] === 1));
}

interface Judged {
  readonly report: LayerReport;
  /** Units whose output is constant, by what level, on the data seen: silent ones with a flat negative side. */
  readonly silent: ReadonlyMap<number, number>;
}

function judgeLayer(examined: Examined, flow: Flow, onData: Flow, slopeLost: boolean, thresholds: Thresholds): Judged {
  const { layer, tally, unobservedBecause } = examined;
  const { rectifier, feed, norms, slopes } = layer;
  const count = layer.units ?? tally?.units ?? 0;
  const activities = tally ? tally.activity.map(sum => sum / Math.max(tally.samples, 1)) : null;
  const layerActivity = activities ? activities.reduce((a, b) => a + b, 0) / Math.max(count, 1) : 0;
  const silent = new Map<number, number>();
  const constantOnData = onData.known.get(rectifier.input);
  const units = Array.from({ length: count }, (_, unit): UnitReport => {
    const constant = constantOf(examined, unit, flow.known);
    const judgement = judge(unit, constant, tally, layerActivity, rectifier.threshold, thresholds);
    const activity = activities && layerActivity > 0 ? (activities[unit] as number) / layerActivity : null;
    const read = isRead(examined, unit, flow.reads);
    const inputsDead = !constant && typeof constantOnData === 'object' && constantOnData.constant[unit] === 1;
    const evidence: Evidence = { layer, unit, judgement, constant, tally, inputsDead, activity, slopeLost, read };
    if (judgement.verdict === 'silent' && isFlatBelow(layer, unit)) silent.set(unit, 0);
    const slope = slopes ? (slopes.values[slopes.shared ? 0 : unit] as number) : null;
    return {
      index: unit,
      ...judgement,
      firedSamples: tally ? (tally.fired[unit] as number) : null,
      firingRate: tally && tally.samples > 0 ? firingInterval(tally.fired[unit] as number, tally.samples) : null,
      activity: finiteOrNull(activity ?? undefined),
      read,
      preActivation: tally ? preActivationOf(tally, unit) : null,
      constant: constant ? finiteOrNull(constant.level) : null,
      negativeSlope: finiteOrNull(slope ?? undefined),
      slopeKind: slope === null || !Number.isFinite(slope) ? null : slopeKindOf(slope),
      bias: finiteOrNull(feed?.bias[unit]),
      weightNorm: finiteOrNull(norms?.[unit]),
      cause: causeOf(evidence),
      remedy: remedyOf(evidence),
    };
  });
  const batchNorm = feed?.batchNorm;
  const homogeneous = ['relu', 'leaky-relu', 'prelu'].includes(rectifier.kind);
  const sorted = slopes ? Float64Array.from(slopes.values).sort() : null;
  const report: LayerReport = {
    name: rectifier.name,
    op: rectifier.kind,
    spelling: rectifier.spelling,
    path: rectifier.scope.path,
    channels: layer.units ?? tally?.units ?? null,
    unitAxis: layer.axis,
    fedBy: feed && {
      name: nodeName(feed.node),
      op: [feed.op, ...feed.between.map(node => node.opType)].join(' + '),
      fanIn: feed.fanIn,
    },
    counts: verdictCounts(units.map(unit => unit.verdict)),
    slopes: slopes &&
      sorted && {
        shared: slopes.shared,
        min: sorted[0] as number,
        median: sorted[sorted.length >> 1] as number,
        max: sorted[sorted.length - 1] as number,
        counts: slopeCounts(units.flatMap(unit => unit.slopeKind ?? [])),
      },
    batchNorm:
      batchNorm && homogeneous
        ? {
            name: nodeName(batchNorm.node),
            redundant: batchNorm.gamma.filter(gamma => gamma > 0).length,
            mirrored: batchNorm.gamma.filter(gamma => gamma < 0).length,
            zero: batchNorm.gamma.filter(gamma => gamma === 0).length,
          }
        : null,
    unobservedBecause,
    units,
  };
  return { report, silent };
}

/** Layers of slope 0 in a model most of whose rectifiers leak: there a slope may have been lost on the way to ONNX. */
function slopesLost(layers: readonly RectifiedLayer[]): boolean[] {
  const leaks = ({ slopes }: RectifiedLayer) => slopes?.values.some(slope => slope !== 0) ?? false;
  const leaking = layers.filter(leaks).length;
  return layers.map(layer => leaking > layers.length / 2 && layer.rectifier.kind !== 'relu6' && !leaks(layer));
}

function removable(whole: Cost, kept: Cost, units: number, parameters: number): Removable {
  const gone = whole.parameters - kept.parameters;
  const idle = whole.multiplyAdds === null || kept.multiplyAdds === null ? null : whole.multiplyAdds - kept.multiplyAdds;
  return {
    units,
    parameters: gone,
    parameterShare: parameters === 0 ? 0 : gone / parameters,
    multiplyAdds: idle,
    multiplyAddShare: idle === null || !whole.multiplyAdds ? null : idle / whole.multiplyAdds,
  };
}

/** Units of the main graph that may go: their output is constant or unread. */
const idleUnits = (layers: readonly RectifiedLayer[], { known, reads }: Flow): number =>
  layers.reduce((sum, { rectifier, units }) => {
    const output = known.get(rectifier.output);
    const flags = reads.get(rectifier.output);
    if (rectifier.scope.parent || units === null) return sum;
    if (output === 'constant') return sum + units;
    for (let unit = 0; unit < units; unit++) {
      const constant = typeof output === 'object' && output.constant[unit] === 1;
      const unread = flags !== 'all' && (flags === undefined || (flags.length === units && flags[unit] !== 1));
      if (constant || unread) sum++;
    }
    return sum;
  }, 0);

const producerOf = (model: Model): string => [model.proto.producerName, model.proto.producerVersion].filter(Boolean).join(' ');

function describeModel(anatomy: Anatomy, original: Model, parameters: number, multiplyAdds: number | null): AuditReport['model'] {
  const constant = constantOutputs(anatomy);
  const graph = mainGraph(original);
  const filled = new Set(graph.initializer.map(tensor => tensor.name));
  return {
    name: original.name,
    bytes: original.bytes + [...original.external.values()].reduce((sum, file) => sum + file.length, 0),
    producer: producerOf(original),
    opsets: Object.fromEntries(original.proto.opsetImport.map(set => [set.domain || 'ai.onnx', Number(set.version)])),
    inputs: graph.input
      .filter(input => !filled.has(input.name))
      .map(input => {
        const type = input.type?.value.case === 'tensorType' ? input.type.value.value : null;
        const dims = type?.shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : (value.value ?? null)));
        return { name: input.name, type: (type && elementType(type.elemType)) ?? 'unknown', dims: dims ?? [] };
      }),
    outputs: graph.output.map(({ name }) => ({ name, constant: constant.has(name) })),
    nodes: anatomy.scope.nodes.length,
    parameters,
    multiplyAdds,
  };
}

/** Passes batches on and remembers the first, for shapes and timing. */
async function* remember(batches: AsyncIterable<Batch> | Iterable<Batch>, first: { batch: Batch | null }): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    first.batch ??= batch;
    yield batch;
  }
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
export async function* auditSteps(original: Model, data: AuditData | null, options: AuditOptions = {}): AsyncGenerator<AuditProgress, AuditReport> {
  yield { phase: 'weights', done: 0, total: null };
  const anatomy = dissect(original);
  const { model, scope, lookup, layers } = anatomy;
  const census = takeCensus(model, scope);
  const first: { batch: Batch | null } = { batch: null };
  let observation: Observation | null = null;
  if (data) {
    const steps = observe(model, layers, remember(data.batches(), first), options);
    try {
      let step = await steps.next();
      while (!step.done) {
        yield { phase: 'samples', done: step.value, total: data.total };
        step = await steps.next();
      }
      observation = step.value;
    } finally {
      await steps.return(undefined as never);
    }
  }
  const examined = layers.map(
    (layer, index): Examined => ({
      layer,
      tally: observation?.tallies[index] ?? null,
      unobservedBecause: observation?.reasons[index] ?? null,
    }),
  );
  const thresholds = { ...defaultThresholds, ...options.thresholds };
  const lost = slopesLost(layers);
  const flow: Flow = anatomy;
  const judgeAll = (onData: Flow) =>
    examined.map((each, index) => judgeLayer(each, flow, onData, lost[index] as boolean, thresholds));
  const silent: Pinned = new Map(
    judgeAll(flow).flatMap(({ silent }, index) => {
      const { rectifier } = layers[index] as RectifiedLayer;
      return silent.size > 0 && !rectifier.scope.parent ? [[rectifier.output, silent] as const] : [];
    }),
  );
  const onData = observation ? flowWith(anatomy, new Map([...anatomy.pinned, ...silent])) : flow;
  const reports = judgeAll(onData).map(({ report }) => report);

  const specs = options.inputs ?? inputSpecs(model);
  const dims = first.batch
    ? Object.fromEntries(Object.entries(first.batch.feeds).map(([name, tensor]) => [name, [...tensor.dims]]))
    : fixedDims(specs.map(spec => ({ ...spec, dims: spec.dims.map((dim, axis) => (axis === 0 && typeof dim !== 'number' ? 1 : dim)) })));
  const shapes = dims ? await shapesOf(model, dims, [...new Set(costlyValues(scope, lookup))], options) : new Map<string, number[]>();
  const costOf = ({ known, reads }: Flow) => keptCost(scope, lookup, known, reads, shapes);
  const parameters = countParameters(model);
  const whole = costOf({ known: new Map(), reads: new Map() });
  const units = reports.flatMap(report => report.units.map(unit => ({ unit, report })));
  const tiny = census.filter(item => item.tiny > 0);
  let time = null;
  if (options.timeRounds && tiny.length > 0 && first.batch) {
    yield { phase: 'timing', done: 0, total: null };
    time = await timeFlush(model, new Set(tiny.map(item => item.name)), first.batch, options.timeRounds, options);
  }
  const counts = verdictCounts(units.map(({ unit }) => unit.verdict));
  return {
    schemaVersion: 1,
    reluminate: version,
    model: describeModel(anatomy, original, parameters, whole.multiplyAdds),
    data: data ? { kind: data.kind, description: data.description } : { kind: 'none', description: 'no data: the weights alone' },
    samples: observation?.samples ?? 0,
    totals: {
      layers: reports.length,
      units: units.length,
      counts,
      dead: counts.vanished + counts['proved-dead'] + [...silent.values()].reduce((sum, each) => sum + each.size, 0),
      removable: removable(whole, costOf(flow), idleUnits(layers, flow), parameters),
      removableOnData: observation ? removable(whole, costOf(onData), idleUnits(layers, onData), parameters) : null,
    },
    subnormals: {
      subnormal: tiny.reduce((sum, item) => sum + item.subnormal, 0),
      tiny: tiny.reduce((sum, item) => sum + item.tiny, 0),
      owners: tiny.map(({ name, node, subnormal, tiny: count }) => ({ initializer: name, node, subnormal, tiny: count })),
      time,
    },
    findings: findingsOf(anatomy, census, reports, data?.kind === 'synthetic'),
    layers: reports,
  };
}

/** Constants and reads with further channels pinned. */
function flowWith({ scope, lookup }: Anatomy, pinned: Pinned): Flow {
  const known = propagateConstants(scope, lookup, pinned);
  return { known, reads: propagateReads(scope, lookup, known) };
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
export async function audit(model: Model, data: AuditData | null, options: AuditOptions = {}): Promise<AuditReport> {
  const steps = auditSteps(model, data, options);
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return step.value;
}

