import {
  type AuditReport,
  type Certainty,
  deadVerdicts,
  type Finding,
  type LayerReport,
  type SlopeKind,
  slopeKinds,
  type UnitReport,
  type Verdict,
  verdicts,
} from '../audit/report.js';

/** Names that break careless renderers: markup, quotes, script ends, escapes, bidirectional controls, lone surrogates. */
export const hostileNames = [
  '</script><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\u001b[31mred\u001b[0m\u0007 <b>bold</b> & "quotes\'',
  '\u202egnitrever\u202c/conv\u2066\u0000/Relu',
  '层/卷积/🦊\ud800',
  '<!-- --> ]]> $\u007balert(1)} `x` {{y}}',
];

/** What the builder is asked for. */
export interface SampleOptions {
  layers: number;
  unitsPerLayer: (layer: number) => number;
  /** Samples of the data; 0 for an audit without data. */
  samples: number;
  synthetic?: boolean;
  names?: (layer: number) => string;
  op?: (layer: number) => 'relu' | 'leaky-relu' | 'prelu' | 'relu6';
  /** Weight of each verdict in a layer; healthy ones fill up. */
  verdictWeights?: (layer: number) => Partial<Record<Verdict, number>>;
  seed?: number;
}

/** Mulberry32: a small seeded generator of numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const none = <K extends string>(keys: readonly K[]): Record<K, number> =>
  Object.fromEntries(keys.map(key => [key, 0])) as Record<K, number>;

const certainties: Record<Verdict, Certainty> = {
  vanished: 'exact',
  'proved-dead': 'proof',
  silent: 'sample',
  rare: 'sample',
  dormant: 'sample',
  'proved-linear': 'proof',
  linear: 'sample',
  healthy: 'sample',
  unobserved: 'none',
};

function pick(weights: Partial<Record<Verdict, number>>, random: () => number): Verdict {
  let rest = random();
  for (const verdict of verdicts) {
    rest -= weights[verdict] ?? 0;
    if (rest < 0) return verdict;
  }
  return 'healthy';
}

const kindOf = (slope: number): SlopeKind =>
  slope < 0
    ? 'non-monotone'
    : slope < 0.001
      ? 'relu-like'
      : slope > 1
        ? 'expanding'
        : slope > 0.999
          ? 'identity'
          : 'leaky';

function firedOn(verdict: Verdict, samples: number, random: () => number): number {
  if (verdict === 'linear' || verdict === 'proved-linear') return samples;
  if (verdict === 'rare') return Math.max(1, Math.floor(samples * 0.01 * random()));
  if (verdict === 'dormant') return Math.ceil(samples * (0.02 + 0.3 * random()));
  if (verdict === 'healthy') return Math.min(samples, Math.ceil(samples * (0.05 + 1.3 * random())));
  return 0;
}

const sentences: Partial<Record<Verdict, [cause: string, remedy: string]>> = {
  vanished: [
    'All 576 incoming weights are zero after batch norm is folded in; the bias −0.0312 keeps it silent.',
    'Shipping: remove it, outputs stay equal. Training on: fresh incoming weights, zero outgoing ones.',
  ],
  'proved-dead': [
    'Bias −4.21 outweighs the weights: over the declared inputs the pre-activation is at most −0.35.',
    'Shipping: remove it. Training on: soften the rectifier or raise the bias above −1.87.',
  ],
  silent: [
    'Bias −1.92 against a weight norm of 0.41: an input 4.7 standard deviations out would be needed.',
    'Shipping: remove it once more data agrees. Training on: revive it.',
  ],
  rare: ['Batch-norm beta −2.6 puts the mean 2.6 standard deviations below zero.', 'Keep it; check with more data.'],
  dormant: ['Mean activity is 0.04 of its layer’s.', 'Training on: recycle it (ReDo).'],
  linear: ['Bias 3.1 against a weight norm of 0.6.', 'Shipping: the rectifier can go for this unit.'],
};

function unit(index: number, verdict: Verdict, op: string, samples: number, random: () => number): UnitReport {
  const dead = deadVerdicts.includes(verdict) && !(verdict === 'silent' && (op === 'prelu' || op === 'leaky-relu'));
  const observed = samples > 0 && verdict !== 'unobserved';
  const fired = observed ? firedOn(verdict, samples, random) : null;
  const sigma = 0.2 + random();
  const mean = dead || verdict === 'rare' ? -3 * sigma : verdict.includes('linear') ? 4 * sigma : random() - 0.4;
  const slope = op === 'prelu' ? 0.25 + 0.6 * (random() + random() - 1.2) : op === 'leaky-relu' ? 0.01 : null;
  const [cause, remedy] = sentences[verdict] ?? [null, null];
  return {
    index,
    verdict,
    certainty: certainties[verdict],
    dead,
    stuck: verdict === 'vanished' ? 'silent' : null,
    firedSamples: fired,
    firingRate:
      fired === null
        ? null
        : { low: Math.max(0, fired / samples - 0.01), high: Math.min(1, fired / samples + 3 / samples) },
    activity: observed ? (dead ? 0 : 0.2 + random()) : null,
    read: random() > 0.01,
    preActivation: observed
      ? {
          samples: Math.min(samples, 64),
          min: mean - 2.9 * sigma,
          max: mean + (dead ? 2.5 : 3.2) * sigma,
          mean,
          variance: verdict === 'vanished' ? 0 : sigma ** 2,
          positiveShare: fired === 0 ? 0 : random() * (fired! / samples),
          nan: 0,
          infinite: 0,
        }
      : null,
    bounds: null,
    constant: verdict === 'vanished' ? -0.0312 : null,
    negativeSlope: slope,
    slopeKind: slope === null ? null : kindOf(slope),
    bias: dead ? -1.92 : random() - 0.5,
    weightNorm: verdict === 'vanished' ? 0 : 0.3 + random(),
    cause,
    remedy,
  };
}

function slopesOf(units: readonly UnitReport[], op: string): LayerReport['slopes'] {
  const slopes = units.flatMap(({ negativeSlope }) => negativeSlope ?? []).sort((a, b) => a - b);
  if (slopes.length === 0) return null;
  const counts = none(slopeKinds);
  for (const slope of slopes) counts[kindOf(slope)]++;
  return {
    shared: op === 'leaky-relu',
    min: slopes[0]!,
    median: slopes[slopes.length >> 1]!,
    max: slopes.at(-1)!,
    counts,
  };
}

const total = <K extends string>(keys: readonly K[], all: readonly Record<K, number>[]): Record<K, number> =>
  Object.fromEntries(keys.map(key => [key, all.reduce((sum, counts) => sum + counts[key], 0)])) as Record<K, number>;

const findings = (): Finding[] => [
  {
    code: 'constant-output',
    severity: 'error',
    text: 'Output "confidence" does not depend on the input: it is 0.5 whatever the model is shown.',
    where: ['confidence'],
  },
  {
    code: 'subnormal-weights',
    severity: 'warning',
    text: '18,432 weights are subnormal numbers; setting them to zero makes one run 8.1 times faster.',
    where: ['features.3.conv.weight', 'features.7.conv.weight'],
  },
  {
    code: 'batch-norm-redundancy',
    severity: 'note',
    text: 'In 12 layers the scale of batch norm moves into the next layer unchanged: two parameters do the work of one.',
    where: Array.from({ length: 12 }, (_, i) => `features.${i}.bn`),
  },
];

/** A made-up but consistent report of any size for tests and for looking at; the same options give the same report. */
export function sampleReport(options: SampleOptions): AuditReport {
  const { samples } = options;
  const random = generator(options.seed ?? 1);
  const layers = Array.from({ length: options.layers }, (_, l): LayerReport => {
    const op = options.op?.(l) ?? 'relu';
    const weights = options.verdictWeights?.(l) ?? {};
    const units = Array.from({ length: options.unitsPerLayer(l) }, (_, index) => {
      const drawn = pick(weights, random);
      const verdict = samples === 0 && certainties[drawn] === 'sample' ? 'unobserved' : drawn;
      return unit(index, verdict, op, samples, random);
    });
    const counts = none(verdicts);
    for (const { verdict } of units) counts[verdict]++;
    const residual = l % 4 === 3;
    return {
      name: options.names?.(l) ?? `features.${l}/Relu`,
      op,
      spelling: { relu: 'Relu', relu6: 'Clip(0, 6)', 'leaky-relu': 'LeakyRelu', prelu: 'PRelu' }[op],
      path: '',
      channels: units.length,
      unitAxis: 1,
      fedBy: residual
        ? null
        : { name: `features.${l}/Conv`, op: 'Conv + BatchNormalization', fanIn: 9 * 2 ** (4 + (l % 5)) },
      counts,
      dead: units.filter(each => each.dead).length,
      slopes: slopesOf(units, op),
      batchNorm: residual ? null : { name: `features.${l}/bn`, redundant: units.length, mirrored: 0, zero: 0 },
      unobservedBecause: null,
      boundedBy: null,
      unboundedBecause: null,
      units,
    };
  });
  const counts = total(
    verdicts,
    layers.map(layer => layer.counts),
  );
  const dead = layers.reduce((sum, layer) => sum + layer.dead, 0);
  const exact = counts.vanished + counts['proved-dead'];
  const saving = (units: number) => ({
    units,
    parameters: units * 640,
    parameterShare: Math.min(1, (units * 640) / 3_215_904),
    multiplyAdds: units * 120_000,
    multiplyAddShare: Math.min(1, (units * 120_000) / 312_000_000),
  });
  const synthetic = options.synthetic ?? false;
  return {
    schemaVersion: 1,
    reluminate: '0.1.0',
    model: {
      name: 'face-landmarks.onnx',
      bytes: 12_904_113,
      producer: 'pytorch 2.1.0',
      opsets: { 'ai.onnx': 17 },
      inputs: [{ name: 'image', type: 'float32', dims: ['batch', 3, 112, 112] }],
      outputs: [
        { name: 'landmarks', constant: false },
        { name: 'confidence', constant: true },
      ],
      nodes: 187,
      parameters: 3_215_904,
      multiplyAdds: 312_000_000,
      pruned: null,
    },
    data:
      samples === 0
        ? { kind: 'none', description: 'no data' }
        : synthetic
          ? { kind: 'synthetic', description: `${samples} samples of Gaussian noise, seed 1` }
          : { kind: 'samples', description: `${samples} samples of faces.npz` },
    proof: null,
    samples,
    totals: {
      layers: layers.length,
      units: layers.reduce((sum, layer) => sum + layer.units.length, 0),
      counts,
      dead,
      removable: saving(exact),
      removableOnData: samples === 0 ? null : saving(dead),
    },
    subnormals: {
      subnormal: 18_432,
      tiny: 20_736,
      owners: [{ initializer: 'features.3.conv.weight', node: 'features.3/Conv', subnormal: 18_432, tiny: 20_736 }],
      time: {
        rounds: 30,
        original: 12.42,
        flushed: 1.53,
        ratio: 8.12,
        ratioLow: 7.9,
        ratioHigh: 8.31,
        largestDifference: 0,
      },
    },
    findings: synthetic
      ? [
          ...findings(),
          { code: 'synthetic-data', severity: 'warning', text: 'The inputs were made up, not measured.', where: [] },
        ]
      : findings(),
    layers,
  };
}

