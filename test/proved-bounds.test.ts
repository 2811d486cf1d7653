import { describe, expect, it } from 'vitest';
import { type Anatomy, dissect } from '../src/audit/anatomy.js';
import { unitAxisOf } from '../src/audit/prove/interval-bounds.js';
import { type LayerBounds, proveBounds } from '../src/audit/prove/prove.js';
import { float, floatTensor, node, valueInfo } from '../src/onnx/build.js';
import type { Model } from '../src/onnx/model.js';
import type { NodeProto, TensorProto } from '../src/onnx/proto.js';
import { openSession, type Session } from '../src/onnx/runtime.js';
import type { TensorData } from '../src/onnx/tensor-data.js';
import { createRandom, type Random } from '../src/random.js';
import { planeRegions } from '../src/theory/plane-regions.js';
import type { RectifierLayer } from '../src/theory/rectifier-layer.js';
import { exposing, modelOf, runOnce, tensor } from './models.js';
import { randomNetwork } from './random-networks.js';

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const isBounded = (bounds: LayerBounds): bounds is Extract<LayerBounds, { lower: Float64Array }> => 'lower' in bounds;

/** Proved bounds of a model with one input `x`, and a session that shows every pre-activation. */
interface Proved {
  readonly anatomy: Anatomy;
  readonly bounds: readonly LayerBounds[];
  readonly interval: readonly LayerBounds[];
  readonly session: Session;
}

async function proved(model: Model, sample: readonly number[], lower: number, upper: number): Promise<Proved> {
  const anatomy = dissect(model);
  const [dims, ranges] = [{ x: [1, ...sample] }, { x: { lower, upper } }];
  const interval = await proveBounds(anatomy, dims, ranges, { threads: 1, linearWork: 0 });
  const bounds = await proveBounds(anatomy, dims, ranges, { threads: 1 });
  const inputs = anatomy.layers.map(layer => layer.rectifier.input);
  return { anatomy, bounds, interval, session: await openSession(exposing(model, inputs), { threads: 1 }) };
}

/** Runs some samples and returns every pre-activation by layer, with the unit of each element. */
async function preActivations({ anatomy, session }: Proved, x: TensorData) {
  const results = await session.run({ x });
  return anatomy.layers.map(layer => {
    const value = layer.rectifier.input === 'x' ? x : (results[layer.rectifier.input] as TensorData);
    const axis = unitAxisOf(layer, value.dims);
    const inner = product(value.dims.slice(axis + 1));
    const units = value.dims[axis] as number;
    return {
      data: value.data as Float32Array,
      unitOf: (at: number) => Math.floor(at / inner) % units,
      dims: value.dims,
    };
  });
}

/** Counts the elements checked and complains about each that lies outside of its unit's bounds. */
async function check(found: Proved, x: TensorData, where: string): Promise<number> {
  let checked = 0;
  for (const [index, { data, unitOf }] of (await preActivations(found, x)).entries()) {
    const bounds = found.bounds[index] as LayerBounds;
    if (!isBounded(bounds)) continue;
    const { threshold } = (found.anatomy.layers[index] as Anatomy['layers'][number]).rectifier;
    checked += data.length;
    for (const [at, value] of data.entries()) {
      const unit = unitOf(at);
      const lower: number = bounds.lower[unit] as number;
      const upper: number = bounds.upper[unit] as number;
      if (value >= lower && value <= upper && !(value > threshold && upper <= threshold)) continue;
      expect.fail(`${where}, layer ${index}, unit ${unit}: ${value} is not in [${lower}, ${upper}]`);
    }
  }
  return checked;
}

/** Samples inside of a box and at its corners, half of each. */
function samples(sample: readonly number[], count: number, lower: number, upper: number, random: Random): TensorData {
  const size = product(sample);
  const draw = (_: unknown, at: number) =>
    Math.floor(at / size) % 2 ? (random.uniform() < 0.5 ? lower : upper) : lower + (upper - lower) * random.uniform();
  return tensor([count, ...sample], Array.from({ length: count * size }, draw));
}

/** Every corner of a box of few inputs. */
const corners = (sample: readonly number[], lower: number, upper: number): TensorData => {
  const size = product(sample);
  const at = (_: unknown, index: number): number => ((Math.floor(index / size) >> (index % size)) & 1 ? upper : lower);
  return tensor([2 ** size, ...sample], Array.from({ length: 2 ** size * size }, at));
};

/**
 * The corner that maximizes the linearization of one pre-activation at a point, from there again, and so on: each input is set to
 * its ends in turn to see which raises the value.
 */
