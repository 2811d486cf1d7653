import { describe, expect, test } from 'vitest';
import { runOnce, tensor } from '../../../test/models.js';
import { audit } from '../../audit/audit.js';
import { constantLookup } from '../../onnx/constants.js';
import { type Model, mainGraph, readModel, writeModel } from '../../onnx/model.js';
import { findRectifiers } from '../../onnx/rectifiers.js';
import { indexGraph } from '../../onnx/scope.js';
import { dimsOf, tensorNumbers } from '../../onnx/tensor.js';
import { createRandom } from '../../random.js';
import { parseRectifier, rectifierNames } from '../../rectifiers/parse-rectifier.js';
import { parseInitializer } from '../../theory/initializer.js';
import { type BuildOptions, buildNetwork } from './build-network.js';

const prelu = parseRectifier('prelu');
const relu = parseRectifier('relu');
const found = (model: Model, name: string) => mainGraph(model).initializer.find(each => each.name === name)!;
const numbers = (model: Model, name: string) => Float64Array.from(tensorNumbers(found(model, name), new Map())!);
/** What tests perturb parameters with. */
const random = createRandom(7);
const normals = (count: number) => {
  const random = createRandom(1);
  return Float32Array.from({ length: count }, () => random.normal());
};
const variance = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0) / values.length;
const parameterCount = (model: Model) =>
  mainGraph(model)
    .initializer.filter(({ name }) => !name.startsWith('constant/'))
    .reduce((sum, each) => sum + dimsOf(each).reduce((a, b) => a * b, 1), 0);
/** A copy in which every parameter of that ending is drawn anew, so that none is 0 or 1. */
function perturbed(model: Model, ending: RegExp, draw: (value: number) => number): Model {
  const copy = readModel(writeModel(model));
  for (const each of mainGraph(copy).initializer)
    if (ending.test(each.name)) {
      const values = Float32Array.from(tensorNumbers(each, new Map())!, draw);
      each.rawData = new Uint8Array(values.buffer);
    }
  return copy;
}

/** The same layers in float64, straight from their definitions. */
interface Volume {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}
function dense(model: Model, name: string, { data }: Volume): Volume {
  const weights = numbers(model, `${name}/weight`);
  const biases = found(model, `${name}/bias`)
    ? numbers(model, `${name}/bias`)
    : new Float64Array(weights.length / data.length);
  const sums = biases.map((bias, j) => data.reduce((sum, x, i) => sum + x * weights[j * data.length + i]!, bias));
  return { dims: [biases.length], data: sums };
}
function conv(model: Model, name: string, { dims, data }: Volume, stride = 1): Volume {
  const [channels, , window] = dimsOf(found(model, `${name}/weight`)) as [number, number, number];
  const [from, height, width] = dims as [number, number, number];
  const weights = numbers(model, `${name}/weight`);
  const biases = found(model, `${name}/bias`) ? numbers(model, `${name}/bias`) : new Float64Array(channels);
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const result = new Float64Array(channels * rows * columns);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        let sum = biases[c]!;
        for (let k = 0; k < from; k++)
          for (let v = 0; v < window; v++)
            for (let u = 0; u < window; u++) {
              const [row, column] = [y * stride + v - (window - 1) / 2, x * stride + u - (window - 1) / 2];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              sum += data[(k * height + row) * width + column]! * weights[((c * from + k) * window + v) * window + u]!;
            }
        result[(c * rows + y) * columns + x] = sum;
      }
  return { dims: [channels, rows, columns], data: result };
}
const each = ({ dims, data }: Volume, f: (value: number, channel: number) => number): Volume => ({
  dims,
  data: data.map((value, i) => f(value, Math.floor(i / (data.length / dims[0]!)))),
});
function norm(model: Model, name: string, volume: Volume): Volume {
  const [scale, bias, mean, spread] = ['scale', 'bias', 'mean', 'variance'].map(part =>
    numbers(model, `${name}/norm/${part}`),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  return each(volume, (x, c) => ((x - mean[c]!) / Math.sqrt(spread[c]! + 1e-5)) * scale[c]! + bias[c]!);
}
function rectify(model: Model, name: string, volume: Volume): Volume {
  const slopes = numbers(model, `${name}/slope`);
  return each(volume, (x, c) => (x > 0 ? x : slopes[c % slopes.length]! * x));
}
function pool({ dims, data }: Volume): Volume {
  const [channels, height, width] = dims as [number, number, number];
  const [rows, columns] = [height >> 1, width >> 1];
  const result = new Float64Array(channels * rows * columns).map((_, i) => {
    const [c, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    const at = (v: number, u: number) => data[(c * height + 2 * y + v) * width + 2 * x + u]!;
    return Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1));
  });
  return { dims: [channels, rows, columns], data: result };
}
const mean = ({ dims, data }: Volume): Volume => {
  const size = data.length / dims[0]!;
  return {
    dims: [dims[0]!],
    data: Float64Array.from(
      { length: dims[0]! },
      (_, c) => data.slice(c * size, (c + 1) * size).reduce((a, b) => a + b) / size,
    ),
  };
};
const sum = (a: Volume, b: Volume): Volume => ({ dims: a.dims, data: a.data.map((x, i) => x + b.data[i]!) });

