import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../../test/models.js';
import { audit } from '../../audit/audit.js';
import { float, floatTensor, graph, intTensor, node, valueInfo } from '../../onnx/build.js';
import { type Model, mainGraph } from '../../onnx/model.js';
import { DataType, type NodeProto, type TensorProto } from '../../onnx/proto.js';
import { dimsOf, tensorNumbers } from '../../onnx/tensor.js';
import { createRandom } from '../../random.js';
import { typedTensor } from '../typed-tensor.js';
import { type PruneOptions, prune } from './prune.js';

const normals = (count: number, seed = 1) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.normal());
};
const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
/** A random weight in which the rows (along the first axis) of some outputs are 0. */
const weight = (name: string, dims: readonly number[], empty: readonly number[] = [], seed = 1) => {
  const row = product(dims) / dims[0]!;
  return floatTensor(
    name,
    dims,
    normals(product(dims), seed).map((value, at) => (empty.includes(Math.floor(at / row)) ? 0 : value)),
  );
};
const initializer = (model: Model, name: string): TensorProto =>
  mainGraph(model).initializer.find(item => item.name === name)!;
const numbers = (model: Model, name: string) => Array.from(tensorNumbers(initializer(model, name), model.external)!);
const dims = (model: Model, name: string) => dimsOf(initializer(model, name));
const nodeOf = (model: Model, name: string): NodeProto => mainGraph(model).node.find(item => item.name === name)!;

/** Prunes with align 1 and checks that the outputs on random feeds stay. */
async function pruned(model: Model, feeds: Record<string, readonly number[]>, options: PruneOptions = {}) {
  const given = Object.fromEntries(
    Object.entries(feeds).map(([name, shape]) => [name, tensor(shape, normals(product(shape), 7))]),
  );
  const result = await prune(model, { align: 1, threads: 1, ...options });
  const [before, after] = [await runOnce(model, given), await runOnce(result.model, given)];
  for (const [name, { data, dims }] of Object.entries(before)) {
    expect(after[name]!.dims).toEqual(dims);
    for (const [at, value] of (data as Float32Array).entries())
      expect(after[name]!.data[at] as number).toBeCloseTo(value, 4);
  }
  return result;
}

const x3 = valueInfo('x', ['N', 3, 6, 6]);
const y = valueInfo('y');