async function attack(
  found: Proved,
  sample: readonly number[],
  lower: number,
  upper: number,
  random: Random,
  where: string,
) {
  const size = product(sample);
  let checked = 0;
  for (const [index, bounds] of found.bounds.entries()) {
    if (!isBounded(bounds)) continue;
    let x = Float32Array.from({ length: size }, () => lower + (upper - lower) * random.uniform());
    const start = (await preActivations(found, tensor([1, ...sample], x)))[index]!;
    const element = random.integer(start.data.length);
    const sign = random.uniform() < 0.5 ? 1 : -1;
    for (let step = 0; step < 3; step++) {
      const moved = Array.from({ length: 2 * size }, (_, row) =>
        x.map((value, at) => (at === row >> 1 ? (row & 1 ? upper : lower) : value)),
      );
      const rows = tensor(
        [2 * size, ...sample],
        moved.flatMap(row => [...row]),
      );
      checked += await check(found, rows, where);
      const { data } = (await preActivations(found, rows))[index]!;
      const each = data.length / (2 * size);
      const gain = (at: number) => sign * (data[(2 * at + 1) * each + element]! - data[2 * at * each + element]!);
      x = x.map((_, at) => (gain(at) > 0 ? upper : lower));
    }
    checked += await check(found, tensor([1, ...sample], x), where);
  }
  return checked;
}

describe('no pre-activation leaves its proved bounds', () => {
  const kinds: Record<string, (seed: number, random: Random) => { model: Model; sample: readonly number[] }> = {
    'of all operators': seed => randomNetwork(seed),
    'convolutional, with batch norm and a residual sum': (_, random) => ({
      model: residual(random, () => {}),
      sample: [3, 5, 5],
    }),
    'dense, of every slope': (seed, random) => {
      const slopes = [0, 0, 0.1, 0.25, 1, 1.5, -0.5].map(Math.fround);
      const layers = denseLayers(random, [3, 8, 8, 8, 4], at => slopes[(seed + 3 * at) % slopes.length] as number);
      return { model: denseModel(layers), sample: [3] };
    },
  };
  const wanted: Record<string, { networks: number; checked: number; linear: number }> = {
    'of all operators': { networks: 160, checked: 2_000_000, linear: 15 },
    'convolutional, with batch norm and a residual sum': { networks: 40, checked: 1_000_000, linear: 80 },
    'dense, of every slope': { networks: 40, checked: 400_000, linear: 120 },
  };

  it.each(Object.keys(kinds))('in networks %s: samples, corners, attacks', async kind => {
    const { networks, ...least } = wanted[kind] as (typeof wanted)[string];
    const seen = { checked: 0, layers: 0, linear: 0, unbounded: 0, tighter: 0 };
    for (let seed = 0; seed < networks; seed++) {
      const random = createRandom(seed + 5000);
      const { model, sample } = (kinds[kind] as (typeof kinds)[string])(seed, random);
      const [lower, upper] = [
        [-1, 1],
        [0, 1],
        [-0.1, 3],
        [2, 2],
      ][seed % 4] as [number, number];
      const found = await proved(model, sample, lower, upper);
      const where = `seed ${seed}`;
      try {
        seen.checked += await check(found, samples(sample, 400, lower, upper, random), where);
        if (product(sample) <= 9) seen.checked += await check(found, corners(sample, lower, upper), where);
        seen.checked += await attack(found, sample, lower, upper, random, where);
      } finally {
        await found.session.close();
      }
      for (const [index, bounds] of found.bounds.entries()) {
        seen.layers++;
        const before = found.interval[index] as LayerBounds;
        if (!isBounded(bounds) || !isBounded(before)) {
          seen.unbounded++;
          continue;
        }
        if (bounds.method === 'linear') seen.linear++;
        bounds.upper.forEach((high, unit) => {
          const low = bounds.lower[unit] as number;
          if (high > before.upper[unit]! || low < before.lower[unit]!)
            expect.fail(`${where}: linear bounds are looser`);
          if (high - low < 0.99 * (before.upper[unit]! - before.lower[unit]!)) seen.tighter++;
        });
      }
    }
    console.info(JSON.stringify(seen));
    expect(seen.checked).toBeGreaterThan(least.checked);
    expect(seen.linear).toBeGreaterThan(least.linear - 1);
    expect(seen.tighter).toBeGreaterThan(least.linear / 2);
    expect(seen.unbounded).toBeLessThan(seen.layers / 10);
  });
});

