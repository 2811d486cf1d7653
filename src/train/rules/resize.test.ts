import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOperator, floats, ints, type OperatorInput, operatorModel } from '../../../test/gradient-check.js';
import { exposing, modelOf, runAll, runOnce, tensor } from '../../../test/models.js';
import { type AttributeValue, float, floatTensor, intTensor, node, valueInfo } from '../../onnx/build.js';
import { type Model, mainGraph } from '../../onnx/model.js';
import { raiseOpset } from '../../onnx/raise-opset.js';
import type { TensorData } from '../../onnx/tensor-data.js';
import { createRandom } from '../../random.js';
import { differentiate } from '../differentiate.js';

type Attributes = Readonly<Record<string, AttributeValue>>;
/** After the data: roi, scales, sizes. */
type Parameters = readonly OperatorInput[];

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const numbers = (value: TensorData | undefined) => value?.data as Float32Array;

/** The gradient of Σ w y for random w, and w times what each unit vector becomes, which is the same since y is affine: their largest difference. */
async function difference(dims: readonly number[], parameters: Parameters, attributes: Attributes, opset = 17) {
  const { model } = operatorModel('Resize', [dims, ...parameters], { attributes, opset });
  return differenceOf(model, dims);
}

async function differenceOf(model: Model, dims: readonly number[]) {
  const size = count(dims);
  const units = Array.from({ length: size }, (_, at) =>
    Float32Array.from({ length: size }, (_, i) => (i === at ? 1 : 0)),
  );
  const feeds = [new Float32Array(size), ...units].map(data => ({ i0: tensor(dims, data) }));
  const [zero, ...became] = (await runAll(model, feeds)).map(({ y0 }) => y0 as TensorData) as [TensorData];
  const random = createRandom(1);
  const weights = Float32Array.from(numbers(zero), () => 0.2 + random.uniform());
  const graph = mainGraph(model);
  graph.initializer.push(floatTensor('w', zero.dims, weights));
  graph.node.push(node('Mul', ['y0', 'w'], ['part']), node('ReduceSum', ['part'], ['loss'], { keepdims: 0 }));
  const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt: ['i0'], threads: 1 });
  const name = gradients.get('i0') as string;
  const got = numbers((await runOnce(exposing(known, [name]), feeds[0] as Record<string, TensorData>))[name]);
  const wrong = became.map((unit: TensorData, at) => {
    const exact = weights.reduce(
      (sum, w, i) => sum + w * ((numbers(unit)[i] as number) - (numbers(zero)[i] as number)),
      0,
    );
    return Math.abs(exact - (got[at] as number));
  });
  return Math.max(...wrong);
}

const dims = [2, 2, 3, 4];
const lengths: Parameters = ['', '', ints(2, 2, 8, 2)];
// 3 becomes 6, which is not twice as the scale has it; 4 stays 4, but not each as it was.
const scales: Parameters = ['', floats([4], 1, 1, 2.2, 1.2)];
const coordinates = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_crop_and_resize',
];
const modes: [string, Attributes][] = [
  ['nearest, round_prefer_floor', { mode: 'nearest' }],
  ['nearest, round_prefer_ceil', { mode: 'nearest', nearest_mode: 'round_prefer_ceil' }],
  ['nearest, floor', { mode: 'nearest', nearest_mode: 'floor' }],
  ['nearest, ceil', { mode: 'nearest', nearest_mode: 'ceil' }],
  ['linear', { mode: 'linear' }],
  ['cubic', { mode: 'cubic' }],
  ['cubic, another coefficient', { mode: 'cubic', cubic_coeff_a: float(-0.5), exclude_outside: 1 }],
];

describe.each(modes)('%s', (_, attributes) => {
  it.each(coordinates)('%s', async coordinate_transformation_mode => {
    const all = { ...attributes, coordinate_transformation_mode };
    expect(await difference(dims, lengths, all), 'lengths').toBeLessThan(1e-5);
    expect(await difference(dims, scales, all), 'scales').toBeLessThan(1e-5);
  });
});