describe('constants are folded', () => {
  const dense = (nodes: NodeProto[], initializers: TensorProto[]) =>
    modelOf({
      nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), ...nodes],
      initializers: [floatTensor('w', [2, 3], [1, 0, 0, 1, 0, 0]), floatTensor('b', [3], [0, 3, -1]), ...initializers],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [y],
    });
  const v = floatTensor('v', [3, 2], [1, 2, 0.5, 0.25, 7, 8]);

  it('into a bias, one number for each output', async () => {
    const { model, report } = await pruned(
      dense([node('Gemm', ['h', 'v', 'c'], ['y'])], [v, floatTensor('c', [2], [1, 1])]),
      { x: [4, 2] },
    );
    expect(numbers(model, 'c')).toEqual([2.5, 1.75]);
    expect(numbers(model, 'v')).toEqual([1, 2]);
    expect(dims(model, 'w')).toEqual([2, 1]);
    expect(report.layers).toEqual([
      {
        node: 'z',
        op: 'Gemm',
        units: { before: 3, after: 1, removed: [1, 2] },
        inputs: { before: 2, after: 2 },
        folded: 0,
      },
      {
        node: 'y',
        op: 'Gemm',
        units: { before: 2, after: 2, removed: [] },
        inputs: { before: 3, after: 1 },
        folded: 1,
      },
    ]);
    expect(report).toMatchObject({ rectifiedUnits: 2, left: [], flushed: 0, negligible: 0 });
    expect(report.before).toEqual({ parameters: 17, multiplyAdds: 12 });
    expect(report.after).toEqual({ parameters: 7, multiplyAdds: 4 });
  });

  it('into a missing bias, and one with alpha and beta', async () => {
    const missing = await pruned(dense([node('Gemm', ['h', 'v'], ['y'])], [v]), { x: [4, 2] });
    expect(numbers(missing.model, nodeOf(missing.model, 'y').input[2]!)).toEqual([1.5, 0.75]);
    for (const [shape, values] of [
      [[], [3]],
      [[1], [3]],
      [
        [1, 2],
        [3, 4],
      ],
      [[2], [3, 4]],
    ] as const) {
      const scaled = node('Gemm', ['h', 'v', 'c'], ['y'], { alpha: float(2), beta: float(0.5) });
      const { model } = await pruned(dense([scaled], [v, floatTensor('c', shape, values)]), { x: [4, 2] });
      const [first, second] = [values[0], values[1] ?? values[0]];
      expect(numbers(model, 'c')).toEqual([0.5 * first + 3, 0.5 * second + 1.5]);
    }
  });

  it('behind a matrix product, which has no bias', async () => {
    const { model } = await pruned(dense([node('MatMul', ['h', 'v'], ['y'])], [v]), { x: [4, 2] });
    expect(mainGraph(model).node.map(({ opType }) => opType)).toEqual(['Gemm', 'Relu', 'MatMul', 'Add']);
    expect(new Set(mainGraph(model).node.map(({ name }) => name)).size).toBe(4);
  });

  it('through batch norm, slopes, operands, pools and flattening', async () => {
    const model = modelOf({
      nodes: [
        node('Conv', ['x', 'w', 'b'], ['a']),
        node('BatchNormalization', ['a', 'g', 'be', 'm', 'va'], ['n']),
        node('PRelu', ['n', 's'], ['p']),
        node('Mul', ['k', 'p'], ['q']),
        node('MaxPool', ['q'], ['r'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Flatten', ['r'], ['f']),
        node('Gemm', ['f', 'v'], ['y'], { transB: 1 }),
      ],
      initializers: [
        weight('w', [4, 3, 1, 1], [1, 3]),
        floatTensor('b', [4], [0.5, 2, 0.25, -3]),
        floatTensor('g', [4], [1, 2, 3, 4]),
        floatTensor('be', [4], [0, 1, 0, 1]),
        floatTensor('m', [4], [0, 0.5, 0, 0.5]),
        floatTensor('va', [4], [1, 2, 1, 2]),
        floatTensor('s', [4, 1, 1], [0.1, 0.2, 0.3, 0.4]),
        floatTensor('k', [1, 4, 1, 1], [1, -2, 3, 4]),
        weight('v', [2, 36]),
      ],
      inputs: [x3],
      outputs: [y],
    });
    const { model: small, report } = await pruned(model, { x: [2, 3, 6, 6] });
    expect(['w', 'b', 'g', 'va', 's', 'k', 'v'].map(name => dims(small, name))).toEqual([
      [2, 3, 1, 1],
      [2],
      [2],
      [2],
      [2, 1, 1],
      [1, 2, 1, 1],
      [2, 18],
    ]);
    expect(numbers(small, 's')).toEqual([Math.fround(0.1), Math.fround(0.3)]);
    expect(report.layers[1]!.folded).toBe(2);
    expect(report.layers[1]!.inputs).toEqual({ before: 36, after: 18 });
  });

  it('under padding into another constant channel, which stays', async () => {
    const model = (bias: number[], op = 'Conv') =>
      modelOf({
        nodes: [
          node('Conv', ['x', 'w', 'b'], ['z']),
          node('Relu', ['z'], ['h']),
          node(op, ['h', 'v'], ['y'], { pads: [1, 1, 1, 1] }),
        ],
        initializers: [
          weight('w', [5, 3, 1, 1], [1, 2, 4]),
          floatTensor('b', [5], bias),
          weight('v', op === 'Conv' ? [2, 5, 3, 3] : [5, 2, 3, 3]),
        ],
        inputs: [x3],
        outputs: [y],
      });
    for (const op of ['Conv', 'ConvTranspose']) {
      const { report } = await pruned(model([0, 1, 2, 0, 0.5], op), { x: [2, 3, 6, 6] });
      expect(report.layers[0]!.units.removed).toEqual([1, 4]);
      expect(report.layers[1]!.folded).toBe(2);
      expect(report.left).toEqual(
        ['z', 'h'].map(value => ({
          node: value,
          op: value === 'z' ? 'Conv' : 'Relu',
          value,
          units: [2],
          reason: `${op} 'y' pads its input with zeros, beside which a constant is not constant`,
        })),
      );
    }
    const silent = await pruned(model([0, -1, -2, 0, -1]), { x: [2, 3, 6, 6] });
    expect(silent.report.left).toEqual([]);
    expect(silent.report.layers[0]!.units.removed).toEqual([1, 2, 4]);
  });

  it('at the level the caller names', async () => {
    const model = modelOf({
      nodes: [
        node('Conv', ['x', 'w'], ['z']),
        node('Relu', ['z'], ['h']),
        node('Clip', ['h', '', 'high'], ['k']),
        node('GlobalAveragePool', ['k'], ['p']),
        node('Conv', ['p', 'v'], ['y']),
      ],
      initializers: [weight('w', [3, 3, 1, 1]), floatTensor('high', [], [0.5]), weight('v', [2, 3, 1, 1])],
      inputs: [x3],
      outputs: [y],
    });
    const { model: small, report } = await prune(model, { align: 1, constants: new Map([['k', new Map([[1, 0.5]])]]) });
    expect(report.layers[0]!.units.removed).toEqual([1]);
    const [v] = [numbers(model, 'v')];
    expect(numbers(small, nodeOf(small, 'y').input[2]!)).toEqual([v[1]! / 2, v[4]! / 2].map(Math.fround));
  });
});

