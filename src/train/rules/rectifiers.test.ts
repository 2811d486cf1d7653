import { describe, expect, it } from 'vitest';
import {
  checkOperator,
  floats,
  type OperatorCheckOptions,
  type OperatorInput,
  operatorModel,
} from '../../../test/gradient-check.js';
import { exposing, runOnce, tensor } from '../../../test/models.js';
import { float, node, valueInfo } from '../../onnx/build.js';
import { mainGraph } from '../../onnx/model.js';
import { differentiate } from '../differentiate.js';

const spread: OperatorCheckOptions = { draw: random => 3 * random.normal() };
const cases: [string, OperatorInput[], OperatorCheckOptions?][] = [
  ['Relu', [[3, 5]]],
  ['LeakyRelu', [[3, 5]]],
  ...[0, 0.3, 1, 1.5, -0.5].map((alpha): [string, OperatorInput[], OperatorCheckOptions] => [
    'LeakyRelu',
    [[3, 5]],
    { attributes: { alpha: float(alpha) } },
  ]),
  ['PRelu', [[4, 5], []]],
  ['PRelu', [[4, 5], [1]]],
  ['PRelu', [[4, 5], [5]]],
  [
    'PRelu',
    [
      [4, 5],
      [4, 5],
    ],
  ],
  ['PRelu', [[4, 5], floats([1], 0.25)]],
  [
    'PRelu',
    [
      [2, 3, 4, 2],
      [3, 1, 1],
    ],
  ],
  [
    'PRelu',
    [
      [2, 3, 4, 2],
      [3, 4, 2],
    ],
  ],
  [
    'PRelu',
    [
      [2, 3, 4, 2],
      [1, 1, 1],
    ],
  ],
  ['Elu', [[3, 5]], spread],
  ['Elu', [[3, 5]], { attributes: { alpha: float(0.3) } }],
  ['Elu', [[3, 5]], { attributes: { alpha: float(-0.4) } }],
  ['Selu', [[3, 5]], spread],
  ['Selu', [[3, 5]], { attributes: { alpha: float(0.7), gamma: float(2) } }],
  ['Selu', [[3, 5]], { attributes: { alpha: float(-0.7), gamma: float(2) } }],
  ['Celu', [[3, 5]], spread],
  ['Celu', [[3, 5]], { attributes: { alpha: float(0.4) } }],
  ['ThresholdedRelu', [[3, 5]], spread],
  ['ThresholdedRelu', [[3, 5]], { attributes: { alpha: float(0.5) } }],
  ['Clip', [[4, 5], floats([], -0.6), floats([], 0.7)]],
  ['Clip', [[4, 5], '', floats([], 0.7)]],
  ['Clip', [[4, 5], floats([], 0)]],
  ['Clip', [[4, 5]]],
  ['Clip', [[4, 5], [], []], { draw: (random, input) => (input === 0 ? 2 * random.normal() : input - 1.4) }],
  ['Clip', [[4, 5]], { opset: 7, attributes: { min: float(-0.6), max: float(0.7) } }],
];

it.each(cases)('%s of %j %j', async (opType, inputs, options) => {
  const { errors, forward } = await checkOperator(opType, inputs, options);
  expect(forward).toBeLessThan(1e-6);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(5e-6);
});

describe('at the kink', () => {
  const at = async (opType: string, x: number, attributes = {}) => {
    const model = operatorModel(opType, [[1]], { attributes }).model;
    mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
    const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['i0'] });
    const name = gradients.get('i0') as string;
    return (await runOnce(exposing(known, [name]), { i0: tensor([1], [x]) }))[name]?.data[0];
  };
  it('is 0 for ReLU, the slope for leaky ReLU', async () => {
    for (const zero of [0, -0]) {
      expect(await at('Relu', zero)).toBe(0);
      expect(await at('LeakyRelu', zero, { alpha: float(0.25) })).toBe(0.25);
      expect(await at('LeakyRelu', zero, { alpha: float(-0.5) })).toBe(-0.5);
      expect(await at('LeakyRelu', zero, { alpha: float(2) })).toBe(2);
      expect(await at('ThresholdedRelu', zero, { alpha: float(0) })).toBe(0);
    }
  });
  it('is one-sided beside it, down to the smallest normal number', async () => {
    for (const tiny of [1e-30, 2e-38]) {
      expect(await at('Relu', tiny)).toBe(1);
      expect(await at('Relu', -tiny)).toBe(0);
      expect(await at('LeakyRelu', -tiny, { alpha: float(0.25) })).toBe(0.25);
    }
    expect(await at('Relu', 1e38)).toBe(1);
  });
  it('is the slope for PReLU, whose own gradient is 0', async () => {
    const { model, wrt } = operatorModel('PRelu', [[3], [3]]);
    mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
    const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt });
    const names = [...gradients.values()] as string[];
    const results = await runOnce(exposing(known, names), {
      i0: tensor([3], [0, -0, -2]),
      i1: tensor([3], [0.25, 1.5, -0.5]),
    });
    expect(Array.from(results[names[0] as string]?.data as Float32Array)).toEqual([0.25, 1.5, -0.5]);
    expect(Array.from(results[names[1] as string]?.data as Float32Array)).toEqual([0, -0, -2]);
  });
});

