import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { randomBatch, randomNetwork } from '../../test/random-networks.js';
import { rectifiedNetwork } from '../../test/rectified-networks.js';
import type { AuditData } from '../audit/audit.js';
import { audit } from '../audit/audit.js';
import { float, floatTensor, node, valueInfo } from '../onnx/build.js';
import { type Model, mainGraph, writeModel } from '../onnx/model.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import { tensorNumbers } from '../onnx/tensor.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { createRandom } from '../random.js';
import { revive } from './revive.js';
import { verify } from './verify.js';

const dataOf = (x: TensorData): AuditData => ({
  kind: 'samples',
  description: 'test',
  total: x.dims[0]!,
  batches: () => [{ feeds: { x }, samples: x.dims[0]! }],
});
const numbersOf = (model: Model, name: string) =>
  Array.from(tensorNumbers(mainGraph(model).initializer.find(each => each.name === name)!, model.external)!);
const options = { threads: 1 };

/** The outputs of both models on the data: to the bit where nothing was folded, else within 1e-5 of the largest. */
async function expectKept(model: Model, healed: Model, folded: boolean, x: TensorData, where = '') {
  const promise = folded
    ? ({ kind: 'tolerance', relative: 1e-5, absolute: 1e-6 } as const)
    : ({ kind: 'bit-equal' } as const);
  const found = await verify(model, healed, dataOf(x).batches(), { promise, rounds: 0, threads: 1 });
  expect(found.kept, `${where} ${found.sentence}`).toBe(true);
}

const model = (nodes: NodeProto[], initializers: TensorProto[], dims: (number | string)[], outputs = ['y']) =>
  modelOf({ nodes, initializers, inputs: [valueInfo('x', dims)], outputs: outputs.map(name => valueInfo(name)) });

/** Two dense layers of 6 inputs, 4 units, 3 outputs: unit 1 is stuck at 0, unit 2 stuck at 0.5, unit 3 never fires. */
function dense(rectifier = 'Relu'): Model {
  const random = createRandom(3);
  const w1 = Array.from({ length: 24 }, (_, at) => ([1, 2].includes(at % 4) ? 0 : random.normal()));
  const w2 = Array.from({ length: 12 }, () => random.normal());
  return model(
    [
      node('Gemm', ['x', 'w1', 'b1'], ['z']),
      node(rectifier, ['z'], ['h']),
      node('Gemm', ['h', 'w2'], ['y'], { alpha: float(2) }),
    ],
    [floatTensor('w1', [6, 4], w1), floatTensor('b1', [4], [0.1, -1, 0.5, -50]), floatTensor('w2', [4, 3], w2)],
    ['N', 6],
  );
}

