import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGradients, checkOperator, type OperatorInput } from '../../../test/gradient-check.js';
import { exposing, modelOf, runOnce, tensor } from '../../../test/models.js';
import { node, valueInfo } from '../../onnx/build.js';
import { mainGraph } from '../../onnx/model.js';
import { createRandom } from '../../random.js';
import { differentiate } from '../differentiate.js';
import { elements } from '../rule.js';

type Case = [string, OperatorInput[], Record<string, number | string | readonly number[]>?];

async function check(opType: string, inputs: readonly OperatorInput[], attributes = {}) {
  const { errors, forward } = await checkOperator(opType, inputs, { attributes });
  expect(forward).toBeLessThan(1e-6);
  expect(Object.keys(errors)).toHaveLength(inputs.length);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(3e-6);
}

const convolutions: Case[] = [
  ['1-D', [[2, 3, 7], [4, 3, 3], [4]]],
  ['1-D, strided and dilated', [[2, 3, 11], [4, 3, 3], [4]], { strides: [2], dilations: [2], pads: [1, 2] }],
  ['2-D', [[2, 3, 5, 6], [4, 3, 3, 2], [4]]],
  [
    '2-D without bias',
    [
      [2, 3, 5, 6],
      [4, 3, 3, 2],
    ],
  ],
  ['padded', [[2, 3, 5, 6], [4, 3, 3, 3], [4]], { pads: [1, 1, 1, 1] }],
  ['padded unevenly', [[2, 3, 5, 6], [4, 3, 3, 3], [4]], { pads: [0, 2, 1, 0] }],
  ['strided, elements left over', [[2, 3, 6, 7], [4, 3, 3, 2], [4]], { strides: [2, 3], pads: [1, 0, 1, 0] }],
  ['strided beyond the kernel', [[2, 2, 9, 8], [3, 2, 2, 1], [3]], { strides: [4, 3] }],
  ['dilated', [[2, 3, 7, 8], [4, 3, 3, 2], [4]], { dilations: [2, 3], pads: [2, 1, 0, 1] }],
  ['1x1', [[2, 3, 4, 5], [4, 3, 1, 1], [4]]],
  ['1x1 strided', [[2, 3, 5, 5], [4, 3, 1, 1], [4]], { strides: [2, 2] }],
  ['groups', [[2, 4, 5, 5], [6, 2, 3, 3], [6]], { group: 2, pads: [1, 1, 1, 1] }],
  ['depthwise', [[2, 4, 5, 5], [4, 1, 3, 3], [4]], { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['depthwise, every position', [[2, 4, 5, 5], [4, 1, 3, 2], [4]], { group: 4, pads: [1, 0, 2, 1] }],
  ['depthwise, dilated', [[2, 4, 6, 7], [4, 1, 3, 2], [4]], { group: 4, dilations: [2, 3] }],
  ['depthwise, padded beyond the kernel', [[2, 4, 3, 3], [4, 1, 2, 2], [4]], { group: 4, pads: [2, 0, 0, 1] }],
  ['depthwise with two outputs each', [[2, 3, 5, 5], [6, 1, 3, 3], [6]], { group: 3 }],
  ['to fewer channels, dilated', [[2, 4, 6, 7], [3, 4, 3, 2], [3]], { dilations: [2, 3], pads: [1, 3, 2, 0] }],
  ['to fewer channels, padded beyond the kernel', [[2, 4, 3, 3], [3, 4, 2, 2], [3]], { pads: [2, 0, 0, 1] }],
  ['to fewer channels, 1-D', [[2, 4, 7], [3, 4, 3], [3]], { pads: [0, 2] }],
  ['to fewer channels, 3-D', [[1, 3, 4, 3, 4], [2, 3, 2, 2, 3], [2]], { pads: [1, 0, 1, 0, 1, 1] }],
  ['many channels', [[2, 18, 4, 4], [3, 18, 3, 3], [3]], { pads: [1, 1, 1, 1] }],
  ['many channels in groups', [[2, 32, 3, 3], [4, 16, 2, 2], [4]], { group: 2, strides: [2, 1] }],
  ['one sample', [[1, 1, 4, 4], [2, 1, 3, 3], [2]], { pads: [1, 1, 1, 1] }],
  ['SAME_UPPER', [[2, 2, 5, 6], [3, 2, 2, 3], [3]], { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  ['SAME_LOWER', [[2, 2, 5, 6], [3, 2, 2, 4], [3]], { auto_pad: 'SAME_LOWER', strides: [1, 2] }],
  ['VALID', [[2, 2, 5, 6], [3, 2, 2, 3], [3]], { auto_pad: 'VALID' }],
  ['3-D', [[1, 2, 4, 3, 4], [3, 2, 2, 2, 3], [3]], { pads: [1, 0, 1, 0, 1, 1], strides: [2, 1, 1] }],
];

describe('Conv', () => {
  it.each(convolutions)('%s', (_, inputs, attributes) => check('Conv', inputs, attributes));
});

const transposed: Case[] = [
  ['1-D', [[2, 3, 5], [3, 4, 3], [4]], { strides: [2], pads: [1, 0] }],
  ['2-D', [[2, 3, 3, 4], [3, 2, 3, 2], [2]]],
  ['strided', [[2, 3, 3, 4], [3, 2, 3, 3], [2]], { strides: [2, 2], pads: [1, 1, 1, 1] }],
  [
    'output padding',
    [[2, 3, 3, 4], [3, 2, 3, 3], [2]],
    { strides: [2, 3], pads: [1, 1, 1, 1], output_padding: [1, 2] },
  ],
  ['dilated', [[2, 3, 3, 4], [3, 2, 3, 2], [2]], { dilations: [2, 3] }],
  ['groups', [[2, 4, 3, 3], [4, 3, 2, 2], [6]], { group: 2, strides: [2, 1] }],
  ['depthwise', [[2, 4, 3, 3], [4, 1, 2, 2], [4]], { group: 4, strides: [2, 2] }],
  ['many outputs', [[1, 2, 3, 3], [2, 17, 2, 2], [17]], { strides: [2, 2] }],
  ['SAME_UPPER', [[2, 2, 3, 4], [2, 3, 3, 4], [3]], { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  ['SAME_LOWER', [[2, 2, 3, 4], [2, 3, 4, 3], [3]], { auto_pad: 'SAME_LOWER', strides: [2, 1] }],
  ['a given output shape', [[2, 2, 3, 3], [2, 3, 3, 3], [3]], { output_shape: [6, 7], strides: [2, 2] }],
  ['3-D', [[1, 2, 2, 3, 2], [2, 3, 2, 2, 2], [3]], { strides: [2, 1, 2] }],
];

describe('ConvTranspose', () => {
  it.each(transposed)('%s', (_, inputs, attributes) => check('ConvTranspose', inputs, attributes));
});

/** An axis of a convolution, whose windows lie over `long` elements. */
const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.constantFrom(1, 1, 2, 3),
    dilation: fc.integer({ min: 1, max: 2 }),
    begin: fc.integer({ min: 0, max: 4 }),
    end: fc.integer({ min: 0, max: 4 }),
    windows: fc.integer({ min: 1, max: 4 }),
    unread: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ unread, ...each }) => {
    const spanned = (each.windows - 1) * each.stride + (each.kernel - 1) * each.dilation + 1;
    const rest = Math.min(unread, each.stride - 1);
    return { ...each, rest, long: spanned + rest - each.begin - each.end };
  })
  .filter(({ long }) => long > 0);

const form = fc.record({
  axes: fc.oneof(
    fc.array(axis, { minLength: 1, maxLength: 2 }),
    fc.array(
      axis.filter(({ kernel, long }) => kernel < 3 && long < 5),
      { minLength: 3, maxLength: 3 },
    ),
  ),
  samples: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inputs: fc.constantFrom(1, 2, 3, 8),
  outputs: fc.constantFrom(1, 2, 3),
});

describe.each(['Conv', 'ConvTranspose'])('%s', opType => {
  it('with any attributes', async () => {
    await fc.assert(
      fc.asyncProperty(form, async ({ axes, samples, groups, inputs, outputs }) => {
        const [long, short] = [axes.map(each => each.long), axes.map(({ windows }) => windows)];
        const isForward = opType === 'Conv';
        const x = isForward ? [samples, groups * inputs, ...long] : [samples, groups * outputs, ...short];
        const w = [groups * outputs, inputs, ...axes.map(({ kernel }) => kernel)];
        await check(opType, [x, w, [groups * (isForward ? outputs : inputs)]], {
          group: groups,
          strides: axes.map(({ stride }) => stride),
          dilations: axes.map(({ dilation }) => dilation),
          pads: [...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)],
          ...(!isForward && { output_padding: axes.map(({ rest }) => rest) }),
        });
      }),
      { seed: 1, numRuns: 40 },
    );
  });
});

describe('the bias of a convolution before a pool', () => {
  it.each([
    ['MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }, 2],
    ['AveragePool', { kernel_shape: [2, 2], strides: [2, 2] }, 2],
    ['MaxPool', { kernel_shape: [2, 2] }, 4],
    ['AveragePool', { kernel_shape: [3, 3], strides: [2, 2] }, 4],
  ])(
    '%s %j: its gradient adds up what comes out of the pool, where that has the same sums',
    async (opType, pool, side) => {
      const inputs = [valueInfo('x', [2, 3, 4, 4]), valueInfo('w', [5, 3, 3, 3]), valueInfo('b', [5])];
      const model = modelOf({
        nodes: [node('Conv', ['x', 'w', 'b'], ['z'], { pads: [1, 1, 1, 1] }), node(opType, ['z'], ['y'], pool)],
        inputs,
        outputs: [valueInfo('y')],
      });
      const random = createRandom(2);
      const feeds = Object.fromEntries(
        Object.entries({ x: [2, 3, 4, 4], w: [5, 3, 3, 3], b: [5] }).map(([name, dims]) => [
          name,
          tensor(
            dims,
            Array.from({ length: elements(dims) }, () => random.normal()),
          ),
        ]),
      );
      const { errors } = await checkGradients(model, { wrt: ['w', 'b'], feeds });
      expect(errors.w).toBeLessThan(3e-6);
      expect(errors.b).toBeLessThan(3e-6);
      mainGraph(model).node.push(node('ReduceSumSquare', ['y'], ['loss'], { keepdims: 0 }));
      const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['b'] });
      const sum = mainGraph(known).node.find(({ output }) => output[0] === gradients.get('b'))!;
      expect(sum.opType).toBe('ReduceSum');
      const summed = sum.input[0] as string;
      expect((await runOnce(exposing(known, [summed]), feeds))[summed]!.dims).toEqual([2, 5, side, side]);
    },
  );
});