it('computes PReLU itself to float32 rounding while it is rewritten', async () => {
  const { model, feeds, wrt } = operatorModel('PRelu', [[8, 200], [200]]);
  mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
  mainGraph(model).output.push(valueInfo('loss'));
  const { model: known } = await differentiate(model, { loss: 'loss', wrt });
  const [plain, rewritten] = [await runOnce(model, feeds), await runOnce(known, feeds)];
  expect(mainGraph(known).node.some(each => each.opType === 'PRelu')).toBe(false);
  const [expected, got] = [plain.y0?.data as Float32Array, rewritten.y0?.data as Float32Array];
  for (const [at, value] of got.entries())
    expect(Math.abs(value - (expected[at] as number))).toBeLessThanOrEqual(2.5e-7 * Math.abs(expected[at] as number));
});

describe('at the limits of float32', () => {
  const smallest = 2 ** -149;
  /** From here on HardSigmoid's steepest slope gives 1. */
  const full = 2.95e-39;
  const above = [full, 2 ** -126, 1, 3.4e38, Number.POSITIVE_INFINITY];
  const below = [Number.NEGATIVE_INFINITY, -3.4e38, -1, -(2 ** -126), -1e-40, -smallest, -0, 0];

  /** f and f' at some numbers, as the gradient's graph computes them. */
  async function both(opType: string, x: readonly number[], slope?: number) {
    const isPrelu = opType === 'PRelu';
    const attributes: Record<string, { float: number }> =
      opType === 'LeakyRelu' ? { alpha: float(slope as number) } : {};
    const inputs = isPrelu ? [[x.length], floats([1], slope as number)] : [[x.length]];
    const { model, feeds } = operatorModel(opType, inputs, { attributes });
    mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
    const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['i0'] });
    const name = gradients.get('i0') as string;
    const found = await runOnce(exposing(known, ['y0', name]), { ...feeds, i0: tensor([x.length], x) });
    return { y: Array.from(found.y0!.data as Float32Array), dx: Array.from(found[name]!.data as Float32Array) };
  }

  it('ReLU has slope 1 from 2.95e-39 up, 0 from 0 down, and in part between; NaN stays', async () => {
    expect((await both('Relu', above)).dx).toEqual(above.map(() => 1));
    expect((await both('Relu', below)).dx).toEqual(below.map(() => 0));
    const [least, tenth, nan] = (await both('Relu', [smallest, 1e-40, Number.NaN])).dx;
    expect(least).toBeCloseTo(4.76e-7, 9);
    expect(tenth).toBeCloseTo(0.034, 6);
    expect(nan).toBeNaN();
  });

  it.each([-1e30, -1000.5, -0.5, 0, 0.01, 1, 2, 1000.5, 1e30])(
    'leaky ReLU of slope %f has it to the bit',
    async slope => {
      expect((await both('LeakyRelu', above, slope)).dx).toEqual(above.map(() => 1));
      expect((await both('LeakyRelu', below, slope)).dx).toEqual(below.map(() => Math.fround(slope)));
      expect((await both('LeakyRelu', [Number.NaN], slope)).dx).toEqual([Number.NaN]);
    },
  );

  it.each([-1000.5, -100, -1, 0, 0.25, 1, 2, 100.3, 1000.5])(
    'PReLU of slope %f keeps the negative side exactly, the positive to (1 + |1 - a|) 2^-24',
    async a => {
      const slope = Math.fround(a);
      const x = [-2, -(2 ** -126), -0, 0, 2 ** -126, 1, 3];
      const { y, dx } = await both('PRelu', x, a);
      const bound = (1 + Math.abs(1 - slope)) * 2 ** -24;
      x.forEach((value, at) => {
        if (value > 0) expect(Math.abs(dx[at]! - 1)).toBeLessThanOrEqual(bound);
        else expect(dx[at]).toBe(slope);
        const want = value > 0 ? value : slope * value;
        expect(Math.abs(y[at]! - want)).toBeLessThanOrEqual(
          (value > 0 ? bound + 2 ** -24 : 2 ** -24) * Math.abs(want) + smallest,
        );
      });
      expect((await both('PRelu', [Number.POSITIVE_INFINITY], a)).y).toEqual([Number.POSITIVE_INFINITY]);
      expect((await both('PRelu', [Number.NaN], a)).y).toEqual([Number.NaN]);
    },
  );
});