async function expectSame(model: Model, dims: readonly number[], reference: (input: Volume) => Volume) {
  const size = dims.reduce((a, b) => a * b, 1);
  const values = normals(3 * size);
  const { output } = await runOnce(model, { input: tensor([3, ...dims], values) });
  const got = Array.from(output!.data as Float32Array);
  const wanted = [0, 1, 2].flatMap(n => [
    ...reference({ dims, data: Float64Array.from(values.slice(n * size, (n + 1) * size)) }).data,
  ]);
  expect(got.length).toBe(wanted.length);
  expect(wanted.some(value => Math.abs(value) > 0.01)).toBe(true);
  got.forEach((value, i) => {
    expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(wanted[i]!)));
  });
}

describe('outputs are those of a float64 forward pass', () => {
  test.each([...rectifierNames, 'leaky:1.5', 'leaky:-0.5', 'silu:2', 'elu:0.5', 'celu:2', 'thresholded:0.3'])(
    'mlp with %s',
    async name => {
      const rectifier = parseRectifier(name);
      const built = buildNetwork('mlp:5-8-6-3', { rectifier, initializer: parseInitializer('pytorch') });
      await expectSame(built, [5], input => {
        const first = each(dense(built, 'layer1', input), rectifier.value);
        return dense(built, 'layer3', each(dense(built, 'layer2', first), rectifier.value));
      });
    },
  );

  test.each(['channel', 'shared'] as const)('mlp of images, slopes per %s', async slopes => {
    const built = buildNetwork('mlp:2x3x1-4-2', { rectifier: prelu, slopes });
    const model = perturbed(built, /slope|bias/, () => random.uniform() - 0.5);
    await expectSame(model, [2, 3, 1], input =>
      dense(model, 'layer2', rectify(model, 'layer1', dense(model, 'layer1', input))),
    );
  });

  test('mlp with batch norm', async () => {
    const model = perturbed(
      buildNetwork('mlp:4-5-2', { rectifier: prelu, batchNorm: true }),
      /norm/,
      () => 0.5 + random.uniform(),
    );
    expect(found(model, 'layer1/bias')).toBeUndefined();
    await expectSame(model, [4], input =>
      dense(model, 'layer2', rectify(model, 'layer1', norm(model, 'layer1', dense(model, 'layer1', input)))),
    );
  });

  test.each([false, true])('cnn, batch norm %s', async batchNorm => {
    const built = buildNetwork('cnn:2x7x6-3-pool-pool-4/2-dense5-2', { rectifier: prelu, batchNorm });
    const model = perturbed(built, /slope|bias|mean|variance|scale/, () => 0.2 + random.uniform());
    await expectSame(model, [2, 7, 6], input => {
      const layer = (name: string, x: Volume) => rectify(model, name, batchNorm ? norm(model, name, x) : x);
      const first = pool(pool(layer('layer1', conv(model, 'layer1', input))));
      const second = layer('layer2', conv(model, 'layer2', first, 2));
      return dense(model, 'layer4', layer('layer3', dense(model, 'layer3', second)));
    });
  });

  test.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('resnet, skips %s, batch norm %s', async (skips, batchNorm) => {
    const built = buildNetwork('resnet:2x6x5-3x2-4-2', { rectifier: prelu, skips, batchNorm });
    const model = perturbed(built, /slope|bias|mean|variance|scale/, () => 0.2 + random.uniform());
    const active = (name: string, x: Volume) => rectify(model, name, batchNorm ? norm(model, name, x) : x);
    const block = (name: string, x: Volume, stride: number) => {
      const before = active(`${name}/layer1`, x);
      const half = conv(model, `${name}/layer1`, before, stride);
      const branch = conv(model, `${name}/layer2`, active(`${name}/layer2`, half));
      if (!skips) return branch;
      return sum(branch, stride === 1 ? x : conv(model, `${name}/shortcut`, before, stride));
    };
    await expectSame(model, [2, 6, 5], input => {
      const first = block('stage1/block2', block('stage1/block1', conv(model, 'stem', input), 1), 1);
      return dense(model, 'head', mean(active('head', block('stage2/block1', first, 2))));
    });
  });
});

