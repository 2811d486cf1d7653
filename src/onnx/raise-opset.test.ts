import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { randomNetwork } from '../../test/random-networks.js';
import { createRandom } from '../random.js';
import { type AttributeValue, float, floatTensor, graph, node, valueInfo } from './build.js';
import { type Model, mainGraph, opsetOf } from './model.js';
import { raiseOpset } from './raise-opset.js';

const random = createRandom(1);
const input = tensor(
  [2, 3, 4, 5],
  Array.from({ length: 120 }, () => random.normal()),
);
const matrix = tensor(
  [4, 6],
  Array.from({ length: 24 }, () => random.normal()),
);

const single = (
  opset: number,
  opType: string,
  attributes: Record<string, AttributeValue>,
  { outputs = 1, x = input, more = [] as ReturnType<typeof floatTensor>[] } = {},
): { model: Model; x: typeof input } => ({
  model: modelOf(
    {
      nodes: [
        node(
          opType,
          ['x', ...more.map(({ name }) => name)],
          Array.from({ length: outputs }, (_, at) => `y${at}`),
          attributes,
        ),
      ],
      inputs: [valueInfo('x', x.dims)],
      outputs: Array.from({ length: opType === 'TopK' ? 1 : outputs }, (_, at) => valueInfo(`y${at}`)),
      initializers: more,
    },
    opset,
  ),
  x,
});

const statistics = ['scale', 'shift', 'mean', 'variance'].map(name => floatTensor(name, [3], [0.5, 1.5, 2]));

const cases: [string, ReturnType<typeof single>][] = [
  ['BatchNormalization 7', single(7, 'BatchNormalization', { spatial: 1 }, { more: statistics })],
  ['BatchNormalization 9', single(9, 'BatchNormalization', { epsilon: float(0.1) }, { more: statistics })],
  ['Clip 7', single(7, 'Clip', { min: float(-0.5), max: float(0.25) })],
  ['Clip 10, one bound', single(10, 'Clip', { max: float(0.25) })],
  ['Clip 7, no bound', single(7, 'Clip', {})],
  ['Dropout 7', single(7, 'Dropout', { ratio: float(0.4) })],
  ['Dropout 10', single(10, 'Dropout', { ratio: float(0.4) })],
  ['Hardmax 11', single(11, 'Hardmax', { axis: 2 })],
  ['Pad 7', single(7, 'Pad', { pads: [0, 0, 1, 2, 0, 0, 0, 1], value: float(3) })],
  ['Pad 10, reflected', single(10, 'Pad', { pads: [0, 0, 1, 2, 0, 0, 0, 1], mode: 'reflect' })],
  ['ReduceSum 11', single(11, 'ReduceSum', { axes: [1, -1], keepdims: 0 })],
  ['ReduceSum 11 of all', single(11, 'ReduceSum', {})],
  ['Slice 9', single(9, 'Slice', { starts: [1, -2], ends: [3, 100], axes: [1, 3] })],
  ['Slice 7 without axes', single(7, 'Slice', { starts: [0, 1], ends: [1, 2] })],
  ['Split 11', single(11, 'Split', { axis: 1, split: [1, 2] }, { outputs: 2 })],
  ['Split 11 evenly', single(11, 'Split', { axis: 0 }, { outputs: 2 })],
  ['TopK 7', single(7, 'TopK', { k: 2 }, { outputs: 2 })],
  ['Unsqueeze 11', single(11, 'Unsqueeze', { axes: [0, 3] })],
  ['Squeeze 11', single(11, 'Squeeze', { axes: [0] }, { x: tensor([1, 2], [3, 4]) })],
  ['Squeeze 11 of all', single(11, 'Squeeze', {}, { x: tensor([1, 2, 1], [3, 4]) })],
  ['Upsample 7', single(7, 'Upsample', { scales: { floats: [1, 1, 2, 3] } })],
  ['Upsample 9', single(9, 'Upsample', { mode: 'linear' }, { more: [floatTensor('scales', [4], [1, 1, 2, 3])] })],
  ...['Softmax', 'LogSoftmax'].flatMap((opType): [string, ReturnType<typeof single>][] => [
    ...[0, 1, 2, 3, -1, -2].map((axis): [string, ReturnType<typeof single>] => [
      `${opType} 11, axis ${axis}`,
      single(11, opType, { axis }),
    ]),
    [`${opType} 9 of a matrix`, single(9, opType, {}, { x: matrix })],
  ]),
];

