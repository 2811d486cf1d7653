import { expect, it } from 'vitest';
import { checkOperator, type OperatorCheckOptions, type OperatorInput } from '../../../test/gradient-check.js';
import { float } from '../../onnx/build.js';

const cases: [string, OperatorInput[], OperatorCheckOptions?][] = [
  ['Gemm', [[4, 3], [3, 5], [5]]],
  [
    'Gemm',
    [
      [4, 3],
      [3, 5],
    ],
  ],
  ['Gemm', [[4, 3], [5, 3], [5]], { attributes: { transB: 1 } }],
  [
    'Gemm',
    [
      [3, 4],
      [3, 5],
      [4, 1],
    ],
    { attributes: { transA: 1 } },
  ],
  ['Gemm', [[3, 4], [5, 3], []], { attributes: { transA: 1, transB: 1, alpha: float(0.5), beta: float(-2) } }],
  [
    'Gemm',
    [
      [4, 3],
      [3, 5],
      [4, 5],
    ],
    { attributes: { beta: float(0.25) } },
  ],
  [
    'MatMul',
    [
      [4, 3],
      [3, 5],
    ],
  ],
  ['MatMul', [[3], [3, 5]]],
  ['MatMul', [[4, 3], [3]]],
  ['MatMul', [[3], [3]]],
  [
    'MatMul',
    [
      [2, 4, 3],
      [3, 5],
    ],
  ],
  [
    'MatMul',
    [
      [2, 4, 3],
      [2, 3, 5],
    ],
  ],
  [
    'MatMul',
    [
      [2, 1, 4, 3],
      [5, 3, 2],
    ],
  ],
  ['MatMul', [[3], [2, 3, 5]]],
  ['MatMul', [[2, 4, 3], [3]]],
];

it.each(cases)('%s of %j %j', async (opType, inputs, options) => {
  const { errors, forward } = await checkOperator(opType, inputs, options);
  expect(forward).toBeLessThan(1e-6);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(3e-6);
});
