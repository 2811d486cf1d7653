import type { ElementType } from '../onnx/tensor-data.js';
import type { DeclaredInput } from './prove/box.js';

/** The verdicts on a unit, strongest first. `unobserved`: neither the weights nor any sample decide (an audit without data). */
export const verdicts = [
  'vanished',
  'proved-dead',
  'silent',
  'rare',
  'dormant',
  'proved-linear',
  'linear',
  'healthy',
  'unobserved',
] as const;
export type Verdict = (typeof verdicts)[number];

/** Verdicts of dead units; a silent unit is dead only where its negative side is flat. */
export const deadVerdicts: readonly Verdict[] = ['vanished', 'proved-dead', 'silent'];

/** What a unit's negative slope makes of it. `leaky` is the ordinary case between `relu-like` and `identity`. */
export const slopeKinds = ['relu-like', 'leaky', 'identity', 'non-monotone', 'expanding'] as const;
export type SlopeKind = (typeof slopeKinds)[number];

/** How sure a verdict is. */
export type Certainty = 'exact' | 'float32 rounding' | 'proof' | 'sample' | 'none';

/** Pre-activation statistics of one unit over all positions of the samples that were measured in full. */
export interface PreActivation {
  /** Samples measured in full. */
  samples: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  variance: number | null;
  /** Share of positions with a positive pre-activation, 0 to 1. */
  positiveShare: number | null;
  /** Number of positions with NaN, and with an infinity. */
  nan: number;
  infinite: number;
}

/** One unit: a channel of a convolution or a feature of a dense layer, and what is known of it. */
export interface UnitReport {
  index: number;
  verdict: Verdict;
  certainty: Certainty;
  /** Whether the unit contributes nothing but a constant: vanished, proved dead, or silent with a flat negative side. */
  dead: boolean;
  /** For a unit whose pre-activation is constant: `silent` (the constant is not positive) or `on`. */
  stuck: 'silent' | 'on' | null;
  /** Samples on which the unit fired at one position or more; null without data. */
  firedSamples: number | null;
  /** 95 % confidence interval of the share of samples on which the unit fires; null without data. */
  firingRate: { low: number; high: number } | null;
  /** E|h| of the unit over its layer's mean of E|h| (the ReDo score); null without data. */
  activity: number | null;
  /** Whether any kept output of the model can read the unit; false means nothing downstream depends on it. */
  read: boolean;
  preActivation: PreActivation | null;
  /** Proved bounds of the pre-activation for every input in the declared range, rounding included; null where none were asked for or found. */
  bounds: { lower: number; upper: number } | null;
  /** Constant pre-activation of a vanished unit where it is known. */
  constant: number | null;
  /** Negative slope and its kind; null for rectifiers without one. */
  negativeSlope: number | null;
  slopeKind: SlopeKind | null;
  /** Bias and Euclidean weight norm of the single layer that feeds the unit, batch norm folded in; null where there is no such layer. */
  bias: number | null;
  weightNorm: number | null;
  /** Why the unit is as it is, one sentence with numbers; null for a healthy unit. */
  cause: string | null;
  /** What to do about it, for shipping and for training on; null for a healthy unit. */
  remedy: string | null;
}

/** One rectifier of the model and its units. */
export interface LayerReport {
  /** The rectifier's node name, or the value it writes where the node has none; unique in the report. */
  name: string;
  /** What the rectifier computes: `relu`, `relu6`, `leaky-relu`, `prelu`, … */
  op: string;
  /** How the file spells it, for example `Relu`, `Clip(0, 6)` or `Relu(x) + c*(x - |x|)`. */
  spelling: string;
  /** The path of subgraphs it sits in, for example `If_3/then_branch`; empty in the main graph. */
  path: string;
  /** Number of units, null where the file does not tell and no sample was run. */
  channels: number | null;
  /** Axis of the units in the rectifier's input. */
  unitAxis: number | null;
  /** The layer whose weights make the pre-activation, and what lies between, for example `Conv + BatchNormalization`; null for a residual sum. */
  fedBy: { name: string; op: string; fanIn: number } | null;
  counts: Record<Verdict, number>;
  /** Units that contribute nothing but a constant. */
  dead: number;
  slopes: { shared: boolean; min: number; median: number; max: number; counts: Record<SlopeKind, number> } | null;
  batchNorm: {
    name: string;
    /** Channels with gamma > 0: their scale moves into the next layer unchanged. */
    redundant: number;
    /** Channels with gamma < 0: only the mirror identity (slope to 1/slope) moves them. */
    mirrored: number;
    /** Channels with gamma = 0: constant. */
    zero: number;
  } | null;
  /** Why there are no statistics although there was data, one sentence; null otherwise. */
  unobservedBecause: string | null;
  /** How the proved bounds were found: `interval`, or `linear` where linear bounds tightened them; null where there are none. */
  boundedBy: 'interval' | 'linear' | null;
  /** Why there are no proved bounds although they were asked for, one sentence; null otherwise. */
  unboundedBecause: string | null;
  units: UnitReport[];
}

