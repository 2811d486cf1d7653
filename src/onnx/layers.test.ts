import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { createRandom, type Random } from '../random.js';
import { float, floatTensor, graph, node, valueInfo } from './build.js';
import { constantLookup } from './constants.js';
import { batchNormOf, feedingLayer, unitAxisLookup, weightNorms } from './layers.js';
import { DataType, type NodeProto, type TensorProto } from './proto.js';
import { indexGraph } from './scope.js';

const normals = (random: Random, count: number) => Float64Array.from({ length: count }, () => random.normal());

/** A layer with weights from `x` to `z`: the shape of one sample, and of a constant with one number for each unit. */
interface Layer {
  op: string;
  sample: number[];
  units: number;
  fanIn: number;
  perUnit: (units: number) => number[];
  nodes: NodeProto[];
  initializers: TensorProto[];
}

/** Kernels are as large as the input (the input of a transposed convolution is one pixel), so that every weight is used exactly once. */
function randomLayer(random: Random): Layer {
  const weight = (dims: number[]) =>
    floatTensor(
      'w',
      dims,
      normals(
        random,
        dims.reduce((a, b) => a * b, 1),
      ),
    );
  const [groups, inEach, outEach] = [1 + random.integer(3), 1 + random.integer(2), 1 + random.integer(2)];
  const [inputs, units] = [groups * inEach, groups * outEach];
  const bias = floatTensor('b', [units], normals(random, units));
  const withBias = random.integer(2) === 1;
  const names = withBias ? ['x', 'w', 'b'] : ['x', 'w'];
  const own = (w: TensorProto) => (withBias ? [w, bias] : [w]);
  switch (random.integer(5)) {
    case 0:
      return {
        op: 'Conv',
        sample: [inputs, 3, 2],
        units,
        fanIn: inEach * 6,
        perUnit: each => [each, 1, 1],
        nodes: [node('Conv', names, ['z'], { group: groups })],
        initializers: own(weight([units, inEach, 3, 2])),
      };
    case 1:
      return {
        op: 'ConvTranspose',
        sample: [inputs, 1, 1],
        units,
        fanIn: inEach * 4,
        perUnit: each => [1, each, 1, 1],
        nodes: [node('ConvTranspose', names, ['z'], { group: groups })],
        initializers: own(weight([inputs, outEach, 2, 2])),
      };
    case 2: {
      const transB = random.integer(2);
      const attributes = { alpha: float(-1.5), beta: float(0.5), transB };
      return {
        op: 'Gemm',
        sample: [inputs],
        units,
        fanIn: inputs,
        perUnit: each => [1, each],
        nodes: [node('Gemm', names, ['z'], attributes)],
        initializers: own(weight(transB ? [units, inputs] : [inputs, units])),
      };
    }
    case 3:
      return {
        op: 'MatMul',
        sample: [inputs],
        units,
        fanIn: inputs,
        perUnit: each => [each],
        nodes: [node('MatMul', ['x', 'w'], ['m']), node('Add', ['b', 'm'], ['z'])],
        initializers: [weight([inputs, units]), bias],
      };
    default:
      return {
        op: 'Conv',
        sample: [inputs, 4],
        units,
        fanIn: inEach * 4,
        perUnit: each => [1, each, 1],
        nodes: [node('Conv', names, ['z'], { group: groups })],
        initializers: own(weight([units, inEach, 4])),
      };
  }
}

/** Linear steps behind a layer, from `z` to `y`; batch norms have negative and zero gammas among others. */
function randomSteps(random: Random, { op, units, perUnit }: Layer, count: number) {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const constant = (name: string, values: Float64Array, dims = perUnit(units)) => {
    initializers.push(floatTensor(name, dims, values));
    return name;
  };
  for (let step = 0; step < count; step++) {
    const [from, to] = [step === 0 ? 'z' : `z${step}`, step === count - 1 ? 'y' : `z${step + 1}`];
    const each = () =>
      random.integer(3) === 0
        ? constant(`c${step}`, normals(random, 1), [])
        : constant(`c${step}`, normals(random, units));
    const kind = random.integer(op === 'MatMul' ? 8 : 9);
    if (kind === 0) nodes.push(node('Identity', [from], [to]));
    else if (kind === 1) nodes.push(node('Cast', [from], [to], { to: DataType.FLOAT }));
    else if (kind === 2) nodes.push(node('Dropout', [from], [to]));
    else if (kind === 3) nodes.push(node('Add', [each(), from], [to]));
    else if (kind === 4) nodes.push(node('Sub', [from, each()], [to]));
    else if (kind === 5) nodes.push(node('Mul', [from, each()], [to]));
    else if (kind === 6) nodes.push(node('Mul', [each(), from], [to]));
    else if (kind === 7) nodes.push(node('Div', [from, each()], [to]));
    else {
      const gamma = normals(random, units).map((value, unit) => (unit % 3 === 2 ? 0 : value));
      const names = [
        constant(`g${step}`, gamma, [units]),
        constant(`beta${step}`, normals(random, units), [units]),
        constant(`m${step}`, normals(random, units), [units]),
        constant(
          `v${step}`,
          normals(random, units).map(value => value * value),
          [units],
        ),
      ];
      nodes.push(node('BatchNormalization', [from, ...names], [to], { epsilon: float(1e-3) }));
    }
  }
  return { nodes, initializers };
}

