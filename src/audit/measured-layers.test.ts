import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { float, floatTensor, graph, node, valueInfo } from '../onnx/build.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import { createRandom } from '../random.js';
import { inspectLayers } from '../theory/inspect.js';
import { measureLayers } from './measured-layers.js';

const random = createRandom(7);
const normals = (count: number, std = 1) => Array.from({ length: count }, () => Math.fround(std * random.normal()));
/** Weights ±size: their second moment is exact. */
const signs = (count: number, size: number) => Array.from({ length: count }, (_, at) => (at % 3 === 0 ? -size : size));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const initializer = floatTensor;

const build = (
  nodes: NodeProto[],
  initializers: TensorProto[],
  { input = ['N', 16] as (string | number)[], output = nodes.at(-1)!.output[0]! } = {},
) => modelOf({ nodes, initializers, inputs: [valueInfo('x', input)], outputs: [valueInfo(output)] });

const inspect = (...given: Parameters<typeof build>) => inspectLayers(measureLayers(build(...given)).layers);

describe('measureLayers', () => {
  test('a stack of exact weights: each spelling of a dense layer gives its σ_w², its slope and its place in the chain', () => {
    const w = signs(256, 0.25);
    const { layers, chains } = inspect(
      [
        node('Gemm', ['x', 'w0'], ['z0']),
        node('Relu', ['z0'], ['h0']),
        node('Gemm', ['h0', 'w1'], ['z1'], { transB: 1 }),
        node('LeakyRelu', ['z1'], ['h1'], { alpha: float(0.5) }),
        node('MatMul', ['h1', 'w2'], ['m2']),
        node('Add', ['m2', 'b2'], ['z2']),
        node('PRelu', ['z2', 'a2'], ['h2']),
        node('Reshape', ['h2', 'shape'], ['r2']),
        node('Gemm', ['r2', 'w3'], ['y'], { alpha: float(2) }),
      ],
      [
        ...[0, 1, 2, 3].map(at => initializer(`w${at}`, [16, 16], w)),
        initializer('b2', [16], signs(16, 0.5)),
        initializer('a2', [1], [2]),
        initializer('shape', [2], [-1, 16]),
      ],
    );
    expect(layers.map(({ weightVariance }) => weightVariance)).toEqual([1, 1, 1, 4]);
    expect(layers.map(({ ownWeightVariance }) => ownWeightVariance)).toEqual([1, 1, 1, 1]);
    expect(layers.map(({ forward }) => forward)).toEqual([0.5, 0.625, 2.5, 4]);
    expect(layers.map(({ backward }) => backward)).toEqual([0.5, 0.625, 2.5, 4]);
    expect(layers.map(({ cumulativeForward }) => cumulativeForward)).toEqual([0.5, 0.3125, 0.78125, 3.125]);
    expect(layers.map(({ meanSlope }) => meanSlope)).toEqual([0, 0.5, 2, null]);
    expect(layers.map(({ biasVariance }) => biasVariance)).toEqual([0, 0, 0.25, 0]);
    expect(layers.map(({ goldenSlope }) => goldenSlope)).toEqual([1, 1, 1, null]);
    expect(layers[3]!.rescaling).toBe(0.5);
    expect(chains.map(chain => chain.layers)).toEqual([[0, 1, 2, 3]]);
  });

  test('slopes for each channel weigh by the weights of their channel, so that the factor is that of these weights', () => {
    const rows = 12;
    const w = Array.from({ length: rows }, (_, row) => normals(16, 0.1 * (row + 1)));
    const slopes = normals(rows);
    const [layer] = inspect(
      [node('Gemm', ['x', 'w'], ['z'], { transB: 1 }), node('PRelu', ['z', 'a'], ['y'])],
      [initializer('w', [rows, 16], w.flat()), initializer('a', [rows], slopes)],
    ).layers;
    const squares = w.map(row => row.reduce((sum, each) => sum + each * each, 0));
    expect(layer!.weightVariance).toBeCloseTo(mean(squares), 9);
    expect(layer!.forward).toBeCloseTo(mean(squares.map((square, unit) => (square * (1 + slopes[unit]! ** 2)) / 2)), 9);
    expect(layer!.meanSlope).toBeCloseTo(
      mean(squares.map((square, unit) => square * slopes[unit]!)) / mean(squares),
      9,
    );
    const meanWeight = mean(w.flat());
    expect(layer!.weightMeanShare).toBeCloseTo(meanWeight ** 2 / mean(w.flat().map(each => each * each)), 9);
  });

  test('batch norm behind a convolution is folded in, and the weights before it are told too', () => {
    const [gamma, beta, center, variance] = [normals(4), normals(4), normals(4), [1, 4, 0.25, 9]];
    const w = signs(4 * 3 * 9, 0.5);
    const [layer] = inspect(
      [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', 'g', 'b', 'm', 'v'], ['z'], { epsilon: float(0) }),
        node('Relu', ['z'], ['y']),
      ],
      [
        initializer('w', [4, 3, 3, 3], w),
        ...(
          [
            ['g', gamma],
            ['b', beta],
            ['m', center],
            ['v', variance],
          ] as const
        ).map(([name, data]) => initializer(name, [4], data)),
      ],
      { input: ['N', 3, 8, 8] },
    ).layers;
    const scale = gamma.map((g, at) => g / Math.sqrt(variance[at]!));
    expect(layer).toMatchObject({ fanIn: 27, units: 4, hasBatchNorm: true, follows: 'Relu' });
    expect(layer!.ownWeightVariance).toBe(27 * 0.25);
    expect(layer!.weightVariance).toBeCloseTo(27 * 0.25 * mean(scale.map(s => s * s)), 6);
    expect(layer!.biasVariance).toBeCloseTo(mean(beta.map((b, at) => (b - center[at]! * scale[at]!) ** 2)), 6);
  });

  test('factors are what ONNX Runtime measures on normal inputs, for grouped, strided and transposed convolutions', async () => {
    const cases: { op: string; dims: number[]; attributes: Record<string, number | number[]>; units: number }[] = [
      { op: 'Conv', dims: [6, 2, 3, 3], attributes: { group: 2, strides: [2, 2] }, units: 6 },
      { op: 'Conv', dims: [4, 1, 3, 3], attributes: { group: 4 }, units: 4 },
      { op: 'ConvTranspose', dims: [4, 5, 2, 2], attributes: { strides: [2, 2] }, units: 5 },
      { op: 'ConvTranspose', dims: [4, 3, 2, 2], attributes: { group: 2, strides: [2, 2] }, units: 6 },
    ];
    for (const { op, dims, attributes, units } of cases) {
      const size = dims.reduce((a, b) => a * b, 1);
      const model = build(
        [node(op, ['x', 'w'], ['z'], attributes), node('PRelu', ['z', 'a'], ['y'])],
        [initializer('w', dims, normals(size)), initializer('a', [units, 1, 1], normals(units))],
        { input: ['N', 4, 8, 8] },
      );
      const [layer] = inspectLayers(measureLayers(model).layers).layers;
      const samples = 1000;
      const { y } = await runOnce(model, { x: tensor([samples, 4, 8, 8], normals(samples * 256)) });
      const values = Array.from(y!.data as Float32Array);
      const each = values.length / samples;
      const means = Array.from({ length: samples }, (_, at) =>
        mean(values.slice(at * each, (at + 1) * each).map(value => value * value)),
      );
      const average = mean(means);
      const error = Math.sqrt(mean(means.map(value => (value - average) ** 2)) / samples);
      expect(Math.abs(average - layer!.forward!), `${op} ${dims}`).toBeLessThan(4 * error);
      expect(error / average).toBeLessThan(0.05);
    }
  });

  test('clipped, thresholded and exponential rectifiers get the moments of theirs', async () => {
    const spellings: [NodeProto, string][] = [
      [node('Clip', ['z', 'zero', 'one'], ['y']), 'Clip(0, 1)'],
      [node('ThresholdedRelu', ['z'], ['y'], { alpha: float(0.5) }), 'ThresholdedRelu'],
      [node('Elu', ['z'], ['y'], { alpha: float(0.5) }), 'Elu'],
      [node('Celu', ['z'], ['y'], { alpha: float(2) }), 'Celu'],
      [node('Selu', ['z'], ['y']), 'Selu'],
    ];
    for (const [rectifier, spelling] of spellings) {
      const w = signs(16 * 4, 0.25);
      const bounds = [initializer('zero', [], [0]), initializer('one', [], [1])];
      const model = build(
        [node('Gemm', ['x', 'w'], ['z']), rectifier],
        [initializer('w', [16, 4], w), ...(rectifier.opType === 'Clip' ? bounds : [])],
      );
      const [layer] = inspectLayers(measureLayers(model).layers).layers;
      expect(layer!.follows).toBe(spelling);
      if (rectifier.opType === 'Clip') {
        expect(layer!.rectifier).toMatchObject({ name: 'clipped:1', range: [0, 1], kinks: [0, 1] });
        expect([-1, 0.5, 2].map(x => layer!.rectifier!.value(x))).toEqual([0, 0.5, 1]);
        expect([-1, 0.5, 2].map(x => layer!.rectifier!.derivative(x))).toEqual([0, 1, 0]);
      }
      const samples = 20_000;
      const { y } = await runOnce(model, { x: tensor([samples, 16], normals(samples * 16)) });
      const squares = Array.from(y!.data as Float32Array, value => value * value);
      const average = mean(squares);
      // The four units share their inputs: at worst they are one.
      const error = Math.sqrt(mean(squares.map(value => (value - average) ** 2)) / samples);
      expect(Math.abs(layer!.forward! - average), spelling).toBeLessThan(4 * error);
    }
  });

  test('chains end at residual sums, whose rectifiers belong to no layer', () => {
    const w = initializer('w', [16, 16], signs(256, 0.25));
    const model = build(
      [
        node('MatMul', ['x', 'w'], ['z0']),
        node('Relu', ['z0'], ['h0']),
        node('MatMul', ['h0', 'w'], ['z1']),
        node('Add', ['z1', 'h0'], ['s']),
        node('Relu', ['s'], ['h1']),
        node('MatMul', ['h1', 'w'], ['z2']),
        node('Relu', ['z2'], ['h2']),
        node('Identity', ['h2'], ['i2']),
        node('MatMul', ['i2', 'w'], ['z3']),
        node('Sigmoid', ['z3'], ['y']),
      ],
      [w],
    );
    const { layers, rectifiersWithoutLayer } = measureLayers(model);
    expect(rectifiersWithoutLayer).toBe(1);
    expect(layers.map(({ previous }) => previous)).toEqual([null, 0, null, 2]);
    expect(layers.map(({ follows }) => follows)).toEqual(['Relu', 'Add', 'Relu', 'Sigmoid']);
    expect(layers.map(({ isKnown }) => isKnown)).toEqual([true, true, true, false]);
    expect(inspectLayers(layers).chains.map(chain => chain.layers)).toEqual([[0, 1], [2]]);
  });

  test('a layer with two rectifiers counts once for each', () => {
    const { layers } = measureLayers(
      build(
        [
          node('Gemm', ['x', 'w'], ['z']),
          node('Relu', ['z'], ['p']),
          node('Neg', ['z'], ['n']),
          node('LeakyRelu', ['z'], ['q'], { alpha: float(0.5) }),
          node('Concat', ['p', 'q', 'n'], ['y'], { axis: 1 }),
        ],
        [initializer('w', [16, 4], signs(64, 0.25))],
      ),
    );
    expect(layers.map(({ name, meanSlope }) => [name, meanSlope])).toEqual([
      ['z', 0],
      ['z', 0.5],
    ]);
  });

  test('says what it cannot know: computed slopes, weights that are not finite, other constants of Selu', () => {
    const one = (rectifier: NodeProto, w = signs(64, 0.25)) =>
      inspect([node('Gemm', ['x', 'w'], ['z']), rectifier], [initializer('w', [16, 4], w)]).layers[0];
    expect(one(node('PRelu', ['z', 'z'], ['y']))).toMatchObject({ isKnown: false, forward: null });
    expect(one(node('Selu', ['z'], ['y'], { alpha: float(1) }))).toMatchObject({ isKnown: false, forward: null });
    const holed = one(node('Relu', ['z'], ['y']), [...signs(63, 0.25), Number.NaN]);
    expect(holed).toMatchObject({ isKnown: true, forward: null, weightVariance: Number.NaN });
    expect(one(node('PRelu', ['z', 'a'], ['y']), new Array(64).fill(0))).toMatchObject({ weightVariance: 0 });
    const zero = inspect(
      [node('Gemm', ['x', 'w'], ['z']), node('PRelu', ['z', 'a'], ['y'])],
      [initializer('w', [16, 4], new Array(64).fill(0)), initializer('a', [4], [0.1, 0.2, 0.3, 0.4])],
    ).layers[0];
    expect(zero).toMatchObject({ forward: 0, rescaling: null, weightMeanShare: 0 });
  });

  test('reads the layers inside control flow, and models without layers', () => {
    const body = (name: string) =>
      graph({
        nodes: [node('MatMul', ['x', 'w'], [`${name}z`]), node('Relu', [`${name}z`], [name])],
        outputs: [valueInfo(name)],
      });
    const model = build(
      [node('If', ['c'], ['y'], { then_branch: body('t'), else_branch: body('e') })],
      [initializer('w', [16, 16], signs(256, 0.25)), initializer('c', [], [1])],
    );
    expect(measureLayers(model).layers.map(({ follows, weightVariance }) => [follows, weightVariance])).toEqual([
      ['Relu', 1],
      ['Relu', 1],
    ]);
    expect(measureLayers(build([node('Relu', ['x'], ['y'])], []))).toEqual({ layers: [], rectifiersWithoutLayer: 1 });
  });
});
