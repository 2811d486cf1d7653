import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { floatTensor, node, valueInfo } from '../onnx/build.js';
import type { Model } from '../onnx/model.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { createRandom } from '../random.js';
import { audit } from './audit.js';
import type { Removable } from './report.js';

const normals = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.normal());
};
const range = (count: number) => Array.from({ length: count }, (_, at) => at);

/** The part of a row-major tensor whose index on an axis is kept. */
function kept(values: readonly number[], dims: readonly number[], axis: number, keep: readonly number[]): number[] {
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  return values.filter((_, at) => keep.includes(Math.floor(at / inner) % dims[axis]!));
}

/** An architecture whose two hidden layers can be built with some of their units only. */
type Architecture = (first: readonly number[], second: readonly number[]) => Model;

/** Units that are dead by their weights, and units that are silent by a bias of -1000. */
const dead = { first: [1, 4], second: [0] };
const silent = { first: [2], second: [3] };
const low = (count: number, plan: 'first' | 'second', seed: number) =>
  normals(count, seed).map((value, unit) =>
    silent[plan].includes(unit) ? -1000 : dead[plan].includes(unit) ? -0.5 : 0.5 + Math.abs(value),
  );
const zeroed = (values: number[], each: number, units: readonly number[]) =>
  values.map((value, at) => (units.includes(Math.floor(at / each)) ? 0 : value));

const mlp: Architecture = (first, second) => {
  const w1 = zeroed(normals(6 * 4, 1), 4, dead.first);
  const w2 = zeroed(normals(5 * 6, 2), 6, dead.second);
  const w3 = normals(5 * 2, 3);
  return modelOf({
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], ['z1'], { transB: 1 }),
      node('Relu', ['z1'], ['h1']),
      node('Gemm', ['h1', 'w2'], ['m2'], { transB: 1 }),
      node('Add', ['m2', 'b2'], ['z2']),
      node('Relu', ['z2'], ['h2']),
      node('MatMul', ['h2', 'w3'], ['y']),
    ],
    initializers: [
      floatTensor('w1', [first.length, 4], kept(w1, [6, 4], 0, first)),
      floatTensor('b1', [first.length], kept(low(6, 'first', 4), [6], 0, first)),
      floatTensor('w2', [second.length, first.length], kept(kept(w2, [5, 6], 1, first), [5, first.length], 0, second)),
      floatTensor('b2', [second.length], kept(low(5, 'second', 5), [5], 0, second)),
      floatTensor('w3', [second.length, 2], kept(w3, [5, 2], 0, second)),
    ],
    inputs: [valueInfo('x', ['N', 4])],
    outputs: [valueInfo('y')],
  });
};