async function expectSame(model: Model, feeds: Record<string, typeof input>): Promise<Model> {
  const raised = raiseOpset(model, 17);
  expect(opsetOf(raised)).toBe(17);
  const [before, after] = [await runOnce(model, feeds), await runOnce(raised, feeds)];
  for (const [name, { data, dims }] of Object.entries(before)) {
    expect(after[name]?.dims).toEqual(dims);
    const got = after[name]?.data as Float32Array;
    for (const [at, value] of (data as Float32Array).entries()) expect(got[at]).toBeCloseTo(Number(value), 6);
  }
  return raised;
}

describe('raiseOpset', () => {
  it.each(cases.map(([name, { model, x }]) => [name, model, x] as const))('%s', async (_, model, x) => {
    const proto = structuredClone(mainGraph(model).node.map(each => each.attribute.map(({ name }) => name)));
    await expectSame(model, { x });
    expect(mainGraph(model).node.map(each => each.attribute.map(({ name }) => name))).toEqual(proto);
  });

  it('keeps a Softmax over the last axis one node', () => {
    const raised = raiseOpset(single(9, 'Softmax', {}, { x: matrix }).model, 17);
    expect(mainGraph(raised).node.map(each => each.opType)).toEqual(['Softmax']);
  });

  it('raises the bodies of control flow', async () => {
    const branch = (name: string, low: number) =>
      graph({
        nodes: [
          node('Clip', ['x'], [`${name}/c`], { min: float(low) }),
          node('ReduceSum', [`${name}/c`], [name], { axes: [1] }),
        ],
        outputs: [valueInfo(name)],
        name,
      });
    const model = modelOf(
      {
        nodes: [
          node('ReduceSum', ['x'], ['s'], { keepdims: 0 }),
          node('Cast', ['s'], ['c'], { to: 9 }),
          node('If', ['c'], ['y'], { then_branch: branch('p', 0), else_branch: branch('q', -1) }),
        ],
        inputs: [valueInfo('x', [4, 6])],
        outputs: [valueInfo('y')],
      },
      9,
    );
    await expectSame(model, { x: matrix });
  });

  const networks = Array.from({ length: 40 }, (_, seed) => ({ seed, ...randomNetwork(seed) }));
  it.each(networks.filter(({ model }) => opsetOf(model) < 17))(
    'random network $seed',
    async ({ seed, model, sample }) => {
      const dims = [2, ...sample];
      const draw = createRandom(seed);
      const x = tensor(
        dims,
        Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.normal()),
      );
      await expectSame(model, { x });
    },
  );

  it('leaves models of the target and above as they are', () => {
    const { model } = single(17, 'Relu', {});
    expect(raiseOpset(model, 17)).toBe(model);
    expect(raiseOpset(model, 13)).toBe(model);
  });

  it('goes only as far as asked', () => {
    const raised = raiseOpset(single(9, 'Softmax', {}).model, 12);
    expect(mainGraph(raised).node.map(each => each.opType)).toEqual(['Softmax']);
    expect(opsetOf(raised)).toBe(12);
  });

  it('names what a later opset cannot express', () => {
    expect(() =>
      raiseOpset(single(10, 'Resize', {}, { more: [floatTensor('s', [4], [1, 1, 2, 2])] }).model, 17),
    ).toThrow(
      "raise opset: node 'y0' (Resize) must be one that later opsets define alike, got a form that they do not",
    );
    expect(() => raiseOpset(single(7, 'BatchNormalization', { spatial: 0 }, { more: statistics }).model, 17)).toThrow(
      "raise opset: node 'y0' (BatchNormalization) must have statistics per channel, got spatial = 0",
    );
    expect(() => raiseOpset(single(6, 'Relu', {}).model, 17)).toThrow(
      'raise opset: the model must be of opset 7 or above, got 6',
    );
  });
});
