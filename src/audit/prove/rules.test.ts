import { describe, expect, it } from 'vitest';
import { exposing, modelOf, runOnce, tensor } from '../../../test/models.js';
import { float, floatTensor, intTensor, node, valueInfo } from '../../onnx/build.js';
import type { NodeProto, TensorProto } from '../../onnx/proto.js';
import { createRandom } from '../../random.js';
import { dissect } from '../anatomy.js';
import { type LayerBounds, proveBounds } from './prove.js';

type Attributes = Parameters<typeof node>[3];
interface Case {
  readonly op: string;
  readonly attributes?: Attributes;
  readonly more?: readonly TensorProto[];
  /** Bounds may be wider than what samples show by this share (default 2 %). */
  readonly loose?: number;
  readonly inputs?: readonly string[];
}

const dims = [1, 2, 4, 4];
const size = 32;
const [lower, upper] = [-4, 1.5];

/** The operator on a map of two channels, followed by a ReLU whose pre-activation is bounded. */
async function bounded({ op, attributes, more = [], inputs }: Case) {
  const nodes: NodeProto[] = [
    node(op, inputs ?? ['x', ...more.map(({ name }) => name)], ['z'], attributes),
    node('Relu', ['z'], ['y']),
  ];
  const model = modelOf(
    { nodes, initializers: more, inputs: [valueInfo('x', ['N', 2, 4, 4])], outputs: [valueInfo('y')] },
    20,
  );
  const anatomy = dissect(model);
  const found = await proveBounds(anatomy, { x: dims }, { x: { lower, upper } });
  return { bounds: found.at(-1) as LayerBounds, model };
}

/** Constant maps from end to end, where each function of one number takes all of its values, and random ones. */
function samples(): number[][] {
  const random = createRandom(5);
  const steps = Array.from({ length: 551 }, (_, at) => new Array<number>(size).fill(lower + at / 100));
  const drawn = Array.from({ length: 200 }, () =>
    Array.from({ length: size }, () => lower + (upper - lower) * random.uniform()),
  );
  const ends = Array.from({ length: 200 }, () =>
    Array.from({ length: size }, () => (random.uniform() < 0.5 ? lower : upper)),
  );
  return [...steps, ...drawn, ...ends];
}

const indices = (name: string, values: number[]) => intTensor(name, [values.length], values);
const cases: Case[] = [
  ...'Sigmoid Tanh Erf Exp Softplus Softsign Selu Elu Celu HardSigmoid HardSwish Mish Gelu Neg Abs Identity Floor Ceil Sign'
    .split(' ')
    .map(op => ({ op })),
  { op: 'LeakyRelu', attributes: { alpha: float(-0.5) } },
  { op: 'PRelu', more: [floatTensor('slope', [2, 1, 1], [0.25, -2])] },
  { op: 'ThresholdedRelu', attributes: { alpha: float(1) } },
  { op: 'Mul', inputs: ['x', 'x'] },
  { op: 'Mul', more: [floatTensor('k', [2, 1, 1], [-3, 0])] },
  { op: 'Div', more: [floatTensor('k', [], [-0.3])] },
  { op: 'Sub', more: [floatTensor('k', [4], [1, -1, 2, 0])] },
  { op: 'Sub', inputs: ['k', 'x'], more: [floatTensor('k', [], [1])] },
  { op: 'Max', more: [floatTensor('k', [], [-1])] },
  { op: 'MaxPool', attributes: { kernel_shape: [2, 2] } },
  { op: 'AveragePool', attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 } },
  { op: 'GlobalAveragePool' },
  { op: 'ReduceSum', attributes: { keepdims: 1 }, more: [indices('axes', [2, 3])] },
  { op: 'ReduceMean', attributes: { keepdims: 1 }, more: [indices('axes', [3])] },
  { op: 'Pad', more: [indices('pads', [0, 0, 1, 1, 0, 0, 1, 1]), floatTensor('value', [], [2])] },
  { op: 'Transpose', attributes: { perm: [0, 1, 3, 2] } },
  { op: 'Softmax', attributes: { axis: 1 }, loose: 0.1 },
  {
    op: 'Conv',
    attributes: { group: 2, pads: [1, 1, 1, 1], strides: [2, 1] },
    more: [floatTensor('w', [2, 1, 2, 2], [1, -1, 2, 0, 0.5, 1, -1, 1]), floatTensor('b', [2], [1, -2])],
    loose: 0.4,
  },
  {
    op: 'ConvTranspose',
    attributes: { strides: [2, 2] },
    more: [
      floatTensor(
        'w',
        [2, 2, 2, 2],
        Array.from({ length: 16 }, (_, at) => Math.cos(at)),
      ),
    ],
    loose: 0.4,
  },
];

