import { describe, expect, it } from 'vitest';
import { exposing, modelOf, runOnce, tensor } from '../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../onnx/build.js';
import type { Model } from '../onnx/model.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import type { Batch, TensorData } from '../onnx/tensor-data.js';
import { createRandom } from '../random.js';
import { dissect } from './anatomy.js';
import { mergeObservations, type Observation, observationFromJson, observationToJson } from './observation.js';
import { type ObserveOptions, observe } from './observe.js';
import type { Tally } from './tally.js';

async function observed(
  model: Model,
  batches: Batch[],
  options: ObserveOptions = { statistics: 'all' },
): Promise<Observation> {
  const steps = observe(model, dissect(model).layers, batches, { threads: 1, ...options });
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

/** What a tally must hold, from the pre-activations and outputs of one run, counted in float64. */
function reference(input: TensorData, output: TensorData, axis: number, threshold: number) {
  const { dims } = input;
  const units = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const each = input.data.length / dims[0]!;
  const [x, y] = [input.data, output.data] as [Float32Array, Float32Array];
  return Array.from({ length: units }, (_, unit) => {
    const at = Array.from(x.keys()).filter(index => Math.floor(index / inner) % units === unit);
    const values = at.map(index => x[index]!);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const firing = new Set(at.filter(index => x[index]! > threshold).map(index => Math.floor(index / each)));
    const positions = values.length / dims[0]!;
    return {
      min: Math.min(...values),
      max: Math.max(...values),
      mean,
      variance: values.reduce((sum, item) => sum + (item - mean) ** 2, 0) / values.length,
      positive: values.filter(item => item > threshold).length,
      positions: values.length,
      fired: firing.size,
      activity: at.reduce((sum, index) => sum + Math.abs(y[index]!), 0) / positions,
    };
  });
}

function expectTally({ full, fired, activity }: Tally, expected: ReturnType<typeof reference>): void {
  expected.forEach((unit, at) => {
    expect([full.min[at], full.max[at], full.positive[at], full.positions, fired[at]], `unit ${at}`).toEqual([
      unit.min,
      unit.max,
      unit.positive,
      unit.positions,
      unit.fired,
    ]);
    const scale = Math.max(Math.abs(unit.mean), Math.sqrt(unit.variance), 1e-30);
    expect(Math.abs(full.mean[at]! - unit.mean) / scale, `mean of unit ${at}`).toBeLessThan(1e-6);
    expect(Math.abs(full.squares[at]! / unit.positions - unit.variance), `variance of unit ${at}`).toBeLessThan(
      1e-4 * unit.variance + 1e-12 * unit.mean ** 2,
    );
    expect(Math.abs(activity[at]! - unit.activity), `activity of unit ${at}`).toBeLessThan(1e-4 * unit.activity + 1e-9);
  });
}

interface Case {
  /** Dimensions of one sample of `x`. */
  sample: number[];
  nodes: NodeProto[];
  initializers: TensorProto[];
  axis: number;
}

const weights = (dims: number[], seed = 3) => {
  const random = createRandom(seed);
  return floatTensor(
    'w',
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal()),
  );
};
/** One bias lifts a channel far above its spread: the mean must not eat the variance. */
const bias = floatTensor('b', [4], [0.3, -0.7, 1000, -2.5]);

const layers: Record<string, Case> = {
  'features of a matrix': {
    sample: [5],
    nodes: [node('Gemm', ['x', 'w', 'b'], ['z'])],
    initializers: [weights([5, 4]), bias],
    axis: 1,
  },
  'features last, rank 3': {
    sample: [7, 5],
    nodes: [node('MatMul', ['x', 'w'], ['product']), node('Add', ['product', 'b'], ['z'])],
    initializers: [weights([5, 4]), bias],
    axis: 2,
  },
  'channels of rank 3': {
    sample: [3, 9],
    nodes: [node('Conv', ['x', 'w', 'b'], ['z'], { pads: [1, 1] })],
    initializers: [weights([4, 3, 3]), bias],
    axis: 1,
  },
  'channels of rank 4': {
    sample: [3, 6, 5],
    nodes: [node('Conv', ['x', 'w', 'b'], ['z'])],
    initializers: [weights([4, 3, 3, 3]), bias],
    axis: 1,
  },
  'features last, rank 4': {
    sample: [3, 6, 5],
    nodes: [node('Conv', ['x', 'w', 'b'], ['c']), node('Transpose', ['c'], ['z'], { perm: [0, 2, 3, 1] })],
    initializers: [weights([4, 3, 3, 3]), bias],
    axis: 3,
  },
  'channels of rank 5': {
    sample: [2, 4, 3, 3],
    nodes: [node('Conv', ['x', 'w', 'b'], ['z'])],
    initializers: [weights([4, 2, 2, 2, 2]), bias],
    axis: 1,
  },
  'one position': {
    sample: [3, 3, 3],
    nodes: [node('Conv', ['x', 'w', 'b'], ['z'])],
    initializers: [weights([4, 3, 3, 3]), bias],
    axis: 1,
  },
};

