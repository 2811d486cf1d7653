import { describe, expect, it } from 'vitest';
import { exposing, modelOf, runAll } from '../../test/models.js';
import { randomBatch, randomNetwork } from '../../test/random-networks.js';
import { createRandom } from '../random.js';
import { floatTensor, intTensor, node, valueInfo } from './build.js';
import type { Channels, Knowledge } from './channels.js';
import { propagateConstants } from './constant-flow.js';
import { constantLookup } from './constants.js';
import { redirect } from './edit.js';
import { copyModel, type Model, mainGraph } from './model.js';
import type { NodeProto, TensorProto } from './proto.js';
import { propagateReads } from './read-flow.js';
import { indexGraph } from './scope.js';
import type { TensorData } from './tensor-data.js';

function analyse(model: Model) {
  const scope = indexGraph(model);
  const lookup = constantLookup(model.external);
  const known = propagateConstants(scope, lookup);
  return { known, reads: propagateReads(scope, lookup, known) };
}

/** Which channel each element of a value belongs to. Fails where what is known does not fit the value's dimensions. */
function channelAt({ axis, constant, layout }: Channels, dims: readonly number[]): (at: number) => number {
  const count = constant.length;
  const at = axis < 0 ? axis + dims.length : axis;
  const length = dims[at]!;
  const inner = dims.slice(at + 1).reduce((a, b) => a * b, 1);
  if (layout === 'plain') {
    expect(length).toBe(count);
    return index => Math.floor(index / inner) % count;
  }
  expect([dims.length, at, length % count]).toEqual([2, 1, 0]);
  return layout === 'block'
    ? index => Math.floor((index % length) / (length / count))
    : index => (index % length) % count;
}

const isChannels = (knowledge: Knowledge | undefined): knowledge is Channels => typeof knowledge === 'object';

const samples = 3;
const networks = 400;

describe('constants, on random networks', () => {
  it('hold on every input, at the level that is claimed', async () => {
    let claims = 0;
    let levels = 0;
    for (let seed = 0; seed < networks; seed++) {
      const { model, sample, values } = randomNetwork(seed);
      const { known } = analyse(model);
      const random = createRandom(seed);
      const batches = [1, 100].map(scale => {
        const batch = randomBatch(sample, samples, random);
        return { x: { ...batch, data: (batch.data as Float32Array).map(item => scale * item) } };
      });
      const runs = await runAll(
        exposing(
          model,
          values.map(({ name }) => name),
        ),
        batches,
      );
      for (const { name } of values) {
        const knowledge = known.get(name);
        const [first, second] = runs.map(run => run[name] as TensorData & { data: Float32Array });
        const where = `seed ${seed}, ${name}`;
        if (knowledge === 'constant') expect(Array.from(second!.data), where).toEqual(Array.from(first!.data));
        if (!isChannels(knowledge)) continue;
        const channel = channelAt(knowledge, first!.dims);
        first!.data.forEach((value, at) => {
          const at0 = at % (first!.data.length / samples);
          if (!knowledge.constant[channel(at)]) return;
          claims++;
          // Instance norm of a constant divides rounding errors by almost nothing, hence not bit for bit.
          const change = Math.max(Math.abs(second!.data[at]! - value), Math.abs(first!.data[at0]! - value));
          expect(change, `${where}, channel ${channel(at)}`).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(value)));
          const level = knowledge.level[channel(at)]!;
          if (Number.isNaN(level)) return;
          levels++;
          expect(Math.abs(value - level), `${where}, level ${level}`).toBeLessThanOrEqual(
            1e-5 * Math.max(1, Math.abs(level)),
          );
        });
      }
    }
    expect(claims).toBeGreaterThan(20_000);
    expect(levels).toBeGreaterThan(10_000);
  });

  it('are found wherever they were planted', () => {
    let found = 0;
    for (let seed = 0; seed < networks; seed++) {
      const { model, planted } = randomNetwork(seed);
      const { known } = analyse(model);
      for (const { value, channel, level } of planted) {
        const knowledge = known.get(value);
        if (!isChannels(knowledge) || knowledge.layout !== 'plain') continue;
        found++;
        expect(knowledge.constant[channel], `seed ${seed}, ${value}[${channel}]`).toBe(1);
        if (!Number.isNaN(knowledge.level[channel]!)) expect(knowledge.level[channel]).toBeCloseTo(level, 4);
      }
    }
    expect(found).toBeGreaterThan(400);
  });
});