describe('a dense network', () => {
  const x = randomBatch([6], 200, createRandom(1));

  test('with data: vanished and silent units come back, outputs stay, half of the positions fire', async () => {
    const before = writeModel(dense());
    const original = dense();
    const { model: healed, report } = await revive(original, { data: dataOf(x), ...options });
    expect(writeModel(original)).toEqual(before);
    expect(
      report.revived.map(({ unit, verdict, certainty, constant }) => [unit, verdict, certainty, constant]),
    ).toEqual([
      [1, 'vanished', 'exact', 0],
      [2, 'vanished', 'exact', 0.5],
      [3, 'silent', 'sample', 0],
    ]);
    expect([report.left, report.folded, report.samples]).toEqual([[], true, 200]);
    const living = (await audit(original, dataOf(x), { ...options, statistics: 'all' })).layers[0]!.units[0]!
      .preActivation!.variance!;
    for (const { firingRate, variance } of report.revived) {
      expect(firingRate).toBeCloseTo(0.5, 2);
      expect(variance! / living).toBeCloseTo(1, 4);
    }
    const outgoing = numbersOf(healed, 'w2');
    expect(outgoing.slice(3)).toEqual(new Array(9).fill(0));
    expect(outgoing.slice(0, 3)).toEqual(numbersOf(original, 'w2').slice(0, 3));
    const bias = numbersOf(healed, 'y/bias');
    numbersOf(original, 'w2')
      .slice(6, 9)
      .forEach((weight, output) => {
        expect(bias[output]).toBeCloseTo(2 * 0.5 * weight, 6);
      });
    await expectKept(original, healed, true, x);
    const after = await audit(healed, dataOf(x), options);
    expect(after.totals.dead).toBe(0);
  });

  test('without data: what the file shows to be dead, with He weights and no offset', async () => {
    const { model: healed, report } = await revive(dense(), { seed: 7, ...options });
    expect(report.revived.map(({ unit, firingRate }) => [unit, firingRate])).toEqual([
      [1, null],
      [2, null],
    ]);
    expect(numbersOf(healed, 'b1').map(value => Number(value.toFixed(6)))).toEqual([0.1, 0, 0, -50]);
    await expectKept(dense(), healed, true, x);
  });

  test('the same seed gives the same weights, another one others; a unit’s weights do not depend on the others', async () => {
    const column = async (seed: number, units?: Record<string, number[]>) => {
      const { model: healed } = await revive(dense(), { seed, ...options, ...(units ? { units } : {}) });
      return numbersOf(healed, 'w1').filter((_, at) => at % 4 === 2);
    };
    expect(await column(1)).toEqual(await column(1));
    expect(await column(1)).not.toEqual(await column(2));
    expect(await column(1, { h: [2] })).toEqual(await column(1));
  });

  test('nothing folded: to the bit', async () => {
    const { model: healed, report } = await revive(dense(), { units: { h: [1, 3] }, data: dataOf(x), ...options });
    expect(report.revived.map(({ unit }) => unit)).toEqual([1, 3]);
    expect(report.folded).toBe(false);
    await expectKept(dense(), healed, false, x);
  });

  test('He weights: variance gain² / fanIn over many units', async () => {
    const [inputs, units] = [50, 400];
    const wide = model(
      [
        node('Gemm', ['x', 'w1', 'b'], ['z']),
        node('LeakyRelu', ['z'], ['h'], { alpha: float(0.5) }),
        node('MatMul', ['h', 'w2'], ['y']),
      ],
      [
        floatTensor('w1', [inputs, units], new Float32Array(inputs * units)),
        floatTensor('b', [units], new Float32Array(units)),
        floatTensor('w2', [units, 2], new Float32Array(2 * units).fill(1)),
      ],
      ['N', inputs],
    );
    const { model: healed, report } = await revive(wide, options);
    expect(report.revived.length).toBe(units);
    const weights = numbersOf(healed, 'w1');
    const variance = weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length;
    const wanted = 2 / (1 + 0.5 ** 2) / inputs;
    // The standard error of a variance over n normal numbers is √(2/n) of it.
    expect(Math.abs(variance / wanted - 1)).toBeLessThan(4 * Math.sqrt(2 / weights.length));
  });

  test('training: outgoing weights have a gradient at once, incoming ones from the second step on', async () => {
    const { differentiate } = await import('../train/differentiate.js');
    const { model: healed } = await revive(dense(), { data: dataOf(x), ...options });
    const gradients = async (at: Model) => {
      const graph = mainGraph(at);
      const loss = model(
        [
          ...graph.node,
          node('Sub', ['y', 'target'], ['d']),
          node('Mul', ['d', 'd'], ['dd']),
          node('ReduceMean', ['dd'], ['loss'], { keepdims: 0 }),
        ],
        [...graph.initializer, floatTensor('target', [1, 3], [5, -5, 5])],
        ['N', 6],
        ['loss'],
      );
      const found = await differentiate(loss, { loss: 'loss', wrt: ['w1', 'w2'], dims: { x: x.dims } });
      const names = ['w1', 'w2'].map(name => found.gradients.get(name)!);
      mainGraph(found.model).output = names.map(name => valueInfo(name));
      const results = await runOnce(found.model, { x });
      return names.map(name => Array.from(results[name]!.data as Float32Array)) as [number[], number[]];
    };
    const ofUnit = ([w1, w2]: [number[], number[]], unit: number) =>
      [w1.filter((_, at) => at % 4 === unit), w2.slice(3 * unit, 3 * unit + 3)] as const;
    const dead = await gradients(dense());
    expect(
      ofUnit(dead, 3)
        .flat()
        .every(value => value === 0),
    ).toBe(true);
    const first = await gradients(healed);
    for (const unit of [1, 2, 3]) {
      expect(
        ofUnit(first, unit)[0].every(value => value === 0),
        `unit ${unit}`,
      ).toBe(true);
      expect(
        ofUnit(first, unit)[1].every(value => value !== 0),
        `unit ${unit}`,
      ).toBe(true);
    }
    const w2 = mainGraph(healed).initializer.findIndex(({ name }) => name === 'w2');
    mainGraph(healed).initializer[w2] = floatTensor(
      'w2',
      [4, 3],
      numbersOf(healed, 'w2').map((weight, at) => weight - 0.1 * first[1][at]!),
    );
    const second = await gradients(healed);
    for (const unit of [1, 2, 3])
      expect(
        ofUnit(second, unit)[0].every(value => value !== 0),
        `unit ${unit}`,
      ).toBe(true);
  });
});