const linear = { mode: 'linear' };
const cubic = { mode: 'cubic' };
const repeated = { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' };
const crop = { coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: float(7) };
const cases: [string, readonly number[], Parameters, Attributes, number?][] = [
  ['repeats', dims, ['', floats([4], 1, 1, 3, 2)], repeated],
  ['repeats in one dimension', [2, 1, 5], ['', '', ints(2, 1, 15)], repeated],
  ['repeats channels', dims, ['', floats([4], 1, 2, 1, 1)], repeated],
  ['repeats a vector', [5], ['', floats([1], 3)], repeated],
  ['changes nothing', dims, ['', '', ints(...dims)], linear],
  ['changes no length, so that it is a copy', dims, ['', floats([4], 1, 1, 1.1, 1.2)], linear],
  ['only the last axis', dims, ['', '', ints(2, 2, 3, 9)], linear],
  ['to one element', dims, ['', '', ints(2, 2, 1, 1)], cubic],
  ['from one element', [1, 2, 1, 1], ['', '', ints(1, 2, 3, 5)], linear],
  ['a vector', [5], ['', '', ints(8)], {}],
  ['a matrix', [3, 4], ['', '', ints(5, 3)], linear],
  ['a matrix, cubic', [3, 4], ['', '', ints(5, 3)], cubic],
  ['three axes', [2, 3, 4], ['', '', ints(3, 5, 3)], linear],
  ['a volume', [1, 2, 2, 3, 4], ['', '', ints(1, 2, 3, 2, 5)], linear],
  ['six axes', [1, 2, 2, 2, 2, 2], ['', '', ints(2, 3, 1, 4, 2, 3)], {}],
  ['channels last', [2, 3, 4, 2], ['', '', ints(2, 5, 3, 2)], linear],
  ['empty roi and scales', dims, [floats([0]), floats([0]), ints(2, 2, 5, 6)], linear, 11],
  ['crops', dims, [floats([8], 0, 0, 0.2, 0.1, 1, 1, 0.7, 0.8), '', ints(2, 2, 5, 3)], { ...linear, ...crop }],
  ['crops beyond', dims, [floats([8], 0, 0, -0.6, 0.3, 1, 1, 0.7, 1.4), '', ints(2, 2, 5, 6)], { ...linear, ...crop }],
  ['crops the nearest', dims, [floats([8], 0, 0, -0.6, 0.3, 1, 1, 0.7, 1.4), '', ints(2, 2, 5, 6)], crop],
  ['crops one axis', dims, [floats([8], 0, 0, 0.2, 0.1, 1, 1, 0.7, 0.8), '', ints(2, 2, 5, 4)], { ...cubic, ...crop }],
  ['antialiased', dims, ['', '', ints(2, 2, 2, 3)], { ...linear, antialias: 1 }, 18],
  ['antialiased, outside excluded', dims, scales, { ...linear, antialias: 1, exclude_outside: 1 }, 18],
  ['antialiased, cubic', [1, 2, 7, 5], ['', '', ints(1, 2, 3, 9)], { ...cubic, antialias: 1 }, 19],
  ['antialiased, cubic, outside excluded', dims, lengths, { ...cubic, antialias: 1, exclude_outside: 1 }, 19],
  ['antialiased volume', [1, 1, 4, 3, 5], ['', '', ints(1, 1, 2, 3, 2)], { ...linear, antialias: 1 }, 19],
  ['two axes', dims, ['', '', ints(2, 7)], { ...linear, axes: [-1, 2] }, 18],
  ['two axes by scales', dims, ['', floats([2], 1.7, 0.6)], { ...cubic, axes: [2, 3] }, 19],
  ['crops an axis', dims, [floats([2], 0.2, 0.7), '', ints(5)], { ...linear, ...crop, axes: [3] }, 19],
  [
    'not larger',
    [2, 2, 4, 4],
    ['', '', ints(7, 6)],
    { ...linear, axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    18,
  ],
  ['not smaller', dims, ['', '', ints(6, 6)], { ...cubic, axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }, 19],
];

it.each(cases)('%s', async (_, given, parameters, attributes, opset) => {
  expect(await difference(given, parameters, attributes, opset)).toBeLessThan(1e-5);
});

it.each([
  [repeated, floats([4], 1, 1, 3, 2)],
  [linear, floats([4], 1, 1, 2, 1.5)],
  [linear, floats([4], 1, 1, 2.2, 0.6)],
])('%j as finite differences', async (attributes, factors) => {
  const { errors, forward } = await checkOperator('Resize', [dims, '', factors], { attributes });
  expect(forward).toBeLessThan(1e-6);
  expect(errors.i0).toBeLessThan(3e-6);
});

it('any form, lengths and scales', async () => {
  const axis = fc.record({
    from: fc.integer({ min: 1, max: 6 }),
    to: fc.integer({ min: 1, max: 9 }),
    scale: fc.float({ min: Math.fround(0.3), max: 3, noNaN: true }),
    start: fc.float({ min: Math.fround(-0.5), max: 1, noNaN: true }),
    end: fc.float({ min: 0, max: 1.5, noNaN: true }),
  });
  const form = fc.record({
    attributes: fc.constantFrom(...modes.map(([, each]) => each)),
    coordinate_transformation_mode: fc.constantFrom(...coordinates),
    byScale: fc.boolean(),
    axes: fc.tuple(axis, axis),
  });
  await fc.assert(
    fc.asyncProperty(form, async ({ attributes, coordinate_transformation_mode, byScale, axes }) => {
      fc.pre(!byScale || axes.every(({ from, scale }) => Math.trunc(Math.fround(from * scale)) > 0));
      const [starts, ends] = [axes.map(({ start }) => start), axes.map(({ end }) => end)];
      const roi = floats([8], 0, 0, ...starts, 1, 1, ...ends);
      const lengths = ['', ints(1, 2, ...axes.map(({ to }) => to))] as const;
      const size = byScale ? [floats([4], 1, 1, ...axes.map(({ scale }) => scale))] : lengths;
      const given = [1, 2, ...axes.map(({ from }) => from)];
      const found = await difference(given, [roi, ...size], { ...attributes, coordinate_transformation_mode });
      expect(found).toBeLessThan(1e-4);
    }),
    { seed: 1, numRuns: 60 },
  );
});

describe('what other nodes compute', () => {
  /** A Resize of `i0` with the nodes that compute its other inputs, from constants, dimensions or numbers of `i0`. */
  const computed = (inputs: readonly string[], attributes: Attributes, opset = 18) =>
    modelOf(
      {
        nodes: [
          node('Shape', ['i0'], ['shape']),
          node('Mul', ['shape', 'factors'], ['sizes']),
          node('Abs', ['scales'], ['found/scales']),
          node('Concat', ['starts', 'ends'], ['found/roi'], { axis: 0 }),
          node('ReduceMax', ['i0'], ['most'], { keepdims: 0 }),
          node('Cast', ['most'], ['whole'], { to: 7 }),
          node('Add', ['scales', 'most'], ['varying/scales']),
          node('Add', ['found/roi', 'most'], ['varying/roi']),
          node('Add', ['sizes', 'whole'], ['varying/sizes']),
          node('Resize', ['i0', ...inputs], ['y0'], attributes),
        ],
        inputs: [valueInfo('i0', dims)],
        outputs: [valueInfo('y0')],
        initializers: [
          intTensor('factors', [4], [1, 1, 2, 3]),
          floatTensor('scales', [4], [1, 1, 2, 3]),
          floatTensor('starts', [4], [0, 0, 0, 0.3]),
          floatTensor('ends', [4], [1, 1, 1, 0.9]),
        ],
      },
      opset,
    );
  const cropping = { ...linear, ...crop };
  const notLarger = { ...linear, keep_aspect_ratio_policy: 'not_larger' };

  it.each([
    ['sizes', ['', '', 'sizes'], linear],
    [
      'sizes whose aspect counts',
      ['', '', 'sizes'],
      { ...notLarger, keep_aspect_ratio_policy: 'not_smaller', mode: 'nearest' },
    ],
    ['scales', ['', 'found/scales'], linear],
    ['a crop', ['found/roi', 'scales'], cropping],
  ])('%s that follow from constants and dimensions', async (_, inputs, attributes) => {
    expect(await differenceOf(computed(inputs, attributes), dims)).toBeLessThan(1e-5);
  });

  it.each([
    ['scales', ['', 'varying/scales'], linear],
    ['roi', ['varying/roi', 'scales'], cropping],
    ['sizes', ['', '', 'varying/sizes'], notLarger],
  ])('%s that follow from the data are refused', async (what, inputs, attributes) => {
    const model = computed(inputs, attributes);
    mainGraph(model).node.push(node('ReduceSum', ['y0'], ['loss'], { keepdims: 0 }));
    await expect(differentiate(model, { loss: 'loss', wrt: ['i0'], threads: 1 })).rejects.toThrow(
      `differentiate: node 'y0' (Resize): its ${what} must be constant to be differentiated, got computed ones, on the path`,
    );
  });
});

it('lengths that are rounded up to keep the aspect are refused', async () => {
  const attributes = { ...linear, axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' };
  await expect(difference(dims, ['', '', ints(6, 6)], attributes, 18)).rejects.toThrow(
    'its aspect must be kept by lengths that are rounded down to be differentiated, got 5 for 3 times 1.5',
  );
});

it.each(['nearest', 'linear'])('Upsample of opset 9, %s', async mode => {
  const { model } = operatorModel('Upsample', [dims, floats([4], 1, 1, 2, 1.5)], { attributes: { mode }, opset: 9 });
  expect(await differenceOf(raiseOpset(model, 17), dims)).toBeLessThan(1e-5);
});
