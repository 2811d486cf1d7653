import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  checkGradients,
  checkOperator,
  type OperatorCheckOptions,
  operatorModel,
} from '../../../test/gradient-check.js';
import { exposing, modelOf, runAll, runOnce, tensor } from '../../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../../onnx/build.js';
import { mainGraph } from '../../onnx/model.js';
import { DataType, TensorProtoSchema } from '../../onnx/proto.js';
import { differentiate } from '../differentiate.js';

describe('BatchNormalization', () => {
  const inputs = (dims: readonly number[]) => [dims, ...Array(4).fill([dims[1] as number])];
  const draw = (random: { uniform(): number; normal(): number }, input: number) =>
    input === 0 ? 1 + 2 * random.normal() : input === 4 ? 0.5 + random.uniform() : random.normal();
  const shapes = [
    [4, 3],
    [4, 3, 5],
    [3, 2, 4, 3],
  ];

  it.each(shapes.map(dims => [dims]))('with frozen statistics, %j', async dims => {
    const { errors, forward } = await checkOperator('BatchNormalization', inputs(dims), { draw });
    expect(forward).toBeLessThan(1e-6);
    expect(Object.keys(errors)).toHaveLength(5);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-5);
  });

  it.each(shapes.map(dims => [dims]))('with the statistics of the batch, %j', async dims => {
    const { model, feeds } = operatorModel('BatchNormalization', inputs(dims), {
      draw,
      outputs: 3,
      attributes: { training_mode: 1, epsilon: float(1e-3) },
    });
    mainGraph(model).output.splice(1);
    const { errors, forward } = await checkGradients(model, { wrt: ['i0', 'i1', 'i2', 'i3'], feeds });
    expect(forward).toBeLessThan(2e-6);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(2e-5);
    expect(errors.i3).toBe(0);
  });

  it('renews the running statistics as its node does', async () => {
    const { model, feeds } = operatorModel('BatchNormalization', inputs([5, 3, 2]), {
      draw,
      outputs: 3,
      attributes: { training_mode: 1, momentum: float(0.7) },
    });
    mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
    const { model: known } = await differentiate(model, { loss: 'loss', wrt: ['i0'] });
    expect(mainGraph(known).node.some(each => each.opType === 'BatchNormalization')).toBe(false);
    const [before, after] = [await runOnce(model, feeds), await runOnce(known, feeds)];
    for (const name of ['y0', 'y1', 'y2']) {
      const [expected, got] = [before[name]?.data as Float32Array, after[name]?.data as Float32Array];
      for (const [at, value] of got.entries()) expect(value).toBeCloseTo(expected[at] as number, 5);
    }
  });

  it('refuses a loss of its running statistics', async () => {
    const { model, feeds } = operatorModel('BatchNormalization', inputs([4, 3]), {
      outputs: 3,
      attributes: { training_mode: 1 },
    });
    await expect(checkGradients(model, { wrt: ['i0'], feeds })).rejects.toThrow(
      "differentiate: node 'y0' (BatchNormalization): the loss must not depend on its running statistics",
    );
  });
});

describe('LayerNormalization', () => {
  const draw = (random: { normal(): number }, input: number) =>
    input === 0 ? 1 + 2 * random.normal() : random.normal();
  it.each([
    [[[4, 5], [5], [5]], {}],
    [[[4, 5], [5]], { epsilon: float(1e-2) }],
    [
      [
        [2, 3, 4],
        [3, 4],
        [3, 4],
      ],
      { axis: 1 },
    ],
    [[[2, 3, 4], [4], [4]], { axis: -1 }],
    [[[2, 1, 1], [1], [1]], { axis: 2 }],
  ])('%j %j', async (inputs, attributes) => {
    const { errors, forward } = await checkOperator('LayerNormalization', inputs, { draw, attributes });
    expect(forward).toBeLessThan(2e-6);
    expect(Object.keys(errors)).toHaveLength(inputs.length);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(2e-5);
  });

  it('refuses a loss of its mean', async () => {
    const { model, feeds } = operatorModel('LayerNormalization', [[4, 3], [3], [3]], { outputs: 2 });
    await expect(checkGradients(model, { wrt: ['i0'], feeds })).rejects.toThrow(
      "differentiate: node 'y0' (LayerNormalization): the loss must not depend on its mean and deviation",
    );
  });
});

const shifted = (random: { normal(): number }, input: number) =>
  input === 0 ? 1 + 2 * random.normal() : random.normal();