describe('parameters', () => {
  test.each<[string, Partial<BuildOptions>, number]>([
    ['mlp:784-256-256-10', {}, 784 * 256 + 256 + 256 * 256 + 256 + 2560 + 10 + 2 * 256],
    ['mlp:784-256-256-10', { slopes: 'shared' }, 784 * 256 + 256 + 256 * 256 + 256 + 2560 + 10 + 2],
    ['mlp:784-256-256-10', { rectifier: relu }, 784 * 256 + 256 + 256 * 256 + 256 + 2560 + 10],
    ['mlp:784-256-10', { rectifier: relu, batchNorm: true }, 784 * 256 + 4 * 256 + 2560 + 10],
    ['mlp:4-3', {}, 15],
    ['cnn:1x28x28-16-pool-32-pool-10', {}, 9 * 16 + 32 + 9 * 16 * 32 + 64 + 32 * 49 * 10 + 10],
    [
      'resnet:1x28x28-16-32-10',
      { rectifier: relu },
      160 + 2 * (9 * 256 + 16) + (9 * 512 + 32 + 9 * 1024 + 32 + 512 + 32) + 330,
    ],
    [
      'resnet:1x28x28-16-32-10',
      { rectifier: relu, skips: false },
      160 + 2 * (9 * 256 + 16) + (9 * 512 + 32 + 9 * 1024 + 32) + 330,
    ],
  ])('%s %j', (text, options, count) => {
    expect(parameterCount(buildNetwork(text, { rectifier: prelu, ...options }))).toBe(count);
  });

  test('He: the variance of weights is 2/(1 + a²) over fan in', () => {
    const model = buildNetwork('cnn:4x8x8-128-dense200-2', { rectifier: parseRectifier('leaky:0.5') });
    const gain = 2 / 1.25;
    // 4 standard errors of a variance are 4 √(2/n) of it.
    for (const [name, fanIn] of [
      ['layer1', 36],
      ['layer2', 8192],
    ] as const) {
      const weights = numbers(model, `${name}/weight`);
      expect(Math.abs((variance(weights) * fanIn) / gain - 1)).toBeLessThan(4 * Math.sqrt(2 / weights.length));
      expect(numbers(model, `${name}/bias`).every(bias => bias === 0)).toBe(true);
    }
    const last = numbers(model, 'layer3/weight');
    expect(Math.abs(variance(last) * 200 - 1)).toBeLessThan(4 * Math.sqrt(2 / last.length));
  });

  test('other initializers: fan out counts positions, orthogonal rows are orthogonal', () => {
    const built = (name: string) =>
      numbers(
        buildNetwork('cnn:8x4x4-32-2', { rectifier: relu, initializer: parseInitializer(name) }),
        'layer1/weight',
      );
    const fanOut = built('he-fan-out');
    expect(Math.abs((variance(fanOut) * 9 * 32) / 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / fanOut.length));
    const rows = built('orthogonal');
    const dot = (a: number, b: number) =>
      rows.slice(72 * a, 72 * (a + 1)).reduce((total, x, i) => total + x * rows[72 * b + i]!, 0);
    expect(dot(0, 0)).toBeCloseTo(2, 5);
    expect(dot(0, 31)).toBeCloseTo(0, 5);
  });

  test('the seed decides all of them', () => {
    const bytes = (seed: number) => writeModel(buildNetwork('mlp:8-16-3', { rectifier: prelu, seed }));
    expect(bytes(1)).toEqual(bytes(1));
    expect(bytes(1)).not.toEqual(bytes(2));
  });

  test.each([false, true])(
    'zeroBranches: blocks of the same shape pass their input on, batch norm %s',
    async batchNorm => {
      const model = buildNetwork('resnet:2x6x6-4x3-2', { rectifier: prelu, zeroBranches: true, batchNorm });
      await expectSame(model, [2, 6, 6], input => {
        const stem = conv(model, 'stem', input);
        return dense(model, 'head', mean(rectify(model, 'head', batchNorm ? norm(model, 'head', stem) : stem)));
      });
    },
  );
});

