import { describe, expect, it } from 'vitest';
import { type AuditData, type AuditOptions, audit } from '../src/audit/audit.js';
import type { AuditReport, Verdict } from '../src/audit/report.js';
import { float, floatTensor, intTensor, node, valueInfo } from '../src/onnx/build.js';
import type { Model } from '../src/onnx/model.js';
import type { NodeProto, TensorProto } from '../src/onnx/proto.js';
import type { Batch, TensorData } from '../src/onnx/tensor-data.js';
import { createRandom, type Random } from '../src/random.js';
import { modelOf, runOnce, tensor } from './models.js';

const normals = (random: Random, count: number, scale = 1) =>
  Array.from({ length: count }, () => scale * random.normal());

/** The samples of one tensor in batches of the given size; the last one is padded with copies of 9 where `padded`. */
function dataOf({ dims, data }: TensorData, size = 64, padded = false): AuditData {
  const total = dims[0]!;
  const each = data.length / total;
  const batches = function* (): Generator<Batch> {
    for (let from = 0; from < total; from += size) {
      const samples = Math.min(size, total - from);
      const rows = padded ? size : samples;
      const part = new Float32Array(rows * each).fill(9);
      part.set((data as Float32Array).subarray(from * each, (from + samples) * each));
      yield { feeds: { x: tensor([rows, ...dims.slice(1)], part) }, samples };
    }
  };
  return { kind: 'samples', description: 'planted', total, batches };
}

const examine = (model: Model, x: TensorData | null, options: AuditOptions = {}) =>
  audit(model, x && dataOf(x), { threads: 1, statistics: 'all', ...options });

/** Every number of a report is finite and its counts are those of its units. */
function expectConsistent(report: AuditReport): void {
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'number') expect(Number.isFinite(value), path).toBe(true);
    else if (value !== null && typeof value === 'object')
      for (const [key, item] of Object.entries(value)) walk(item, `${path}.${key}`);
  };
  walk(report, 'report');
  const tally = (units: readonly { verdict: Verdict }[], verdict: Verdict) =>
    units.filter(unit => unit.verdict === verdict).length;
  const units = report.layers.flatMap(layer => layer.units);
  for (const verdict of Object.keys(report.totals.counts) as Verdict[])
    expect(report.totals.counts[verdict]).toBe(tally(units, verdict));
  for (const layer of report.layers) {
    for (const verdict of Object.keys(layer.counts) as Verdict[])
      expect(layer.counts[verdict]).toBe(tally(layer.units, verdict));
    expect(layer.dead).toBe(layer.units.filter(unit => unit.dead).length);
    expect(layer.units.map(unit => unit.index)).toEqual(Array.from(layer.units.keys()));
    for (const { firedSamples, firingRate } of layer.units) {
      if (firedSamples === null) continue;
      expect(firedSamples).toBeLessThanOrEqual(report.samples);
      expect(firingRate!.low).toBeLessThanOrEqual(firedSamples / report.samples);
      expect(firingRate!.high).toBeGreaterThanOrEqual(firedSamples / report.samples);
    }
  }
  expect(report.totals.units).toBe(units.length);
  expect(report.totals.dead).toBe(units.filter(unit => unit.dead).length);
}

/** What was done to a unit on purpose, and what the audit must say of it. */
interface Plant {
  readonly verdicts: readonly Verdict[];
  readonly cause: RegExp | null;
  readonly dead: boolean;
  readonly stuck?: 'silent' | 'on' | null;
}