describe('channels are followed', () => {
  const between = (nodes: NodeProto[], initializers: TensorProto[], opset = 17, units = 4) =>
    modelOf(
      {
        nodes: [node('Conv', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), ...nodes],
        initializers: [
          weight('w', [units, 3, 1, 1], [1, 2]),
          floatTensor('b', [units], normals(units, 3)),
          ...initializers,
        ],
        inputs: [x3],
        outputs: [y],
      },
      opset,
    );
  const last = (input = 'm') => [node('Conv', [input, 'v', 'c'], ['y'])] as const;
  const v = (inputs: number) => [weight('v', [2, inputs, 1, 1]), floatTensor('c', [2], [1, 2])];

  it('through depthwise convolutions', async () => {
    const depthwise = node('Conv', ['h', 'd'], ['m'], { group: 4 });
    const { model, report } = await pruned(between([depthwise, ...last()], [weight('d', [8, 1, 3, 3]), ...v(8)]), {
      x: [2, 3, 6, 6],
    });
    expect(dims(model, 'd')).toEqual([4, 1, 3, 3]);
    expect(nodeOf(model, 'm').attribute.find(({ name }) => name === 'group')!.i).toBe(2n);
    expect(report.layers.map(({ units }) => units.removed)).toEqual([[1, 2], [2, 3, 4, 5], []]);
  });

  it('through a grouped convolution, group by group, and freely once one group is left', async () => {
    const grouped = node('Conv', ['h', 'd'], ['m'], { group: 2 });
    const { model, report } = await pruned(
      modelOf({
        nodes: [node('Conv', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), grouped, ...last()],
        initializers: [
          weight('w', [4, 3, 1, 1], [1, 2, 3]),
          floatTensor('b', [4], [0, -1, -1, -1]),
          weight('d', [4, 2, 1, 1], [2, 3]),
          ...v(4),
        ],
        inputs: [x3],
        outputs: [y],
      }),
      { x: [2, 3, 6, 6] },
    );
    expect(report.layers.map(({ units }) => units.removed)).toEqual([[1, 2, 3], [2, 3], []]);
    expect(report.layers.map(({ inputs }) => inputs.after)).toEqual([3, 1, 2]);
    expect(dims(model, 'd')).toEqual([2, 1, 1, 1]);
    expect(report.left).toEqual([]);
  });

  it('through Concat, of a value with itself too', async () => {
    const concat = node('Concat', ['h', 'x', 'h'], ['m'], { axis: 1 });
    const known = await prune(between([concat, ...last()], v(11)), { align: 1 });
    expect(known.report.layers).toEqual([]);
    expect(known.report.left[0]!.reason).toBe("Concat 'm' reads it: the channels of one of its inputs are not known");
    const twice = node('Concat', ['h', 'z', 'h'], ['m'], { axis: -3 });
    const { model } = await pruned(between([twice, ...last()], v(12)), { x: [2, 3, 6, 6] });
    expect(dims(model, 'v')).toEqual([2, 6, 1, 1]);
  });

  for (const [opset, sizes] of [
    [11, 'attribute'],
    [13, 'input'],
    [18, 'num_outputs'],
    [11, 'none'],
    [17, 'none'],
  ] as const)
    it(`through Split: opset ${opset}, sizes by ${sizes}`, async () => {
      const attributes: Readonly<Record<string, number | readonly number[]>> = {
        attribute: { split: [3, 3] },
        num_outputs: { num_outputs: 2 },
        input: {},
        none: {},
      }[sizes];
      const inputs = sizes === 'input' ? ['h', 'sizes'] : ['h'];
      const split = node('Split', inputs, ['m', 'n'], { axis: 1, ...attributes });
      const other = node('Conv', ['n', 'u', 'c'], ['q']);
      const join = node('Add', ['o', 'q'], ['y']);
      const first = node('Conv', ['m', 'v', 'c'], ['o']);
      const model = between(
        [split, first, other, join],
        [intTensor('sizes', [2], [3, 3]), ...v(3), weight('u', [2, 3, 1, 1], [], 5)],
        opset,
        6,
      );
      const { model: small } = await pruned(model, { x: [2, 3, 6, 6] });
      expect([dims(small, 'v')[1], dims(small, 'u')[1]]).toEqual([1, 3]);
    });

  for (const opset of [9, 17])
    it(`through Slice: opset ${opset}`, async () => {
      const slice =
        opset === 9
          ? node('Slice', ['h'], ['m'], { starts: [-5, 0], ends: [1000, 4], axes: [1, 2] })
          : node('Slice', ['h', 's', 'e', 'a'], ['m']);
      const lists = [intTensor('s', [2], [-5, 0]), intTensor('e', [2], [1000, 4]), intTensor('a', [2], [1, 2])];
      const { model } = await pruned(between([slice, ...last()], [...lists, ...v(5)], opset, 6), { x: [2, 3, 6, 6] });
      expect(dims(model, 'v')).toEqual([2, 3, 1, 1]);
    });

  it('through a transposed map that is flattened features last', async () => {
    const nodes = [
      node('Transpose', ['h'], ['t'], { perm: [0, 2, 3, 1] }),
      node('Reshape', ['t', 'target'], ['f']),
      node('MatMul', ['f', 'v'], ['y']),
    ];
    const model = between(nodes, [intTensor('target', [2], [-1, 144]), weight('v', [144, 2])]);
    const { model: small } = await pruned(model, { x: [2, 3, 6, 6] });
    expect(dims(small, 'v')).toEqual([72, 2]);
    expect(numbers(small, 'target')).toEqual([-1, 72]);
  });

  it('through Gather and DepthToSpace, which take channels to other places', async () => {
    const gather = node('Gather', ['h', 'taken'], ['m'], { axis: 1 });
    const { model } = await pruned(between([gather, ...last()], [intTensor('taken', [4], [3, 1, -4, 2]), ...v(4)]), {
      x: [2, 3, 6, 6],
    });
    expect([numbers(model, 'taken'), dims(model, 'v'), dims(model, 'w')[0]]).toEqual([[1, 0], [2, 2, 1, 1], 2]);
    // Channel 0 of the result is made of channels 0, 2, 4, 6 or of 0 to 3.
    for (const [mode, empty] of [
      ['DCR', [0, 2, 4, 6]],
      ['CRD', [0, 1, 2, 3]],
    ] as const) {
      const space = node('DepthToSpace', ['h'], ['m'], { blocksize: 2, mode });
      const whole = between([space, ...last()], v(2), 17, 8);
      for (const name of ['w', 'b'])
        Object.assign(
          initializer(whole, name),
          name === 'w' ? weight('w', [8, 3, 1, 1], empty) : floatTensor('b', [8], new Array(8).fill(-0.5)),
        );
      const { model: small } = await pruned(whole, { x: [2, 3, 6, 6] });
      expect([dims(small, 'w')[0], dims(small, 'v')[1]]).toEqual([4, 1]);
      Object.assign(initializer(whole, 'w'), weight('w', [8, 3, 1, 1], [empty[0]]));
      const { report } = await pruned(whole, { x: [2, 3, 6, 6] });
      expect(report.layers).toEqual([]);
    }
  });

  it('through Reshape to rows or to positions, with their numbers spelled out', async () => {
    const rows = between(
      [node('Reshape', ['h', 'to'], ['f']), node('Gemm', ['f', 'v'], ['y'])],
      [intTensor('to', [2], [0, 144]), weight('v', [144, 2])],
    );
    const { model: matrix } = await pruned(rows, { x: [2, 3, 6, 6] });
    expect([numbers(matrix, 'to'), dims(matrix, 'v')]).toEqual([
      [0, 72],
      [72, 2],
    ]);
    for (const [target, becomes] of [
      [
        [0, 4, -1],
        [0, 2, -1],
      ],
      [
        [0, 0, 36],
        [0, 0, 36],
      ],
    ] as const) {
      const sequence = between(
        [
          node('Reshape', ['h', 'to'], ['f']),
          node('Transpose', ['f'], ['t'], { perm: [0, 2, 1] }),
          node('MatMul', ['t', 'v'], ['y']),
        ],
        [intTensor('to', [3], target), weight('v', [4, 2])],
      );
      const { model: small } = await pruned(sequence, { x: [2, 3, 6, 6] });
      expect([numbers(small, 'to'), dims(small, 'v')]).toEqual([becomes, [2, 2]]);
    }
  });

  it('through elementwise operands of a flattened map', async () => {
    const nodes = [node('Flatten', ['h'], ['f']), node('Add', ['f', 'k'], ['m']), node('Gemm', ['m', 'v'], ['y'])];
    const negative = between(nodes, [floatTensor('k', [144], normals(144, 9)), weight('v', [144, 2])]);
    initializer(negative, 'b').rawData = floatTensor('', [4], [1, -1, -1, 1]).rawData;
    const { report } = await prune(negative, { align: 1 });
    // A constant plus one number for each position is no longer one number.
    expect(report.left.map(({ reason }) => reason)).toContainEqual(expect.stringContaining('not one known number'));
    const scaled = between(
      [node('Flatten', ['h'], ['f']), node('Mul', ['f', 'k'], ['m']), node('Gemm', ['m', 'v'], ['y'])],
      [floatTensor('k', [1], [3]), weight('v', [144, 2])],
    );
    const { model: small } = await pruned(scaled, { x: [2, 3, 6, 6] });
    expect([dims(small, 'k'), dims(small, 'v')]).toEqual([[1], [72, 2]]);
  });

  it('through Resize with sizes, given or computed', async () => {
    const given = node('Resize', ['h', '', '', 'sizes'], ['m']);
    const constant = await pruned(between([given, ...last()], [intTensor('sizes', [4], [2, 4, 9, 9]), ...v(4)]), {
      x: [2, 3, 6, 6],
    });
    expect(numbers(constant.model, 'sizes')).toEqual([2, 2, 9, 9]);
    const computed = (from: string) => [
      node('Shape', [from], ['s']),
      node('Slice', ['s', 'zero', 'two'], ['front']),
      node('Concat', ['front', 'size'], ['sizes'], { axis: 0 }),
      node('Resize', ['h', '', '', 'sizes'], ['m']),
      ...last(),
    ];
    const lists = [intTensor('zero', [1], [0]), intTensor('two', [1], [2]), intTensor('size', [2], [9, 9]), ...v(4)];
    const followed = await pruned(between(computed('z'), lists), { x: [2, 3, 6, 6] });
    expect(followed.report.layers[0]!.units.removed).toEqual([1, 2]);
    const wide = node('Conv', ['x', 'u'], ['other']);
    const living = between([wide, ...computed('other')], [weight('u', [4, 3, 1, 1]), ...lists]);
    mainGraph(living).output.push(valueInfo('other'));
    const foreign = await pruned(living, { x: [2, 3, 6, 6] });
    const unread = await pruned(between([wide, ...computed('other')], [weight('u', [4, 3, 1, 1]), ...lists]), {
      x: [2, 3, 6, 6],
    });
    expect(foreign.report.layers).toEqual([]);
    expect(foreign.report.left[0]!.reason).toBe("it can only go with channels of output 'other' of the model");
    expect(unread.report.layers[0]!.units.removed).toEqual([1, 2]);
  });

  it('but not where the number of channels is computed with', async () => {
    const nodes = [
      node('Shape', ['h'], ['s']),
      node('Cast', ['s'], ['fs'], { to: DataType.FLOAT }),
      node('ReduceSum', ['fs'], ['total'], { keepdims: 0 }),
      node('Mul', ['h', 'total'], ['m']),
      ...last(),
    ];
    const { report } = await pruned(between(nodes, v(4)), { x: [2, 3, 6, 6] });
    expect(report.layers).toEqual([]);
    expect(report.left[0]!.reason).toContain('computed');
    const position = [
      node('Shape', ['h'], ['s']),
      node('Gather', ['s', 'two'], ['height']),
      node('Cast', ['height'], ['scale'], { to: DataType.FLOAT }),
      node('Conv', ['h', 'v', 'c'], ['o']),
      node('Mul', ['o', 'scale'], ['y']),
    ];
    const free = await pruned(between(position, [intTensor('two', [], [2]), ...v(4)]), { x: [2, 3, 6, 6] });
    expect(free.report.layers[0]!.units.removed).toEqual([1, 2]);
  });

  it('and stay where an operator is not followed, a branch reads them or they are an output', async () => {
    const softmax = await pruned(between([node('Softmax', ['h'], ['m'], { axis: 1 }), ...last()], v(4)), {
      x: [2, 3, 6, 6],
    });
    expect(softmax.report.left[0]!.reason).toBe("Softmax 'm' reads it: this operator is not followed");
    const branch = graph({ nodes: [node('Identity', ['h'], ['inner'])], outputs: [valueInfo('inner')] });
    const other = graph({ nodes: [node('Neg', ['h'], ['inner2'])], outputs: [valueInfo('inner2')] });
    const conditional = node('If', ['flag'], ['m'], { then_branch: branch, else_branch: other });
    const flag = typedTensor(DataType.INT32, 'flag', [], [0]);
    flag.dataType = DataType.BOOL;
    flag.rawData = Uint8Array.of(1);
    const inBranch = await pruned(between([conditional, ...last()], [flag, ...v(4)]), { x: [2, 3, 6, 6] });
    expect(inBranch.report.left[0]!.reason).toContain("If 'm' reads it: this operator is not followed");
    const model = between([...last('h')], v(4));
    mainGraph(model).output.push(valueInfo('h'));
    const asOutput = await pruned(model, { x: [2, 3, 6, 6] });
    expect(asOutput.report.left[0]!.reason).toBe("it can only go with channels of output 'h' of the model");
    expect(asOutput.report.left[1]!.reason).toBe('it is an output of the model');
  });

  it('and stay where they are read with NaN or infinity, of which nothing is made again', async () => {
    for (const bad of [Number.NaN, Infinity]) {
      const weights = weight('v', [2, 4, 1, 1]);
      const values = Float32Array.from(tensorNumbers(weights, new Map())!);
      values[2] = bad;
      const { model, report } = await prune(
        between([...last('h')], [floatTensor('v', [2, 4, 1, 1], values), v(4)[1]!]),
        { align: 1 },
      );
      expect(report.layers).toEqual([]);
      expect(report.left[0]!.reason).toBe(
        "Conv 'y' reads it: its constant 'v' holds NaN or infinity, which no folding gives again",
      );
      expect(dims(model, 'w')[0]).toBe(4);
    }
    const clipped = node('Clip', ['h', 'low', 'high'], ['m']);
    const ends = [floatTensor('low', [], [0]), floatTensor('high', [], [Infinity])];
    const { report } = await pruned(between([clipped, ...last()], [...ends, ...v(4)]), { x: [2, 3, 6, 6] });
    expect(report.left).toEqual([]);
  });
});