/** A dense network with its numbers in float32; layers without a slope end it. */
function denseLayers(random: Random, widths: readonly number[], slope: (layer: number) => number): RectifierLayer[] {
  return widths.slice(1).map((fanOut, at) => {
    const fanIn = widths[at] as number;
    const numbers = (count: number, scale: number) =>
      Float64Array.from({ length: count }, () => Math.fround(scale * random.normal()));
    return {
      fanIn,
      fanOut,
      weights: numbers(fanIn * fanOut, Math.sqrt(2 / fanIn)),
      biases: numbers(fanOut, 0.5),
      negativeSlope: slope(at),
    };
  });
}

function denseModel(layers: readonly RectifierLayer[]): Model {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  layers.forEach(({ fanIn, fanOut, weights, biases, negativeSlope }, at) => {
    const from = at === 0 ? 'x' : `h${at - 1}`;
    nodes.push(node('Gemm', [from, `w${at}`, `b${at}`], [`z${at}`], { transB: 1 }));
    nodes.push(
      negativeSlope === 0
        ? node('Relu', [`z${at}`], [`h${at}`])
        : node('LeakyRelu', [`z${at}`], [`h${at}`], { alpha: float(negativeSlope as number) }),
    );
    initializers.push(floatTensor(`w${at}`, [fanOut, fanIn], weights), floatTensor(`b${at}`, [fanOut], biases));
  });
  return modelOf({
    nodes,
    initializers,
    inputs: [valueInfo('x', ['N', layers[0]!.fanIn])],
    outputs: [valueInfo(`h${layers.length - 1}`)],
  });
}

it('bounds hold the exact range of every pre-activation of networks of two inputs, and linear ones come close', async () => {
  const sums = { exact: 0, linear: 0, interval: 0 };
  const dead = { exact: 0, linear: 0, interval: 0 };
  for (let seed = 0; seed < 12; seed++) {
    const random = createRandom(seed);
    const layers = denseLayers(random, [2, 6, 6, 6, 6], at =>
      Math.fround([0, 0.1, 0, -0.5, 0, 1.5][(seed + (seed > 5 ? at : 0)) % 6] as number),
    );
    for (const { biases } of layers) biases[0] = -2.5;
    const found = await proved(denseModel(layers), [2], -1, 1);
    await found.session.close();
    for (const [index, layer] of layers.entries()) {
      const { regions } = planeRegions([...layers.slice(0, index), { ...layer, negativeSlope: null }]);
      const [bounds, before] = [found.bounds[index], found.interval[index]].map(each => {
        if (!each || !isBounded(each)) throw new Error('a dense network has bounds');
        return each;
      }) as [Extract<LayerBounds, { lower: Float64Array }>, Extract<LayerBounds, { lower: Float64Array }>];
      for (let unit = 0; unit < layer.fanOut; unit++) {
        const values = regions.flatMap(({ corners: points, outputs }) => {
          const [a, b, c] = outputs[unit] as [number, number, number];
          return points.map(([x, y]) => a * (x as number) + b * (y as number) + c);
        });
        const [least, most] = [Math.min(...values), Math.max(...values)];
        const tolerance = 1e-9 * (1 + Math.abs(least) + Math.abs(most));
        expect(bounds.upper[unit]).toBeGreaterThanOrEqual(most - tolerance);
        expect(bounds.lower[unit]).toBeLessThanOrEqual(least + tolerance);
        // The first layer is linear in the inputs, so that its bounds are exact but for rounding.
        if (index === 0) expect(bounds.upper[unit]! - most).toBeLessThan(1e-4);
        sums.exact += most - least;
        sums.linear += bounds.upper[unit]! - bounds.lower[unit]!;
        sums.interval += before.upper[unit]! - before.lower[unit]!;
        if (most > tolerance) expect(bounds.upper[unit]).toBeGreaterThan(0);
        if (most < 0) dead.exact++;
        if (bounds.upper[unit]! <= 0) dead.linear++;
        if (before.upper[unit]! <= 0) dead.interval++;
      }
    }
  }
  const [linear, interval] = [sums.linear / sums.exact, sums.interval / sums.exact];
  console.info(
    `width over exact width: linear ${linear.toFixed(2)}, interval ${interval.toFixed(2)}; dead ${JSON.stringify(dead)}`,
  );
  expect(linear).toBeLessThan(1.7);
  expect(interval).toBeGreaterThan(2.5);
  expect(dead.linear).toBeGreaterThan(dead.interval);
  expect(dead.linear).toBeGreaterThan(dead.exact / 2);
});

