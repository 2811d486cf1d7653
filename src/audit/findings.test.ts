import { expect, it } from 'vitest';
import { modelOf } from '../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../onnx/build.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import { audit } from './audit.js';

const findings = async (
  nodes: NodeProto[],
  initializers: TensorProto[],
  outputs = ['y'],
  inputs = [valueInfo('x', ['N', 2])],
) => {
  const model = modelOf({ nodes, initializers, inputs, outputs: outputs.map(name => valueInfo(name)) });
  const report = await audit(model, null);
  const texts = Object.fromEntries(report.findings.map(({ code, text, where }) => [code, [text, ...where]]));
  return { texts, report };
};
const ones = (name: string, count: number, value = 1) => floatTensor(name, [count], new Array(count).fill(value));

it('outputs that do not depend on the input are errors, wholly or in part', async () => {
  const { texts, report } = await findings(
    [
      node('Gemm', ['x', 'zeros', 'b'], ['stuck']),
      node('Gemm', ['x', 'half', 'b'], ['partly']),
      node('Relu', ['x'], ['y']),
    ],
    [
      floatTensor('zeros', [2, 2], [0, 0, 0, 0]),
      floatTensor('half', [2, 2], [1, 0, 1, 0]),
      floatTensor('b', [2], [1, 2]),
    ],
    ['stuck', 'partly', 'y'],
  );
  expect(texts['constant-output']).toEqual([
    '2 outputs of the model do not depend on its input, wholly or in some channels.',
    'stuck',
    'partly (1 of 2 channels)',
  ]);
  expect(report.model.outputs).toEqual([
    { name: 'stuck', constant: true },
    { name: 'partly', constant: false },
    { name: 'y', constant: false },
  ]);
});

it('channels that are judged with their rectifier are not found a second time', async () => {
  const { texts, report } = await findings(
    [
      node('Gemm', ['x', 'w'], ['z']),
      node('BatchNormalization', ['z', 'gamma', 'beta', 'mean', 'variance'], ['n']),
      node('Relu', ['n'], ['h']),
      node('Gemm', ['h', 'v'], ['y']),
    ],
    [
      floatTensor('w', [2, 3], [0, 1, 1, 0, 1, 1]),
      floatTensor('gamma', [3], [1, 0, -2]),
      ones('beta', 3, -0.5),
      ones('mean', 3, 0),
      ones('variance', 3),
      floatTensor('v', [3, 2], [1, 2, 3, 4, 5, 6]),
    ],
  );
  expect(report.layers[0]!.units.map(({ verdict }) => verdict)).toEqual(['vanished', 'vanished', 'unobserved']);
  expect(report.layers[0]!.batchNorm).toEqual({ name: 'n', redundant: 1, mirrored: 1, zero: 1 });
  expect(Object.keys(texts)).toEqual(['batch-norm-redundancy']);
});

it('channels of other layers are found where they are constant or unread', async () => {
  const { texts } = await findings(
    [node('MatMul', ['x', 'w'], ['a']), node('Sigmoid', ['a'], ['s']), node('MatMul', ['s', 'v'], ['y'])],
    [floatTensor('w', [2, 3], [1, 0, 1, 1, 0, 1]), floatTensor('v', [3, 1], [1, 1, 0])],
  );
  expect(texts['constant-channels']).toEqual([
    '1 channel of layers without a rectifier does not depend on the input.',
    'a',
  ]);
  expect(texts['unread-channels']).toEqual([
    '1 channel is computed although no output of the model depends on it.',
    'a',
  ]);
  expect(texts['no-rectifiers']).toEqual(['The model has no rectifiers.']);
});

it('weights that are inputs too, odd slopes and synthetic data are noted', async () => {
  const w = ones('w', 4);
  w.dims = [2n, 2n];
  const { texts } = await findings(
    [node('MatMul', ['x', 'w'], ['z']), node('LeakyRelu', ['z'], ['y'], { alpha: float(-0.5) })],
    [w],
    ['y'],
    [valueInfo('x', ['N', 2]), valueInfo('w', [2, 2])],
  );
  expect(texts['initializer-inputs']?.slice(1)).toEqual(['w']);
  expect(texts['negative-slopes']?.slice(1)).toEqual(['y']);
});
