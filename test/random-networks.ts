import { float, floatTensor, intTensor, node, valueInfo } from '../src/onnx/build.js';
import type { Model } from '../src/onnx/model.js';
import type { NodeProto, TensorProto, ValueInfoProto } from '../src/onnx/proto.js';
import type { TensorData } from '../src/onnx/tensor-data.js';
import { createRandom, type Random } from '../src/random.js';
import { modelOf, tensor } from './models.js';

/** A value of a network: dimensions of one sample, channels or features on `axis` of these (0 is the first behind the batch). */
export interface RandomValue {
  readonly name: string;
  readonly dims: readonly number[];
  readonly axis: number;
}

/** A channel that was made constant on purpose, and its level where it is the same everywhere. */
export interface PlantedConstant {
  readonly value: string;
  readonly channel: number;
  readonly level: number;
}

/** A small random network with one input `x`, free in its batch axis. */
export interface RandomNetwork {
  readonly model: Model;
  /** Dimensions of one sample of `x`. */
  readonly sample: readonly number[];
  readonly values: readonly RandomValue[];
  readonly planted: readonly PlantedConstant[];
}

interface Builder {
  readonly random: Random;
  readonly opset: number;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly values: RandomValue[];
  readonly planted: PlantedConstant[];
}

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const chance = ({ random }: Builder, share: number) => random.uniform() < share;
const pick = <T>({ random }: Builder, items: readonly T[]): T => items[random.integer(items.length)] as T;

const fresh = ({ nodes, initializers }: Builder, base: string) => `${base}${nodes.length}_${initializers.length}`;

function constant(build: Builder, dims: readonly number[], values: ArrayLike<number>): string {
  const name = fresh(build, 'c');
  build.initializers.push(floatTensor(name, dims, values));
  return name;
}

function integers(build: Builder, values: readonly number[], dims: readonly number[] = [values.length]): string {
  const name = fresh(build, 'i');
  build.initializers.push(intTensor(name, dims, values));
  return name;
}

const normals = ({ random }: Builder, count: number) => Array.from({ length: count }, () => random.normal());

/** Numbers of which every now and then one is exactly 0. */
const holey = (build: Builder, count: number) => normals(build, count).map(item => (chance(build, 0.25) ? 0 : item));

function add(
  build: Builder,
  op: string,
  inputs: readonly string[],
  dims: readonly number[],
  axis: number,
  attributes: Parameters<typeof node>[3] = {},
): RandomValue {
  const value = { name: fresh(build, op), dims, axis };
  build.nodes.push(node(op, inputs, [value.name], attributes));
  build.values.push(value);
  return value;
}

const plant = ({ planted }: Builder, { name }: RandomValue, channel: number, level: number) =>
  planted.push({ value: name, channel, level });