it('a box of one point: bounds are as narrow as rounding, and hold both float32 and exact results', async () => {
  let [widest, moved] = [0, 0];
  for (let seed = 0; seed < 10; seed++) {
    const random = createRandom(seed);
    const layers = denseLayers(random, [300, 200, 200, 50], () => (seed % 2 ? 0 : Math.fround(0.3)));
    // Large numbers that cancel.
    for (const { weights } of layers)
      for (let at = 0; at + 1 < weights.length; at += 40) weights.set([-1000, 1000], at);
    const level = Math.fround(random.uniform() * 10);
    const found = await proved(denseModel(layers), [300], level, level);
    const seen = await preActivations(found, tensor([1, 300], new Float32Array(300).fill(level)));
    await found.session.close();
    let h = new Float64Array(300).fill(level);
    for (const [index, { fanIn, fanOut, weights, biases, negativeSlope }] of layers.entries()) {
      const bounds = found.bounds[index] as LayerBounds;
      if (!isBounded(bounds)) throw new Error('a dense network has bounds');
      const z = Float64Array.from({ length: fanOut }, (_, unit) => {
        let sum = biases[unit] as number;
        for (let k = 0; k < fanIn; k++) sum += weights[unit * fanIn + k]! * h[k]!;
        return sum;
      });
      z.forEach((exact, unit) => {
        for (const value of [exact, seen[index]!.data[unit] as number])
          if (!(value >= bounds.lower[unit]! && value <= bounds.upper[unit]!))
            expect.fail(
              `seed ${seed}, layer ${index}, unit ${unit}: ${value} is not in [${bounds.lower[unit]}, ${bounds.upper[unit]}]`,
            );
        if (seen[index]!.data[unit] !== Math.fround(exact)) moved++;
        if (index === 0) widest = Math.max(widest, bounds.upper[unit]! - bounds.lower[unit]!);
      });
      h = z.map(value => (value > 0 ? value : (negativeSlope as number) * value));
    }
  }
  expect(moved).toBeGreaterThan(1000);
  expect(widest).toBeGreaterThan(0);
  expect(widest).toBeLessThan(20);
});

