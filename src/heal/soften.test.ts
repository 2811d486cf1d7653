import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { randomBatch, randomNetwork } from '../../test/random-networks.js';
import { audit } from '../audit/audit.js';
import { float, floatTensor, graph, node, valueInfo } from '../onnx/build.js';
import { readModelFile } from '../onnx/file.js';
import { type Model, mainGraph, writeModel } from '../onnx/model.js';
import { DataType, type NodeProto, type TensorProto } from '../onnx/proto.js';
import { openSession } from '../onnx/runtime.js';
import { createRandom } from '../random.js';
import { tailoredSlope } from '../theory/tailored-slope.js';
import { soften } from './soften.js';
import { verify } from './verify.js';

const special = [-3, -0, 0, 3, Number.NaN, -1e-40, 1e-40, -1e-45, -1, 2, -0.5, 6, 7];

/** One rectifier between an input of 13 channels and an output. */
const rectifying = (
  nodes: NodeProto[],
  initializers: TensorProto[] = [],
  dims: (number | string)[] = ['N', 13, 1, 4],
) =>
  modelOf({
    nodes,
    initializers: [floatTensor('zero', [], [0]), floatTensor('six', [], [6]), ...initializers],
    inputs: [valueInfo('x', dims)],
    outputs: [valueInfo('y')],
  });

async function outputs(model: Model, values: readonly number[], dims: readonly number[]): Promise<number[]> {
  const session = await openSession(model, { threads: 1, graphOptimizationLevel: 'disabled' });
  try {
    return Array.from((await session.run({ x: tensor(dims, values) })).y!.data as Float32Array);
  } finally {
    await session.close();
  }
}

const spellings: Record<string, NodeProto[]> = {
  Relu: [node('Relu', ['x'], ['y'])],
  'Max(x, 0)': [node('Max', ['x', 'zero'], ['y'])],
  'Max(0, x)': [node('Max', ['zero', 'x'], ['y'])],
  'Clip(0, ∞)': [node('Clip', ['x', 'zero'], ['y'])],
  'Clip(0, 6)': [node('Clip', ['x', 'zero', 'six'], ['y'])],
  'Min(Relu(x), 6)': [node('Relu', ['x'], ['h']), node('Min', ['h', 'six'], ['y'])],
  'Relu(Min(x, 6))': [node('Min', ['x', 'six'], ['h']), node('Relu', ['h'], ['y'])],
};

describe('slope 0 changes no bit', () => {
  for (const [spelling, nodes] of Object.entries(spellings))
    for (const perChannel of [true, false])
      test(`${spelling}, ${perChannel ? 'one slope for each unit' : 'shared'}`, async () => {
        const dims = [1, 13, 1, 4];
        const random = createRandom(1);
        const x = Array.from({ length: 52 }, (_, at) => special[at % 13] ?? random.normal());
        const model = rectifying(nodes);
        const healed = soften(model, { to: 'prelu', negativeSlope: 0, perChannel });
        if (perChannel) {
          // Nothing tells the channels of an input that no layer writes.
          expect(healed.report.left).toEqual([{ layer: 'y', reason: expect.stringContaining('channels') }]);
          expect(writeModel(healed.model)).toEqual(writeModel(model));
          return;
        }
        expect(healed.report.softened).toHaveLength(1);
        expect(healed.report.softened[0]!.spelling).toBe(spelling === 'Max(0, x)' ? 'Max(x, 0)' : spelling);
        const before = await outputs(model, x, dims);
        expect(before.some(value => Object.is(value, 0))).toBe(true);
        expect(await outputs(healed.model, x, dims)).toEqual(before);
      });

  test('in random networks, node by node', async () => {
    let softened = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { model, sample } = randomNetwork(seed);
      for (const perChannel of [true, false]) {
        const healed = soften(model, { to: 'prelu', negativeSlope: 0, perChannel });
        softened += healed.report.softened.length;
        if (healed.report.softened.length === 0) continue;
        const x = randomBatch(sample, 4, createRandom(seed));
        const found = await verify(model, healed.model, [{ feeds: { x }, samples: 4 }], {
          promise: { kind: 'bit-equal' },
          rounds: 0,
          threads: 1,
        });
        expect(found.bitEqual, `seed ${seed}: ${found.sentence}`).toBe(true);
      }
    }
    expect(softened).toBeGreaterThan(100);
  });

  test('while an infinite negative pre-activation gives NaN: 0·∞ is no number', async () => {
    const healed = soften(rectifying(spellings.Relu!), { to: 'prelu', negativeSlope: 0, perChannel: false });
    const x = new Array(52).fill(-Infinity);
    expect(await outputs(healed.model, x, [1, 13, 1, 4])).toEqual(new Array(52).fill(Number.NaN));
  });

  test('and the audit sees a PReLU whose slopes are 0', async () => {
    const healed = soften(dense(), { to: 'prelu' });
    const { layers } = await audit(healed.model, null);
    expect(layers.map(({ op, slopes }) => [op, slopes?.shared, slopes?.max])).toEqual([['prelu', false, 0]]);
  });
});

