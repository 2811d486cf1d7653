import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../onnx/build.js';
import { constantLookup } from '../onnx/constants.js';
import type { NodeProto } from '../onnx/proto.js';
import { indexGraph } from '../onnx/scope.js';
import { gatedRectifier } from './gated.js';

const scalars = [0, 1, 3, 6, 1 / 6].map((value, at) =>
  floatTensor(['zero', 'one', 'three', 'six', 'sixth'][at]!, [], [value]),
);

/** A model of an input, its double as the value in question, and the given nodes, the last of which writes y. */
const around = (nodes: NodeProto[], outputs = ['y']) =>
  modelOf(
    {
      nodes: [node('Add', ['x', 'x'], ['z']), ...nodes],
      inputs: [valueInfo('x', [9])],
      outputs: outputs.map(name => valueInfo(name)),
      initializers: scalars,
    },
    20,
  );
const found = (nodes: NodeProto[], outputs?: string[]) =>
  gatedRectifier(indexGraph(around(nodes, outputs)), 'z', constantLookup(new Map()));

const hard = { alpha: float(1 / 6), beta: float(0.5) };
const shifted = [node('Add', ['z', 'three'], ['s']), node('Clip', ['s', 'zero', 'six'], ['c'])];
const spellings: Record<string, NodeProto[]> = {
  HardSwish: [node('HardSwish', ['z'], ['y'])],
  Mish: [node('Mish', ['z'], ['y'])],
  Softplus: [node('Softplus', ['z'], ['y'])],
  Gelu: [node('Gelu', ['z'], ['y'])],
  'Gelu, tanh': [node('Gelu', ['z'], ['y'], { approximate: 'tanh' })],
  'x * Sigmoid(x)': [node('Sigmoid', ['z'], ['g']), node('Mul', ['z', 'g'], ['y'])],
  'HardSigmoid(x) * x': [node('HardSigmoid', ['z'], ['g'], hard), node('Mul', ['g', 'z'], ['y'])],
  'x * Clip(x + 3) / 6': [...shifted, node('Mul', ['z', 'c'], ['p']), node('Div', ['p', 'six'], ['y'])],
  'x * Clip(x + 3) * 1/6': [...shifted, node('Mul', ['z', 'c'], ['p']), node('Mul', ['sixth', 'p'], ['y'])],
  'x * (Clip(3 + x) / 6)': [...shifted, node('Div', ['c', 'six'], ['g']), node('Mul', ['z', 'g'], ['y'])],
};

describe('gatedRectifier', () => {
  test.each(Object.entries(spellings))('finds %s, and ONNX Runtime computes the same', async (_, nodes) => {
    const { rectifier, output } = found(nodes)!;
    expect(output).toBe('y');
    const x = [-4, -1.5, -1, -0.25, 0, 0.25, 1, 1.5, 4];
    const { y } = await runOnce(around(nodes), { x: tensor([9], x) });
    Array.from(y!.data as Float32Array).forEach((value, at) => {
      expect(value).toBeCloseTo(rectifier.value(2 * x[at]!), 5);
    });
  });

  const mul = node('Mul', ['z', 'g'], ['y']);
  test.each<[string, NodeProto[], string[]?]>([
    ['nothing', []],
    ['ReLU', [node('Relu', ['z'], ['y'])]],
    ['a gate of something else', [node('Sigmoid', ['x'], ['g']), mul]],
    ['a hard sigmoid of another slope', [node('HardSigmoid', ['z'], ['g']), mul]],
    ['another ceiling', [shifted[0]!, node('Clip', ['s', 'zero', 'one'], ['g']), mul]],
    [
      'another shift',
      [node('Add', ['z', 'one'], ['s']), shifted[1]!, node('Mul', ['z', 'c'], ['p']), node('Div', ['p', 'six'], ['y'])],
    ],
    ['no division by 6', [...shifted, node('Mul', ['z', 'c'], ['y'])]],
    ['a third reader', [node('Sigmoid', ['z'], ['g']), mul, node('Neg', ['z'], ['n'])]],
    ['a gate that is an output', [node('Sigmoid', ['z'], ['g']), mul], ['y', 'g']],
    ['a value that is an output', [node('Sigmoid', ['z'], ['g']), mul], ['y', 'z']],
    ['an operator of another domain', [{ ...node('Gelu', ['z'], ['y']), domain: 'com.example' }]],
  ])('finds none in %s', (_, nodes, outputs) => {
    expect(found(nodes, outputs)).toBeNull();
  });
});