/** The model with noise added to every channel that is said to be read by no output. */
function disturbed(model: Model, runs: Record<string, TensorData>, only?: string): { model: Model; channels: number } {
  const { known, reads } = analyse(model);
  const copy = copyModel(model);
  const graph = mainGraph(copy);
  const random = createRandom(1);
  let channels = 0;
  for (const [value, { dims }] of Object.entries(runs)) {
    if (only && value !== only) continue;
    const knowledge = known.get(value);
    const flags = reads.get(value);
    if (flags === 'all') continue;
    const each = dims.slice(1).reduce((a, b) => a * b, 1);
    const noise = new Float64Array(each);
    if (flags === undefined) noise.fill(3);
    else {
      const channel = channelAt(knowledge as Channels, dims);
      noise.forEach((_, at) => {
        if (!flags[channel(at)]) noise[at] = 5 * random.normal();
      });
    }
    channels += noise.filter(item => item !== 0).length;
    const [offset, replaced] = [`${value}/noise`, `${value}/disturbed`];
    graph.initializer.push(floatTensor(offset, [1, ...dims.slice(1)], noise));
    redirect(graph, value, replaced);
    graph.node.push(node('Add', [value, offset], [replaced]));
  }
  return { model: copy, channels };
}

describe('reads, on random networks', () => {
  it('are all there is: noise on channels nothing reads changes no output', async () => {
    let disturbedChannels = 0;
    for (let seed = 0; seed < networks; seed++) {
      const { model, sample, values } = randomNetwork(seed);
      const x = randomBatch(sample, samples, createRandom(seed));
      const names = [...new Set(values.map(({ name }) => name))];
      const [all] = await runAll(exposing(model, names), [{ x }]);
      const outputs = mainGraph(model).output.map(({ name }) => name);
      const changed = async (only?: string): Promise<boolean> => {
        const noisy = disturbed(model, all!, only);
        disturbedChannels += noisy.channels;
        const noisyOutputs = mainGraph(noisy.model).output.map(({ name }) => name);
        const [result] = await runAll(noisy.model, [{ x }]);
        return outputs.some((name, output) => {
          const before = all![name]!.data as Float32Array;
          const after = result![noisyOutputs[output]!]!.data as Float32Array;
          return before.some((value, at) => !(Math.abs(value - after[at]!) <= 1e-4 * Math.max(1, Math.abs(value))));
        });
      };
      if (!(await changed())) continue;
      const culprits: string[] = [];
      for (const name of names) if (await changed(name)) culprits.push(name);
      expect(culprits, `seed ${seed}`).toEqual([]);
    }
    expect(disturbedChannels).toBeGreaterThan(5000);
  });
});

/** What is known of the values of a graph over maps `x` of three channels, with two constant channels out of four behind a convolution `c`. */
function followed(nodes: NodeProto[], initializers: TensorProto[] = [], opset = 17) {
  const weight = floatTensor('w', [4, 3, 1, 1], [1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0, 0]);
  const model = modelOf(
    {
      nodes: [node('Conv', ['x', 'w', 'b'], ['c']), ...nodes],
      initializers: [weight, floatTensor('b', [4], [0, 0, 1, 2]), ...initializers],
      inputs: [valueInfo('x', ['N', 3, 4, 4])],
      outputs: [valueInfo('y')],
    },
    opset,
  );
  const { known, reads } = analyse(model);
  const knowledge = known.get('y');
  const constant = isChannels(knowledge) ? Array.from(knowledge.constant) : knowledge;
  const level = isChannels(knowledge) ? Array.from(knowledge.level) : null;
  return { constant, level, reads };
}

const nan = Number.NaN;
const ints = (name: string, ...values: number[]) => intTensor(name, [values.length], values);
const scalar = (name: string, value: number) => floatTensor(name, [], [value]);

