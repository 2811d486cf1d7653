import { clone, create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { exposing, modelOf, runOnce, tensor } from '../../test/models.js';
import { createRandom } from '../random.js';
import { float, floatTensor, graph, intTensor, node, valueInfo } from './build.js';
import { constantLookup } from './constants.js';
import { inlineFunctions } from './functions.js';
import type { Model } from './model.js';
import {
  AttributeProtoSchema,
  AttributeType,
  DataType,
  FunctionProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './proto.js';
import { findRectifiers, type Rectifier, type RectifierKind } from './rectifiers.js';
import { allScopes, indexGraph } from './scope.js';

/** A copy of a node with some fields changed. */
const altered = (original: NodeProto, changes: Partial<NodeProto>): NodeProto =>
  Object.assign(clone(NodeProtoSchema, original), changes);

const find = (model: Model): Rectifier[] => {
  const lookup = constantLookup(model.external);
  return findRectifiers(allScopes(indexGraph(model)), lookup);
};

const dims = [2, 3, 2];
const values = (seed: number) => {
  const random = createRandom(seed);
  return Float32Array.from([
    0,
    -0,
    1e-30,
    -1e-30,
    9,
    -9,
    6,
    -6,
    ...Array.from({ length: 4 }, () => 3 * random.normal()),
  ]);
};

/** What a rectifier is claimed to compute: the definition of its kind with the slopes, threshold and ceiling that were found. */
function claimed({ kind, negativeSlope, threshold, ceiling }: Rectifier, x: Float32Array): number[] {
  const selu = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };
  const slopeAt = (at: number): number => {
    const { dims: slopeDims, data } = negativeSlope!;
    let index = 0;
    for (let axis = 0; axis < slopeDims.length; axis++) {
      const inner = dims.slice(dims.length - slopeDims.length + axis + 1).reduce((a, b) => a * b, 1);
      const position = Math.floor(at / inner) % dims[dims.length - slopeDims.length + axis]!;
      index = index * slopeDims[axis]! + (slopeDims[axis] === 1 ? 0 : position);
    }
    return data[index]!;
  };
  return Array.from(x, (v, at) => {
    if (kind === 'elu' || kind === 'celu') return v > 0 ? v : Math.expm1(v);
    if (kind === 'selu') return selu.gamma * (v > 0 ? v : selu.alpha * Math.expm1(v));
    return v > threshold ? Math.min(v, ceiling) : slopeAt(at) * v;
  });
}

interface Parts {
  nodes: NodeProto[];
  initializers?: TensorProto[];
  opset?: number;
}

const modelFor = ({ nodes, initializers = [], opset = 17 }: Parts): Model =>
  modelOf({ nodes, initializers, inputs: [valueInfo('x', dims)], outputs: [valueInfo('y')] }, opset);

/** The rectifiers of a graph from `x` to `y`, each checked against what ONNX Runtime computes. */
async function checked(parts: Parts): Promise<Rectifier[]> {
  const model = modelFor(parts);
  const found = find(model);
  const x = tensor(dims, values(7));
  const results: Record<string, { data: unknown }> = await runOnce(
    exposing(
      model,
      found.flatMap(({ input, output }) => [input, output]),
    ),
    { x },
  );
  for (const rectifier of found) {
    const input = (results[rectifier.input] ?? x).data as Float32Array;
    const actual = Array.from(results[rectifier.output]!.data as Float32Array);
    const expected = claimed(rectifier, input);
    actual.forEach((value, at) => {
      expect(value, `${rectifier.name} at ${input[at]}`).toBeCloseTo(expected[at]!, 5);
    });
  }
  return found;
}

/** Every way to write the inputs of the commutative nodes of a graph. */
function* operandOrders(nodes: readonly NodeProto[]): Generator<NodeProto[]> {
  const commutative = nodes.filter(
    each => ['Add', 'Mul', 'Max', 'Min'].includes(each.opType) && each.input.length === 2,
  );
  for (let choice = 0; choice < 2 ** commutative.length; choice++)
    yield nodes.map(each => {
      const swap = commutative.includes(each) && (choice >> commutative.indexOf(each)) & 1;
      return swap ? altered(each, { input: [...each.input].reverse() }) : each;
    });
}

const zero = floatTensor('zero', [], [0]);
const six = floatTensor('six', [], [6]);
const slope = (slopeDims: readonly number[], slopes: readonly number[] = [0.1, 0.2, 0.3]) =>
  floatTensor('a', slopeDims, slopes);
const quarter = slope([], [0.25]);
const half = floatTensor('half', [], [0.5]);
const minusOne = floatTensor('minus', [1], [-1]);

interface Spelling extends Parts {
  kind: RectifierKind;
  slopes?: readonly number[];
  ceiling?: number;
  threshold?: number;
}

const relu = { kind: 'relu', slopes: [0] } as const;
const leaky = { kind: 'leaky-relu', slopes: [0.25] } as const;
const prelu = { kind: 'prelu', slopes: [0.1, 0.2, 0.3] } as const;
const relu6 = { kind: 'relu6', slopes: [0], ceiling: 6 } as const;
const n = node;

const spellings: Record<string, Spelling> = {
  Relu: { nodes: [n('Relu', ['x'], ['y'])], ...relu },
  'Relu, opset 7': { nodes: [n('Relu', ['x'], ['y'])], opset: 7, ...relu },
  LeakyRelu: { nodes: [n('LeakyRelu', ['x'], ['y'], { alpha: float(0.25) })], ...leaky },
  'LeakyRelu without alpha': { nodes: [n('LeakyRelu', ['x'], ['y'])], kind: 'leaky-relu', slopes: [0.01] },
  'PRelu, one slope': {
    nodes: [n('PRelu', ['x', 'a'], ['y'])],
    initializers: [slope([1], [0.25])],
    kind: 'prelu',
    slopes: [0.25],
  },
  'PRelu [C,1]': { nodes: [n('PRelu', ['x', 'a'], ['y'])], initializers: [slope([3, 1])], ...prelu },
  'PRelu [1,C,1], opset 7': {
    nodes: [n('PRelu', ['x', 'a'], ['y'])],
    initializers: [slope([1, 3, 1])],
    opset: 7,
    ...prelu,
  },
  'PRelu, last axis': {
    nodes: [n('PRelu', ['x', 'a'], ['y'])],
    initializers: [slope([2], [0.5, -0.5])],
    kind: 'prelu',
    slopes: [0.5, -0.5],
  },
  'PRelu, each element': {
    nodes: [n('PRelu', ['x', 'a'], ['y'])],
    initializers: [slope([3, 2], [0, 0.1, 0.2, 0.3, 0.4, 1.5])],
    kind: 'prelu',
    slopes: [0, 0.1, 0.2, 0.3, 0.4, 1.5],
  },
  ThresholdedRelu: {
    nodes: [n('ThresholdedRelu', ['x'], ['y'], { alpha: float(0.5) })],
    kind: 'thresholded-relu',
    slopes: [0],
    threshold: 0.5,
  },
  'ThresholdedRelu without alpha': {
    nodes: [n('ThresholdedRelu', ['x'], ['y'])],
    kind: 'thresholded-relu',
    slopes: [0],
    threshold: 1,
  },
  Elu: { nodes: [n('Elu', ['x'], ['y'])], kind: 'elu' },
  Selu: { nodes: [n('Selu', ['x'], ['y'])], kind: 'selu' },
  Celu: { nodes: [n('Celu', ['x'], ['y'])], kind: 'celu' },
  'Clip, bounds as attributes': {
    nodes: [n('Clip', ['x'], ['y'], { min: float(0), max: float(6) })],
    opset: 7,
    ...relu6,
  },
  'Clip, bounds as inputs': { nodes: [n('Clip', ['x', 'zero', 'six'], ['y'])], initializers: [zero, six], ...relu6 },
  'Clip, open, attributes': { nodes: [n('Clip', ['x'], ['y'], { min: float(0) })], opset: 7, ...relu },
  'Clip, open, inputs': { nodes: [n('Clip', ['x', 'zero', ''], ['y'])], initializers: [zero], ...relu },
  'Clip, largest float32': {
    nodes: [n('Clip', ['x', 'zero', 'top'], ['y'])],
    initializers: [zero, floatTensor('top', [], [3.4028234663852886e38])],
    ...relu,
  },
  'Clip to another bound': {
    nodes: [n('Clip', ['x', 'zero', 'top'], ['y'])],
    initializers: [zero, floatTensor('top', [], [2])],
    kind: 'clipped-relu',
    slopes: [0],
    ceiling: 2,
  },
  'Max(x, 0)': { nodes: [n('Max', ['x', 'zero'], ['y'])], initializers: [zero], ...relu },
  'Max(x, 0), opset 8': { nodes: [n('Max', ['x', 'zero'], ['y'])], initializers: [zero], opset: 8, ...relu },
  'Max(x, [0, 0])': {
    nodes: [n('Max', ['x', 'zero'], ['y'])],
    initializers: [floatTensor('zero', [2], [0, 0])],
    ...relu,
  },
  'Min(Relu(x), 6)': { nodes: [n('Relu', ['x'], ['r']), n('Min', ['r', 'six'], ['y'])], initializers: [six], ...relu6 },
  'Min(Max(x, 0), 6)': {
    nodes: [n('Max', ['x', 'zero'], ['r']), n('Min', ['r', 'six'], ['y'])],
    initializers: [zero, six],
    ...relu6,
  },
  'Relu(Min(x, 6))': { nodes: [n('Min', ['x', 'six'], ['m']), n('Relu', ['m'], ['y'])], initializers: [six], ...relu6 },
  'Max(Min(x, 6), 0)': {
    nodes: [n('Min', ['x', 'six'], ['m']), n('Max', ['m', 'zero'], ['y'])],
    initializers: [zero, six],
    ...relu6,
  },
  'Max(x, a*x)': {
    nodes: [n('Mul', ['x', 'a'], ['s']), n('Max', ['x', 's'], ['y'])],
    initializers: [quarter],
    ...leaky,
  },
  'Max(x, a*x), opset 8': {
    nodes: [n('Mul', ['x', 'a'], ['s']), n('Max', ['x', 's'], ['y'])],
    initializers: [quarter],
    opset: 8,
    ...leaky,
  },
  'Max(x, x/4)': {
    nodes: [n('Div', ['x', 'four'], ['s']), n('Max', ['x', 's'], ['y'])],
    initializers: [floatTensor('four', [], [4])],
    ...leaky,
  },
  'Max(x, a*x), [C,1]': {
    nodes: [n('Mul', ['x', 'a'], ['s']), n('Max', ['x', 's'], ['y'])],
    initializers: [slope([3, 1])],
    ...prelu,
  },
  'Where(x > 0, x, a*x)': {
    nodes: [n('Greater', ['x', 'zero'], ['c']), n('Mul', ['x', 'a'], ['s']), n('Where', ['c', 'x', 's'], ['y'])],
    initializers: [zero, quarter],
    ...leaky,
  },
  'Where(x >= 0, x, a*x)': {
    nodes: [n('GreaterOrEqual', ['x', 'zero'], ['c']), n('Mul', ['x', 'a'], ['s']), n('Where', ['c', 'x', 's'], ['y'])],
    initializers: [zero, slope([1, 3, 1])],
    ...prelu,
  },
  'Where(x < 0, a*x, x)': {
    nodes: [n('Less', ['x', 'zero'], ['c']), n('Mul', ['x', 'a'], ['s']), n('Where', ['c', 's', 'x'], ['y'])],
    initializers: [zero, quarter],
    ...leaky,
  },
  'Where(0 < x, x, a*x)': {
    nodes: [n('Less', ['zero', 'x'], ['c']), n('Mul', ['x', 'a'], ['s']), n('Where', ['c', 'x', 's'], ['y'])],
    initializers: [zero, quarter],
    ...leaky,
  },
  'Where(0 >= x, 0, x)': {
    nodes: [n('GreaterOrEqual', ['zero', 'x'], ['c']), n('Where', ['c', 'zero', 'x'], ['y'])],
    initializers: [zero],
    ...relu,
  },
  'Relu(x) + a*Min(0, x)': {
    nodes: [
      n('Relu', ['x'], ['p']),
      n('Min', ['zero', 'x'], ['m']),
      n('Mul', ['m', 'a'], ['s']),
      n('Add', ['p', 's'], ['y']),
    ],
    initializers: [zero, slope([3, 1])],
    ...prelu,
  },
  'Max(x, 0) + a*Min(x, 0), slopes beyond 1': {
    nodes: [
      n('Max', ['x', 'zero'], ['p']),
      n('Min', ['x', 'zero'], ['m']),
      n('Mul', ['m', 'a'], ['s']),
      n('Add', ['p', 's'], ['y']),
    ],
    initializers: [zero, slope([3, 1], [1.5, -0.5, 1])],
    kind: 'prelu',
    slopes: [1.5, -0.5, 1],
  },
  'Relu(x) + a*(x - |x|)*0.5': {
    nodes: [
      n('Relu', ['x'], ['p']),
      n('Abs', ['x'], ['abs']),
      n('Sub', ['x', 'abs'], ['d']),
      n('Mul', ['d', 'a'], ['s']),
      n('Mul', ['s', 'half'], ['t']),
      n('Add', ['p', 't'], ['y']),
    ],
    initializers: [half, slope([3, 1])],
    ...prelu,
  },
  'Relu(x) + c*(x - |x|)': {
    nodes: [
      n('Relu', ['x'], ['p']),
      n('Abs', ['x'], ['abs']),
      n('Sub', ['x', 'abs'], ['d']),
      n('Mul', ['d', 'a'], ['s']),
      n('Add', ['p', 's'], ['y']),
    ],
    initializers: [slope([1, 3, 1], [0.05, 0.1, 0.15])],
    ...prelu,
  },
  'Relu(x) + a*(x - Relu(x))': {
    nodes: [
      n('Relu', ['x'], ['p']),
      n('Sub', ['x', 'p'], ['d']),
      n('Mul', ['d', 'a'], ['s']),
      n('Add', ['p', 's'], ['y']),
    ],
    initializers: [quarter],
    ...leaky,
  },
  'Relu(x) - a*Relu(-x)': {
    nodes: [
      n('Relu', ['x'], ['p']),
      n('Neg', ['x'], ['m']),
      n('Relu', ['m'], ['q']),
      n('Mul', ['q', 'a'], ['s']),
      n('Sub', ['p', 's'], ['y']),
    ],
    initializers: [slope([3, 1])],
    ...prelu,
  },
  'Relu(x) + -(a*Relu(-1*x))': {
    nodes: [
      n('Relu', ['x'], ['p']),
      n('Mul', ['x', 'minus'], ['m']),
      n('Relu', ['m'], ['q']),
      n('Mul', ['q', 'a'], ['s']),
      n('Neg', ['s'], ['t']),
      n('Add', ['p', 't'], ['y']),
    ],
    initializers: [minusOne, quarter],
    ...leaky,
  },
  'p*x + q*|x|': {
    nodes: [
      n('Mul', ['x', 'p'], ['px']),
      n('Abs', ['x'], ['abs']),
      n('Mul', ['abs', 'q'], ['qx']),
      n('Add', ['px', 'qx'], ['y']),
    ],
    initializers: [floatTensor('p', [], [0.625]), floatTensor('q', [], [0.375])],
    ...leaky,
  },
};

describe('spellings', () => {
  for (const [name, { kind, slopes, ceiling = Infinity, threshold = 0, ...parts }] of Object.entries(spellings)) {
    it(`${name}, in every order of operands, is what it is called`, async () => {
      for (const nodes of operandOrders(parts.nodes)) {
        const found = await checked({ ...parts, nodes });
        expect(found.map(each => [each.kind, each.input, each.output])).toEqual([[kind, 'x', 'y']]);
        expect([found[0]!.threshold, found[0]!.ceiling]).toEqual([threshold, ceiling]);
        const given =
          found[0]!.negativeSlope && Array.from(found[0]!.negativeSlope.data, item => Number(item.toPrecision(6)));
        expect(given).toEqual(slopes ?? null);
      }
    });
  }

  it('sees the rectifier behind a layer that is itself a constant multiple', async () => {
    for (const spelling of ['Max(x, a*x)', 'Where(x > 0, x, a*x)', 'p*x + q*|x|', 'Relu(x) - a*Relu(-x)']) {
      const { nodes, initializers = [] } = spellings[spelling]!;
      const scaled = nodes.map(each => altered(each, { input: each.input.map(name => (name === 'x' ? 'z' : name)) }));
      const found = await checked({
        nodes: [n('Mul', ['x', 'two'], ['z']), ...scaled],
        initializers: [...initializers, floatTensor('two', [1], [-2])],
      });
      expect(
        found.map(({ input, output }) => [input, output]),
        spelling,
      ).toEqual([['z', 'y']]);
    }
  });
});

describe('constants', () => {
  const slopes = [0.1, 0.2, 0.3];
  const constantNode = n('Constant', [], ['a'], { value: floatTensor('', [3, 1], slopes) });
  const double = create(TensorProtoSchema, {
    name: 'raw',
    dims: [3n, 1n],
    dataType: DataType.DOUBLE,
    doubleData: slopes,
  });
  const raw = (rawDims: number[], scale = 1) =>
    floatTensor(
      'raw',
      rawDims,
      slopes.map(item => scale * item),
    );
  const ways: Record<string, Parts> = {
    'Constant node': { nodes: [constantNode] },
    Identity: { nodes: [n('Identity', ['raw'], ['a'])], initializers: [raw([3, 1])] },
    Cast: { nodes: [n('Cast', ['raw'], ['a'], { to: DataType.FLOAT })], initializers: [double] },
    Neg: { nodes: [n('Neg', ['raw'], ['a'])], initializers: [raw([3, 1], -1)] },
    Reshape: { nodes: [n('Reshape', ['raw', 'to'], ['a'])], initializers: [raw([3]), intTensor('to', [2], [3, 1])] },
    'Unsqueeze, axes as attribute': {
      nodes: [n('Unsqueeze', ['raw'], ['a'], { axes: [1] })],
      initializers: [raw([3])],
      opset: 7,
    },
    'Unsqueeze, axes as input': {
      nodes: [n('Unsqueeze', ['raw', 'axes'], ['a'])],
      initializers: [raw([3]), intTensor('axes', [1], [-1])],
      opset: 21,
    },
    'Squeeze, axes as attribute': {
      nodes: [n('Squeeze', ['raw'], ['a'], { axes: [0, 3] })],
      initializers: [raw([1, 3, 1, 1])],
      opset: 7,
    },
    'Squeeze, axes as input': {
      nodes: [n('Squeeze', ['raw', 'axes'], ['a'])],
      initializers: [raw([1, 3, 1]), intTensor('axes', [1], [0])],
      opset: 21,
    },
  };
  for (const [way, { nodes, initializers = [], opset = 17 }] of Object.entries(ways)) {
    it(`reads slopes through ${way}`, async () => {
      const [found, ...rest] = await checked({ nodes: [...nodes, n('PRelu', ['x', 'a'], ['y'])], initializers, opset });
      expect(rest).toEqual([]);
      expect(Array.from(found!.negativeSlope!.data, item => Number(item.toPrecision(6)))).toEqual(slopes);
      expect(found!.negativeSlope!.dims).toEqual([3, 1]);
    });
  }

  it('reads bounds from scalar Constant nodes', async () => {
    const nodes = [
      n('Constant', [], ['low'], { value_float: float(0) }),
      n('Constant', [], ['high'], { value_float: float(6) }),
      n('Clip', ['x', 'low', 'high'], ['y']),
    ];
    expect((await checked({ nodes })).map(({ kind }) => kind)).toEqual(['relu6']);
  });

  it('finds a PRelu whose slope is computed, without claiming a slope', () => {
    const model = modelOf({
      nodes: [n('Abs', ['slope'], ['s']), n('PRelu', ['x', 's'], ['y'])],
      inputs: [valueInfo('x', dims), valueInfo('slope', [1])],
      outputs: [valueInfo('y')],
    });
    expect(find(model).map(({ kind, negativeSlope }) => [kind, negativeSlope])).toEqual([['prelu', null]]);
  });
});

describe('what is not a rectifier', () => {
  const three = floatTensor('three', [], [3]);
  const sixth = floatTensor('sixth', [], [1 / 6]);
  const plusThree = n('Add', ['x', 'three'], ['t']);
  const clip = n('Clip', ['t', 'zero', 'six'], ['g']);
  const constants = [zero, six, three, sixth];
  const others: Record<string, Parts> = {
    'hard-swish, Mul then Div': {
      nodes: [plusThree, clip, n('Mul', ['x', 'g'], ['m']), n('Div', ['m', 'six'], ['y'])],
      initializers: constants,
    },
    'hard-swish, Div then Mul': {
      nodes: [plusThree, clip, n('Div', ['g', 'six'], ['d']), n('Mul', ['d', 'x'], ['y'])],
      initializers: constants,
    },
    'hard-swish, Mul by a sixth': {
      nodes: [plusThree, clip, n('Mul', ['g', 'sixth'], ['d']), n('Mul', ['x', 'd'], ['y'])],
      initializers: constants,
    },
    'hard-swish, Clip with attributes': {
      nodes: [
        plusThree,
        n('Clip', ['t'], ['g'], { min: float(0), max: float(6) }),
        n('Mul', ['x', 'g'], ['m']),
        n('Div', ['m', 'six'], ['y']),
      ],
      initializers: constants,
      opset: 7,
    },
    'hard-swish by Min(Relu(x + 3), 6)': {
      nodes: [
        plusThree,
        n('Relu', ['t'], ['r']),
        n('Min', ['r', 'six'], ['g']),
        n('Mul', ['x', 'g'], ['m']),
        n('Mul', ['m', 'sixth'], ['y']),
      ],
      initializers: constants,
    },
    'hard-sigmoid by Clip(0, 6)': { nodes: [plusThree, clip, n('Div', ['g', 'six'], ['y'])], initializers: constants },
    'hard-sigmoid by Clip(0, 1)': {
      nodes: [n('Mul', ['x', 'sixth'], ['s']), n('Add', ['s', 'half'], ['t']), n('Clip', ['t', 'zero', 'one'], ['y'])],
      initializers: [zero, sixth, half, floatTensor('one', [], [1])],
    },
    'Clip(-1, 1)': {
      nodes: [n('Clip', ['x', 'low', 'high'], ['y'])],
      initializers: [floatTensor('low', [], [-1]), floatTensor('high', [], [1])],
    },
    'Clip without bounds': { nodes: [n('Clip', ['x'], ['y'])] },
    'Max(x, y)': { nodes: [n('Neg', ['x'], ['z']), n('Max', ['x', 'z'], ['y'])] },
    'Max of three': { nodes: [n('Neg', ['x'], ['z']), n('Max', ['x', 'zero', 'z'], ['y'])], initializers: [zero] },
    'Max(x, a*x, z)': {
      nodes: [n('Neg', ['x'], ['z']), n('Mul', ['x', 'a'], ['s']), n('Max', ['x', 's', 'z'], ['y'])],
      initializers: [quarter],
    },
    'Max(x, 1)': { nodes: [n('Max', ['x', 'one'], ['y'])], initializers: [floatTensor('one', [], [1])] },
    'Max(x, a*x), a > 1': {
      nodes: [n('Mul', ['x', 'a'], ['s']), n('Max', ['x', 's'], ['y'])],
      initializers: [slope([3, 1], [0.1, 2, 0.3])],
    },
    'Max(x, a*x), a < 0': {
      nodes: [n('Mul', ['x', 'a'], ['s']), n('Max', ['x', 's'], ['y'])],
      initializers: [slope([], [-0.5])],
    },
    'Min(x, 0)': { nodes: [n('Min', ['x', 'zero'], ['y'])], initializers: [zero] },
    'Min(x, a*x)': { nodes: [n('Mul', ['x', 'a'], ['s']), n('Min', ['x', 's'], ['y'])], initializers: [quarter] },
    'Where with another threshold': {
      nodes: [n('Greater', ['x', 'six'], ['c']), n('Mul', ['x', 'a'], ['s']), n('Where', ['c', 'x', 's'], ['y'])],
      initializers: [six, quarter],
    },
    'Where with another condition': {
      nodes: [
        n('Neg', ['x'], ['z']),
        n('Greater', ['z', 'zero'], ['c']),
        n('Mul', ['x', 'a'], ['s']),
        n('Where', ['c', 'x', 's'], ['y']),
      ],
      initializers: [zero, quarter],
    },
    'Where the other way round': {
      nodes: [n('Greater', ['x', 'zero'], ['c']), n('Mul', ['x', 'a'], ['s']), n('Where', ['c', 's', 'x'], ['y'])],
      initializers: [zero, quarter],
    },
    'x*sigmoid(x)': { nodes: [n('Sigmoid', ['x'], ['s']), n('Mul', ['x', 's'], ['y'])] },
    'p*x + q*|x| with p + q = 2': {
      nodes: [n('Mul', ['x', 'p'], ['px']), n('Abs', ['x'], ['abs']), n('Add', ['px', 'abs'], ['y'])],
      initializers: [floatTensor('p', [], [1.5])],
    },
    'another operator of the same name': { nodes: [altered(n('Relu', ['x'], ['y']), { domain: 'com.example' })] },
    'Relu of a constant': {
      nodes: [n('Relu', ['a'], ['r']), n('Mul', ['x', 'r'], ['y'])],
      initializers: [slope([3, 1])],
    },
    'Relu of a computed constant': {
      nodes: [n('Add', ['a', 'a'], ['b']), n('Relu', ['b'], ['r']), n('Mul', ['x', 'r'], ['y'])],
      initializers: [slope([3, 1])],
    },
    'Clip of a shape': {
      nodes: [
        n('Shape', ['x'], ['shape']),
        n('Cast', ['shape'], ['s'], { to: DataType.FLOAT }),
        n('Clip', ['s', 'zero', ''], ['r']),
        n('ReduceMax', ['r'], ['m'], { keepdims: 0 }),
        n('Mul', ['x', 'm'], ['y']),
      ],
      initializers: [zero],
    },
  };
  for (const [name, parts] of Object.entries(others)) {
    it(`${name} is not taken for one`, () => {
      for (const nodes of operandOrders(parts.nodes))
        expect(find(modelFor({ ...parts, nodes })).map(({ name }) => name)).toEqual([]);
    });
  }

  it('tells a ReLU6 whose input happens to be a sum from the gate of a hard-swish', async () => {
    const nodes = [plusThree, altered(clip, { output: ['y'] })];
    expect((await checked({ nodes, initializers: constants })).map(({ kind }) => kind)).toEqual(['relu6']);
  });
});

describe('parts that are read elsewhere', () => {
  const { nodes, initializers = [] } = spellings['Relu(x) + a*Min(0, x)']!;
  it('are reported too when another node reads them', async () => {
    const more = [n('Neg', ['p'], ['q'])];
    const model = modelOf({
      nodes: [...nodes, ...more],
      initializers,
      inputs: [valueInfo('x', dims)],
      outputs: [valueInfo('y'), valueInfo('q')],
    });
    expect(find(model).map(({ kind, output }) => [kind, output])).toEqual([
      ['relu', 'p'],
      ['prelu', 'y'],
    ]);
  });

  it('are reported too when they are an output of the model', () => {
    const model = modelOf({
      nodes,
      initializers,
      inputs: [valueInfo('x', dims)],
      outputs: [valueInfo('y'), valueInfo('p')],
    });
    expect(find(model).map(({ output }) => output)).toEqual(['p', 'y']);
  });
});

describe('where rectifiers sit', () => {
  const body = (output: string, op = 'Relu') =>
    graph({ nodes: [n(op, ['x'], [output])], outputs: [valueInfo(output)], name: output });

  it('finds those in both branches of an If, with their path', () => {
    const branches = { then_branch: body('t'), else_branch: body('e', 'LeakyRelu') };
    const model = modelOf({
      nodes: [n('If', ['c'], ['y'], branches)],
      inputs: [valueInfo('c', [], DataType.BOOL), valueInfo('x', dims)],
      outputs: [valueInfo('y')],
    });
    expect(find(model).map(({ kind, scope }) => [kind, scope.path])).toEqual([
      ['relu', 'y/then_branch'],
      ['leaky-relu', 'y/else_branch'],
    ]);
  });

  it('finds those in the body of a Loop and of a Scan', () => {
    const loop = graph({
      nodes: [n('Identity', ['go'], ['again']), n('Relu', ['carried'], ['next'])],
      inputs: [valueInfo('i', [], DataType.INT64), valueInfo('go', [], DataType.BOOL), valueInfo('carried')],
      outputs: [valueInfo('again', [], DataType.BOOL), valueInfo('next')],
    });
    const scan = graph({
      nodes: [n('Relu', ['row'], ['out'])],
      inputs: [valueInfo('row')],
      outputs: [valueInfo('out')],
    });
    const model = modelOf({
      nodes: [
        n('Loop', ['count', '', 'x'], ['z'], { body: loop }),
        n('Scan', ['z'], ['y'], { body: scan, num_scan_inputs: 1 }),
      ],
      initializers: [intTensor('count', [], [2])],
      inputs: [valueInfo('x', dims)],
      outputs: [valueInfo('y')],
    });
    expect(find(model).map(({ input, scope }) => [input, scope.path])).toEqual([
      ['carried', 'z/body'],
      ['row', 'y/body'],
    ]);
  });

  it('finds those in local functions once they are inlined, with the slope of each call', () => {
    const template = n('LeakyRelu', ['in'], ['out'], { alpha: float(0) });
    template.attribute = [
      create(AttributeProtoSchema, { name: 'alpha', refAttrName: 'slope', type: AttributeType.FLOAT }),
    ];
    const opsets = [create(OperatorSetIdProtoSchema, { version: 17n })];
    const call = (input: string, output: string, slope: number) =>
      altered(n('Leak', [input], [output], { slope: float(slope) }), { domain: 'local' });
    const model = modelOf({
      nodes: [call('x', 'z', 0.5), call('z', 'y', -0.25)],
      inputs: [valueInfo('x', dims)],
      outputs: [valueInfo('y')],
    });
    model.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'local', version: 1n }));
    model.proto.functions.push(
      create(FunctionProtoSchema, {
        name: 'Leak',
        domain: 'local',
        input: ['in'],
        output: ['out'],
        attribute: ['slope'],
        node: [template],
        opsetImport: opsets,
      }),
    );
    expect(find(inlineFunctions(model)).map(({ negativeSlope }) => negativeSlope?.data[0])).toEqual([0.5, -0.25]);
  });

  it('gives rectifiers of one name different ones, in the order in which they run', () => {
    const same = (input: string, output: string) => altered(n('Relu', [input], [output]), { name: 'relu' });
    const model = modelOf({
      nodes: [same('z', 'y'), same('x', 'z')],
      inputs: [valueInfo('x', dims)],
      outputs: [valueInfo('y')],
    });
    expect(find(model).map(({ name, input }) => [name, input])).toEqual([
      ['relu', 'x'],
      ['relu (2)', 'z'],
    ]);
  });
});
