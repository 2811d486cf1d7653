import { describe, expect, it } from 'vitest';
import { checkOperator, ints, type OperatorCheckOptions, operatorModel } from '../../../test/gradient-check.js';
import { exposing, runOnce, tensor } from '../../../test/models.js';
import { node } from '../../onnx/build.js';
import { mainGraph } from '../../onnx/model.js';
import { differentiate } from '../differentiate.js';

const dims = [3, 4, 2, 5];
const axes = [null, [0], [1], [3], [-1], [2, 3], [0, 2], [1, -1], [0, 1], [0, 1, 2, 3]];

describe.each(['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSumSquare', 'ReduceL1', 'ReduceL2', 'ReduceLogSumExp'])(
  '%s',
  opType => {
    it.each(axes.flatMap(each => [0, 1].map(keepdims => [each, keepdims] as const)))(
      'axes %j, keepdims %d',
      async (each, keepdims) => {
        const { errors, forward } = await checkOperator(opType, [dims], {
          attributes: { ...(each === null ? {} : { axes: each }), keepdims },
        });
        expect(forward).toBeLessThan(2e-6);
        expect(errors.i0).toBeLessThan(1e-5);
      },
    );
  },
);

describe('ReduceSum', () => {
  it.each(axes.flatMap(each => [0, 1].map(keepdims => [each, keepdims] as const)))(
    'axes %j, keepdims %d',
    async (each, keepdims) => {
      const inputs = each === null ? [dims] : [dims, ints(...each)];
      const { errors } = await checkOperator('ReduceSum', inputs, { attributes: { keepdims } });
      expect(errors.i0).toBeLessThan(1e-6);
    },
  );
  const forms: [string, OperatorCheckOptions][] = [
    ['does nothing with empty axes where asked', { attributes: { noop_with_empty_axes: 1 } }],
    ['takes its axes as an attribute in opset 11', { opset: 11, attributes: { axes: [1, 2] } }],
  ];
  it.each(forms)('%s', async (_, options) => {
    const { errors } = await checkOperator('ReduceSum', [dims], options);
    expect(errors.i0).toBeLessThan(1e-6);
  });
});

describe('ReduceLogSum', () => {
  const draw = (random: { uniform(): number }) => 0.2 + random.uniform();
  it.each(axes.flatMap(each => [0, 1].map(keepdims => [each, keepdims] as const)))(
    'axes %j, keepdims %d',
    async (each, keepdims) => {
      const attributes = { ...(each === null ? {} : { axes: each }), keepdims };
      const { errors, forward } = await checkOperator('ReduceLogSum', [dims], { attributes, draw });
      expect(forward).toBeLessThan(2e-6);
      expect(errors.i0).toBeLessThan(1e-5);
    },
  );
  it('takes its axes as an input from opset 18 on', async () => {
    const { errors } = await checkOperator('ReduceLogSum', [dims, ints(1, -1)], { opset: 18, draw });
    expect(errors.i0).toBeLessThan(1e-5);
  });
});

describe('CumSum', () => {
  const forms = [0, 1].flatMap(exclusive => [0, 1].map(reverse => ({ exclusive, reverse })));
  it.each([0, 1, -1].flatMap(axis => forms.map(form => [axis, form] as const)))(
    'axis %d, %j',
    async (axis, attributes) => {
      const { errors } = await checkOperator('CumSum', [[3, 1, 5], { ints: [axis], dims: [] }], { attributes });
      expect(errors.i0).toBeLessThan(1e-6);
    },
  );
  it('of opset 11, its axis in one dimension', async () => {
    const { errors } = await checkOperator('CumSum', [[7], ints(0)], { opset: 11 });
    expect(errors.i0).toBeLessThan(1e-6);
  });
});

it('ReduceMax takes its axes as an input from opset 18 on', async () => {
  const { errors } = await checkOperator('ReduceMax', [dims, ints(1, 2)], { opset: 18 });
  expect(errors.i0).toBeLessThan(1e-6);
});

it('shares the gradient where several elements are the largest', async () => {
  const { model, wrt } = operatorModel('ReduceMax', [[4]], { attributes: { keepdims: 0 } });
  mainGraph(model).node.push(node('Neg', ['y0'], ['loss']));
  const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt });
  const name = gradients.get('i0') as string;
  const results = await runOnce(exposing(known, [name]), { i0: tensor([4], [2, 1, 2, -3]) });
  expect(Array.from(results[name]?.data as Float32Array)).toEqual([-0.5, -0, -0.5, -0]);
});
