import { expect, it } from 'vitest';
import { modelOf, tensor } from '../../test/models.js';
import { floatTensor, node, valueInfo } from '../onnx/build.js';
import { audit } from './audit.js';
import { inWords } from './cause.js';

it('numbers in sentences are short', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [1, '1'],
    [-0.5, '−0.5'],
    [2.71234, '2.71'],
    [999.9, '1000'],
    [123456, '1.2e5'],
    [-1e-9, '−1.0e−9'],
    [0.001, '0.001'],
    [Infinity, 'Infinity'],
    [-Infinity, '−Infinity'],
  ];
  for (const [value, words] of cases) expect(inWords(value)).toBe(words);
});

it('causes and remedies read as sentences with numbers', async () => {
  const weights = [0, 1e-9, 1, 1, -1, 1];
  const model = modelOf({
    nodes: [
      node('Gemm', ['x', 'w', 'b'], ['z']),
      node('BatchNormalization', ['z', 'gamma', 'beta', 'mean', 'variance'], ['n']),
      node('Relu', ['n'], ['y']),
    ],
    initializers: [
      floatTensor('w', [1, 6], weights),
      floatTensor('b', [6], [-1, 0.5, 0, -20, 0.25, 10]),
      floatTensor('gamma', [6], [1, 1, 0, 1, 1, 1]),
      floatTensor('beta', [6], [0, 0, -0.75, 0, -3, 0]),
      floatTensor('mean', [6], [0, 0, 0, 0, 0, 0]),
      floatTensor('variance', [6], [1, 1, 1, 1, 1, 1]),
    ],
    inputs: [valueInfo('x', ['N', 1])],
    outputs: [valueInfo('y')],
  });
  const x = tensor([4, 1], [0, 1, 2, 3]);
  const batches = () => [{ feeds: { x }, samples: 4 }];
  const { layers } = await audit(model, { kind: 'samples', description: 'x', total: 4, batches });
  expect(layers[0]!.units.map(({ cause }) => cause)).toMatchInlineSnapshot(`
    [
      "Its incoming weights are all 0, so its pre-activation is always its bias, −1.",
      "Its incoming weights have norm 1.0e−9 beside up to 1 in its layer, so its pre-activation is its bias, 0.5, to float32 rounding; weight decay does this to a unit without gradient.",
      "Batch norm's gamma is 0, so its pre-activation is always beta, −0.75.",
      "Its pre-activation averages −18.5 (standard deviation 1.12, largest −17): its bias is too negative for its weights (bias −20, weight norm 1, weighted inputs 1.5 on average).",
      "Batch norm's beta −3 lies 3 times |gamma| (1) below 0; its pre-activation averages −4.25 (standard deviation 1.12, largest −2.75): its bias is too negative for its weights (bias −2.75, weight norm 1, weighted inputs −1.5 on average).",
      "Its pre-activation stays above 0: its smallest value is 10 on 4 samples.",
    ]
  `);
  expect(layers[0]!.units.map(({ remedy }) => remedy)).toMatchInlineSnapshot(`
    [
      "To ship: remove it, which changes nothing; to train on: give it fresh incoming weights and zero outgoing ones.",
      "To ship: remove it and fold its constant into the next layer (as a map where that layer pads), which changes nothing; to train on: give it fresh weights.",
      "To ship: remove it, which changes nothing; to train on: give it fresh incoming weights and zero outgoing ones.",
      "To ship: remove it, exact on the 4 samples seen; to train on: give the layer a negative slope, or the unit fresh weights.",
      "To ship: remove it, exact on the 4 samples seen; to train on: give the layer a negative slope, or the unit fresh weights.",
      "The rectifier does nothing here: if the whole layer is linear, merge it with the next.",
    ]
  `);
});

it('a vanished unit that leaks still gives a constant, which has to be folded', async () => {
  const model = modelOf({
    nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('LeakyRelu', ['z'], ['y'])],
    initializers: [floatTensor('w', [1, 2], [0, 1]), floatTensor('b', [2], [-1, 0])],
    inputs: [valueInfo('x', ['N', 1])],
    outputs: [valueInfo('y')],
  });
  const { layers } = await audit(model, null);
  expect(layers[0]!.units[0]).toMatchObject({ verdict: 'vanished', stuck: 'silent' });
  expect(layers[0]!.units[0]!.remedy).toMatch(/fold its constant/);
});