const alive: readonly Verdict[] = ['healthy', 'dormant', 'rare', 'linear'];
const plants = {
  ordinary: { verdicts: ['healthy', 'dormant', 'linear'], cause: null, dead: false },
  zeroBelow: { verdicts: ['vanished'], cause: /incoming weights are all 0.* bias, −/, dead: true, stuck: 'silent' },
  zeroAbove: { verdicts: ['vanished'], cause: /incoming weights are all 0/, dead: true, stuck: 'on' },
  tiny: { verdicts: ['vanished'], cause: /incoming weights have norm .*e−\d+ beside/, dead: true, stuck: 'silent' },
  subnormal: {
    verdicts: ['vanished'],
    cause: /incoming weights have norm .*e−(39|4\d) beside/,
    dead: true,
    stuck: 'silent',
  },
  gammaBelow: { verdicts: ['vanished'], cause: /batch norm's gamma is 0.* −/i, dead: true, stuck: 'silent' },
  gammaAbove: { verdicts: ['vanished'], cause: /batch norm's gamma is 0/i, dead: true, stuck: 'on' },
  masked: { verdicts: ['vanished'], cause: /multiplied by 0/, dead: true, stuck: 'silent' },
  low: { verdicts: ['silent'], cause: /bias is too negative/, dead: true },
  beta: { verdicts: ['silent'], cause: /batch norm's beta .* below 0/i, dead: true },
  high: { verdicts: ['linear'], cause: /stays above 0/, dead: false },
  rare: { verdicts: ['rare'], cause: /fires on 1 of 400 samples/, dead: false },
  sparse: { verdicts: alive, cause: null, dead: false },
  shifted: { verdicts: ['silent'], cause: /inputs are shifted/, dead: true },
  deadInputs: { verdicts: ['silent'], cause: /every input it weighs is dead/i, dead: true },
  constantInputs: {
    verdicts: ['proved-dead'],
    cause: /every input it weighs is constant/i,
    dead: true,
    stuck: 'silent',
  },
  litInputs: { verdicts: ['proved-linear'], cause: /every input it weighs is constant/i, dead: false, stuck: 'on' },
} satisfies Record<string, Plant>;
type PlantName = keyof typeof plants;

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

interface Planted {
  readonly model: Model;
  readonly x: TensorData;
  /** The plants of the first and of the second rectified layer, unit by unit. */
  readonly units: readonly (readonly PlantName[])[];
}

const samples = 400;

/** One position of the input for each sample (dense) or 4x4 (convolution). */
function plantedNetwork(seed: number): Planted {
  const random = createRandom(seed);
  const isConv = random.integer(2) === 1;
  const normed = random.integer(2) === 1;
  const masked = random.integer(2) === 1;
  const inputs = isConv ? 3 : 12;
  const x = tensor(isConv ? [samples, 3, 4, 4] : [samples, 12], normals(random, samples * (isConv ? 48 : 12)));
  const first = shuffled(random, [
    ...new Array<PlantName>(14).fill('ordinary'),
    ...(['zeroBelow', 'zeroBelow', 'zeroAbove', 'tiny', 'subnormal', 'high', 'sparse', 'rare'] as const),
    ...(normed ? (['gammaBelow', 'gammaAbove', 'beta', 'beta'] as const) : (['low', 'low'] as const)),
    ...(masked ? (['masked'] as const) : []),
  ] satisfies PlantName[]);
  const second = shuffled(random, [
    ...new Array<PlantName>(6).fill('ordinary'),
    ...(['shifted', 'deadInputs', 'constantInputs', 'litInputs'] as const),
  ] satisfies PlantName[]);

  const initializers: TensorProto[] = [];
  const nodes: NodeProto[] = [];
  const constant = (name: string, dims: readonly number[], values: ArrayLike<number>) => {
    initializers.push(floatTensor(name, dims, values));
    return name;
  };

  const scales: Partial<Record<PlantName, number>> = { zeroBelow: 0, zeroAbove: 0, tiny: 1e-9, subnormal: 1e-40 };
  const rows = first.map(plant => normals(random, inputs, (scales[plant] ?? 1) / Math.sqrt(inputs)));
  /** The bias with which the unit fires on so many samples only: halfway between the peaks of two. */
  const firingOn = (row: readonly number[], count: number): number => {
    const positions = isConv ? 16 : 1;
    const dot = (sample: number, position: number) =>
      row.reduce(
        (sum, weight, input) =>
          sum + weight * (x.data as Float32Array)[(sample * inputs + input) * positions + position]!,
        0,
      );
    const peaks = Array.from({ length: samples }, (_, sample) =>
      Math.max(...Array.from({ length: positions }, (_, position) => dot(sample, position))),
    ).sort((a, b) => b - a);
    return -(peaks[count - 1]! + peaks[count]!) / 2;
  };
  const offsets = first.map((plant, unit) => {
    const row = rows[unit] as number[];
    switch (plant) {
      case 'zeroBelow':
      case 'tiny':
      case 'subnormal':
      case 'gammaBelow':
      case 'masked':
        return -0.25;
      case 'zeroAbove':
      case 'gammaAbove':
        return 0.5;
      case 'low':
      case 'beta':
        return -1000;
      case 'high':
        return 20;
      case 'rare':
        return firingOn(row, 1);
      case 'sparse':
        return firingOn(row, 20);
      default:
        return 0.1 * Math.abs(random.normal());
    }
  });
  const weight = constant('w1', isConv ? [first.length, inputs, 1, 1] : [first.length, inputs], rows.flat());
  const perUnit = isConv ? [first.length, 1, 1] : [first.length];
  const layer = (from: string, w: string, b: string | null, to: string) =>
    node(isConv ? 'Conv' : 'Gemm', b ? [from, w, b] : [from, w], [to], isConv ? {} : { transB: 1 });
  if (normed) {
    const gamma = first.map(plant =>
      plant.startsWith('gamma') ? 0 : plant === 'ordinary' && random.integer(4) === 0 ? -1 : 1,
    );
    nodes.push(layer('x', weight, null, 'z1'));
    const count = first.length;
    const names = [
      constant('gamma', [count], gamma),
      constant('beta', [count], offsets),
      constant('mean', [count], new Array(count).fill(0)),
      constant('variance', [count], new Array(count).fill(1)),
    ];
    nodes.push(node('BatchNormalization', ['z1', ...names], ['n1']));
  } else nodes.push(layer('x', weight, constant('b1', [first.length], offsets), 'n1'));
  if (masked) {
    // A mask of 0 takes the bias too, so it is put back behind it.
    const isMasked = (plant: PlantName) => (plant === 'masked' ? 1 : 0);
    nodes.push(
      node(
        'Mul',
        [
          'n1',
          constant(
            'mask',
            perUnit,
            first.map(plant => 1 - isMasked(plant)),
          ),
        ],
        ['m1'],
      ),
    );
    nodes.push(
      node(
        'Add',
        [
          'm1',
          constant(
            'behind',
            perUnit,
            first.map(plant => -0.25 * isMasked(plant)),
          ),
        ],
        ['p1'],
      ),
    );
  } else nodes.push(node('Identity', ['n1'], ['p1']));
  nodes.push(node('Relu', ['p1'], ['h1']));

  const reads: Partial<Record<PlantName, readonly PlantName[]>> = {
    deadInputs: ['low', 'beta'],
    constantInputs: ['zeroBelow', 'zeroAbove', 'gammaAbove'],
    litInputs: ['zeroAbove', 'gammaAbove'],
  };
  const connect = (plant: PlantName, to: PlantName): number => {
    const only = reads[plant];
    if (only && !only.includes(to)) return 0;
    const size = Math.abs(random.normal()) + 0.1;
    if (plant === 'shifted' || plant === 'constantInputs') return -size;
    return plant === 'litInputs' ? size : 0.15 * random.normal();
  };
  const rows2 = second.map(plant => first.map(to => connect(plant, to)));
  const bias2 = second.map(plant => (plant === 'shifted' ? 0.01 : plant === 'ordinary' ? 0.5 : -0.01));
  // What comes from the unit that is always on is taken off again, so that ordinary units see it as no bias.
  const high = first.indexOf('high');
  second.forEach((plant, unit) => {
    if (plant === 'ordinary') rows2[unit]![high] = 0;
  });
  const w2 = constant('w2', isConv ? [second.length, first.length, 1, 1] : [second.length, first.length], rows2.flat());
  nodes.push(layer('h1', w2, constant('b2', [second.length], bias2), 'p2'), node('Relu', ['p2'], ['h2']));
  if (isConv) nodes.push(node('GlobalAveragePool', ['h2'], ['g']), node('Flatten', ['g'], ['f']));
  const w3 = constant('w3', [second.length, 3], normals(random, second.length * 3));
  nodes.push(node('MatMul', [isConv ? 'f' : 'h2', w3], ['y']));
  const model = modelOf({
    nodes,
    initializers,
    inputs: [valueInfo('x', ['N', ...x.dims.slice(1)])],
    outputs: [valueInfo('y')],
  });
  return { model, x, units: [first, second] };
}

describe('planted networks', () => {
  const seeds = 200;
  it(`every plant of ${seeds} networks is judged for what it is, with its cause`, async () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < seeds; seed++) {
      const { model, x, units } = plantedNetwork(seed);
      const report = await examine(model, x);
      expectConsistent(report);
      expect(report.layers.map(layer => layer.channels)).toEqual(units.map(all => all.length));
      units.forEach((all, layer) => {
        all.forEach((name, unit) => {
          const { verdicts, cause, dead, stuck = null }: Plant = plants[name];
          const found = report.layers[layer]!.units[unit]!;
          const where = `seed ${seed}, layer ${layer}, unit ${unit}, ${name}: ${found.verdict}, ${found.cause}`;
          expect(verdicts, where).toContain(found.verdict);
          expect(found.dead, where).toBe(dead);
          expect(found.stuck, where).toBe(stuck);
          if (cause) expect(found.cause, where).toMatch(cause);
          seen.set(name, (seen.get(name) ?? 0) + 1);
        });
      });
    }
    expect([...seen.keys()].sort()).toEqual(Object.keys(plants).sort());
  });

  it('are judged by their weights alone where there is no data', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const { model, units } = plantedNetwork(seed);
      const report = await examine(model, null);
      expectConsistent(report);
      const proved: readonly Verdict[] = ['vanished', 'proved-dead', 'proved-linear'];
      units.forEach((all, layer) => {
        all.forEach((name, unit) => {
          const [verdict] = plants[name].verdicts;
          const expected = proved.includes(verdict!) ? verdict : 'unobserved';
          expect(report.layers[layer]!.units[unit]!.verdict, `seed ${seed}, ${name}`).toBe(expected);
        });
      });
    }
  });
});

