import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelOf } from '../../test/models.js';
import { randomBatch, randomNetwork } from '../../test/random-networks.js';
import { float, floatTensor, graph, node, valueInfo } from '../onnx/build.js';
import { type Model, mainGraph, writeModel } from '../onnx/model.js';
import { DataType, type NodeProto, type TensorProto } from '../onnx/proto.js';
import { tensorNumbers } from '../onnx/tensor.js';
import { createRandom } from '../random.js';
import { canonicalSlopes } from './slopes.js';
import { snapped } from './snap.js';
import { soften } from './soften.js';
import { verify } from './verify.js';

const map = ['N', 2, 2, 3];
const rectifying = (nodes: NodeProto[], initializers: TensorProto[], dims: (number | string)[] = map, opset = 17) =>
  modelOf({ nodes, initializers, inputs: [valueInfo('x', dims)], outputs: [valueInfo('y')] }, opset);
const prelu = (dims: readonly number[], values: readonly number[], input?: (number | string)[]) =>
  rectifying([node('PRelu', ['x', 'a'], ['y'])], [floatTensor('a', dims, values)], input);

/** The operators of a model and its initializers, with their dimensions and numbers. */
const shown = (model: Model) => [
  mainGraph(model).node.map(({ opType }) => opType),
  ...mainGraph(model).initializer.map(each => [each.dims.map(Number), Array.from(tensorNumbers(each, new Map())!)]),
];

/** The healed model gives the same numbers. */
async function expectSame(model: Model, healed: Model, dims: readonly number[] = [2, 2, 3]) {
  const x = randomBatch(dims, 3, createRandom(5));
  const promise = { kind: 'tolerance', relative: 0 } as const;
  const found = await verify(model, healed, [{ feeds: { x }, samples: 3 }], { promise, rounds: 0, threads: 1 });
  expect(found.kept, found.sentence).toBe(true);
}

describe('shapes', () => {
  const cases: [string, number[], number[], (number | string)[], number[]][] = [
    ['[1, C, 1, 1] as [C, 1, 1]', [1, 2, 1, 1], [0.25, 0.5], map, [2, 1, 1]],
    ['[1, C] of features as [C]', [1, 2], [0.25, 0.5], ['N', 2], [2]],
    ['[1, 1, 1] as [1]', [1, 1, 1], [0.25], map, [1]],
    ['a scalar as [1]', [], [0.25], map, [1]],
    ['[1, C, H, W] as [C, H, W]', [1, 2, 1, 3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], map, [2, 1, 3]],
  ];
  for (const [name, dims, values, input, wanted] of cases)
    test(name, async () => {
      const model = prelu(dims, values, input);
      const before = writeModel(model);
      const { model: healed, report } = canonicalSlopes(model);
      expect(report.changed).toEqual([
        { layer: 'y', spelling: 'PRelu', becomes: 'PRelu', dimsBefore: dims, dims: wanted, largestChange: 0 },
      ]);
      expect(shown(healed)).toEqual([['PRelu'], [wanted, values.map(Math.fround)]]);
      expect(writeModel(model)).toEqual(before);
      await expectSame(model, healed, input.slice(1) as number[]);
    });

  test('canonical ones are left, and nothing is reported', () => {
    for (const model of [prelu([2, 1, 1], [0.25, 0.5]), prelu([1], [0.25]), prelu([2], [0.25, 0.5], ['N', 2])]) {
      const { model: healed, report } = canonicalSlopes(model);
      expect([report.changed, report.left]).toEqual([[], []]);
      expect(writeModel(healed)).toEqual(writeModel(model));
    }
  });

  test('[C] behind a convolution is read along the width: left, with both readings', () => {
    const model = rectifying(
      [node('Conv', ['x', 'w'], ['z']), node('PRelu', ['z', 'a'], ['y'])],
      [floatTensor('w', [3, 2, 1, 1], [1, 2, 3, 4, 5, 6]), floatTensor('a', [3], [0.1, 0.2, 0.3])],
    );
    const { report } = canonicalSlopes(model);
    expect(report.changed).toEqual([]);
    expect(report.left[0]!.reason).toBe(
      'its slopes of shape [3] are read along the width of the map; if channels are meant, the shape must be [3, 1, 1]',
    );
  });

  test('a tensor that two rectifiers share is changed once, one that others read too is left alone', async () => {
    const two = rectifying(
      [node('PRelu', ['x', 'a'], ['h']), node('PRelu', ['h', 'a'], ['y'])],
      [floatTensor('a', [1, 2, 1, 1], [0.25, -0.5])],
    );
    const healed = canonicalSlopes(two).model;
    expect(shown(healed)).toEqual([
      ['PRelu', 'PRelu'],
      [
        [2, 1, 1],
        [0.25, -0.5],
      ],
    ]);
    await expectSame(two, healed);
    const more = rectifying(
      [node('PRelu', ['x', 'a'], ['h']), node('Mul', ['h', 'a'], ['y'])],
      [floatTensor('a', [1, 2, 1, 1], [0.25, 0.5])],
    );
    const apart = canonicalSlopes(more).model;
    expect(
      shown(apart)
        .slice(1)
        .map(([dims]) => dims),
    ).toEqual([
      [1, 2, 1, 1],
      [2, 1, 1],
    ]);
    await expectSame(more, apart);
  });
});