test('slope 0 of a published model changes no bit either', async () => {
  const model = await readModelFile('node_modules/jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx');
  const { model: healed, report } = soften(model, { to: 'prelu' });
  expect([report.softened.length, report.left]).toEqual([30, []]);
  const promise = { kind: 'bit-equal' } as const;
  const found = await verify(model, healed, null, { promise, rounds: 0, threads: 1, samples: 1 });
  expect(found.kept, found.sentence).toBe(true);
  expect((await audit(healed, null)).layers.length).toBe(30);
});

test('a slope of 0 has a gradient where the unit never fires, and is a parameter to train', async () => {
  const { differentiate } = await import('../train/differentiate.js');
  const { parametersOf } = await import('../train/parameters.js');
  const x = tensor([2, 2], [1, -1, 2, -1]);
  const loss = (model: Model) => {
    const graph = mainGraph(model);
    graph.node.push(node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }));
    graph.output = [valueInfo('loss')];
    return model;
  };
  const { model } = soften(dense(), { to: 'prelu' });
  expect(parametersOf(model).map(({ name, kind }) => [name, kind])).toEqual([
    ['w', 'weight'],
    ['y/slope', 'slope'],
  ]);
  const found = await differentiate(loss(model), { loss: 'loss', wrt: ['y/slope'], dims: { x: [2, 2] } });
  const gradient = found.gradients.get('y/slope')!;
  mainGraph(found.model).output = [valueInfo(gradient)];
  // Pre-activations are (-1, -2, 1.5) and (0, -3, 2): the gradient is the sum of the negative ones.
  expect(Array.from((await runOnce(found.model, { x }))[gradient]!.data as Float32Array)).toEqual([-1, -5, 0]);
});

const dense = (type: 'Gemm' | 'MatMul' = 'Gemm', rectifier = 'Relu') =>
  modelOf({
    nodes: [node(type, ['x', 'w'], ['z']), Object.assign(node(rectifier, ['z'], ['y']), { name: 'act' })],
    initializers: [floatTensor('w', [2, 3], [1, -1, 0.5, 2, 1, -1])],
    inputs: [valueInfo('x', ['N', 2])],
    outputs: [valueInfo('y')],
  });
const conv = (rectifier: NodeProto, more: TensorProto[] = []) =>
  modelOf({
    nodes: [node('Conv', ['x', 'w'], ['z']), rectifier],
    initializers: [
      floatTensor('w', [2, 1, 1, 1], [1, -1]),
      floatTensor('zero', [], [0]),
      floatTensor('six', [], [6]),
      ...more,
    ],
    inputs: [valueInfo('x', ['N', 1, 2, 2])],
    outputs: [valueInfo('y')],
  });

