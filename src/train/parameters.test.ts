import { expect, test } from 'vitest';
import { modelOf } from '../../test/models.js';
import { floatTensor, node, valueInfo } from '../onnx/build.js';
import { parametersOf, parameterValues } from './parameters.js';
import { openTrainer } from './trainer.js';

const [inputs, outputs] = [[valueInfo('x', ['N', 2])], [valueInfo('y', ['N', 2])]];
const names = (model: Parameters<typeof parametersOf>[0]) =>
  parametersOf(model).map(({ name, kind }) => `${name}: ${kind}`);

test('weights in Constant nodes are parameters, as training finds them', async () => {
  const model = modelOf({
    nodes: [
      node('Constant', [], ['w'], { value: floatTensor('', [2, 2], [1, 2, 3, 4]) }),
      node('Constant', [], ['a'], { value: floatTensor('', [2], [0.25, 0.5]) }),
      node('MatMul', ['x', 'w'], ['z']),
      node('PRelu', ['z', 'a'], ['y']),
    ],
    inputs,
    outputs,
  });
  expect(names(model)).toEqual(['w: weight', 'a: slope']);
  expect(Array.from(parameterValues(model, 'a'))).toEqual([0.25, 0.5]);
  expect(() => parameterValues(model, 'z')).toThrow("train: the model must have the parameter, got 'z'");
  const trainer = await openTrainer(model, { batch: 2, threads: 1 });
  expect(trainer.parameters).toEqual(parametersOf(model));
  await trainer.close();
});

test('constants that normalize the inputs are none, those behind weights are', () => {
  const pair = (name: string) => floatTensor(name, [2], [2, 3]);
  const model = modelOf({
    nodes: [
      node('Mul', ['x', 'std'], ['scaled']),
      node('Add', ['scaled', 'mean'], ['shifted']),
      node('Reshape', ['shifted', 'shape'], ['flat']),
      node('Add', ['flat', 'more'], ['raw']),
      node('MatMul', ['raw', 'w'], ['z']),
      node('Add', ['z', 'b'], ['h']),
      node('Mul', ['h', 's'], ['y']),
    ],
    inputs,
    outputs,
    initializers: [
      ...['std', 'mean', 'more', 'b', 's'].map(pair),
      floatTensor('w', [2, 2], [1, 2, 3, 4]),
      floatTensor('shape', [2], [-1, 2]),
    ],
  });
  expect(names(model)).toEqual(['w: weight', 'b: bias', 's: scale']);
});

test('scales and shifts of every normalization', () => {
  const model = modelOf(
    {
      nodes: ['InstanceNormalization', 'GroupNormalization', 'LayerNormalization'].map((opType, at) =>
        node(opType, [at === 0 ? 'x' : `h${at}`, `scale${at}`, `shift${at}`], [`h${at + 1}`]),
      ),
      inputs: [valueInfo('x', [1, 2, 2])],
      outputs: [valueInfo('h3')],
      initializers: [0, 1, 2].flatMap(at => ['scale', 'shift'].map(kind => floatTensor(`${kind}${at}`, [2], [1, 2]))),
    },
    21,
  );
  expect(names(model)).toEqual([0, 1, 2].flatMap(at => [`scale${at}: scale`, `shift${at}: shift`]));
});

test('slopes that two spellings share are held by no constraint, as they are different multiples', async () => {
  const model = modelOf({
    nodes: [
      node('MatMul', ['x', 'w'], ['z']),
      node('PRelu', ['z', 'a'], ['h']),
      node('Abs', ['h'], ['size']),
      node('Sub', ['h', 'size'], ['twice']),
      node('Mul', ['a', 'twice'], ['scaled']),
      node('Relu', ['h'], ['positive']),
      node('Add', ['positive', 'scaled'], ['y']),
    ],
    inputs,
    outputs,
    initializers: [floatTensor('w', [2, 2], [1, 2, 3, 4]), floatTensor('a', [2], [0.25, 0.25])],
  });
  expect(parametersOf(model).map(({ name, factor }) => [name, factor])).toEqual([
    ['w', 1],
    ['a', null],
  ]);
  await expect(
    openTrainer(model, { batch: 2, groups: { slope: { constraint: { kind: 'projection', lower: 0, upper: 1 } } } }),
  ).rejects.toThrow("a multiple of their parameter, got another form of 'a'");
});