describe('constants are followed through', () => {
  const cases: Record<string, [NodeProto[], TensorProto[], number[], number[]]> = {
    'Relu and Clip': [
      [node('Neg', ['c'], ['n']), node('Relu', ['n'], ['r']), node('Clip', ['r', 'low', 'high'], ['y'])],
      [scalar('low', 0.5), scalar('high', 6)],
      [0, 1, 0, 1],
      [nan, 0.5, nan, 0.5],
    ],
    'MaxPool with padding': [
      [node('MaxPool', ['c'], ['y'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
      [],
      [0, 1, 0, 1],
      [nan, 0, nan, 2],
    ],
    'AveragePool, whose border is less than the level': [
      [node('AveragePool', ['c'], ['y'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 })],
      [],
      [0, 1, 0, 1],
      [nan, 0, nan, nan],
    ],
    'Pad with the level': [
      [node('Pad', ['c', 'pads', 'two'], ['y'])],
      [ints('pads', 0, 0, 1, 1, 0, 0, 1, 1), scalar('two', 2)],
      [0, 1, 0, 1],
      [nan, nan, nan, 2],
    ],
    'Pad by reflection': [
      [node('Pad', ['c', 'pads'], ['y'], { mode: 'reflect' })],
      [ints('pads', 0, 0, 1, 1, 0, 0, 1, 1)],
      [0, 1, 0, 1],
      [nan, 0, nan, 2],
    ],
    'a mask of zeros': [
      [node('Mul', ['mask', 'c'], ['y'])],
      [floatTensor('mask', [4, 1, 1], [0, 1, 1, 3])],
      [1, 1, 0, 1],
      [0, 0, nan, 6],
    ],
    'a sum of three': [
      [node('Sum', ['one', 'two', 'c'], ['y'])],
      [scalar('one', 1), scalar('two', 2)],
      [0, 1, 0, 1],
      // The sum of the first two has no name to look its value up by.
      [nan, nan, nan, nan],
    ],
    'a residual sum': [
      [node('Relu', ['c'], ['r']), node('Add', ['r', 'c'], ['y'])],
      [],
      [0, 1, 0, 1],
      [nan, 0, nan, 4],
    ],
    'a map for all channels': [
      [node('Mul', ['c', 'map'], ['y'])],
      [floatTensor('map', [4], [1, 2, 3, 4])],
      [0, 1, 0, 1],
      [nan, 0, nan, nan],
    ],
    'Concat and Slice': [
      [node('Concat', ['c', 'c'], ['d'], { axis: -3 }), node('Slice', ['d', 'from', 'to', 'axes'], ['y'])],
      [ints('from', 3), ints('to', 6), ints('axes', 1)],
      [1, 0, 1],
      [2, nan, 0],
    ],
    Split: [[node('Split', ['c', 'sizes'], ['s', 'y'], { axis: 1 })], [ints('sizes', 1, 3)], [1, 0, 1], [0, nan, 2]],
    'global pooling, Flatten and Gemm': [
      [node('GlobalAveragePool', ['c'], ['g']), node('Flatten', ['g'], ['f']), node('Gemm', ['f', 'v'], ['y'])],
      [floatTensor('v', [4, 3], [1, 0, 0, 5, 1, 0, 0, 0, 0, 2, 3, 0])],
      [0, 1, 1],
      [nan, 6, 0],
    ],
    'Flatten of whole maps and MatMul': [
      [node('Flatten', ['c'], ['f']), node('MatMul', ['f', 'v'], ['y'])],
      [
        floatTensor(
          'v',
          [64, 1],
          Array.from({ length: 64 }, (_, at) => (Math.floor(at / 16) % 2 === 1 ? 0.5 : 0)),
        ),
      ],
      [1],
      [16],
    ],
    'features last and MatMul': [
      [node('Transpose', ['c'], ['t'], { perm: [0, 2, 3, 1] }), node('MatMul', ['t', 'v'], ['y'])],
      [floatTensor('v', [4, 2], [1, 0, 0, 1, 0, 0, 0, 1])],
      [0, 1],
      [nan, 2],
    ],
    'a convolution with padding, which sees the border': [
      [node('Conv', ['c', 'v'], ['y'], { pads: [1, 1, 1, 1] })],
      [
        floatTensor(
          'v',
          [2, 4, 3, 3],
          Array.from({ length: 72 }, (_, at) => (Math.floor(at / 9) % 4 === (at < 36 ? 1 : 3) ? 1 : 0)),
        ),
      ],
      [1, 1],
      [0, nan],
    ],
    'a reduction over positions': [
      [node('ReduceMax', ['c'], ['y'], { axes: [-1, -2], keepdims: 0 })],
      [],
      [0, 1, 0, 1],
      [nan, 0, nan, 2],
    ],
    'a reduction that changes equal numbers': [
      [node('ReduceSum', ['c'], ['y'], { axes: [-1, -2], keepdims: 0 })],
      [],
      [0, 1, 0, 1],
      [nan, nan, nan, nan],
    ],
    'channels that are gathered': [
      [node('Gather', ['c', 'taken'], ['y'], { axis: 1 })],
      [ints('taken', 1, -1, 1, 0)],
      [1, 1, 1, 0],
      [0, 2, 0, nan],
    ],
    'a gate with one channel': [
      [
        node('ReduceMean', ['x'], ['m'], { axes: [1] }),
        node('Conv', ['m', 'k'], ['g']),
        node('Mul', ['c', 'g'], ['y']),
      ],
      [floatTensor('k', [1, 1, 1, 1], [1])],
      [0, 1, 0, 0],
      [nan, 0, nan, nan],
    ],
  };
  for (const [name, [nodes, initializers, constant, level]] of Object.entries(cases)) {
    it(name, () => {
      const found = followed(nodes, initializers);
      expect(found.constant).toEqual(constant);
      expect(found.level).toEqual(level);
    });
  }
});

describe('nothing is claimed of', () => {
  const dynamic = (value: string) => [node('Shape', ['x'], ['shape']), node('Gather', ['shape', 'zero'], [value])];
  const cases: Record<string, [NodeProto[], TensorProto[]]> = {
    'a product along another axis than the channels, of the same length': [
      [node('MatMul', ['c', 'v'], ['y'])],
      [floatTensor('v', [4, 1], [0, 1, 0, 1])],
    ],
    'a pool over the channels': [
      [
        node('Transpose', ['c'], ['t'], { perm: [0, 2, 3, 1] }),
        node('AveragePool', ['t'], ['y'], { kernel_shape: [2, 2] }),
      ],
      [],
    ],
    'a Split whose sizes are computed': [
      [
        ...dynamic('n'),
        node('Concat', ['n', 'n'], ['sizes'], { axis: 0 }),
        node('Split', ['c', 'sizes'], ['y', 'z'], { axis: 1 }),
      ],
      [ints('zero', 0)],
    ],
    'a Slice whose axes are computed': [
      [...dynamic('n'), node('Slice', ['c', 'from', 'to', 'n'], ['y'])],
      [ints('zero', 0), ints('from', 0), ints('to', 2)],
    ],
    'the indices of MaxPool': [[node('MaxPool', ['c'], ['p', 'y'], { kernel_shape: [2, 2] })], []],
    'an operator of another domain': [[Object.assign(node('Relu', ['c'], ['y']), { domain: 'com.example' })], []],
    'a sum that adds an axis': [
      [node('Add', ['c', 'cube'], ['y'])],
      [floatTensor('cube', [4, 1, 1, 1, 1], [0, 0, 0, 0])],
    ],
    'a normalization over channels': [[node('Softmax', ['c'], ['y'], { axis: 1 })], []],
    'channels that are gathered along another axis, or by computed indices': [
      [...dynamic('n'), node('Gather', ['c', 'n'], ['y'], { axis: 1 })],
      [ints('zero', 0)],
    ],
    'a Reshape that makes other channels': [[node('Reshape', ['c', 'to'], ['y'])], [ints('to', 0, 2, -1)]],
    'rows that mix channels': [[node('Reshape', ['c', 'to'], ['y'])], [ints('to', 2, -1)]],
  };
  for (const [name, [nodes, initializers]] of Object.entries(cases)) {
    it(name, () => {
      const { constant } = followed(nodes, initializers);
      expect(typeof constant === 'string' || !constant!.includes(1)).toBe(true);
    });
  }

  it('a layer of constant inputs whose bias is computed', () => {
    const model = modelOf({
      nodes: [node('Gemm', ['a', 'v', 'x'], ['y'])],
      initializers: [floatTensor('a', [1, 2], [1, 2]), floatTensor('v', [2, 3], [1, 2, 3, 4, 5, 6])],
      inputs: [valueInfo('x', [1, 3])],
      outputs: [valueInfo('y')],
    });
    const knowledge = analyse(model).known.get('y');
    expect(isChannels(knowledge) && Array.from(knowledge.constant)).toEqual([0, 0, 0]);
  });
});

describe('reads', () => {
  const readsOf = (nodes: NodeProto[], initializers: TensorProto[] = []) => {
    const flags = followed(nodes, initializers).reads.get('c');
    return flags === undefined || flags === 'all' ? flags : Array.from(flags);
  };
  it('stop at weights of 0', () => {
    const v = floatTensor('v', [2, 4, 1, 1], [1, 0, 0, 1, 1, 0, 0, 0]);
    expect(readsOf([node('Conv', ['c', 'v'], ['y'])], [v])).toEqual([1, 0, 0, 1]);
  });
  it('stop at a mask of 0 for channels that vary', () => {
    expect(readsOf([node('Mul', ['c', 'mask'], ['y'])], [floatTensor('mask', [4, 1, 1], [0, 1, 1, 1])])).toEqual([
      0, 1, 1, 1,
    ]);
  });
  it('go on through channels that are constant, which give an output its level', () => {
    expect(readsOf([node('Relu', ['c'], ['y'])])).toEqual([1, 1, 1, 1]);
  });
  it('are those of all branches together', () => {
    const [from, to, axes] = [ints('from', 2), ints('to', 3), ints('axes', 1)];
    const v = floatTensor('v', [1, 4, 1, 1], [1, 0, 0, 0]);
    const nodes = [
      node('Slice', ['c', 'from', 'to', 'axes'], ['s']),
      node('Conv', ['c', 'v'], ['d']),
      node('Add', ['s', 'd'], ['y']),
    ];
    expect(readsOf(nodes, [from, to, axes, v])).toEqual([1, 0, 1, 0]);
  });
  it('are none of a value that reaches no output', () => {
    expect(readsOf([node('Relu', ['x'], ['y']), node('Relu', ['c'], ['unused'])])).toBeUndefined();
  });
  it('are all where an operator is not understood', () => {
    expect(readsOf([node('Softmax', ['c'], ['y'], { axis: 1 })])).toBe('all');
  });
});