describe('other slopes', () => {
  test('leaky: an attribute; a clipped rectifier keeps its ceiling', async () => {
    const { model, report } = soften(conv(node('Clip', ['z', 'zero', 'six'], ['y'])), {
      to: 'leaky',
      negativeSlope: 0.5,
    });
    expect(report.softened).toEqual([{ layer: 'y', spelling: 'Clip(0, 6)', becomes: 'Min(LeakyRelu, 6)', slopes: 1 }]);
    expect(await outputs(model, [1, -2, 8, -9], [1, 1, 2, 2])).toEqual([1, -1, 6, -4.5, -0.5, 2, -4, 6]);
    expect(mainGraph(model).initializer.map(({ name }) => name)).not.toContain('zero');
  });

  test('prelu: one slope for each channel as [C, 1, 1], for each feature as [C], or one', async () => {
    const dims = (model: Model) =>
      mainGraph(model)
        .initializer.map(each => each.dims.map(Number))
        .at(-1);
    expect(dims(soften(conv(node('Relu', ['z'], ['y'])), { to: 'prelu', negativeSlope: 0.25 }).model)).toEqual([
      2, 1, 1,
    ]);
    expect(dims(soften(dense(), { to: 'prelu', negativeSlope: 0.25 }).model)).toEqual([3]);
    expect(dims(soften(dense('MatMul'), { to: 'prelu', negativeSlope: 0.25 }).model)).toEqual([3]);
    const shared = soften(dense(), { to: 'prelu', negativeSlope: 0.25, perChannel: false });
    expect(dims(shared.model)).toEqual([1]);
    expect(await outputs(shared.model, [1, -1], [1, 2])).toEqual([-0.25, -0.5, 1.5]);
  });

  test('above 1 and below 0 too; the original is left alone', async () => {
    for (const negativeSlope of [2, -1, 1e-45]) {
      const model = dense();
      const before = writeModel(model);
      const healed = soften(model, { to: 'leaky', negativeSlope });
      expect(await outputs(healed.model, [1, -1], [1, 2])).toEqual(
        [Math.fround(-negativeSlope), -2 * Math.fround(negativeSlope), 1.5].map(Math.fround),
      );
      expect(writeModel(model)).toEqual(before);
    }
  });

  test('verify reports the drift', async () => {
    const model = dense();
    const x = tensor([1, 2], [1, -1]);
    const { model: healed } = soften(model, { to: 'leaky', negativeSlope: 0.25 });
    const found = await verify(model, healed, [{ feeds: { x }, samples: 1 }], {
      promise: { kind: 'report' },
      rounds: 0,
    });
    expect([found.maxAbsolute, found.kept]).toEqual([0.5, true]);
    expect(found.maxRelative).toBeCloseTo(0.5 / 1.5, 12);
  });
});

describe('a tailored slope', () => {
  const stack = (depth: number) =>
    modelOf({
      nodes: Array.from({ length: depth }, (_, at) => [
        node('MatMul', [at === 0 ? 'x' : `h${at - 1}`, 'w'], [`z${at}`]),
        node('Relu', [`z${at}`], [at === depth - 1 ? 'y' : `h${at}`]),
      ]).flat(),
      initializers: [floatTensor('w', [2, 2], [1, -1, 0.5, 2])],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [valueInfo('y')],
    });
  test('is the one for the rectifiers that stand one behind the other', () => {
    const deep = soften(stack(20), { to: 'prelu', negativeSlope: 'tailored' }).report;
    expect(deep.negativeSlope).toBe(tailoredSlope({ depth: 20 })!.negativeSlope);
    expect([deep.depth, deep.softened.length]).toEqual([20, 20]);
    const shallow = soften(stack(3), { to: 'prelu', negativeSlope: 'tailored' }).report;
    expect([shallow.depth, shallow.negativeSlope, shallow.softened.length]).toEqual([3, null, 0]);
    expect(shallow.left[0]!.reason).toContain('no tailored slope for 3 rectified layers');
    const none = modelOf({
      nodes: [node('Neg', ['x'], ['y'])],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [valueInfo('y')],
    });
    expect(soften(none, { to: 'prelu', negativeSlope: 'tailored' }).report).toMatchObject({ depth: 0, softened: [] });
  });

  test('counts on across pools, concatenations and sums of layers of one depth', () => {
    const maps = (depth: number) =>
      modelOf({
        nodes: Array.from({ length: depth }, (_, at) => [
          node('Conv', [at === 0 ? 'x' : `j${at - 1}`, 'w'], [`a${at}`]),
          node('Conv', [at === 0 ? 'x' : `j${at - 1}`, 'w'], [`b${at}`]),
          node('Add', [`a${at}`, `b${at}`], [`z${at}`]),
          node('Relu', [`z${at}`], [`h${at}`]),
          node('MaxPool', [`h${at}`], [`p${at}`], { kernel_shape: [1, 1] }),
          node('Concat', [`p${at}`, `h${at}`], [at === depth - 1 ? 'y' : `j${at}`], { axis: 1 }),
        ]).flat(),
        initializers: [floatTensor('w', [1, 2, 1, 1], [1, -1])],
        inputs: [valueInfo('x', ['N', 2, 4, 4])],
        outputs: [valueInfo('y')],
      });
    const { depth, negativeSlope } = soften(maps(30), { to: 'leaky', negativeSlope: 'tailored' }).report;
    expect([depth, negativeSlope]).toEqual([30, tailoredSlope({ depth: 30 })!.negativeSlope]);
  });

  test('is refused for a residual network, unless the depth is given', () => {
    const residual = modelOf({
      nodes: Array.from({ length: 40 }, (_, at) => [
        node('MatMul', [at === 0 ? 'x' : `s${at - 1}`, 'w'], [`z${at}`]),
        node('Relu', [`z${at}`], [`h${at}`]),
        node('Add', [`h${at}`, at === 0 ? 'x' : `s${at - 1}`], [at === 39 ? 'y' : `s${at}`]),
      ]).flat(),
      initializers: [floatTensor('w', [2, 2], [1, -1, 0.5, 2])],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [valueInfo('y')],
    });
    const refused = soften(residual, { to: 'leaky', negativeSlope: 'tailored' }).report;
    expect([refused.depth, refused.negativeSlope, refused.softened.length]).toEqual([40, null, 0]);
    expect(refused.left[0]!.reason).toMatch(/^ways through different numbers of rectifiers meet at Add 's0', so that/);
    const { report } = soften(residual, { to: 'leaky', negativeSlope: 'tailored', depth: 15 });
    expect([report.depth, report.negativeSlope]).toEqual([15, tailoredSlope({ depth: 15 })!.negativeSlope]);
    expect(() => soften(residual, { to: 'leaky', negativeSlope: 'tailored', depth: 0 })).toThrow(
      'soften: depth must be a whole number from 1 to 100,000, got 0',
    );
  });
});