/** Sets some rows and columns of a weight to 0; `at(output, input)` lists the positions that connect two channels. Returns the outputs without weights. */
function sparsify(
  build: Builder,
  weight: number[],
  outputs: number,
  inputs: number,
  at: (output: number, input: number) => number[],
) {
  const empty = Array.from({ length: outputs }, () => chance(build, 0.2));
  const unused = Array.from({ length: inputs }, () => chance(build, 0.2));
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      if (empty[output] || unused[input]) for (const position of at(output, input)) weight[position] = 0;
  return empty.flatMap((is, output) => (is ? [output] : []));
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

function conv(build: Builder, x: RandomValue): RandomValue {
  const [inputs, height, width] = x.dims as [number, number, number];
  const group = pick(build, [1, 1, inputs, inputs % 2 === 0 ? 2 : 1]);
  const outputs = group * pick(build, [1, 2]) * (group === 1 ? 2 : 1);
  const kernel = Math.min(pick(build, [1, 3]), height, width);
  const pad = pick(build, [0, Math.floor(kernel / 2)]);
  const inEach = inputs / group;
  const positions = kernel * kernel;
  const weight = normals(build, outputs * inEach * positions);
  const empty = sparsify(build, weight, outputs, inEach, (output, input) =>
    range((output * inEach + input) * positions, positions),
  );
  const bias = chance(build, 0.7) ? normals(build, outputs) : null;
  const names = [x.name, constant(build, [outputs, inEach, kernel, kernel], weight)];
  if (bias) names.push(constant(build, [outputs], bias));
  const size = (length: number) => length + 2 * pad - kernel + 1;
  const y = add(build, 'Conv', names, [outputs, size(height), size(width)], 0, { group, pads: [pad, pad, pad, pad] });
  for (const output of empty) plant(build, y, output, bias?.[output] ?? 0);
  return y;
}

function convTranspose(build: Builder, x: RandomValue): RandomValue {
  const [inputs, height, width] = x.dims as [number, number, number];
  const group = pick(build, [1, inputs]);
  const outEach = pick(build, [1, 2]);
  const outputs = group * outEach;
  const inEach = inputs / group;
  const weight = normals(build, inputs * outEach * 4);
  const empty = sparsify(build, weight, outputs, inEach, (output, input) =>
    range(((Math.floor(output / outEach) * inEach + input) * outEach + (output % outEach)) * 4, 4),
  );
  const bias = normals(build, outputs);
  const names = [x.name, constant(build, [inputs, outEach, 2, 2], weight), constant(build, [outputs], bias)];
  const y = add(build, 'ConvTranspose', names, [outputs, 2 * height, 2 * width], 0, { group, strides: [2, 2] });
  for (const output of empty) plant(build, y, output, bias[output] as number);
  return y;
}

function dense(build: Builder, x: RandomValue): RandomValue {
  const inputs = x.dims[x.dims.length - 1] as number;
  const outputs = pick(build, [2, 3, 4]);
  const gemm = x.dims.length === 1 && chance(build, 0.6);
  const transB = gemm ? build.random.integer(2) : 0;
  const weight = normals(build, inputs * outputs);
  const empty = sparsify(build, weight, outputs, inputs, (output, input) => [
    transB ? output * inputs + input : input * outputs + output,
  ]);
  const w = constant(build, transB ? [outputs, inputs] : [inputs, outputs], weight);
  const dims = [...x.dims.slice(0, -1), outputs];
  if (!gemm) {
    const y = add(build, 'MatMul', [x.name, w], dims, dims.length - 1);
    for (const output of empty) plant(build, y, output, 0);
    return y;
  }
  const bias = normals(build, outputs);
  const y = add(build, 'Gemm', [x.name, w, constant(build, [outputs], bias)], dims, 0, {
    transB,
    alpha: float(0.5),
    beta: float(2),
  });
  for (const output of empty) plant(build, y, output, 2 * (bias[output] as number));
  return y;
}

function batchNorm(build: Builder, x: RandomValue): RandomValue {
  const channels = x.dims[0] as number;
  const gamma = holey(build, channels);
  const beta = normals(build, channels);
  const variance = normals(build, channels).map(item => item * item + 0.1);
  const names = [gamma, beta, normals(build, channels), variance].map(values => constant(build, [channels], values));
  const y = add(build, 'BatchNormalization', [x.name, ...names], x.dims, 0);
  gamma.forEach((item, channel) => {
    if (item === 0) plant(build, y, channel, beta[channel] as number);
  });
  return y;
}

function activation(build: Builder, x: RandomValue): RandomValue {
  const of = (op: string, more: string[] = [], attributes = {}) =>
    add(build, op, [x.name, ...more], x.dims, x.axis, attributes);
  switch (build.random.integer(10)) {
    case 0:
      return of('LeakyRelu', [], { alpha: float(0.1) });
    case 1:
      return of('Sigmoid');
    case 2:
      return of('Tanh');
    case 3:
      return of(build.opset >= 14 ? 'HardSwish' : 'Elu');
    case 4:
      return of('Clip', [constant(build, [], [0]), constant(build, [], [1])]);
    case 5:
      return of(pick(build, ['Neg', 'Abs', 'Identity', 'Dropout', 'Softplus', 'Erf']));
    case 6:
      return of('PRelu', [perChannel(build, x, normals(build, channelsOf(x)))]);
    case 7:
      return of('ThresholdedRelu', [], { alpha: float(0.5) });
    default:
      return of('Relu');
  }
}

const channelsOf = ({ dims, axis }: RandomValue) => dims[axis] as number;

/** A constant with one number for each channel of a value, written with as many axes as it takes or as many as the value has. */
function perChannel(build: Builder, x: RandomValue, values: readonly number[]): string {
  const behind = x.dims.length - 1 - x.axis;
  const full = chance(build, 0.5);
  return constant(
    build,
    [...(full ? new Array(x.axis + 1).fill(1) : []), values.length, ...new Array(behind).fill(1)],
    values,
  );
}

function withConstant(build: Builder, x: RandomValue): RandomValue {
  const op = pick(build, ['Add', 'Sub', 'Mul', 'Mul', 'Div', 'Max', 'Min']);
  const count = channelsOf(x);
  const last = x.dims[x.dims.length - 1] as number;
  const positive = (values: number[]) => (op === 'Div' ? values.map(item => Math.abs(item) + 0.5) : values);
  const kind = build.random.integer(4);
  if (kind === 0) return add(build, op, [x.name, constant(build, [], positive(normals(build, 1)))], x.dims, x.axis);
  // One number for each position of the last axis, whatever that axis is.
  if (kind === 1)
    return add(build, op, [x.name, constant(build, [last], positive(normals(build, last)))], x.dims, x.axis);
  const values = positive(op === 'Mul' ? holey(build, count) : normals(build, count));
  const names = [x.name, perChannel(build, x, values)];
  const y = add(build, op, op === 'Mul' && chance(build, 0.5) ? names.reverse() : names, x.dims, x.axis);
  values.forEach((item, channel) => {
    if (op === 'Mul' && item === 0) plant(build, y, channel, 0);
  });
  return y;
}

/** A value of the network that another can be combined with elementwise: of the same dimensions, or 1 where they differ. */
function partner(build: Builder, x: RandomValue, same: boolean): RandomValue | null {
  const fits = build.values.filter(
    ({ dims }) =>
      dims.length === x.dims.length && dims.every((dim, axis) => dim === x.dims[axis] || (!same && dim === 1)),
  );
  return fits.length > 0 ? pick(build, fits) : null;
}

function combine(build: Builder, x: RandomValue): RandomValue | null {
  const other = partner(build, x, chance(build, 0.6));
  if (!other) return null;
  const op = pick(build, ['Add', 'Add', 'Sub', 'Mul', 'Max', 'Sum']);
  const names = op !== 'Sub' && chance(build, 0.5) ? [other.name, x.name] : [x.name, other.name];
  if (op === 'Sum' || op === 'Max') names.push(constant(build, [], normals(build, 1)));
  return add(build, op, names, x.dims, x.axis);
}

/** An axis as an attribute gives it: counted from the front (the batch first) or from the back. */
const axisAttribute = (build: Builder, { dims }: RandomValue, axis: number) =>
  chance(build, 0.7) ? axis + 1 : axis - dims.length;

function concat(build: Builder, x: RandomValue): RandomValue | null {
  const axis = chance(build, 0.7) ? x.axis : build.random.integer(x.dims.length);
  const fits = build.values.filter(
    ({ dims }) => dims.length === x.dims.length && dims.every((dim, at) => at === axis || dim === x.dims[at]),
  );
  if (fits.length === 0) return null;
  const parts = [x, pick(build, fits)];
  const dims = x.dims.map((dim, at) =>
    at === axis ? parts.reduce((sum, part) => sum + (part.dims[axis] as number), 0) : dim,
  );
  if (product(dims) > 400) return null;
  const names = parts.map(({ name }) => name);
  return add(build, 'Concat', names, dims, x.axis, { axis: axisAttribute(build, x, axis) });
}

function slice(build: Builder, x: RandomValue): RandomValue | null {
  const axis = chance(build, 0.7) ? x.axis : build.random.integer(x.dims.length);
  const count = x.dims[axis] as number;
  if (count < 2) return null;
  const from = build.random.integer(count - 1);
  const to = from + 1 + build.random.integer(count - from);
  const dims = x.dims.map((dim, at) => (at === axis ? Math.min(to, count) - from : dim));
  const [starts, ends, axes] = [
    integers(build, [chance(build, 0.5) ? from : from - count]),
    integers(build, [to >= count ? 2 ** 31 : to]),
    integers(build, [axisAttribute(build, x, axis)]),
  ];
  return add(build, 'Slice', [x.name, starts, ends, axes], dims, x.axis);
}

function split(build: Builder, x: RandomValue): RandomValue | null {
  const axis = chance(build, 0.7) ? x.axis : build.random.integer(x.dims.length);
  const count = x.dims[axis] as number;
  if (count < 2) return null;
  const even = count % 2 === 0 && chance(build, 0.5);
  const first = even ? count / 2 : 1 + build.random.integer(count - 1);
  const sizes = [first, count - first];
  const names = [fresh(build, 'SplitA'), fresh(build, 'SplitB')];
  const given = !even && build.opset >= 13 ? [integers(build, sizes)] : [];
  const attributes = {
    axis: axisAttribute(build, x, axis),
    ...(!even && build.opset < 13 ? { split: sizes } : {}),
    ...(even && build.opset >= 18 ? { num_outputs: 2 } : {}),
  };
  build.nodes.push(node('Split', [x.name, ...given], names, attributes));
  const parts = names.map((name, part) => ({
    name,
    dims: x.dims.map((dim, at) => (at === axis ? (sizes[part] as number) : dim)),
    axis: x.axis,
  }));
  build.values.push(...parts);
  return pick(build, parts);
}

/** Operators on feature maps, channels first. */
function onMap(build: Builder, x: RandomValue): RandomValue | null {
  const [channels, height, width] = x.dims as [number, number, number];
  const of = (op: string, dims: number[], more: string[] = [], attributes = {}) =>
    add(build, op, [x.name, ...more], dims, 0, attributes);
  switch (build.random.integer(13)) {
    case 0:
      return product(x.dims) < 200 ? convTranspose(build, x) : null;
    case 1:
      return batchNorm(build, x);
    case 2: {
      const pool = pick(build, ['MaxPool', 'AveragePool']);
      // ONNX Runtime 1.30 merges a Pad into the pool behind it with another number at the border.
      if (x.name.startsWith('Pad')) return null;
      const pad = build.random.integer(2);
      const attributes = {
        kernel_shape: [3, 3],
        pads: [pad, pad, pad, pad],
        ...(pool === 'AveragePool' ? { count_include_pad: build.random.integer(2) } : {}),
      };
      return height + 2 * pad < 3 || width + 2 * pad < 3
        ? null
        : of(pool, [channels, height + 2 * pad - 2, width + 2 * pad - 2], [], attributes);
    }
    case 3:
      return of(pick(build, ['GlobalAveragePool', 'GlobalMaxPool']), [channels, 1, 1]);
    case 4:
      if (product(x.dims) > 100) return null;
      return of(
        'Resize',
        [channels, 2 * height, 2 * width],
        [constant(build, [0], []), constant(build, [4], [1, 1, 2, 2])],
        {
          mode: pick(build, ['nearest', 'linear']),
        },
      );
    case 5: {
      const amount = pick(build, [0, 0.5]);
      const mode = height > 1 && width > 1 ? pick(build, ['constant', 'edge', 'reflect']) : 'edge';
      return of(
        'Pad',
        [channels, height + 1, width + 1],
        [integers(build, [0, 0, 1, 0, 0, 0, 0, 1]), constant(build, [], [amount])],
        { mode },
      );
    }
    case 6:
      return add(build, 'Transpose', [x.name], [height, width, channels], 2, { perm: [0, 2, 3, 1] });
    case 7:
      return add(build, 'Transpose', [x.name], [height, channels, width], 1, { perm: [0, 2, 1, 3] });
    case 8: {
      const keepdims = build.random.integer(2);
      const axes = chance(build, 0.5) ? [2, 3] : [-2, -1];
      const op = pick(build, ['ReduceMean', 'ReduceMax']);
      const asInput = build.opset >= 18;
      return of(op, keepdims ? [channels, 1, 1] : [channels], asInput ? [integers(build, axes)] : [], {
        keepdims,
        ...(asInput ? {} : { axes }),
      });
    }
    case 9:
      return flat(build, x);
    case 10:
      return of('Softmax', [...x.dims], [], { axis: 1 });
    case 11: {
      const [scale, bias] = [
        constant(build, [channels], holey(build, channels)),
        constant(build, [channels], normals(build, channels)),
      ];
      return of('InstanceNormalization', [...x.dims], [scale, bias]);
    }
    default:
      return conv(build, x);
  }
}

/** Flattens to a vector for each sample; its features are no longer one channel each. */
function flat(build: Builder, x: RandomValue): RandomValue {
  const size = product(x.dims);
  const kind = build.random.integer(3);
  if (kind === 0) return add(build, 'Flatten', [x.name], [size], 0);
  return add(build, 'Reshape', [x.name, integers(build, kind === 1 ? [0, -1] : [-1, size])], [size], 0);
}

/** Operators on maps with their features last. */
function onFeaturesLast(build: Builder, x: RandomValue): RandomValue | null {
  const [height, width, channels] = x.dims as [number, number, number];
  switch (build.random.integer(4)) {
    case 0:
      return add(build, 'Transpose', [x.name], [channels, height, width], x.axis === 2 ? 0 : 2, { perm: [0, 3, 1, 2] });
    case 1:
      return flat(build, x);
    case 2:
      // Pools the last two axes, of which one was the features': the first one counts as the channels' then.
      return width > 1 && channels > 1
        ? add(build, 'AveragePool', [x.name], [height, width - 1, channels - 1], 0, { kernel_shape: [2, 2] })
        : null;
    default:
      return dense(build, x);
  }
}

/** Operators on vectors. */
function onVector(build: Builder, x: RandomValue): RandomValue | null {
  const [features] = x.dims as [number];
  switch (build.random.integer(5)) {
    case 0:
      return batchNorm(build, x);
    case 1: {
      const axes = chance(build, 0.5) ? [2, 3] : [-2, -1];
      const asInput = build.opset >= 13;
      const inputs = asInput ? [x.name, integers(build, axes)] : [x.name];
      return add(build, 'Unsqueeze', inputs, [features, 1, 1], 0, asInput ? {} : { axes });
    }
    case 2:
      return add(build, 'Softmax', [x.name], x.dims, 0, { axis: 1 });
    default:
      return dense(build, x);
  }
}

function squeeze(build: Builder, x: RandomValue): RandomValue {
  const axes = chance(build, 0.5) ? [2, 3] : [-1, -2];
  const asInput = build.opset >= 13;
  const inputs = asInput ? [x.name, integers(build, axes)] : [x.name];
  return add(build, 'Squeeze', inputs, [x.dims[0] as number], 0, asInput ? {} : { axes });
}

function step(build: Builder): RandomValue | null {
  // Mostly the newest value, so that networks get deep; sometimes an older one, so that they branch.
  const x = chance(build, 0.7) ? (build.values[build.values.length - 1] as RandomValue) : pick(build, build.values);
  const kind = build.random.uniform();
  if (kind < 0.2) return activation(build, x);
  if (kind < 0.3) return withConstant(build, x);
  if (kind < 0.4) return combine(build, x);
  if (kind < 0.46) return concat(build, x);
  if (kind < 0.52) return slice(build, x);
  if (kind < 0.58) return split(build, x);
  if (x.dims.length === 1) return onVector(build, x);
  if (x.axis === 0)
    return x.dims[1] === 1 && x.dims[2] === 1 && chance(build, 0.4) ? squeeze(build, x) : onMap(build, x);
  return onFeaturesLast(build, x);
}

/**
 * A random network: convolutions (grouped, depthwise, transposed), dense layers, batch norms, activations, residual and other sums,
 * concatenations, slices, pools, padding, transposes, flattening in either layout, several outputs and branches that nothing
 * reads. Zero rows, zero columns, zero gammas and zero masks are planted. Sizes coincide often, so that mixed-up axes show.
 */
export function randomNetwork(seed: number): RandomNetwork {
  const random = createRandom(seed);
  const opset = [11, 13, 17, 21][random.integer(4)] as number;
  const build: Builder = { random, opset, nodes: [], initializers: [], values: [], planted: [] };
  const size = () => 2 + random.integer(3);
  const sample = random.integer(3) === 0 ? [size()] : [size(), size(), size()];
  build.values.push({ name: 'x', dims: sample, axis: 0 });
  const steps = 5 + random.integer(12);
  for (let done = 0; done < steps; ) if (step(build)) done++;
  const values = build.values.slice(1);
  const outputs = new Set([
    values[values.length - 1] as RandomValue,
    ...(chance(build, 0.5) ? [pick(build, values)] : []),
  ]);
  const declared: ValueInfoProto[] = [...outputs].map(({ name }) => valueInfo(name));
  return {
    model: modelOf(
      {
        nodes: build.nodes,
        initializers: build.initializers,
        inputs: [valueInfo('x', ['N', ...sample])],
        outputs: declared,
      },
      opset,
    ),
    sample,
    values,
    planted: build.planted,
  };
}

/** A batch of normal random samples for a network. */
export const randomBatch = (sample: readonly number[], samples: number, random: Random): TensorData =>
  tensor(
    [samples, ...sample],
    Array.from({ length: samples * product(sample) }, () => random.normal()),
  );
