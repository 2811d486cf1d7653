import { describe, expect, it } from 'vitest';
import {
  checkOperator,
  floats,
  ints,
  type OperatorCheckOptions,
  type OperatorInput,
} from '../../../test/gradient-check.js';
import { modelOf, runOnce, tensor } from '../../../test/models.js';
import { floatTensor, node, valueInfo } from '../../onnx/build.js';
import { expose } from '../../onnx/edit.js';
import { DataType } from '../../onnx/proto.js';
import { differentiate } from '../differentiate.js';

const shapes: OperatorInput[][] = [
  [
    [2, 3, 4],
    [2, 3, 4],
  ],
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 3, 4],
  ],
  [
    [2, 1, 4],
    [1, 3, 1],
  ],
  [[128, 2], [2]],
  [[5], []],
];
const positive: OperatorCheckOptions = { draw: random => 0.3 + random.uniform() };

describe.each(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Sum', 'Mean', 'Pow'])('%s', opType => {
  it.each(shapes)('%j %j', async (...inputs) => {
    const { errors, forward } = await checkOperator(opType, inputs, opType === 'Pow' ? positive : {});
    expect(forward).toBeLessThan(1e-6);
    expect(errors.i0).toBeLessThan(1e-5);
    expect(errors.i1).toBeLessThan(1e-5);
  });
});

const others: [string, OperatorInput[], OperatorCheckOptions?][] = [
  ['Max', [[3, 4]]],
  ['Max', [[3, 4], [4], [2, 3, 4]]],
  ['Min', [[3, 4], [4], [2, 3, 4], [1]]],
  ['Sum', [[3, 4], [4], [2, 3, 4]]],
  ['Mean', [[3, 4], [4], [2, 3, 4]]],
  ['Pow', [[3, 4], floats([], 2)]],
  ['Pow', [[3, 4], floats([], 3)]],
  ['Pow', [floats([2], 2, 3), [3, 2]]],
  ['Expand', [[3, 1], ints(2, 3, 4)]],
  ['Expand', [[3, 4], ints(1, 1)]],
  ['Expand', [[3, 4], ints(1, 3, 4)]],
];

it.each(others)('%s of %j', async (opType, inputs, options) => {
  const { errors } = await checkOperator(opType, inputs, options);
  for (const error of Object.values(errors)) expect(error).toBeLessThan(1e-5);
});

/** The gradients of the sum of a node's output at given inputs. */
async function gradientsAt(opType: string, values: readonly (readonly number[])[]): Promise<number[][]> {
  const names = values.map((_, at) => `x${at}`);
  const model = modelOf({
    nodes: [node(opType, names, ['y']), node('ReduceSum', ['y'], ['loss'], { keepdims: 0 })],
    inputs: values.map((value, at) => valueInfo(`x${at}`, [value.length])),
    outputs: [valueInfo('loss')],
  });
  const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: names });
  const found = [...gradients.values()] as string[];
  for (const name of found) expose(known, name);
  const results = await runOnce(
    known,
    Object.fromEntries(values.map((value, at) => [`x${at}`, tensor([value.length], value)])),
  );
  return found.map(name => Array.from(results[name]?.data as Float32Array));
}

it('gives a tie to the last of the largest, so that max(x, 0) has slope 0 at 0', async () => {
  expect(
    await gradientsAt('Max', [
      [0, 1, -1],
      [0, 0, 0],
    ]),
  ).toEqual([
    [0, 1, 0],
    [1, 0, 1],
  ]);
  expect(
    await gradientsAt('Max', [
      [2, 1],
      [2, 2],
      [2, 2],
    ]),
  ).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ]);
  expect(
    await gradientsAt('Min', [
      [0, 1, -1],
      [0, 0, 0],
    ]),
  ).toEqual([
    [0, 0, 1],
    [1, 1, 0],
  ]);
});

it('Where sends the gradient to the chosen side', async () => {
  const model = modelOf({
    nodes: [
      node('Greater', ['a', 'bound'], ['condition']),
      node('Where', ['condition', 'a', 'b'], ['y']),
      node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }),
    ],
    inputs: [valueInfo('a', [2, 2]), valueInfo('b', [2])],
    outputs: [valueInfo('loss')],
    initializers: [floatTensor('bound', [], [0])],
  });
  const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['a', 'b'] });
  for (const name of gradients.values()) expose(known, name as string);
  const results = await runOnce(known, { a: tensor([2, 2], [1, -1, -2, -3]), b: tensor([2], [5, 6]) });
  expect(Array.from(results[gradients.get('a') as string]?.data as Float32Array)).toEqual([1, 0, 0, 0]);
  expect(Array.from(results[gradients.get('b') as string]?.data as Float32Array)).toEqual([1, 2]);
});

it('Cast between floats passes the gradient, Cast to integers stops it', async () => {
  const castTo = (to: DataType) =>
    modelOf({
      nodes: [
        node('Cast', ['x'], ['c'], { to }),
        node('Cast', ['c'], ['f'], { to: DataType.FLOAT }),
        node('Mul', ['f', 'x'], ['y']),
        node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }),
      ],
      inputs: [valueInfo('x', [2])],
      outputs: [valueInfo('loss')],
    });
  const at = async (to: DataType) => {
    const { model, gradients } = await differentiate(castTo(to), { loss: 'loss', wrt: ['x'] });
    const name = gradients.get('x') as string;
    expose(model, name);
    return Array.from((await runOnce(model, { x: tensor([2], [1.5, 2.5]) }))[name]?.data as Float32Array);
  };
  expect(await at(DataType.DOUBLE)).toEqual([3, 5]);
  expect(await at(DataType.INT64)).toEqual([1, 2]);
});