it.each<[string, readonly number[], number, number, OperatorCheckOptions]>([
  ['InstanceNormalization', [2, 3, 5], 3, 17, {}],
  ['InstanceNormalization', [1, 1, 2, 3], 1, 17, {}],
  ['InstanceNormalization', [2, 2, 3, 1, 3], 2, 9, { attributes: { epsilon: float(0.1) } }],
  ['InstanceNormalization', [2, 3, 5], 3, 22, {}],
  ['GroupNormalization', [2, 6, 5], 3, 18, { attributes: { num_groups: 3 } }],
  ['GroupNormalization', [2, 4, 3, 2], 4, 21, { attributes: { num_groups: 2, epsilon: float(0.01) } }],
  ['GroupNormalization', [3, 6], 6, 21, { attributes: { num_groups: 2 } }],
  ['GroupNormalization', [1, 5, 1, 3], 5, 21, { attributes: { num_groups: 1 } }],
])('%s of %j with %d scales, opset %d', async (opType, dims, scales, opset, options) => {
  const inputs = [dims, [scales], [scales]];
  const { errors, forward } = await checkOperator(opType, inputs, { ...options, opset, draw: shifted });
  expect(forward).toBeLessThan(3e-6);
  expect(Object.keys(errors)).toEqual(['i0', 'i1', 'i2']);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(2e-5);
});

describe('LpNormalization', () => {
  it.each<[readonly number[], OperatorCheckOptions]>([
    [[3, 5], {}],
    [[3, 5], { attributes: { p: 1 } }],
    [[2, 3, 4], { attributes: { axis: 1 } }],
    [[2, 3, 4], { attributes: { p: 1, axis: 0 } }],
    [[7], { opset: 22 }],
    [[4, 1], {}],
  ])('%j %j', async (dims, options) => {
    const { errors, forward } = await checkOperator('LpNormalization', [dims], options);
    expect(forward).toBeLessThan(1e-6);
    expect(errors.i0).toBeLessThan(3e-6);
  });

  it.each([1, 2])('has gradient 0 where the norm is 0, p = %d', async p => {
    const { model } = operatorModel('LpNormalization', [[2, 2]], { attributes: { p } });
    mainGraph(model).initializer.push(floatTensor('w', [2, 2], [1, 2, 3, 4]));
    mainGraph(model).node.push(
      node('Mul', ['y0', 'w'], ['part']),
      node('ReduceSum', ['part'], ['loss'], { keepdims: 0 }),
    );
    const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['i0'] });
    const name = gradients.get('i0') as string;
    const run = await runOnce(exposing(known, [name]), { i0: tensor([2, 2], [0, -0, 3, 0]) });
    expect(Array.from(run[name]?.data as Float32Array, Math.abs).slice(0, 2)).toEqual([0, 0]);
    expect(run[name]?.data.every(Number.isFinite)).toBe(true);
  });
});

it.each<[readonly number[], OperatorCheckOptions['attributes'], number?]>([
  [[2, 5, 2, 3], { size: 3 }],
  [[2, 5, 2, 3], { size: 3, alpha: float(0.9), beta: float(0.6), bias: float(0.4) }],
  [[1, 2, 1, 3], { size: 5, alpha: float(2), beta: float(1.5) }, 9],
  [[1, 7, 3, 1], { size: 1, alpha: float(0.5) }],
])('LRN of %j %j', async (dims, attributes, opset = 17) => {
  const { errors, forward } = await checkOperator('LRN', [dims], { attributes, opset });
  expect(forward).toBeLessThan(2e-6);
  expect(errors.i0).toBeLessThan(5e-6);
});

describe('Dropout', () => {
  const truth = (name: string, value: boolean) =>
    create(TensorProtoSchema, { name, dataType: DataType.BOOL, rawData: Uint8Array.of(value ? 1 : 0) });
  const dropped = (ratio: number, training: boolean) =>
    modelOf({
      nodes: [
        node('Dropout', ['x', 'ratio', 'training'], ['y'], { seed: 7 }),
        node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }),
      ],
      inputs: [valueInfo('x', [40, 25])],
      outputs: [valueInfo('y'), valueInfo('loss')],
      initializers: [floatTensor('ratio', [], [ratio]), truth('training', training)],
    });
  const ones = tensor([40, 25], new Float32Array(1000).fill(1));

  it('passes the gradient where it passed the value, scaled alike', async () => {
    const { model, gradients } = await differentiate(dropped(0.3, true), { loss: 'loss', wrt: ['x'] });
    const name = gradients.get('x') as string;
    const runs = await runAll(exposing(model, [name]), [{ x: ones }, { x: ones }]);
    for (const run of runs) expect(run[name]?.data).toEqual(run.y?.data);
    const [values] = runs.map(run => run.y?.data as Float32Array) as [Float32Array];
    const kept = values.filter(value => value !== 0);
    expect(kept.length).toBeGreaterThan(640);
    expect(kept.length).toBeLessThan(760);
    expect(kept[0]).toBeCloseTo(1 / 0.7, 6);
    expect(runs[0]?.y?.data).not.toEqual(runs[1]?.y?.data);
  });

  it('passes all of it outside of training', async () => {
    const { model, gradients } = await differentiate(dropped(0.3, false), { loss: 'loss', wrt: ['x'] });
    const name = gradients.get('x') as string;
    const [run] = await runAll(exposing(model, [name]), [{ x: ones }]);
    expect(run?.[name]?.data).toEqual(ones.data);
  });

  it('of opset 11 does nothing', async () => {
    const { errors } = await checkOperator('Dropout', [[3, 4]], { opset: 11, attributes: { ratio: float(0.9) } });
    expect(errors.i0).toBeLessThan(1e-6);
  });
});