it('calls no unit of a sparse layer dead: 256 units of bias −0.8, 72 % of their outputs zero', async () => {
  const random = createRandom(8);
  const [inputs, units] = [64, 256];
  const model = modelOf({
    nodes: [node('Gemm', ['x', 'w', 'b'], ['z'], { transB: 1 }), node('Relu', ['z'], ['y'])],
    initializers: [
      floatTensor('w', [units, inputs], normals(random, units * inputs, Math.sqrt(1.88 / inputs))),
      floatTensor('b', [units], new Array(units).fill(-0.8)),
    ],
    inputs: [valueInfo('x', ['N', inputs])],
    outputs: [valueInfo('y')],
  });
  const x = tensor([1000, inputs], normals(random, 1000 * inputs));
  const outputs = (await runOnce(model, { x })).y!.data as Float32Array;
  expect(outputs.filter(value => value === 0).length / outputs.length).toBeCloseTo(0.72, 2);
  const report = await examine(model, x);
  expectConsistent(report);
  expect(report.totals.dead).toBe(0);
  expect(report.totals.counts).toMatchObject({ healthy: units, silent: 0, rare: 0 });
});

describe('slopes', () => {
  const network = (activation: NodeProto, slopes?: TensorProto) =>
    modelOf({
      nodes: [node('Conv', ['x', 'w', 'b'], ['z']), activation],
      initializers: [
        floatTensor('w', [5, 2, 1, 1], [1, 0.5, -1, 2, 1, 1, 0, 0, 0.5, -0.5]),
        floatTensor('b', [5], [0, 0, -8, -2, 8]),
        ...(slopes ? [slopes] : []),
      ],
      inputs: [valueInfo('x', ['N', 2, 2, 2])],
      outputs: [valueInfo('y')],
    });
  const x = tensor([100, 2, 2, 2], normals(createRandom(1), 800));
  const prelu = node('PRelu', ['z', 'a'], ['y']);

  it('are told apart, and a leaking silent unit is not dead', async () => {
    const report = await examine(network(prelu, floatTensor('a', [5, 1, 1], [0, 1, 0.25, -0.5, 2])), x);
    expectConsistent(report);
    const { units, slopes } = report.layers[0]!;
    expect(units.map(unit => unit.slopeKind)).toEqual(['relu-like', 'identity', 'leaky', 'non-monotone', 'expanding']);
    expect(units.map(unit => unit.verdict)).toEqual(['healthy', 'healthy', 'silent', 'vanished', 'linear']);
    expect(units.map(unit => unit.dead)).toEqual([false, false, false, true, false]);
    expect(units[2]!.remedy).toMatch(/nothing is lost/i);
    expect(slopes).toMatchObject({ shared: false, min: -0.5, median: 0.25, max: 2 });
    expect(report.findings.map(finding => finding.code)).toContain('negative-slopes');
  });

  it('of 0 leave a silent unit dead', async () => {
    const report = await examine(network(prelu, floatTensor('a', [1], [0])), x);
    expect(report.layers[0]!.units[2]).toMatchObject({ verdict: 'silent', dead: true, negativeSlope: 0 });
  });

  it('that differ by position are reported as their mean', async () => {
    const byPosition = Float64Array.from({ length: 20 }, (_, at) => (at % 4) * 0.1 + Math.floor(at / 4));
    const report = await examine(network(prelu, floatTensor('a', [5, 2, 2], byPosition)), x);
    expect(report.layers[0]!.units.map(unit => Number(unit.negativeSlope!.toFixed(6)))).toEqual([
      0.15, 1.15, 2.15, 3.15, 4.15,
    ]);
  });

  it('along another axis than the units are not taken for theirs', async () => {
    // Five units on maps as wide as there are units: the slopes belong to the columns.
    const model = modelOf({
      nodes: [node('Conv', ['x', 'w'], ['z']), prelu],
      initializers: [floatTensor('w', [5, 1, 1, 1], [1, 1, 1, 1, 1]), floatTensor('a', [5], [0, 0.1, 0.2, 0.3, 0.4])],
      inputs: [valueInfo('x', ['N', 1, 2, 5])],
      outputs: [valueInfo('y')],
    });
    const report = await examine(model, tensor([10, 1, 2, 5], normals(createRandom(2), 100)));
    expect(report.layers[0]!.units.map(unit => Number(unit.negativeSlope!.toFixed(6)))).toEqual([
      0.2, 0.2, 0.2, 0.2, 0.2,
    ]);
  });

  it('lost in export are suspected where the other layers leak', async () => {
    const model = modelOf({
      nodes: [
        node('Gemm', ['x', 'w', 'b'], ['z1']),
        node('LeakyRelu', ['z1'], ['h1'], { alpha: float(0.1) }),
        node('MatMul', ['h1', 'w'], ['z2']),
        node('LeakyRelu', ['z2'], ['h2'], { alpha: float(0.1) }),
        node('Gemm', ['h2', 'w', 'b'], ['z3']),
        node('Relu', ['z3'], ['y']),
      ],
      initializers: [floatTensor('w', [2, 2], [1, 0.5, -0.5, 1]), floatTensor('b', [2], [0, -500])],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [valueInfo('y')],
    });
    const report = await examine(model, tensor([50, 2], normals(createRandom(3), 100)));
    expect(report.layers[2]!.units[1]!.cause).toMatch(/may have been lost in export/);
    expect(report.layers[0]!.units[1]!.cause).not.toMatch(/lost in export/);
  });
});