/** Convolution, depthwise convolution, batch norm, PReLU, pooling, flattening and a dense head. */
const cnn: Architecture = (first, second) => {
  const [c1, c2] = [first.length, second.length];
  const w1 = zeroed(normals(6 * 3 * 9, 1), 27, dead.first);
  const depthwise = normals(6 * 9, 6);
  const w2 = zeroed(normals(5 * 6, 12), 6, dead.second);
  const w3 = normals(5 * 4 * 2, 3);
  const ones = (count: number) => new Array(count).fill(1);
  return modelOf({
    nodes: [
      node('Conv', ['x', 'w1'], ['c1'], { pads: [1, 1, 1, 1] }),
      node('BatchNormalization', ['c1', 'gamma', 'beta', 'mean', 'variance'], ['z1']),
      node('PRelu', ['z1', 'slope'], ['h1']),
      node('Conv', ['h1', 'depthwise'], ['d'], { group: c1, pads: [1, 1, 1, 1] }),
      node('MaxPool', ['d'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
      node('Conv', ['p', 'w2', 'b2'], ['z2']),
      node('Relu', ['z2'], ['h2']),
      node('Flatten', ['h2'], ['f']),
      node('MatMul', ['f', 'w3'], ['y']),
    ],
    initializers: [
      floatTensor('w1', [c1, 3, 3, 3], kept(w1, [6, 27], 0, first)),
      floatTensor('gamma', [c1], ones(c1)),
      floatTensor('beta', [c1], kept(low(6, 'first', 4), [6], 0, first)),
      floatTensor('mean', [c1], new Array(c1).fill(0)),
      floatTensor('variance', [c1], ones(c1)),
      floatTensor('slope', [c1, 1, 1], new Array(c1).fill(0)),
      floatTensor('depthwise', [c1, 1, 3, 3], kept(depthwise, [6, 9], 0, first)),
      floatTensor('w2', [c2, c1, 1, 1], kept(kept(w2, [5, 6], 1, first), [5, c1], 0, second)),
      floatTensor('b2', [c2], kept(low(5, 'second', 5), [5], 0, second)),
      floatTensor('w3', [4 * c2, 2], kept(w3, [5, 8], 0, second)),
    ],
    inputs: [valueInfo('x', ['N', 3, 4, 4])],
    outputs: [valueInfo('y')],
  });
};

const architectures: Record<string, { build: Architecture; x: TensorData }> = {
  'a dense network': { build: mlp, x: tensor([50, 4], normals(200, 7)) },
  'a convolutional network': { build: cnn, x: tensor([50, 3, 4, 4], normals(2400, 7)) },
};

describe('what an audit calls removable is what removing by hand takes away', () => {
  for (const [name, { build, x }] of Object.entries(architectures)) {
    const data = {
      kind: 'samples',
      description: 'x',
      total: 50,
      batches: () => [{ feeds: { x }, samples: 50 }],
    } as const;
    const without = (units: number, gone: readonly number[]) => range(units).filter(unit => !gone.includes(unit));
    const expectSame = async (gone: typeof dead, claimed: (report: Awaited<ReturnType<typeof audit>>) => Removable) => {
      const whole = build(range(6), range(5));
      const pruned = build(without(6, gone.first), without(5, gone.second));
      const [before, after] = [await audit(whole, data), await audit(pruned, data)];
      const [full, small] = [await runOnce(whole, { x }), await runOnce(pruned, { x })];
      (small.y!.data as Float32Array).forEach((value, at) => {
        expect(value).toBeCloseTo(Number(full.y!.data[at]), 4);
      });
      expect(claimed(before)).toEqual({
        units: gone.first.length + gone.second.length,
        parameters: before.model.parameters - after.model.parameters,
        parameterShare: expect.closeTo(1 - after.model.parameters / before.model.parameters, 12),
        multiplyAdds: before.model.multiplyAdds! - after.model.multiplyAdds!,
        multiplyAddShare: expect.closeTo(1 - after.model.multiplyAdds! / before.model.multiplyAdds!, 12),
      });
    };

    it(`${name}, without any change of its outputs`, () => expectSame(dead, report => report.totals.removable));
    it(`${name}, on the data seen`, () =>
      expectSame(
        { first: [...dead.first, ...silent.first], second: [...dead.second, ...silent.second] },
        report => report.totals.removableOnData!,
      ));
  }
});

describe('costs counted by hand', () => {
  it('of the dense network', async () => {
    const { model, totals } = await audit(mlp(range(6), range(5)), null);
    expect(model.parameters).toBe(6 * 4 + 6 + 5 * 6 + 5 + 5 * 2);
    expect(model.multiplyAdds).toBe(6 * 4 + 5 * 6 + 5 * 2);
    // Two of six and one of five units: their rows, biases and columns.
    expect(totals.removable).toMatchObject({
      parameters: 2 * (4 + 1) + 2 * 5 + 1 * (4 + 1) + 2,
      multiplyAdds: 2 * 4 + 2 * 5 + 4 + 2,
    });
  });

  it('of the convolutional network, for one sample', async () => {
    const { model } = await audit(cnn(range(6), range(5)), null);
    expect(model.multiplyAdds).toBe(16 * (6 * 27 + 6 * 9) + 4 * 6 * 5 + 20 * 2);
  });

  it('are unknown where the shape of the input is', async () => {
    const model = modelOf({
      nodes: [node('Conv', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
      initializers: [floatTensor('w', [2, 1, 1, 1], [0, 1])],
      inputs: [valueInfo('x', ['N', 1, 'H', 'W'])],
      outputs: [valueInfo('y')],
    });
    const { model: described, totals } = await audit(model, null);
    expect(described.multiplyAdds).toBeNull();
    expect(totals.removable).toMatchObject({ units: 1, parameters: 1, multiplyAdds: null, multiplyAddShare: null });
  });

  it('of a tensor that two layers share count once, and stay as long as one of them needs it', async () => {
    const shared = (bias: number[]) =>
      modelOf({
        nodes: [
          node('Gemm', ['x', 'w', 'b'], ['z']),
          node('Relu', ['z'], ['h']),
          node('Gemm', ['h', 'w', 'c'], ['t']),
          node('Relu', ['t'], ['y']),
        ],
        initializers: [
          floatTensor('w', [2, 2], [1, 0, 2, 0]),
          floatTensor('b', [2], [0.5, -1]),
          floatTensor('c', [2], bias),
        ],
        inputs: [valueInfo('x', ['N', 2])],
        outputs: [valueInfo('y')],
      });
    // The second column of w is zero in both layers: it may go, with what reads it in the second layer only if both agree.
    const { totals } = await audit(shared([0, -1]), null);
    expect(totals.removable.parameters).toBe(2 + 1 + 1);
    expect(totals.removable.parameterShare).toBe(4 / 8);
  });

  it('of a branch that nothing reads are removable in full', async () => {
    const model = modelOf({
      nodes: [
        node('MatMul', ['x', 'w'], ['z']),
        node('Relu', ['z'], ['y']),
        node('MatMul', ['x', 'v'], ['u']),
        node('Relu', ['u'], ['unused']),
      ],
      initializers: [floatTensor('w', [2, 3], normals(6, 1)), floatTensor('v', [2, 4], normals(8, 2))],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [valueInfo('y')],
    });
    const { totals, findings, layers } = await audit(model, null);
    expect(totals.removable).toMatchObject({ units: 4, parameters: 8, multiplyAdds: 8 });
    expect(findings.map(finding => finding.code)).toContain('unread-channels');
    expect(layers[1]!.units.map(unit => unit.read)).toEqual([false, false, false, false]);
  });
});