/** A report as a convolutional network of some age would give: 44 layers, most verdicts, PReLU in the last third. */
export const typicalReport = (): AuditReport =>
  sampleReport({
    layers: 44,
    unitsPerLayer: l => [32, 64, 96, 128, 160][Math.floor(l / 9)]!,
    samples: 200,
    names: l => `backbone/stage${Math.floor(l / 9) + 1}/block${l % 9}/${l % 2 === 0 ? 'expand' : 'project'}/Relu`,
    op: l => (l >= 30 ? 'prelu' : l === 0 ? 'relu6' : 'relu'),
    verdictWeights: l => {
      if (l % 3 === 1) return {};
      if (l === 12) return { vanished: 0.36, silent: 0.12, rare: 0.05, dormant: 0.08 };
      if (l === 20) return { 'proved-dead': 0.08, silent: 0.1, rare: 0.05, 'proved-linear': 0.03, linear: 0.04 };
      if (l > 38) return { silent: 0.02 * (l - 38), rare: 0.03, dormant: 0.1, linear: 0.05 };
      return l % 3 === 0 ? { vanished: 0.01, rare: 0.01 } : { dormant: 0.02, linear: 0.01 };
    },
  });

/** A small report whose layers have hostile names, and the names of its model, inputs and findings too. */
export function hostileReport(): AuditReport {
  const report = sampleReport({
    layers: hostileNames.length,
    unitsPerLayer: () => 8,
    samples: 50,
    names: l => hostileNames[l]!,
    op: l => (l % 2 === 0 ? 'prelu' : 'relu'),
    verdictWeights: () => ({ vanished: 0.2, silent: 0.2, rare: 0.1 }),
  });
  report.model.name = hostileNames[0]!;
  report.model.producer = hostileNames[1]!;
  report.model.inputs[0]!.name = hostileNames[2]!;
  report.data.description = hostileNames[1]!;
  report.findings[0]!.text = hostileNames[0]!;
  report.findings[0]!.where = [...hostileNames];
  for (const layer of report.layers) {
    layer.spelling = layer.name;
    if (layer.fedBy !== null) layer.fedBy.name = layer.name;
    for (const unit of layer.units) unit.cause = layer.name;
  }
  return report;
}