test('a deep network that died in training learns again', async () => {
  const { buildNetwork, moons, openTrainer } = await import('../train/index.js');
  const { parseRectifier } = await import('../rectifiers/parse-rectifier.js');
  const points = moons({ count: 256, noise: 0.1, seed: 0 });
  const x = tensor([256, 2], points.inputs as Float32Array);
  const samples = { ...dataOf(x), batches: () => [{ feeds: { input: x }, samples: 256 }] };
  /** The model after full-batch steps, and the share of points that it has right. */
  const train = async (from: Model, steps: number, rate: number) => {
    const trainer = await openTrainer(from, { batch: 256, optimizer: { kind: 'sgd', momentum: 0.9 }, threads: 1 });
    let correct = 0;
    for (let step = 0; step < steps; step++) correct = (await trainer.step(points, rate)).correct as number;
    const trained = trainer.model();
    await trainer.close();
    return { model: trained, right: correct / 256 };
  };
  const died = await train(buildNetwork('mlp:2-8x8-2', { rectifier: parseRectifier('relu'), seed: 0 }), 150, 0.1);
  const dead = (await audit(died.model, samples, options)).totals.dead;
  const { model: healed, report } = await revive(died.model, { data: samples, ...options });
  expect(report.revived.length).toBe(dead);
  expect(report.left).toEqual([]);
  // Whole layers were dead: nothing but a step of all biases could reach the others.
  expect([dead > 40, died.right < 0.6, (await train(died.model, 300, 0.05)).right < 0.6]).toEqual([true, true, true]);
  expect((await train(healed, 300, 0.05)).right).toBeGreaterThan(0.95);
});

