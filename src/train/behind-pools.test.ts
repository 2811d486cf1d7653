import { describe, expect, test } from 'vitest';
import { exposing, modelOf, runOnce, tensor } from '../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../onnx/build.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { createRandom } from '../random.js';
import { rectifyBehindPools } from './behind-pools.js';
import { differentiate } from './differentiate.js';

const dims = [2, 3, 4, 6];
const tiles = { kernel_shape: [2, 2], strides: [2, 2] };

/** Values of which some are equal, in the same window too, and some are zeros of either sign. */
function values(): number[] {
  const random = createRandom(1);
  const some = [-2, -1, -0.5, -0, 0, 0.5, 1, 3];
  return Array.from({ length: 144 }, () => some[random.integer(some.length)] as number);
}

interface Form {
  readonly opType: string;
  readonly attributes?: Record<string, ReturnType<typeof float>>;
  readonly more?: readonly string[];
  readonly pool?: Record<string, readonly number[]>;
}

/** A rectifier and the pool behind it, and the sum of squares of what comes out. */
function pooled({ opType, attributes = {}, more = [], pool = tiles }: Form): Model {
  return modelOf({
    nodes: [
      node(opType, ['x', ...more], ['h'], attributes),
      node('MaxPool', ['h'], ['y'], pool),
      node('ReduceSumSquare', ['y'], ['loss'], { keepdims: 0 }),
    ],
    inputs: [valueInfo('x', dims)],
    outputs: [valueInfo('y')],
    initializers: [floatTensor('low', [], [-0.6]), floatTensor('high', [], [0.7])],
  });
}

const order = (model: Model) => mainGraph(model).node.map(each => each.opType);

describe('a rectifier that never falls', () => {
  test.each<[string, Form]>([
    ['leaky ReLU', { opType: 'LeakyRelu', attributes: { alpha: float(0.1) } }],
    ['leaky ReLU with slope 0', { opType: 'LeakyRelu', attributes: { alpha: float(0) } }],
    ['leaky ReLU with slope 2', { opType: 'LeakyRelu', attributes: { alpha: float(2) } }],
    ['leaky ReLU with the usual slope', { opType: 'LeakyRelu' }],
    ['ELU', { opType: 'Elu' }],
    ['CELU', { opType: 'Celu', attributes: { alpha: float(0.5) } }],
    ['SELU', { opType: 'Selu' }],
    ['softplus', { opType: 'Softplus' }],
    ['thresholded ReLU', { opType: 'ThresholdedRelu', attributes: { alpha: float(0.7) } }],
    ['a clip', { opType: 'Clip', more: ['low', 'high'] }],
    [
      'leaky ReLU before windows that overlap',
      { opType: 'LeakyRelu', pool: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
    ],
  ])('%s moves behind the pool, with the same results and gradient', async (_, form) => {
    const before = pooled(form);
    const after = copyModel(before);
    rectifyBehindPools(after);
    expect(order(after)).toEqual(['MaxPool', form.opType, 'ReduceSumSquare']);
    const x = tensor(dims, values());
    const results = async (model: Model) => {
      const { y } = await runOnce(model, { x });
      const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['x'] });
      const dx = gradients.get('x') as string;
      return {
        y: y!.data as Float32Array,
        dx: (await runOnce(exposing(known, [dx]), { x }))[dx]!.data as Float32Array,
      };
    };
    const [want, got] = [await results(before), await results(after)];
    // Adding 0 makes zeros alike: of -0 and 0 either is the largest.
    expect(got.y.map(each => each + 0)).toEqual(want.y.map(each => each + 0));
    for (const [at, exact] of want.dx.entries()) expect(got.dx[at]).toBeCloseTo(exact, 5);
    expect(want.dx.some(each => each !== 0)).toBe(true);
  });
});

describe('a rectifier stays', () => {
  const stays = (model: Model) => {
    const before = order(model);
    rectifyBehindPools(model);
    expect(order(model)).toEqual(before);
  };

  test.each<[string, Form]>([
    ['that falls', { opType: 'LeakyRelu', attributes: { alpha: float(-0.1) } }],
    ['that ONNX Runtime makes part of a convolution', { opType: 'Relu' }],
    ['whose slopes may be learned to be negative', { opType: 'PRelu', more: ['low'] }],
  ])('%s', (_, form) => stays(pooled(form)));

  test('that something else reads', () => {
    const model = pooled({ opType: 'LeakyRelu' });
    mainGraph(model).node.push(node('Neg', ['h'], ['z']));
    stays(model);
  });

  test('that is an output', () => {
    const model = pooled({ opType: 'LeakyRelu' });
    mainGraph(model).output.push(valueInfo('h'));
    stays(model);
  });

  test('whose pool says where the largest were', () => {
    const model = pooled({ opType: 'LeakyRelu' });
    mainGraph(model).node[1]!.output.push('where');
    stays(model);
  });
});