describe('numbers that are not finite', () => {
  const network = (weights: number[]) =>
    modelOf({
      nodes: [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
      initializers: [floatTensor('w', [1, weights.length], weights)],
      inputs: [valueInfo('x', ['N', 1])],
      outputs: [valueInfo('y')],
    });
  const x = tensor([4, 1], [-1, 2, 0, 3]);

  it('make a unit silent by NaN, not dead', async () => {
    const report = await examine(network([1, Number.NaN, -1]), x);
    expectConsistent(report);
    const unit = report.layers[0]!.units[1]!;
    expect(unit).toMatchObject({
      verdict: 'silent',
      dead: false,
      preActivation: { nan: 4, mean: null, variance: null },
    });
    expect(unit.cause).toMatch(/NaN at 4 of 4 positions/);
    expect(unit.remedy).toMatch(/not finite/);
    expect(report.totals.removableOnData!.units).toBe(0);
    expect(report.findings[0]!.code).toBe('non-finite-weights');
  });

  it('are counted, and the rest of the unit is measured without them', async () => {
    // 0 times infinity is NaN: the third sample. The infinities of the others are counted apart.
    const report = await examine(network([1, Number.POSITIVE_INFINITY, 1]), x);
    expectConsistent(report);
    expect(report.layers[0]!.units.map(unit => [unit.preActivation!.nan, unit.preActivation!.infinite])).toEqual([
      [0, 0],
      [1, 3],
      [0, 0],
    ]);
    expect(report.layers[0]!.units[0]!.preActivation).toMatchObject({ samples: 4, min: -1, max: 3, mean: 1 });
  });

  it('in some samples leave mean and variance to the others', async () => {
    const mixed = tensor([4, 1], [Number.NaN, 2, Number.POSITIVE_INFINITY, 4]);
    const report = await examine(network([1]), mixed);
    expectConsistent(report);
    expect(report.layers[0]!.units[0]!.preActivation).toEqual({
      samples: 4,
      min: 2,
      max: 4,
      mean: 3,
      variance: 1,
      positiveShare: 1,
      nan: 1,
      infinite: 1,
    });
  });
});

describe('verdicts on clipped rectifiers', () => {
  it('a unit that only saturates is not called linear', async () => {
    const model = modelOf({
      nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Clip', ['z', 'low', 'high'], ['y'])],
      initializers: [
        floatTensor('w', [1, 3], [1, 1, 0.1]),
        floatTensor('b', [3], [0, 50, 3]),
        floatTensor('low', [], [0]),
        floatTensor('high', [], [6]),
      ],
      inputs: [valueInfo('x', ['N', 1])],
      outputs: [valueInfo('y')],
    });
    const report = await examine(model, tensor([100, 1], normals(createRandom(4), 100)));
    expect(report.layers[0]!.units.map(unit => unit.verdict)).toEqual(['healthy', 'healthy', 'linear']);
  });

  it('a thresholded rectifier fires above its threshold only', async () => {
    const model = modelOf({
      nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('ThresholdedRelu', ['z'], ['y'], { alpha: float(0.5) })],
      initializers: [floatTensor('w', [1, 3], [1, 1, 0]), floatTensor('b', [3], [0, -1, 0.4])],
      inputs: [valueInfo('x', ['N', 1])],
      outputs: [valueInfo('y')],
    });
    const report = await examine(model, tensor([4, 1], [0.5, 0.6, 1.2, 1.5]));
    const { units } = report.layers[0]!;
    expect(units.map(unit => unit.firedSamples)).toEqual([3, 0, 0]);
    expect(units.map(unit => unit.preActivation!.positiveShare)).toEqual([0.75, 0, 0]);
    expect(units.map(unit => [unit.verdict, unit.stuck])).toEqual([
      ['healthy', null],
      ['silent', null],
      ['vanished', 'silent'],
    ]);
  });

  it('a negative threshold is a threshold too', async () => {
    const model = modelOf({
      nodes: [node('MatMul', ['x', 'w'], ['z']), node('ThresholdedRelu', ['z'], ['y'], { alpha: float(-1) })],
      initializers: [floatTensor('w', [1, 1], [1])],
      inputs: [valueInfo('x', ['N', 1])],
      outputs: [valueInfo('y')],
    });
    const report = await examine(model, tensor([4, 1], [-3, -0.5, -0.25, -2]));
    expect(report.layers[0]!.units[0]!.firedSamples).toBe(2);
  });
});

