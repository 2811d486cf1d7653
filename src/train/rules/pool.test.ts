import { describe, expect, it } from 'vitest';
import { checkOperator, operatorModel } from '../../../test/gradient-check.js';
import { exposing, runOnce, tensor } from '../../../test/models.js';
import { node } from '../../onnx/build.js';
import { mainGraph } from '../../onnx/model.js';
import { differentiate } from '../differentiate.js';

type Case = [string, readonly number[], Record<string, number | string | readonly number[]>];

const pools: Case[] = [
  ['2x2 tiles', [2, 3, 4, 6], { kernel_shape: [2, 2], strides: [2, 2] }],
  ['3x1 tiles', [2, 3, 6, 3], { kernel_shape: [3, 1], strides: [3, 1] }],
  ['1-D tiles', [2, 3, 6], { kernel_shape: [2], strides: [2] }],
  ['3-D tiles', [1, 2, 4, 2, 2], { kernel_shape: [2, 2, 1], strides: [2, 2, 1] }],
  ['tiles that leave elements over', [2, 3, 5, 7], { kernel_shape: [2, 2], strides: [2, 2] }],
  ['overlapping', [2, 3, 5, 6], { kernel_shape: [3, 3] }],
  ['overlapping, strided and padded', [2, 3, 7, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['padded unevenly', [2, 3, 5, 5], { kernel_shape: [3, 2], strides: [2, 1], pads: [0, 1, 2, 0] }],
  ['apart', [2, 3, 7, 7], { kernel_shape: [2, 2], strides: [3, 3] }],
  ['1-D', [2, 3, 7], { kernel_shape: [3], strides: [2] }],
  ['3-D', [1, 2, 3, 4, 3], { kernel_shape: [2, 2, 2] }],
  ['ceil mode', [2, 2, 6, 7], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
  ['ceil mode, padded', [2, 2, 6, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  ['SAME_UPPER', [2, 2, 5, 6], { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }],
  ['SAME_LOWER', [2, 2, 5, 6], { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }],
];

async function check(opType: string, dims: readonly number[], attributes: Case[2], opset = 17) {
  const { errors, forward } = await checkOperator(opType, [dims], { attributes, opset });
  expect(forward).toBeLessThan(1e-6);
  expect(errors.i0).toBeLessThan(3e-6);
}

describe('MaxPool', () => {
  it.each(pools)('%s', (_, dims, attributes) => check('MaxPool', dims, attributes));
  it('dilated', () => check('MaxPool', [2, 2, 7, 6], { kernel_shape: [2, 2], dilations: [3, 2] }));

  it('shares a tie between the tied, gives overlapping ones to the first', async () => {
    const at = async (attributes: Case[2], x: readonly number[] = [1, 1, 0, 2]) => {
      const { model, wrt } = operatorModel('MaxPool', [[1, 1, 4]], { attributes });
      mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
      const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt });
      const name = gradients.get('i0') as string;
      const results = await runOnce(exposing(known, [name]), { i0: tensor([1, 1, 4], x) });
      return Array.from(results[name]?.data as Float32Array);
    };
    expect(await at({ kernel_shape: [2], strides: [2] })).toEqual([0.5, 0.5, 0, 1]);
    expect(await at({ kernel_shape: [2], strides: [1] })).toEqual([1, 1, 0, 1]);
    const subnormal = [0, 0, 1e-45, 3e-45];
    expect(await at({ kernel_shape: [2], strides: [2] }, subnormal)).toEqual([0.5, 0.5, 0, 1]);
  });
});

describe('AveragePool', () => {
  it.each(pools)('%s', (_, dims, attributes) => check('AveragePool', dims, attributes));
  it.each(pools)('%s, padding counted', (_, dims, attributes) =>
    check('AveragePool', dims, { ...attributes, count_include_pad: 1 }),
  );
  it('dilated', () =>
    check('AveragePool', [2, 2, 7, 6], { kernel_shape: [2, 2], dilations: [3, 2], pads: [1, 0, 1, 0] }, 19));
});

describe.each(['GlobalAveragePool', 'GlobalMaxPool'])('%s', opType => {
  it.each([[[2, 3, 4, 5]], [[2, 3, 7]], [[1, 2, 3, 2, 2]]])('%j', dims => check(opType, dims, {}));
});