/** Convolution, batch norm with a zero gamma on channel 0 and a beta far below 0 on channel 1, ReLU, and what comes behind. */
function convolutional(behind: NodeProto[], more: TensorProto[], beta0 = -0.25, pads = [0, 0, 0, 0]): Model {
  const random = createRandom(8);
  const normals = (count: number) => Array.from({ length: count }, () => random.normal());
  return model(
    [
      node('Conv', ['x', 'w1'], ['c'], { pads }),
      node('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'variance'], ['n']),
      node('Relu', ['n'], ['h']),
      ...behind,
    ],
    [
      floatTensor('w1', [4, 2, 3, 3], normals(72)),
      floatTensor('gamma', [4], [0, 1, 1, 1]),
      floatTensor('beta', [4], [beta0, -40, 0.1, 0]),
      floatTensor('mean', [4], normals(4)),
      floatTensor('variance', [4], [1, 2, 3, 4]),
      ...more,
    ],
    ['N', 2, 6, 6],
  );
}

describe('a convolutional network', () => {
  const x = randomBatch([2, 6, 6], 20, createRandom(2));
  const normals = (count: number, seed = 4) => {
    const random = createRandom(seed);
    return Array.from({ length: count }, () => random.normal());
  };
  const second = () => [node('Conv', ['h', 'w2', 'b2'], ['y'])];
  const secondWeights = () => [floatTensor('w2', [3, 4, 3, 3], normals(108)), floatTensor('b2', [3], [1, 2, 3])];

  test('batch norm takes the statistics of the fresh channel', async () => {
    const original = convolutional(second(), secondWeights());
    const { model: healed, report } = await revive(original, { data: dataOf(x), ...options });
    expect(report.revived.map(({ unit, verdict }) => [unit, verdict])).toEqual([
      [0, 'vanished'],
      [1, 'silent'],
    ]);
    expect(numbersOf(healed, 'gamma')).toEqual([1, 1, 1, 1]);
    for (const { firingRate, variance } of report.revived) {
      expect(firingRate).toBeCloseTo(0.5, 2);
      expect(variance).toBeCloseTo(1, 3);
    }
    const exposed = model([node('Conv', ['x', 'w1'], ['c'])], mainGraph(healed).initializer, ['N', 2, 6, 6], ['c']);
    const raw = (await runOnce(exposed, { x })).c!.data as Float32Array;
    for (const unit of [0, 1]) {
      const own = raw.filter((_, at) => Math.floor(at / 16) % 4 === unit);
      const mean = own.reduce((a, b) => a + b, 0) / own.length;
      expect(numbersOf(healed, 'mean')[unit]).toBeCloseTo(mean, 4);
      expect(
        numbersOf(healed, 'variance')[unit]! / (own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length),
      ).toBeCloseTo(1, 4);
    }
    await expectKept(original, healed, false, x);
  });

  test('a constant other than 0 is folded, but not under padding', async () => {
    const open = convolutional(second(), secondWeights(), 0.75);
    const { model: healed, report } = await revive(open, { data: dataOf(x), ...options });
    expect([report.folded, report.revived.length]).toEqual([true, 2]);
    await expectKept(open, healed, true, x);
    const padded = convolutional(
      [node('Conv', ['h', 'w2', 'b2'], ['y'], { pads: [1, 1, 1, 1] })],
      secondWeights(),
      0.75,
    );
    const left = await revive(padded, { data: dataOf(x), ...options });
    expect(left.report.left).toEqual([
      {
        layer: 'h',
        unit: 0,
        reason: "Conv 'y' reads its constant with padding, so that it is no constant at the border",
      },
    ]);
    expect([left.report.folded, left.report.revived.length]).toEqual([false, 1]);
    await expectKept(padded, left.model, false, x);
  });

  test('through pools, flattening, concatenation and a depthwise convolution whose own dead unit is revived too', async () => {
    const behind = [
      node('Conv', ['h', 'dw', 'db'], ['d'], { group: 4, pads: [1, 1, 1, 1] }),
      node('Relu', ['d'], ['dh']),
      node('Concat', ['dh', 'h'], ['both'], { axis: 1 }),
      node('MaxPool', ['both'], ['pooled'], { kernel_shape: [2, 2], strides: [2, 2] }),
      node('Flatten', ['pooled'], ['flat']),
      node('Gemm', ['flat', 'w3'], ['y']),
    ];
    const original = convolutional(behind, [
      floatTensor('dw', [4, 1, 3, 3], normals(36)),
      floatTensor('db', [4], [-1, 0.5, 1, 2]),
      floatTensor('w3', [32, 3], normals(96)),
    ]);
    const { model: healed, report } = await revive(original, { data: dataOf(x), ...options });
    // Unit 1 of the depthwise layer is stuck at 0.5 as its input is silent; a constant of its own that Gemm takes.
    expect(report.revived.map(({ layer, unit }) => [layer, unit])).toEqual([
      ['h', 0],
      ['h', 1],
      ['dh', 0],
    ]);
    for (const { firingRate } of report.revived) {
      expect(firingRate).toBeGreaterThan(0.4);
      expect(firingRate).toBeLessThan(0.6);
    }
    await expectKept(original, healed, true, x);
  });

  test('what cannot be cut off alone is left, with the reason', async () => {
    const reasons = async (original: Model) => {
      const { model: healed, report } = await revive(original, { data: dataOf(x), ...options });
      await expectKept(original, healed, report.folded, x);
      return report.left.map(({ reason }) => reason);
    };
    const residual = [
      node('Conv', ['x', 'w4'], ['s']),
      node('Add', ['h', 's'], ['sum']),
      node('Conv', ['sum', 'w2', 'b2'], ['y']),
    ];
    const w4 = floatTensor('w4', [4, 2, 3, 3], normals(72, 9));
    expect(await reasons(convolutional(residual, [...secondWeights(), w4]))).toEqual([
      "Add 'sum' mixes it with channels that vary, as a residual sum does",
      "Add 'sum' mixes it with channels that vary, as a residual sum does",
    ]);
    expect(await reasons(convolutional([node('Identity', ['h'], ['y'])], []))).toEqual(
      new Array(2).fill("output 'y' of the model shows it"),
    );
    expect(await reasons(convolutional([node('Softmax', ['h'], ['y'], { axis: 1 })], []))).toEqual(
      new Array(2).fill("Softmax 'y' is not followed"),
    );
    const twice = [node('Conv', ['h', 'w2'], ['a']), node('Conv', ['h', 'w2'], ['b']), node('Add', ['a', 'b'], ['y'])];
    expect(await reasons(convolutional(twice, secondWeights()))).toEqual(
      new Array(2).fill(expect.stringMatching(/^the weights of Conv '[ab]', which reads it, are shared or computed$/)),
    );
    const shown = convolutional(second(), secondWeights());
    mainGraph(shown).output.push(valueInfo('n'));
    expect(await reasons(shown)).toEqual(
      new Array(2).fill("its pre-activation 'n' is read by more than the rectifier"),
    );
  });
});

test('a matrix product without a bias is given one, before its rectifier and behind its units', async () => {
  const random = createRandom(9);
  const normals = (count: number) => Array.from({ length: count }, () => random.normal());
  const w1 = normals(24).map((value, at) => ([1, 2].includes(at % 4) ? 0 : value));
  const w2 = normals(16).map((value, at) => (at % 4 === 3 ? 0 : value));
  const net = model(
    [
      node('Gemm', ['x', 'w1', 'b1'], ['z']),
      node('Relu', ['z'], ['h']),
      node('MatMul', ['h', 'w2'], ['z2']),
      node('Relu', ['z2'], ['h2']),
      node('MatMul', ['h2', 'w3'], ['y']),
    ],
    [
      floatTensor('w1', [6, 4], w1),
      floatTensor('b1', [4], [0.1, -1, 0.5, 0.2]),
      floatTensor('w2', [4, 4], w2),
      floatTensor('w3', [4, 2], normals(8)),
    ],
    ['N', 6],
  );
  const x = randomBatch([6], 200, createRandom(2));
  const { model: healed, report } = await revive(net, { data: dataOf(x), ...options });
  expect(report.left).toEqual([]);
  expect(report.revived.map(({ layer, unit }) => [layer, unit])).toEqual([
    ['h', 1],
    ['h', 2],
    ['h2', 3],
  ]);
  for (const { firingRate } of report.revived) expect(Math.abs(firingRate! - 0.5)).toBeLessThan(0.05);
  expect(mainGraph(healed).node.map(({ opType }) => opType)).toEqual([
    'Gemm',
    'Relu',
    'MatMul',
    'Add',
    'Relu',
    'MatMul',
  ]);
  await expectKept(net, healed, true, x);
});

test('units proved dead over a box are revived for its inputs; data that leave it are refused', async () => {
  const ranges = { x: { lower: -1, upper: 1 } };
  const { model: healed, report } = await revive(dense(), { ranges, ...options });
  expect(report.revived.map(({ unit, verdict, certainty }) => [unit, verdict, certainty])).toEqual([
    [1, 'vanished', 'exact'],
    [2, 'vanished', 'exact'],
    [3, 'proved-dead', 'proof'],
  ]);
  const random = createRandom(4);
  const inside = tensor(
    [100, 6],
    Float64Array.from({ length: 600 }, () => 2 * random.uniform() - 1),
  );
  await expectKept(dense(), healed, true, inside);
  const outside = dataOf(tensor([1, 6], [1000, 1000, -1000, 1000, 1000, -1000]));
  await expect(revive(dense(), { ranges, data: outside, ...options })).rejects.toThrow(
    "revive: the data must lie in the ranges, got some that leave them at 'h'",
  );
});

test('a unit that is read with NaN is left: 0 times NaN is not 0', async () => {
  const net = dense();
  const weights = numbersOf(net, 'w2');
  weights[4] = Number.NaN;
  mainGraph(net).initializer[2] = floatTensor('w2', [4, 3], weights);
  const { report } = await revive(net, options);
  expect(report.revived).toEqual([]);
  expect(report.left[0]!.reason).toBe(
    "Gemm 'y' reads it with weights that are NaN or infinite, which 0 does not silence",
  );
});

test('inputs that hardly vary leave no way to fire on 10 % to 90 %', async () => {
  const rows = 100;
  const x = tensor(
    [rows, 2],
    Array.from({ length: 2 * rows }, (_, at) => (at < 4 ? 1 : 0)),
  );
  const original = model(
    [node('Gemm', ['x', 'w1', 'b'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'w2'], ['y'])],
    [floatTensor('w1', [2, 2], [1, 0, 1, 0]), floatTensor('b', [2], [0, -1]), floatTensor('w2', [2, 1], [1, 1])],
    ['N', 2],
  );
  const { model: healed, report } = await revive(original, { data: dataOf(x), ...options });
  expect(report.left).toEqual([{ layer: 'h', unit: 1, reason: 'its inputs hardly vary on the data' }]);
  expect(writeModel(healed)).toEqual(writeModel(original));
});

/** Revives what the data show to be dead and holds it to the promise; the numbers say what was met. */
async function reviveRandom(networks: number, make: (seed: number) => { model: Model; sample: readonly number[] }) {
  const seen = { revived: 0, silent: 0, folded: 0, unfolded: 0, left: 0 };
  for (let seed = 0; seed < networks; seed++) {
    const { model: original, sample } = make(seed);
    const x = randomBatch(sample, 40, createRandom(seed));
    const { model: healed, report } = await revive(original, { data: dataOf(x), seed, ...options });
    seen.revived += report.revived.length;
    seen.silent += report.revived.filter(({ verdict }) => verdict === 'silent').length;
    seen.left += report.left.length;
    if (report.revived.length === 0) continue;
    seen[report.folded ? 'folded' : 'unfolded']++;
    for (const { firingRate } of report.revived) {
      expect(firingRate).toBeGreaterThanOrEqual(0.1);
      expect(firingRate).toBeLessThanOrEqual(0.9);
    }
    await expectKept(original, healed, report.folded, x, `seed ${seed}:`);
    const after = await audit(healed, dataOf(x), options);
    for (const { layer, unit } of report.revived)
      expect(after.layers.find(({ name }) => name === layer)!.units[unit]!.dead, `seed ${seed}, ${layer} ${unit}`).toBe(
        false,
      );
  }
  return seen;
}

describe('random networks: the outputs stay and every revived unit fires on 10 % to 90 % of its positions', () => {
  test('120 of rectified layers, half of whose units are dead', async () => {
    const seen = await reviveRandom(120, rectifiedNetwork);
    console.info(seen);
    expect(seen.revived).toBeGreaterThan(450);
    expect(seen.silent).toBeGreaterThan(50);
    expect(Math.min(seen.folded, seen.unfolded)).toBeGreaterThan(5);
    expect(seen.left).toBeGreaterThan(25);
  });

  test('100 of all operators, which leave little to revive', async () => {
    const seen = await reviveRandom(100, randomNetwork);
    expect(seen.left).toBeGreaterThan(50);
  });
});

describe('bad input', () => {
  test('is refused in one sentence', async () => {
    await expect(revive(dense(), { units: { nowhere: [0] } })).rejects.toThrow(
      "revive: units must name rectifiers of the model, got 'nowhere'",
    );
    await expect(revive(dense(), { units: { h: [4] } })).rejects.toThrow("revive: units of 'h' must be 0 to 3, got 4");
    await expect(revive(dense(), { seed: -1 })).rejects.toThrow(
      'revive: seed must be a whole number from 0 up, got -1',
    );
  });
  test('units that are not dead are left, and nothing is done where nothing is dead', async () => {
    const { report } = await revive(dense(), { units: { h: [0, 3] }, ...options });
    expect(report.left.map(({ unit, reason }) => [unit, reason])).toEqual([
      [0, 'nothing shows it to be dead without data'],
      [3, 'nothing shows it to be dead without data'],
    ]);
    expect(report.revived).toEqual([]);
  });
});