const rectifiers: Record<string, { nodes: NodeProto[]; initializers?: TensorProto[]; threshold?: number }> = {
  Relu: { nodes: [node('Relu', ['z'], ['y'])] },
  LeakyRelu: { nodes: [node('LeakyRelu', ['z'], ['y'], { alpha: float(0.1) })] },
  'LeakyRelu of negative slope': { nodes: [node('LeakyRelu', ['z'], ['y'], { alpha: float(-0.5) })] },
  'Clip(0, 6)': {
    nodes: [node('Clip', ['z', 'low', 'high'], ['y'])],
    initializers: [floatTensor('low', [], [0]), floatTensor('high', [], [6])],
  },
  PRelu: { nodes: [node('PRelu', ['z', 'a'], ['y'])], initializers: [floatTensor('a', [1], [-0.2])] },
  ThresholdedRelu: { nodes: [node('ThresholdedRelu', ['z'], ['y'], { alpha: float(0.75) })], threshold: 0.75 },
  Elu: { nodes: [node('Elu', ['z'], ['y'])] },
  'Max(x, 0)': { nodes: [node('Max', ['z', 'zero'], ['y'])], initializers: [floatTensor('zero', [], [0])] },
  'Relu(x) + a*Min(x, 0)': {
    nodes: [
      node('Relu', ['z'], ['p']),
      node('Min', ['z', 'zero'], ['m']),
      node('Mul', ['m', 'a'], ['n']),
      node('Add', ['p', 'n'], ['y']),
    ],
    initializers: [floatTensor('zero', [], [0]), floatTensor('a', [], [0.25])],
  },
};

function network(layer: Case, rectifier: (typeof rectifiers)[string]): Model {
  return modelOf({
    nodes: [...layer.nodes, ...rectifier.nodes],
    initializers: [...layer.initializers, ...(rectifier.initializers ?? [])],
    inputs: [valueInfo('x', ['N', ...layer.sample])],
    outputs: [valueInfo('y')],
  });
}

const batchOf = (sample: readonly number[], samples: number, seed = 9): TensorData => {
  const random = createRandom(seed);
  const count = samples * sample.reduce((a, b) => a * b, 1);
  return tensor(
    [samples, ...sample],
    Array.from({ length: count }, () => random.normal()),
  );
};

describe('statistics agree with a count in float64', () => {
  for (const [layerName, layer] of Object.entries(layers)) {
    for (const [name, rectifier] of Object.entries(rectifiers)) {
      it(`${name} on ${layerName}`, async () => {
        const model = network(layer, rectifier);
        const x = batchOf(layer.sample, 6);
        const { z, y } = await runOnce(exposing(model, ['z']), { x });
        const { layers: found } = await observed(model, [{ feeds: { x }, samples: 6 }]);
        expect(found).toHaveLength(1);
        expectTally(found[0]!.tally!, reference(z!, y!, layer.axis, rectifier.threshold ?? 0));
      });
    }
  }
});

it('some statistics still count every firing', async () => {
  const layer = layers['channels of rank 4']!;
  const model = network(layer, rectifiers.Relu!);
  const x = batchOf(layer.sample, 60);
  const each = x.data.length / 60;
  const batches = Array.from({ length: 30 }, (_, at): Batch => {
    const data = (x.data as Float32Array).subarray(2 * at * each, 2 * (at + 1) * each);
    return { feeds: { x: { ...x, dims: [2, ...layer.sample], data } }, samples: 2 };
  });
  const { z, y } = await runOnce(exposing(model, ['z']), { x });
  const expected = reference(z!, y!, 1, 0);
  const { tally } = (await observed(model, batches, { statistics: 'some' })).layers[0]!;
  expect(Array.from(tally!.fired)).toEqual(expected.map(unit => unit.fired));
  expect(tally!.samples).toBe(60);
  expect(tally!.full.samples).toBe(16);
});

