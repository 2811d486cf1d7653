import { expect, it } from 'vitest';
import { checkOperator, type OperatorCheckOptions } from '../../../test/gradient-check.js';
import { float } from '../../onnx/build.js';

const cases: [string, OperatorCheckOptions?][] = [
  ['Abs'],
  ['Cos'],
  ['Erf'],
  ['Erf', { draw: random => 6 * random.uniform() - 3 }],
  ['Exp'],
  ['Gelu', { opset: 20 }],
  ['Gelu', { opset: 20, attributes: { approximate: 'tanh' } }],
  ['HardSigmoid'],
  ['HardSigmoid', { attributes: { alpha: float(0.7), beta: float(0.4) } }],
  ['HardSwish', { draw: random => 4 * random.normal() }],
  ['Identity'],
  ['Log', { draw: random => 0.1 + random.uniform() }],
  ['Mish', { opset: 18, draw: random => 3 * random.normal() }],
  ['Mish', { opset: 22 }],
  ['Neg'],
  ['Reciprocal'],
  ['Sigmoid', { draw: random => 3 * random.normal() }],
  ['Sin'],
  ['Softplus', { draw: random => 3 * random.normal() }],
  ['Softsign'],
  ['Sqrt', { draw: random => 0.1 + random.uniform() }],
  ['Tanh', { draw: random => 2 * random.normal() }],
];

it.each(cases)('%s %j', async (opType, options) => {
  const { errors, forward } = await checkOperator(opType, [[3, 5]], options);
  expect(forward).toBeLessThan(1e-6);
  expect(errors.i0).toBeLessThan(3e-6);
});