describe('values', () => {
  test('all 0: Relu; all 1: nothing; equal ones as one where asked', async () => {
    const flat = prelu([2, 1, 1], [0, 0]);
    expect(shown(canonicalSlopes(flat).model)).toEqual([['Relu']]);
    await expectSame(flat, canonicalSlopes(flat).model);
    const one = prelu([2, 1, 1], [1, 1]);
    expect(shown(canonicalSlopes(one).model)).toEqual([['Identity']]);
    await expectSame(one, canonicalSlopes(one).model);
    const equal = prelu([2, 1, 1], [0.25, 0.25]);
    expect(shown(canonicalSlopes(equal).model)).toEqual(shown(equal));
    expect(shown(canonicalSlopes(equal, { share: true }).model)).toEqual([['PRelu'], [[1], [0.25]]]);
    await expectSame(equal, canonicalSlopes(equal, { share: true }).model);
  });

  test('an identity inside the graph leaves no node behind, and readers in subgraphs keep their value', async () => {
    const inner = rectifying(
      [node('PRelu', ['x', 'a'], ['h']), node('Neg', ['h'], ['y'])],
      [floatTensor('a', [1], [1])],
    );
    expect(shown(canonicalSlopes(inner).model)).toEqual([['Neg']]);
    await expectSame(inner, canonicalSlopes(inner).model);
    const branch = (name: string, op: string) =>
      graph({ name, nodes: [node(op, ['h'], [`${name}/y`])], outputs: [valueInfo(`${name}/y`, map)] });
    const captured = modelOf({
      nodes: [
        node('LeakyRelu', ['x'], ['h'], { alpha: float(1) }),
        node('If', ['c'], ['y'], { then_branch: branch('then', 'Neg'), else_branch: branch('else', 'Abs') }),
      ],
      initializers: [Object.assign(floatTensor('c', [], [0]), { dataType: DataType.BOOL, rawData: Uint8Array.of(1) })],
      inputs: [valueInfo('x', map)],
      outputs: [valueInfo('y', map)],
    });
    expect(mainGraph(canonicalSlopes(captured).model).node.map(({ opType }) => opType)).toEqual(['Identity', 'If']);
    await expectSame(captured, canonicalSlopes(captured).model);
  });

  test('LeakyRelu of slope 0 and 1 likewise; its attribute is snapped', async () => {
    const leaky = (alpha: number) => rectifying([node('LeakyRelu', ['x'], ['y'], { alpha: float(alpha) })], []);
    for (const [alpha, op] of [
      [0, 'Relu'],
      [1, 'Identity'],
      [0.25, 'LeakyRelu'],
    ] as const) {
      const healed = canonicalSlopes(leaky(alpha));
      expect(healed.model.proto.graph!.node[0]!.opType).toBe(op);
      await expectSame(leaky(alpha), healed.model);
    }
    const { model, report } = canonicalSlopes(leaky(0.01), { snap: 'n/256' });
    expect(mainGraph(model).node[0]!.attribute[0]!.f).toBe(3 / 256);
    expect(report.largestChange).toBeCloseTo(3 / 256 - 0.01, 6);
  });

  test('a spelled-out PReLU becomes the node, and one that soften wrote too', async () => {
    const spelled = rectifying(
      [
        node('Relu', ['x'], ['p']),
        node('Abs', ['x'], ['b']),
        node('Sub', ['x', 'b'], ['n']),
        node('Mul', ['n', 'c'], ['s']),
        node('Add', ['p', 's'], ['y']),
      ],
      [floatTensor('c', [2, 1, 1], [0.125, 0.25])],
    );
    const healed = canonicalSlopes(spelled);
    expect(shown(healed.model)).toEqual([
      ['PRelu'],
      [
        [2, 1, 1],
        [0.25, 0.5],
      ],
    ]);
    await expectSame(spelled, healed.model);
    const relu = rectifying([node('Relu', ['x'], ['y'])], []);
    const softened = soften(relu, { to: 'prelu', perChannel: false }).model;
    expect(mainGraph(softened).node.length).toBe(5);
    expect(shown(canonicalSlopes(softened).model)).toEqual([['Relu']]);
  });

  test('float16 slopes stay float16', () => {
    const half = Object.assign(floatTensor('a', [1, 2, 1, 1], []), {
      dataType: DataType.FLOAT16,
      rawData: new Uint8Array(Uint16Array.of(0x3400, 0x3800).buffer),
    });
    const model = modelOf({
      nodes: [node('PRelu', ['x', 'a'], ['y'])],
      initializers: [half],
      inputs: [valueInfo('x', map, DataType.FLOAT16)],
      outputs: [valueInfo('y', map, DataType.FLOAT16)],
    });
    const { model: healed } = canonicalSlopes(model);
    expect(mainGraph(healed).initializer[0]!.dataType).toBe(DataType.FLOAT16);
    expect(shown(healed)).toEqual([
      ['PRelu'],
      [
        [2, 1, 1],
        [0.25, 0.5],
      ],
    ]);
  });
});