const passing = modelOf({
  nodes: [node('Identity', ['x'], ['z']), node('Relu', ['z'], ['y'])],
  inputs: [valueInfo('x', ['N', 1])],
  outputs: [valueInfo('y')],
});

describe('special values', () => {
  const values: Record<string, [number, { fired: number; positive: number; nan?: number; infinite?: number }]> = {
    '0': [0, { fired: 0, positive: 0 }],
    '−0': [-0, { fired: 0, positive: 0 }],
    'the smallest normal number': [2 ** -126, { fired: 1, positive: 1 }],
    'a subnormal number': [2 ** -127, { fired: 1, positive: 1 }],
    'a negative subnormal number': [-(2 ** -127), { fired: 0, positive: 0 }],
    'the largest number': [3.4028234663852886e38, { fired: 1, positive: 1 }],
    NaN: [Number.NaN, { fired: 0, positive: 0, nan: 1 }],
    infinity: [Infinity, { fired: 1, positive: 0, infinite: 1 }],
    'minus infinity': [-Infinity, { fired: 0, positive: 0, infinite: 1 }],
  };
  for (const [name, [value, { fired, positive, nan = 0, infinite = 0 }]] of Object.entries(values)) {
    it(name, async () => {
      const { layers: found } = await observed(passing, [{ feeds: { x: tensor([1, 1], [value]) }, samples: 1 }]);
      const { full, fired: counted } = found[0]!.tally!;
      expect([counted[0], full.positive[0], full.nan[0], full.infinite[0]]).toEqual([fired, positive, nan, infinite]);
    });
  }

  it('are noticed between the full measurements too', async () => {
    const layer = layers['channels of rank 4']!;
    const model = network(layer, rectifiers.LeakyRelu!);
    const clean = batchOf(layer.sample, 20);
    const dirty = batchOf(layer.sample, 1);
    (dirty.data as Float32Array)[0] = Number.NaN;
    const batches = [clean, dirty].map((x): Batch => ({ feeds: { x }, samples: x.dims[0]! }));
    const { full } = (await observed(model, batches, { statistics: 'some' })).layers[0]!.tally!;
    expect(Array.from(full.nan)).toEqual([1, 1, 1, 1]);
  });
});

describe('observations of two halves', () => {
  const layer = layers['channels of rank 4']!;
  const model = network(layer, rectifiers.Relu!);
  const [left, right] = [batchOf(layer.sample, 3, 1), batchOf(layer.sample, 5, 2)].map(
    (x): Batch => ({ feeds: { x }, samples: x.dims[0]! }),
  ) as [Batch, Batch];

  it('merge to that of the whole, through JSON too', async () => {
    const whole = await observed(model, [left, right]);
    const parts = [await observed(model, [left]), await observed(model, [right])] as const;
    const [a, b] = parts.map(part => observationFromJson(JSON.parse(JSON.stringify(observationToJson(part)))));
    const merged = mergeObservations(a!, b!);
    expect(merged.samples).toBe(8);
    const [one, other] = [merged.layers[0]!.tally!, whole.layers[0]!.tally!];
    expect(Array.from(one.fired)).toEqual(Array.from(other.fired));
    expect(Array.from(one.full.positive)).toEqual(Array.from(other.full.positive));
    other.full.mean.forEach((mean, unit) => {
      expect(one.full.mean[unit]).toBeCloseTo(mean, 9);
      expect(one.full.squares[unit]! / other.full.squares[unit]!).toBeCloseTo(1, 9);
    });
  });

  it('of different models do not merge', async () => {
    const x = batchOf([1], 2);
    const [a, b] = [await observed(model, [left]), await observed(passing, [{ feeds: { x }, samples: 2 }])];
    expect(() => mergeObservations(a, b)).toThrow(/same model/);
  });
});

it('without a sample there is nothing to say', async () => {
  await expect(observed(network(layers['features of a matrix']!, rectifiers.Relu!), [])).rejects.toThrow(
    'audit: the data must hold at least one sample, got none',
  );
});