describe('the audit finds every rectifier', () => {
  const texts = ['mlp:6-8x3-2', 'cnn:1x8x8-4-pool-8-dense6-2', 'resnet:1x8x8-4x2-8-2'];
  test.each(
    texts.flatMap(text =>
      ['relu', 'leaky:0.1', 'prelu', 'rrelu', 'elu', 'selu', 'celu', 'relu6', 'thresholded:0.5'].map(name => [
        text,
        name,
      ]),
    ),
  )('%s with %s', (text, name) => {
    const model = buildNetwork(text!, { rectifier: parseRectifier(name!), batchNorm: true });
    const rectifiers = findRectifiers([indexGraph(model)], constantLookup(model.external));
    expect(rectifiers.length).toBe({ mlp: 3, cnn: 3, resnet: 7 }[text!.split(':')[0]!]);
    expect(new Set(rectifiers.map(each => each.name)).size).toBe(rectifiers.length);
  });

  test.each([
    ['mlp:6-8x3-2', [8, 8, 8], [6]],
    ['resnet:1x8x8-4-8-2', [4, 4, 4, 8, 8], [1, 8, 8]],
  ] as const)('%s on data: units, slopes and no dead weights', async (text, units, dims) => {
    const size = dims.reduce((a: number, b) => a * b, 1);
    const feeds = { input: tensor([64, ...dims], normals(64 * size)) };
    const data = {
      kind: 'synthetic',
      description: 'normal',
      total: 64,
      batches: () => [{ feeds, samples: 64 }],
    } as const;
    const report = await audit(buildNetwork(text, { rectifier: prelu }), data);
    expect(report.layers.map(layer => layer.units.length)).toEqual(units);
    for (const layer of report.layers) {
      expect(layer.op).toBe('prelu');
      expect(layer.units.every(unit => unit.verdict === 'healthy' || unit.verdict === 'rare')).toBe(true);
    }
  });
});

test.each<[string, Partial<BuildOptions>, string]>([
  ['cnn:1x4x4-2-pool-pool-pool-2', {}, 'buildNetwork: pooling must find 2×2 positions or more, got 1×1 at pool3'],
  ['mlp:4-2', { slopes: 'all' as never }, "buildNetwork: slopes must be 'channel' or 'shared', got 'all'"],
  ['mlp:4-2', { seed: -1 }, 'buildNetwork: seed must be a whole number from 0'],
  ['mlp:40000-40000-2', {}, 'buildNetwork: there must be at most 535822336 parameters, got more'],
  ['mlp:4-4-2', { tailored: true, batchNorm: true }, 'buildNetwork: tailored must be without batchNorm'],
  ['mlp:4-4-2', { tailored: true, rectifier: relu }, "tailoredRectifier: rectifier must be leaky or prelu, got 'relu'"],
  ['mlp:4-4-2', { rectifier: { ...relu, name: 'mine' } }, 'buildNetwork: rectifier must be one of relu, leaky, prelu'],
])('refuses %s %j', (text, options, message) => {
  expect(() => buildNetwork(text, { rectifier: prelu, ...options })).toThrow(message);
});