describe('a folded layer', () => {
  it('has the bias and the weight norms that ONNX Runtime shows', async () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 250; seed++) {
      const random = createRandom(seed);
      const layer = randomLayer(random);
      const steps = randomSteps(random, layer, 1 + random.integer(4));
      const model = modelOf({
        nodes: [...layer.nodes, ...steps.nodes],
        initializers: [...layer.initializers, ...steps.initializers],
        inputs: [valueInfo('x', ['N', ...layer.sample])],
        outputs: [valueInfo('y')],
      });
      // Sample 0 is all zeros and shows the bias; sample 1 + i is 1 at input i and shows that input's weights.
      const elements = layer.sample.reduce((a, b) => a * b, 1);
      const x = new Float32Array((1 + elements) * elements);
      for (let input = 0; input < elements; input++) x[(1 + input) * elements + input] = 1;
      const y = (await runOnce(model, { x: tensor([1 + elements, ...layer.sample], x) })).y!.data as Float32Array;
      const perSample = y.length / (1 + elements);
      const positions = perSample / layer.units;

      const lookup = constantLookup(new Map());
      const found = feedingLayer(indexGraph(model), 'y', lookup)!;
      expect([found.op, found.units, found.fanIn]).toEqual([layer.op, layer.units, layer.fanIn]);
      expect(found.node).toBe(model.proto.graph!.node[0]);
      const norms = weightNorms(found);
      for (let unit = 0; unit < layer.units; unit++) {
        const bias = y[unit * positions]!;
        let squares = 0;
        for (let at = perSample; at < y.length; at++)
          if (Math.floor((at % perSample) / positions) === unit) squares += (y[at]! - bias) ** 2;
        const scale = Math.max(1, Math.abs(bias), Math.sqrt(squares));
        expect(Math.abs(found.bias[unit]! - bias) / scale, `bias, seed ${seed}`).toBeLessThan(1e-4);
        expect(Math.abs(norms[unit]! - Math.sqrt(squares)) / scale, `norm, seed ${seed}`).toBeLessThan(1e-4);
      }
      for (const each of found.between) kinds.add(`${layer.op} ${each.opType}`);
    }
    expect(kinds.size).toBeGreaterThan(28);
  });
});

const w = floatTensor('w', [2, 3], [1, 2, 3, 4, 5, 6]);
const parts = (nodes: NodeProto[], initializers: TensorProto[] = [w]) => {
  const model = modelOf({ nodes, initializers, inputs: [valueInfo('x', ['N', 2])], outputs: [valueInfo('y')] });
  return { scope: indexGraph(model), lookup: constantLookup(new Map()) };
};

