import {
  type AuditReport,
  type LayerReport,
  type SubnormalReport,
  slopeKinds,
  type UnitReport,
  verdicts,
} from '../audit/report.js';

type Removable = AuditReport['totals']['removable'];

/** A record with its keys in the given order. */
const inOrder = <K extends string, V>(keys: readonly K[], record: Readonly<Record<K, V>>): Record<K, V> =>
  Object.fromEntries(keys.map(key => [key, record[key]])) as Record<K, V>;

const unitOf = (unit: UnitReport): UnitReport => ({
  index: unit.index,
  verdict: unit.verdict,
  certainty: unit.certainty,
  stuck: unit.stuck,
  firedSamples: unit.firedSamples,
  firingRate: unit.firingRate && { low: unit.firingRate.low, high: unit.firingRate.high },
  activity: unit.activity,
  read: unit.read,
  preActivation: unit.preActivation && {
    samples: unit.preActivation.samples,
    min: unit.preActivation.min,
    max: unit.preActivation.max,
    mean: unit.preActivation.mean,
    variance: unit.preActivation.variance,
    positiveShare: unit.preActivation.positiveShare,
    nan: unit.preActivation.nan,
    infinite: unit.preActivation.infinite,
  },
  constant: unit.constant,
  negativeSlope: unit.negativeSlope,
  slopeKind: unit.slopeKind,
  bias: unit.bias,
  weightNorm: unit.weightNorm,
  cause: unit.cause,
  remedy: unit.remedy,
});

const slopesOf = ({ slopes }: LayerReport): LayerReport['slopes'] =>
  slopes && {
    shared: slopes.shared,
    min: slopes.min,
    median: slopes.median,
    max: slopes.max,
    counts: inOrder(slopeKinds, slopes.counts),
  };

const batchNormOf = ({ batchNorm }: LayerReport): LayerReport['batchNorm'] =>
  batchNorm && {
    name: batchNorm.name,
    redundant: batchNorm.redundant,
    mirrored: batchNorm.mirrored,
    zero: batchNorm.zero,
  };

const layerOf = (layer: LayerReport): LayerReport => ({
  name: layer.name,
  op: layer.op,
  spelling: layer.spelling,
  path: layer.path,
  channels: layer.channels,
  unitAxis: layer.unitAxis,
  fedBy: layer.fedBy && { name: layer.fedBy.name, op: layer.fedBy.op, fanIn: layer.fedBy.fanIn },
  counts: inOrder(verdicts, layer.counts),
  slopes: slopesOf(layer),
  batchNorm: batchNormOf(layer),
  unobservedBecause: layer.unobservedBecause,
  units: layer.units.map(unitOf),
});

const modelOf = ({ model }: AuditReport): AuditReport['model'] => ({
  name: model.name,
  bytes: model.bytes,
  producer: model.producer,
  opsets: inOrder(Object.keys(model.opsets).sort(), model.opsets),
  inputs: model.inputs.map(({ name, type, dims }) => ({ name, type, dims })),
  outputs: model.outputs.map(({ name, constant }) => ({ name, constant })),
  nodes: model.nodes,
  parameters: model.parameters,
  multiplyAdds: model.multiplyAdds,
});

const removableOf = (removable: Removable): Removable => ({
  units: removable.units,
  parameters: removable.parameters,
  parameterShare: removable.parameterShare,
  multiplyAdds: removable.multiplyAdds,
  multiplyAddShare: removable.multiplyAddShare,
});

const totalsOf = ({ totals }: AuditReport): AuditReport['totals'] => ({
  layers: totals.layers,
  units: totals.units,
  counts: inOrder(verdicts, totals.counts),
  dead: totals.dead,
  removable: removableOf(totals.removable),
  removableOnData: totals.removableOnData && removableOf(totals.removableOnData),
});

const subnormalsOf = ({ subnormal, tiny, owners, time }: SubnormalReport): SubnormalReport => ({
  subnormal,
  tiny,
  owners: owners.map(owner => ({
    initializer: owner.initializer,
    node: owner.node,
    subnormal: owner.subnormal,
    tiny: owner.tiny,
  })),
  time: time && {
    rounds: time.rounds,
    original: time.original,
    flushed: time.flushed,
    ratio: time.ratio,
    ratioLow: time.ratioLow,
    ratioHigh: time.ratioHigh,
    largestDifference: time.largestDifference,
  },
});

/** The report with its keys in the order of the type, and no others. */
const inTypeOrder = (report: AuditReport): AuditReport => ({
  schemaVersion: report.schemaVersion,
  reluminate: report.reluminate,
  model: modelOf(report),
  data: { kind: report.data.kind, description: report.data.description },
  samples: report.samples,
  totals: totalsOf(report),
  subnormals: subnormalsOf(report.subnormals),
  findings: report.findings.map(({ code, severity, text, where }) => ({ code, severity, text, where })),
  layers: report.layers.map(layerOf),
});

/** Path and value of the first thing in a report that JSON cannot hold, such as `[".samples", "NaN"]`; null where all is well. */
function firstForeign(value: unknown): [path: string, value: string] | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : ['', String(value)];
  if (typeof value !== 'object') return value === undefined ? ['', 'undefined'] : null;
  for (const [key, member] of Object.entries(value ?? {})) {
    const inside = firstForeign(member);
    if (inside !== null) return [(Array.isArray(value) ? `[${key}]` : `.${key}`) + inside[0], inside[1]];
  }
  return null;
}

/** How deep in the report its units are: report, layers, layer, units, unit. */
const unitDepth = 4;

/** Indented JSON in which each unit, and whatever else is short, takes one line. */
function write(value: unknown, depth: number): string {
  if (depth >= unitDepth || typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Array.isArray(value)
    ? value.map(member => write(member, depth + 1))
    : Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${write(member, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const line = `${open}${members.join(', ')}${close}`;
  if (line.length + 2 * depth <= 120 && !line.includes('\n')) return line;
  const indent = '  '.repeat(depth);
  return `${open}\n${members.map(member => `${indent}  ${member}`).join(',\n')}\n${indent}${close}`;
}

/**
 * The report as JSON that `schema/audit-report.schema.json` describes: keys always in the same order, one line for each
 * unit, so that two reports can be compared line by line. Throws where a number is not finite, and names it.
 */
export function renderJson(report: AuditReport): string {
  const foreign = firstForeign(report);
  if (foreign !== null) {
    throw new TypeError(`renderJson: numbers must be finite, got ${foreign[1]} at ${foreign[0].slice(1)}`);
  }
  return `${write(inTypeOrder(report), 0)}\n`;
}