describe('bounds through one operator hold and are close', () => {
  it.each(cases.map(each => [`${each.op} ${JSON.stringify(each.inputs ?? each.attributes ?? {})}`, each] as const))(
    '%s',
    async (_, each) => {
      const { bounds, model } = await bounded(each);
      if (!('lower' in bounds)) throw new Error(bounds.unbounded);
      const rows = samples();
      const z = (await runOnce(exposing(model, ['z']), { x: tensor([rows.length, 2, 4, 4], rows.flat()) })).z!;
      const inner = z.dims.slice(2).reduce((a, b) => a * b, 1);
      const seen = bounds.lower.map(() => Infinity);
      const most = bounds.lower.map(() => -Infinity);
      for (const [at, value] of z.data.entries()) {
        const unit = Math.floor(at / inner) % 2;
        seen[unit] = Math.min(seen[unit]!, Number(value));
        most[unit] = Math.max(most[unit]!, Number(value));
      }
      for (const unit of [0, 1]) {
        expect(bounds.lower[unit]).toBeLessThanOrEqual(seen[unit]!);
        expect(bounds.upper[unit]).toBeGreaterThanOrEqual(most[unit]!);
        const slack = (each.loose ?? 0.02) * (most[unit]! - seen[unit]!) + 1e-4;
        expect(bounds.upper[unit]! - most[unit]!).toBeLessThan(slack);
        expect(seen[unit]! - bounds.lower[unit]!).toBeLessThan(slack);
      }
    },
  );
});

it.each([
  ['kept', 4],
  ['joined', 8],
])('a model of a fixed batch of two that is %s is bounded as well, by intervals', async (_, features) => {
  const random = createRandom(2);
  const weights = (count: number) => Array.from({ length: count }, () => random.normal());
  const model = modelOf({
    nodes: [
      node('Gemm', ['x', 'w'], ['z']),
      node('Relu', ['z'], ['h']),
      node('Reshape', ['h', 'shape'], ['r']),
      node('Gemm', ['r', 'v'], ['t']),
      node('Relu', ['t'], ['y']),
    ],
    initializers: [
      floatTensor('w', [3, 4], weights(12)),
      floatTensor('v', [features, 3], weights(3 * features)),
      intTensor('shape', [2], [8 / features, features]),
    ],
    inputs: [valueInfo('x', [2, 3])],
    outputs: [valueInfo('y')],
  });
  const found = await proveBounds(dissect(model), { x: [2, 3] }, { x: { lower: -1, upper: 1 } });
  expect(found.map(bounds => ('lower' in bounds ? bounds.method : bounds.unbounded))).toEqual(['interval', 'interval']);
  for (let round = 0; round < 50; round++) {
    const x = tensor(
      [2, 3],
      Array.from({ length: 6 }, () => (random.uniform() < 0.5 ? -1 : 1)),
    );
    const values = await runOnce(exposing(model, ['z', 't']), { x });
    for (const [index, name] of ['z', 't'].entries()) {
      const bounds = found[index] as Extract<LayerBounds, { lower: Float64Array }>;
      for (const [at, value] of values[name]!.data.entries()) {
        const unit = at % bounds.lower.length;
        expect(Number(value)).toBeGreaterThanOrEqual(bounds.lower[unit]!);
        expect(Number(value)).toBeLessThanOrEqual(bounds.upper[unit]!);
      }
    }
  }
});