describe('the model around what goes', () => {
  const chain = (...more: TensorProto[]) =>
    modelOf({
      nodes: [node('Gemm', ['x', 'w', 'b'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'v'], ['y'])],
      initializers: [
        floatTensor('w', [2, 3], [1, 0, 2, 1, 0, 2]),
        floatTensor('b', [3], [0, -1, 0]),
        floatTensor('v', [3, 3], normals(9)),
        ...more,
      ],
      inputs: [valueInfo('x', ['N', 2])],
      outputs: [y],
    });

  it('keeps a weight that another layer shares', async () => {
    const model = modelOf({
      nodes: [node('Gemm', ['x', 'w'], ['a']), node('Relu', ['a'], ['h']), node('Gemm', ['h', 'w'], ['y'])],
      initializers: [floatTensor('w', [3, 3], [1, 0, 2, 3, 0, 4, 5, 0, 6])],
      inputs: [valueInfo('x', ['N', 3])],
      outputs: [y],
    });
    const { model: small } = await pruned(model, { x: [4, 3] });
    expect(mainGraph(small).initializer.map(dimsOf)).toEqual([
      [3, 2],
      [2, 3],
    ]);
  });

  it('sweeps what nothing reads, shapes that are declared and initializers that are inputs', async () => {
    const model = chain();
    const main = mainGraph(model);
    main.node.push(node('Gemm', ['h', 'u'], ['unread']), node('Softmax', ['unread'], ['unread2']));
    main.initializer.push(floatTensor('u', [3, 3], normals(9, 4)));
    main.valueInfo.push(valueInfo('h', ['N', 3]), valueInfo('unread', ['N', 3]));
    for (const name of ['w', 'b', 'v']) main.input.push(valueInfo(name, [...dims(model, name)]));
    model.proto.irVersion = 3n;
    const { model: small, report } = await prune(model, { align: 1 });
    expect(report.nodesRemoved).toEqual(['unread', 'unread2']);
    expect(
      mainGraph(small)
        .initializer.map(({ name }) => name)
        .sort(),
    ).toEqual(['b', 'v', 'w']);
    expect(mainGraph(small).input.map(({ name }) => name)).toEqual(['x']);
    expect(report.inputsDropped).toEqual(['w', 'b', 'v']);
    expect(mainGraph(small).valueInfo).toEqual([valueInfo('h', ['N', 2])]);
    const x = tensor([2, 2], normals(4));
    expect((await runOnce(small, { x })).y).toEqual((await runOnce(chain(), { x })).y);
  });

  it('takes weights beside the model, in float64, behind a Cast and in Constant nodes', async () => {
    const model = chain();
    const main = mainGraph(model);
    const values = { w: numbers(model, 'w'), v: numbers(model, 'v') };
    main.initializer = main.initializer.filter(({ name }) => name === 'b');
    const beside = typedTensor(DataType.FLOAT, 'w', [2, 3], values.w);
    const bytes = beside.rawData;
    beside.rawData = new Uint8Array();
    beside.dataLocation = 1;
    beside.externalData = [{ $typeName: 'onnx.StringStringEntryProto', key: 'location', value: 'w.bin' }];
    main.initializer.push(beside, typedTensor(DataType.FLOAT16, 'half', [3, 3], values.v));
    main.node.unshift(node('Cast', ['half'], ['v'], { to: DataType.FLOAT }));
    const { model: small } = await pruned({ ...model, external: new Map([['w.bin', bytes]]) }, { x: [4, 2] });
    expect(mainGraph(small).node.map(({ opType }) => opType)).toEqual(['Gemm', 'Relu', 'Gemm']);
    const inNode = chain();
    const graphOf = mainGraph(inNode);
    graphOf.initializer = graphOf.initializer.filter(({ name }) => name !== 'v');
    graphOf.node.unshift(node('Constant', [], ['v'], { value: floatTensor('', [3, 3], values.v) }));
    const { model: small2 } = await pruned(inNode, { x: [4, 2] });
    expect(mainGraph(small2).node.map(({ opType }) => opType)).toEqual(['Gemm', 'Relu', 'Gemm']);
    const double = chain();
    mainGraph(double).initializer = mainGraph(double).initializer.map(item =>
      typedTensor(DataType.DOUBLE, item.name, dimsOf(item), tensorNumbers(item, new Map())!),
    );
    const { model: small3 } = await prune(double, { align: 1 });
    expect(initializer(small3, 'w').dataType).toBe(DataType.DOUBLE);
    expect(dims(small3, 'w')).toEqual([2, 2]);
  });

  it('keeps one channel of a layer that is dead as a whole', async () => {
    const model = chain();
    initializer(model, 'w').rawData = floatTensor('', [2, 3], [0, 0, 0, 0, 0, 0]).rawData;
    const { report } = await pruned(model, { x: [4, 2] });
    expect(report.layers[0]!.units.after).toBe(1);
    expect(report.left.map(({ reason }) => reason)).toContain('a layer keeps one channel at least');
  });

  it('is pruned around an operator that ONNX Runtime does not know', async () => {
    const model = chain();
    const main = mainGraph(model);
    main.node.push(node('Strange', ['y'], ['strange']));
    main.node[3]!.domain = 'example.org';
    main.output = [valueInfo('strange')];
    const { report } = await prune(model, { align: 1 });
    expect(report.layers[0]!.units.removed).toEqual([1]);
    expect(report.after).toEqual({ parameters: 12, multiplyAdds: null });
  });

  it('has nothing to prune: the same weights, an empty report', async () => {
    const { model } = await prune(chain(), { align: 1 });
    const { model: again, report } = await prune(model, { align: 1 });
    expect(report).toMatchObject({ layers: [], left: [], joined: [], nodesRemoved: [], rectifiedUnits: 0 });
    expect(mainGraph(again)).toEqual(mainGraph(model));
  });

  it('refuses an align that is none', async () => {
    for (const align of [0, -8, 1.5, Number.NaN])
      await expect(prune(chain(), { align })).rejects.toThrow(
        `prune: align must be a whole number above 0, got ${align}`,
      );
  });
});