describe('no single layer feeds', () => {
  const cases: Record<string, [NodeProto[], TensorProto[]?]> = {
    'a residual sum': [[node('MatMul', ['x', 'w'], ['a']), node('Relu', ['a'], ['b']), node('Add', ['a', 'b'], ['y'])]],
    'a product with computed weights': [[node('Transpose', ['x'], ['t']), node('MatMul', ['x', 't'], ['y'])]],
    'a transposed input': [[node('Gemm', ['x', 'w'], ['y'], { transA: 1 })]],
    'an activation': [[node('MatMul', ['x', 'w'], ['a']), node('Tanh', ['a'], ['y'])]],
    'a constant on the left': [[node('MatMul', ['w', 'x'], ['y'])]],
    'a constant that differs by sample': [
      [node('MatMul', ['x', 'w'], ['a']), node('Add', ['a', 'c'], ['y'])],
      [w, floatTensor('c', [3, 1], [1, 2, 3])],
    ],
    'one minus the value': [
      [node('MatMul', ['x', 'w'], ['a']), node('Sub', ['c', 'a'], ['y'])],
      [w, floatTensor('c', [], [1])],
    ],
    'batch norm in training form': [
      [
        node('Gemm', ['x', 'w'], ['a']),
        node('BatchNormalization', ['a', 'c', 'c', 'c', 'c'], ['y', 'm', 'v'], { training_mode: 1 }),
      ],
      [w, floatTensor('c', [3], [1, 1, 1])],
    ],
    'an input of the model': [[node('Identity', ['x'], ['y'])]],
  };
  for (const [name, [nodes, initializers]] of Object.entries(cases)) {
    it(name, () => {
      const { scope, lookup } = parts(nodes, initializers);
      expect(feedingLayer(scope, 'y', lookup)).toBeNull();
    });
  }
});

it('reads batch norm as a line', () => {
  const constants = { gamma: [2, -1], beta: [1, 0], mean: [0.5, 3], variance: [3, 8] };
  const { scope, lookup } = parts(
    [node('BatchNormalization', ['x', 'gamma', 'beta', 'mean', 'variance'], ['y'], { epsilon: float(1) })],
    Object.entries(constants).map(([name, values]) => floatTensor(name, [2], values)),
  );
  const line = batchNormOf(scope, scope.nodes[0]!, lookup)!;
  expect(Array.from(line.scale, item => Number(item.toFixed(12)))).toEqual([1, Number((-1 / 3).toFixed(12))]);
  expect(Array.from(line.shift, item => Number(item.toFixed(12)))).toEqual([0.5, 1]);
});

describe('the axis of the units', () => {
  const kernel = floatTensor('k', [4, 2, 1, 1], new Array(8).fill(1));
  const row = floatTensor('row', [4], [1, 2, 3, 4]);
  const conv = node('Conv', ['x', 'k'], ['a']);
  const matrix = node('MatMul', ['x', 'w'], ['a']);
  const cases: Record<string, [NodeProto[], number | null]> = {
    Conv: [[conv], 1],
    'Conv, Relu, MaxPool': [
      [conv, node('Relu', ['a'], ['b']), node('MaxPool', ['b'], ['y'], { kernel_shape: [1, 1] })],
      1,
    ],
    'Conv to features last': [[conv, node('Transpose', ['a'], ['y'], { perm: [0, 2, 3, 1] })], 3],
    'features last to first': [[matrix, node('Transpose', ['a'], ['y'], { perm: [0, 3, 1, 2] })], 1],
    'Conv plus constant': [[conv, node('Add', ['row', 'a'], ['y'])], 1],
    'residual sum': [[conv, node('Add', ['x', 'a'], ['y'])], 1],
    Concat: [[conv, node('Concat', ['a', 'a'], ['y'], { axis: 1 })], 1],
    MatMul: [[matrix], -1],
    'Gemm, LayerNormalization': [
      [node('Gemm', ['x', 'w'], ['a']), node('LayerNormalization', ['a', 'row'], ['y'])],
      -1,
    ],
    'Conv, Flatten': [[conv, node('Flatten', ['a'], ['y'])], -1],
    Reshape: [[conv, node('Reshape', ['a', 'row'], ['y'])], null],
    'the input itself': [[node('Relu', ['x'], ['y'])], null],
  };
  for (const [name, [nodes, axis]] of Object.entries(cases)) {
    it(`${axis} behind ${name}`, () => {
      const renamed = nodes.length === 1 && nodes[0]!.output[0] === 'a' ? 'a' : 'y';
      const { scope, lookup } = parts(nodes, [w, kernel, row]);
      expect(unitAxisLookup(lookup)(scope, renamed)).toBe(axis);
    });
  }

  it('is that of the surrounding graph for a value captured by a branch', () => {
    const branch = (output: string) => graph({ nodes: [node('Relu', ['a'], [output])], outputs: [valueInfo(output)] });
    const { scope, lookup } = parts(
      [conv, node('If', ['c'], ['y'], { then_branch: branch('t'), else_branch: branch('e') })],
      [kernel],
    );
    expect(unitAxisLookup(lookup)(scope.children[0]!.scope, 't')).toBe(1);
  });
});