/** What could be saved. `parameters` and `multiplyAdds` count everything that only dead units own or read. */
export interface Removable {
  units: number;
  parameters: number;
  /** Share of the model's parameters, 0 to 1. */
  parameterShare: number;
  /** Multiply-adds per sample; null where shapes are not known. */
  multiplyAdds: number | null;
  multiplyAddShare: number | null;
}

/** Something about the whole model that its owner would want to know, worst first. */
export interface Finding {
  code:
    | 'non-finite-weights'
    | 'constant-output'
    | 'constant-channels'
    | 'subnormal-weights'
    | 'unread-channels'
    | 'batch-norm-redundancy'
    | 'initializer-inputs'
    | 'negative-slopes'
    | 'synthetic-data'
    | 'outside-input-range'
    | 'no-rectifiers';
  severity: 'error' | 'warning' | 'note';
  /** One or two sentences. */
  text: string;
  /** The nodes, values or initializers it is about (at most 20 are listed). */
  where: string[];
}

/** Subnormal weights: numbers so small that a CPU computes with them many times slower. */
export interface SubnormalReport {
  /** Nonzero weights with |w| < 1.17549435e-38 (float32). */
  subnormal: number;
  /** Nonzero weights with |w| < 1e-12, subnormal ones included: `flush` sets them to zero. */
  tiny: number;
  owners: { initializer: string; node: string; subnormal: number; tiny: number }[];
  /** Measured in interleaved runs when asked for: median time of one run in milliseconds, as it is and with the tiny weights set to zero; the median over rounds of original over flushed (above 1: flushing is faster) and its quartiles. */
  time: {
    rounds: number;
    original: number;
    flushed: number;
    ratio: number;
    ratioLow: number;
    ratioHigh: number;
    largestDifference: number;
  } | null;
}

/** Everything an audit found. `schema/audit-report.schema.json` describes it as JSON Schema. */
export interface AuditReport {
  schemaVersion: 1;
  reluminate: string;
  model: {
    name: string;
    bytes: number;
    producer: string;
    opsets: Record<string, number>;
    inputs: { name: string; type: ElementType | string; dims: (number | string | null)[] }[];
    outputs: { name: string; constant: boolean }[];
    nodes: number;
    parameters: number;
    /** Multiply-adds of one sample through convolutions and matrix products; null where shapes are not known. */
    multiplyAdds: number | null;
    /** What `heal --prune` noted in the file: the width that it kept multiples of, and the constant or unread units that it left, with reasons; null for a model that it did not make. */
    pruned: { align: number; left: number } | null;
  };
  data: { kind: 'none' | 'samples' | 'synthetic'; description: string };
  /** The range of every input that the proved bounds hold for, with one number for all its elements or one for each channel; null where nothing was to be proved. */
  proof: { inputs: DeclaredInput[] } | null;
  /** Samples on which firing was observed. */
  samples: number;
  totals: {
    layers: number;
    units: number;
    counts: Record<Verdict, number>;
    /** Units that contribute nothing but a constant. */
    dead: number;
    /** What can go at most without any change of the outputs (vanished, proved dead, unread). */
    removable: Removable;
    /** The same with the silent units, which is exact on the data seen only; null without data. */
    removableOnData: Removable | null;
  };
  subnormals: SubnormalReport;
  findings: Finding[];
  layers: LayerReport[];
}
