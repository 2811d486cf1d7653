import { expect, it } from 'vitest';
import { checkOperator, type OperatorCheckOptions, type OperatorInput } from '../../../test/gradient-check.js';

const indices = (dims: readonly number[], ...values: number[]): OperatorInput => ({ ints: values, dims });
const add = { reduction: 'add' };
const cases: [string, OperatorInput[], OperatorCheckOptions?][] = [
  ['Gather', [[4, 3], indices([3], 1, 1, -1)]],
  ['Gather', [[4, 3], indices([2, 2], 1, 1, 0, 3)]],
  ['Gather', [[4, 3], indices([], 2)]],
  ['Gather', [[2, 4, 3], indices([3], 1, 1, 0)], { attributes: { axis: 1 } }],
  ['Gather', [[2, 4, 3], indices([2, 2], 1, 1, 0, 2)], { attributes: { axis: -1 } }],
  ['Gather', [[2, 4, 3], indices([], 2)], { attributes: { axis: 1 } }],
  ['GatherElements', [[3, 4], indices([2, 4], 0, 1, 1, 2, 0, 0, 1, -1)]],
  ['GatherElements', [[3, 4], indices([3, 2], 0, 0, 1, 2, 3, 1)], { attributes: { axis: 1 } }],
  ['GatherND', [[3, 4], indices([3, 1], 0, 2, 2)]],
  ['GatherND', [[3, 4], indices([3, 2], 0, 1, 2, 2, 2, 2)]],
  ['ScatterElements', [[3, 4], indices([2, 4], 0, 1, 1, 2, 0, 0, 1, -1), [2, 4]], { attributes: add }],
  ['ScatterElements', [[3, 4], indices([3, 2], 0, 0, 1, 2, 3, 1), [3, 2]], { attributes: { axis: 1, ...add } }],
  ['ScatterND', [[3, 4], indices([3, 1], 0, 2, 2), [3, 4]], { attributes: add }],
  ['ScatterND', [[3, 4], indices([3, 2], 0, 1, 2, 2, 2, 2), [3]], { attributes: add }],
];

it.each(cases)('%s of %j %j', async (opType, inputs, options) => {
  const { errors } = await checkOperator(opType, inputs, options);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-6);
});

it('refuses what replaces values instead of adding them up', async () => {
  const inputs = [[3], indices([2], 0, 2), [2]];
  await expect(checkOperator('ScatterElements', inputs)).rejects.toThrow(
    "differentiate: node 'y0' (ScatterElements): its reduction must be add to be differentiated, got none, on the path 'i0' -> ScatterElements 'y0'",
  );
});