describe('additions', () => {
  const residual = (deadA: number[], deadB: number[]) =>
    modelOf({
      nodes: [
        node('Conv', ['x', 'a', 'ba'], ['za'], { pads: [1, 1, 1, 1] }),
        node('Relu', ['za'], ['ha']),
        node('Conv', ['x', 'b', 'bb'], ['zb'], { pads: [1, 1, 1, 1] }),
        node('Relu', ['zb'], ['hb']),
        node('Add', ['ha', 'hb'], ['sum']),
        node('Conv', ['sum', 'v'], ['y']),
      ],
      initializers: [
        weight('a', [8, 3, 3, 3], deadA),
        floatTensor('ba', [8], new Array(8).fill(-0.1)),
        weight('b', [8, 3, 3, 3], deadB, 2),
        floatTensor('bb', [8], new Array(8).fill(-0.1)),
        weight('v', [2, 8, 1, 1]),
      ],
      inputs: [valueInfo('x', ['N', 3, 6, 6])],
      outputs: [y],
    });

  it('tie their sides: what is dead on both goes', async () => {
    const { report } = await pruned(residual([0, 1], [1, 2]), { x: [2, 3, 6, 6] });
    expect(report.joined).toEqual(['sum']);
    const both = await pruned(residual([1], [1]), { x: [2, 3, 6, 6] });
    expect(both.report.joined).toEqual([]);
    expect(both.report.layers.map(({ units }) => units.removed)).toEqual([[1], [1], []]);
  });

  it('become concatenations where that leaves less work', async () => {
    const { model, report } = await pruned(residual([0, 1, 2, 3], [4, 5, 6]), { x: [2, 3, 6, 6] });
    expect(report.joined).toEqual(['sum']);
    expect(mainGraph(model).node.map(({ opType }) => opType)).toContain('Concat');
    expect([dims(model, 'a')[0], dims(model, 'b')[0], dims(model, 'v')[1]]).toEqual([4, 5, 9]);
    expect(report.layers[2]!.inputs).toEqual({ before: 8, after: 9 });
    expect(report.left).toEqual([]);
    expect((await audit(model, null)).totals.removable.units).toBe(0);
  });

  it('of a mean to a map stay, since one cannot stand beside the other', async () => {
    const model = residual([0, 1, 2, 3], [4, 5, 6]);
    const { node: nodes } = mainGraph(model);
    nodes.splice(2, 0, node('GlobalAveragePool', ['ha'], ['mean']));
    nodes.find(({ opType }) => opType === 'Add')!.input[0] = 'mean';
    const { report } = await pruned(model, { x: [2, 3, 6, 6] });
    expect(report.joined).toEqual([]);
  });

  it('of inputs of different batches stay, since one may be repeated', async () => {
    const model = residual([0, 1, 2, 3], [4, 5, 6]);
    const main = mainGraph(model);
    main.input.push(valueInfo('u', [1, 3, 6, 6]));
    main.node[2]!.input[0] = 'u';
    const { report } = await pruned(model, { x: [2, 3, 6, 6], u: [1, 3, 6, 6] });
    expect(report.joined).toEqual([]);
  });

  it('stay where a concatenation would cost more, and say so', async () => {
    const wide = residual([0, 1], []);
    const main = mainGraph(wide);
    main.initializer = main.initializer.map(item => (item.name === 'v' ? weight('v', [200, 8, 1, 1]) : item));
    const { report } = await pruned(wide, { x: [2, 3, 6, 6] });
    expect(report.joined).toEqual([]);
    expect(report.layers).toEqual([]);
    expect(report.left.map(({ value, units, reason }) => [value, units, reason])).toEqual(
      ['za', 'ha'].map(value => [value, [0, 1], "it is tied to a channel of Conv 'zb' that lives"]),
    );
  });
});