/** Conv, batch norm, ReLU6, residual sum, Conv, Relu on 6 channels of 5 by 5. */
function residual(random: Random, edit: (weights: Record<string, Float32Array>) => void): Model {
  const normals = (count: number, scale: number) => Float32Array.from({ length: count }, () => scale * random.normal());
  const weights = {
    w0: normals(6 * 3 * 9, 0.3),
    b0: normals(6, 0.3),
    gamma: normals(6, 1),
    beta: normals(6, 1),
    mean: normals(6, 1),
    variance: normals(6, 1).map(item => item * item + 0.1),
    w1: normals(6 * 6 * 9, 0.2),
    b1: normals(6, 0.2),
    w2: normals(4 * 6, 0.5),
    b2: normals(4, 0.5),
  };
  edit(weights);
  const dims: Record<string, number[]> = { w0: [6, 3, 3, 3], w1: [6, 6, 3, 3], w2: [4, 6, 1, 1] };
  return modelOf({
    nodes: [
      node('Conv', ['x', 'w0', 'b0'], ['c0'], { pads: [1, 1, 1, 1] }),
      node('BatchNormalization', ['c0', 'gamma', 'beta', 'mean', 'variance'], ['n0']),
      node('Clip', ['n0', 'zero', 'six'], ['h0']),
      node('Conv', ['h0', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
      node('Add', ['c1', 'h0'], ['s1']),
      node('Relu', ['s1'], ['h1']),
      node('Conv', ['h1', 'w2', 'b2'], ['z2'], { strides: [2, 2] }),
      node('LeakyRelu', ['z2'], ['h2'], { alpha: float(0.1) }),
    ],
    initializers: [
      ...Object.entries(weights).map(([name, values]) => floatTensor(name, dims[name] ?? [values.length], values)),
      floatTensor('zero', [], [0]),
      floatTensor('six', [], [6]),
    ],
    inputs: [valueInfo('x', ['N', 3, 5, 5])],
    outputs: [valueInfo('h2')],
  });
}

it('planted dead units are found, and one that fires at a corner only is not among them', async () => {
  let near = 0;
  for (let seed = 0; seed < 25; seed++) {
    const random = createRandom(seed);
    const model = residual(random, ({ w0, b0, gamma, beta, mean, w1, b1 }) => {
      gamma!.set([1, 1], 0);
      beta!.set([0, 0], 0);
      mean!.set([0, 0], 0);
      const norm = (unit: number) => w0!.subarray(unit * 27, unit * 27 + 27).reduce((sum, w) => sum + Math.abs(w), 0);
      // Unit 0 can never fire for |x| <= 1, unit 1 only close to one corner of the window in the middle.
      b0![0] = -1.0001 * norm(0);
      b0![1] = -0.999 * norm(1);
      // In the sum its input adds up to 6.
      const up = w1!.subarray(54, 108).reduce((sum, w) => sum + Math.max(w, 0), 0);
      b1![1] = -6 * up - 6.5;
    });
    const found = await proved(model, [3, 5, 5], -1, 1);
    const [first, second] = found.bounds as [LayerBounds, LayerBounds];
    if (!isBounded(first) || !isBounded(second)) throw new Error('there are bounds');
    expect(first.upper[0]).toBeLessThanOrEqual(0);
    expect(first.upper[1]).toBeGreaterThan(0);
    expect(second.upper[1]).toBeLessThanOrEqual(0);
    await check(found, samples([3, 5, 5], 300, -1, 1, random), `seed ${seed}`);
    // The corner that fires unit 1 at the centre.
    const x = new Float32Array(75).fill(1);
    const w = dissect(model).layers[0]!.feed!.weight.data.subarray(27, 54);
    w.forEach((weight, at) => {
      const [channel, row, column] = [Math.floor(at / 9), Math.floor(at / 3) % 3, at % 3];
      x[channel * 25 + (row + 1) * 5 + column + 1] = weight < 0 ? -1 : 1;
    });
    await check(found, tensor([1, 3, 5, 5], x), `seed ${seed}`);
    if ((await preActivations(found, tensor([1, 3, 5, 5], x)))[0]!.data.subarray(25, 50).some(value => value > 0))
      near++;
    await found.session.close();
  }
  expect(near).toBe(25);
});

it('bounds hold what the engine makes of a chain that it folds into one convolution', async () => {
  let moved = 0;
  for (let seed = 0; seed < 40; seed++) {
    const random = createRandom(seed);
    const normals = (count: number, scale: number) =>
      Float32Array.from({ length: count }, () => scale * random.normal());
    const channels = 8;
    const map = [channels, 1, 1];
    const tensors: [string, number[], Float32Array][] = [
      ['w', [channels, 16, 3, 3], normals(channels * 144, 1)],
      ['b', [channels], normals(channels, 300)],
      ['gamma', [channels], normals(channels, 3)],
      ['beta', [channels], normals(channels, 100)],
      ['mean', [channels], normals(channels, 300)],
      ['variance', [channels], normals(channels, 1).map(item => item * item + 1e-4)],
      ['factor', map, normals(channels, 3)],
      ['shift', map, normals(channels, 300)],
    ];
    const model = modelOf({
      nodes: [
        node('Conv', ['x', 'w', 'b'], ['c']),
        node('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'variance'], ['n']),
        node('Mul', ['n', 'factor'], ['m']),
        node('Add', ['m', 'shift'], ['z']),
        // With slope 1 the output is the pre-activation.
        node('LeakyRelu', ['z'], ['y'], { alpha: float(1) }),
      ],
      initializers: tensors.map(([name, dims, values]) => floatTensor(name, dims, values)),
      inputs: [valueInfo('x', ['N', 16, 3, 3])],
      outputs: [valueInfo('y')],
    });
    const level = Math.fround(10 * random.normal());
    const x = tensor([1, 16, 3, 3], new Float32Array(144).fill(level));
    const found = await proved(model, [16, 3, 3], level, level);
    await found.session.close();
    // Values that are shown cannot be folded away.
    const apart = (await runOnce(exposing(model, ['c', 'n', 'm', 'z']), { x })).z!.data;
    const folded = (await runOnce(model, { x })).y!.data;
    const [bounds] = found.bounds;
    if (!bounds || !isBounded(bounds)) throw new Error('a convolution has bounds');
    for (let unit = 0; unit < channels; unit++) {
      if (folded[unit] !== apart[unit]) moved++;
      for (const value of [Number(folded[unit]), Number(apart[unit])])
        if (!(value >= bounds.lower[unit]! && value <= bounds.upper[unit]!))
          expect.fail(`seed ${seed}, unit ${unit}: ${value} is not in [${bounds.lower[unit]}, ${bounds.upper[unit]}]`);
    }
  }
  expect(moved).toBeGreaterThan(100);
});