describe('batches', () => {
  const { model, x } = plantedNetwork(1);
  const untimed = (report: AuditReport) => report.layers.flatMap(layer => layer.units);

  it('of any size, padded or not, give the same units', async () => {
    const whole = untimed(await audit(model, dataOf(x, samples), { statistics: 'all' }));
    for (const [size, padded] of [
      [1, false],
      [7, false],
      [64, true],
      [150, false],
      [150, true],
    ] as const) {
      const units = untimed(await audit(model, dataOf(x, size, padded), { statistics: 'all' }));
      units.forEach((unit, at) => {
        const expected = whole[at]!;
        const { mean, variance, ...counts } = unit.preActivation!;
        const where = `batches of ${size}, unit ${at}`;
        expect([unit.verdict, unit.firedSamples, counts.samples], where).toEqual([
          expected.verdict,
          expected.firedSamples,
          expected.preActivation!.samples,
        ]);
        // Different batch sizes are different matrix products: the last bit may differ.
        const scale = Math.max(1, Math.abs(expected.preActivation!.mean!));
        expect(Math.abs(mean! - expected.preActivation!.mean!) / scale, where).toBeLessThan(1e-6);
        expect(Math.abs(variance! - expected.preActivation!.variance!), where).toBeLessThan(1e-5);
        expect(Math.abs(counts.min! - expected.preActivation!.min!) / scale, where).toBeLessThan(1e-6);
        expect(counts.positiveShare, where).toBeCloseTo(expected.preActivation!.positiveShare!, 6);
        expect(unit.activity, where).toBeCloseTo(expected.activity!, 5);
      });
    }
  });

  it('of a model with a fixed batch count real samples only', async () => {
    const fixed = modelOf({
      nodes: [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
      initializers: [floatTensor('w', [1, 2], [1, -1])],
      inputs: [valueInfo('x', [4, 1])],
      outputs: [valueInfo('y')],
    });
    // The padding is 9, on which the first unit would fire.
    const report = await audit(fixed, dataOf(tensor([6, 1], [-1, -2, -3, -4, -5, -6]), 4, true));
    expect(report.samples).toBe(6);
    expect(report.layers[0]!.units.map(unit => unit.firedSamples)).toEqual([0, 6]);
    expect(report.layers[0]!.units[0]!.preActivation).toMatchObject({ samples: 6, max: -1, min: -6, mean: -3.5 });
  });

  it('that the model folds into another axis are taken apart', async () => {
    const folding = (batch: number | string) =>
      modelOf({
        nodes: [
          node('Reshape', ['x', 'rows'], ['r']),
          node('Gemm', ['r', 'w', 'b'], ['z']),
          node('Relu', ['z'], ['y']),
        ],
        initializers: [
          intTensor('rows', [2], [-1, 2]),
          floatTensor('w', [2, 2], [1, 0, 0, 1]),
          floatTensor('b', [2], [0, -100]),
        ],
        inputs: [valueInfo('x', [batch, 3, 2])],
        outputs: [valueInfo('y')],
      });
    const random = createRandom(5);
    const folded = tensor([10, 3, 2], normals(random, 60));
    const firing = Array.from({ length: 10 }, (_, sample) =>
      [0, 2, 4].some(at => (folded.data[sample * 6 + at] as number) > 0),
    ).filter(Boolean).length;
    const report = await audit(folding('N'), dataOf(folded, 5), { statistics: 'all' });
    expect(report.layers[0]!.unobservedBecause).toBeNull();
    expect(report.layers[0]!.units.map(unit => unit.firedSamples)).toEqual([firing, 0]);
    expect(report.layers[0]!.units[0]!.preActivation!.samples).toBe(10);
    // A fixed batch cannot be taken apart, and the report says why there is nothing to see.
    const fixed = await audit(folding(5), dataOf(folded, 5));
    expect(fixed.layers[0]!.unobservedBecause).toMatch(
      /first axis must be the batch of 5, got values of shape \[15, 2\]/,
    );
    expect(fixed.layers[0]!.units.map(unit => unit.verdict)).toEqual(['unobserved', 'unobserved']);
  });
});