describe('what stays as it is, with the reason', () => {
  const reasons = (model: Model, options: Parameters<typeof soften>[1]) =>
    soften(model, options).report.left.map(({ reason }) => reason);
  test('other rectifiers', () => {
    expect(reasons(dense('Gemm', 'Elu'), { to: 'leaky' })).toEqual(['it is no ReLU but Elu']);
    expect(reasons(conv(node('LeakyRelu', ['z'], ['y'], { alpha: float(0.1) })), { to: 'prelu' })).toEqual([
      'it is no ReLU but LeakyRelu',
    ]);
  });
  test('a leaky slope of 0, and old operator sets', () => {
    expect(reasons(dense(), { to: 'leaky', negativeSlope: 0 })[0]).toContain('training cannot change an attribute');
    const old = dense();
    old.proto.opsetImport[0]!.version = 7n;
    expect(reasons(old, { to: 'prelu' })[0]).toContain('must be 8 or later, got 7');
  });
  test('an input of unknown type', () => {
    const untyped = dense();
    mainGraph(untyped).node.unshift(Object.assign(node('Foreign', ['x'], ['f']), { domain: 'foreign' }));
    mainGraph(untyped).node[1] = node('Relu', ['f'], ['z2']);
    mainGraph(untyped).node[2]!.input = ['z2'];
    expect(reasons(untyped, { to: 'prelu', perChannel: false })).toContain(
      'the file does not tell the float type of its input',
    );
  });
});

test('rectifiers inside If are softened where they are', async () => {
  const branch = (name: string, op: string) =>
    graph({ name, nodes: [node(op, ['x'], [`${name}/y`])], outputs: [valueInfo(`${name}/y`, ['N', 2])] });
  const model = modelOf({
    nodes: [
      node('If', ['which'], ['y'], { then_branch: branch('then', 'Relu'), else_branch: branch('else', 'Identity') }),
    ],
    initializers: [{ ...floatTensor('which', [], [0]), dataType: DataType.BOOL, rawData: Uint8Array.of(1) }],
    inputs: [valueInfo('x', ['N', 2])],
    outputs: [valueInfo('y', ['N', 2])],
  });
  const healed = soften(model, { to: 'prelu', negativeSlope: 0.5, perChannel: false });
  expect(healed.report.softened).toHaveLength(1);
  expect(await outputs(healed.model, [2, -2], [1, 2])).toEqual([2, -1]);
});

describe('bad input', () => {
  test('is refused in one sentence', () => {
    const message = (options: Parameters<typeof soften>[1]) => {
      try {
        soften(dense(), options);
      } catch (cause) {
        return (cause as Error).message;
      }
      return 'accepted';
    };
    for (const negativeSlope of [Number.NaN, Infinity, 1e39])
      expect(message({ to: 'prelu', negativeSlope })).toBe(
        `soften: negativeSlope must be a finite float32 number, got ${negativeSlope}`,
      );
    expect(message({ to: 'prelu', layers: ['act', 'nowhere'] })).toBe(
      "soften: layers must name rectifiers of the model, got 'nowhere'",
    );
    expect(message({ to: 'prelu', layers: ['act'] })).toBe('accepted');
  });
});