describe('snapping', () => {
  const slope = fc.float({ min: Math.fround(-4), max: 4, noNaN: true }).map(Number);
  test('to the nearest power of two', () => {
    expect([0.25, 0.3, 0.4, 1.4, 3, -0.3, 0, 1e-45].map(value => snapped(value, 'power-of-two'))).toEqual([
      0.25,
      0.25,
      0.5,
      1,
      2,
      -0.25,
      0,
      2 ** -149,
    ]);
    fc.assert(
      fc.property(slope, value => {
        const near = snapped(value, 'power-of-two');
        if (value === 0) return near === 0;
        const power = Math.log2(Math.abs(near));
        const others = [power - 1, power + 1]
          .map(each => Math.sign(value) * 2 ** each)
          .filter(each => Math.abs(each) >= 2 ** -149);
        return Number.isInteger(power) && others.every(each => Math.abs(value - near) <= Math.abs(value - each));
      }),
    );
  });
  test('to multiples of 1/256', () => {
    fc.assert(
      fc.property(slope, value => {
        const near = snapped(value, 'n/256');
        return Number.isInteger(near * 256) && Math.abs(near - value) <= 1 / 512;
      }),
    );
    expect(snapped(Number.NaN, 'n/256')).toBeNaN();
    expect(snapped(Infinity, 'power-of-two')).toBe(Infinity);
  });
  test('reports the largest change, and slopes that become 0 give a Relu', () => {
    const { model, report } = canonicalSlopes(prelu([2, 1, 1], [0.3, 0.26]), { snap: 'power-of-two' });
    expect(shown(model)).toEqual([
      ['PRelu'],
      [
        [2, 1, 1],
        [0.25, 0.25],
      ],
    ]);
    expect(report.largestChange).toBeCloseTo(0.05, 6);
    expect(shown(canonicalSlopes(prelu([1], [0.001]), { snap: 'n/256' }).model)).toEqual([['Relu']]);
  });
});

test('random networks give the same numbers', async () => {
  let changed = 0;
  for (let seed = 0; seed < 400; seed++) {
    const { model, sample } = randomNetwork(seed);
    const { model: healed, report } = canonicalSlopes(model);
    changed += report.changed.length;
    if (report.changed.length > 0) await expectSame(model, healed, sample);
  }
  expect(changed).toBeGreaterThan(20);
});

describe('what is left or refused', () => {
  test('computed slopes and old operator sets', () => {
    const computed = rectifying([node('Abs', ['x'], ['a']), node('PRelu', ['x', 'a'], ['y'])], []);
    expect(canonicalSlopes(computed).report.left).toEqual([
      { layer: 'y', reason: 'its slopes are computed, not constants' },
    ]);
    const old = rectifying([node('PRelu', ['x', 'a'], ['y'])], [floatTensor('a', [2], [0.1, 0.2])], map, 6);
    expect(canonicalSlopes(old).report.left[0]!.reason).toContain('must be 7 or later, got 6');
  });
  test('an unknown way to snap', () => {
    expect(() => canonicalSlopes(prelu([1], [0.5]), { snap: 'n/3' as never })).toThrow(
      'slopes: snap must be power-of-two or n/256, got n/3',
    );
  });
});
