import { float, floatTensor, intTensor, node, valueInfo } from '../src/onnx/build.js';
import type { Model } from '../src/onnx/model.js';
import type { NodeProto, TensorProto } from '../src/onnx/proto.js';
import { createRandom, type Random } from '../src/random.js';
import { modelOf } from './models.js';

/** What is planted in a unit on purpose. */
type Plant = 'healthy' | 'zeroBelow' | 'zeroAbove' | 'subnormal' | 'negligible' | 'gamma' | 'silent' | 'alwaysOn';

/** A network with planted dead units, of a named family. */
export interface HealNetwork {
  readonly family: string;
  readonly model: Model;
  /** Dimensions of one sample of `x`. */
  readonly sample: readonly number[];
  /** The outputs of its rectifiers that are 0 where their unit does not fire. */
  readonly rectified: readonly string[];
}

interface Value {
  readonly name: string;
  readonly width: number;
  /** Height and width of a map; 0 for a vector. */
  readonly size: number;
}

interface Builder {
  readonly random: Random;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly rectified: string[];
  readonly padded: boolean;
  readonly plants: boolean;
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(items.length)] as T;

function constant(build: Builder, dims: readonly number[], values: ArrayLike<number>): string {
  const name = `c${build.initializers.length}`;
  build.initializers.push(floatTensor(name, dims, values));
  return name;
}

function add(build: Builder, op: string, inputs: string[], attributes: Parameters<typeof node>[3] = {}): string {
  const name = `${op}${build.nodes.length}`;
  build.nodes.push(node(op, inputs, [name], attributes));
  return name;
}

const normals = (random: Random, count: number, scale = 1) =>
  Array.from({ length: count }, () => scale * random.normal());

const dead = ['zeroBelow', 'zeroAbove', 'subnormal', 'negligible', 'silent', 'alwaysOn'] as const;

/** The plants of a layer: about a third of its units, the first one healthy. */
const plantsOf = ({ random, plants }: Builder, units: number, normed: boolean): Plant[] =>
  Array.from({ length: units }, (_, unit) =>
    plants && unit > 0 && random.uniform() < 0.35 ? pick(random, normed ? [...dead, 'gamma'] : dead) : 'healthy',
  );

const scaleOf = (plant: Plant) =>
  plant === 'zeroBelow' || plant === 'zeroAbove'
    ? 0
    : plant === 'subnormal'
      ? 1e-40
      : plant === 'negligible'
        ? 1e-9
        : 1;
const biasOf = (random: Random, plant: Plant) => {
  const size = 0.1 + random.uniform();
  if (plant === 'zeroAbove' || plant === 'alwaysOn') return plant === 'alwaysOn' ? 50 : size;
  return plant === 'healthy' || plant === 'gamma' ? random.normal() * 0.3 : plant === 'silent' ? -50 : -size;
};

/** A layer, perhaps a batch norm, and a rectifier, with some of its units dead. */
function rectifiedLayer(build: Builder, x: Value, units: number, kind: 'dense' | 'conv' | 'depthwise'): Value {
  const { random } = build;
  const normed = kind !== 'dense' && random.uniform() < 0.5;
  const plants = plantsOf(build, units, normed);
  const kernel = kind === 'dense' ? 1 : pick(random, [1, 3]);
  const each = (kind === 'depthwise' ? 1 : x.width) * kernel ** 2;
  const rows = plants.map(plant => normals(random, each, scaleOf(plant) / Math.sqrt(each)));
  const bias = plants.map(plant => biasOf(random, plant));
  const pad = kind !== 'dense' && build.padded ? (kernel - 1) / 2 : 0;
  const size = kind === 'dense' ? 0 : x.size + 2 * pad - kernel + 1;
  let name: string;
  if (kind === 'dense') {
    const transB = random.integer(2);
    const weight = transB ? rows.flat() : rows[0]!.flatMap((_, input) => rows.map(row => row[input]!));
    const w = constant(build, transB ? [units, x.width] : [x.width, units], weight);
    const b = constant(build, [units], bias);
    if (!transB && random.uniform() < 0.5) name = add(build, 'Add', [add(build, 'MatMul', [x.name, w]), b]);
    else name = add(build, 'Gemm', [x.name, w, b], { transB });
  } else {
    const weight = constant(build, [units, each / kernel ** 2, kernel, kernel], rows.flat());
    const inputs = [x.name, weight];
    if (!normed) inputs.push(constant(build, [units], bias));
    const group = kind === 'depthwise' ? x.width : 1;
    name = add(build, 'Conv', inputs, { group, pads: [pad, pad, pad, pad] });
  }
  if (normed) {
    const gamma = plants.map(plant => (plant === 'gamma' ? 0 : 1 + 0.3 * random.normal()));
    const variance = plants.map(() => 0.5 + random.uniform());
    const vectors = [gamma, bias, normals(random, units, 0.2), variance].map(values =>
      constant(build, [units], values),
    );
    name = add(build, 'BatchNormalization', [name, ...vectors]);
  }
  return { name: rectifier(build, name, units, kind !== 'dense'), width: units, size };
}

function rectifier(build: Builder, name: string, units: number, isMap: boolean): string {
  const { random } = build;
  switch (random.integer(6)) {
    case 0:
      return add(build, 'LeakyRelu', [name], { alpha: float(0.1) });
    case 1:
      return add(build, 'PRelu', [name, constant(build, isMap ? [units, 1, 1] : [units], normals(random, units, 0.3))]);
    case 2: {
      const clipped = add(build, 'Clip', [name, constant(build, [], [0]), constant(build, [], [6])]);
      build.rectified.push(clipped);
      return clipped;
    }
    default: {
      const fired = add(build, 'Relu', [name]);
      build.rectified.push(fired);
      return fired;
    }
  }
}

/** Maps to a vector: all positions or their means, then a last layer that nothing rectifies. */
function head(build: Builder, x: Value): string {
  const { random } = build;
  let flat = x;
  if (x.size > 0) {
    const pooled = random.uniform() < 0.5;
    const map = pooled ? add(build, 'GlobalAveragePool', [x.name]) : x.name;
    const width = pooled ? x.width : x.width * x.size ** 2;
    if (random.uniform() < 0.5) flat = { name: add(build, 'Flatten', [map]), width, size: 0 };
    else {
      const target = `shape${build.initializers.length}`;
      build.initializers.push(intTensor(target, [2], random.uniform() < 0.5 ? [0, -1] : [-1, width]));
      flat = { name: add(build, 'Reshape', [map, target]), width, size: 0 };
    }
  }
  const w = constant(build, [flat.width, 5], normals(random, flat.width * 5, 1 / Math.sqrt(flat.width)));
  return add(build, 'Gemm', [flat.name, w, constant(build, [5], normals(random, 5))]);
}

const families = {
  mlp(build: Builder): string {
    let x: Value = { name: 'x', width: 12, size: 0 };
    for (let depth = 0; depth < 3; depth++) x = rectifiedLayer(build, x, 8 + 4 * build.random.integer(4), 'dense');
    return head(build, x);
  },
  cnn(build: Builder): string {
    let x: Value = { name: 'x', width: 3, size: 9 };
    for (let depth = 0; depth < 3; depth++) x = rectifiedLayer(build, x, 8 + 4 * build.random.integer(3), 'conv');
    return head(build, x);
  },
  pooled(build: Builder): string {
    let x: Value = rectifiedLayer(build, { name: 'x', width: 3, size: 10 }, 8, 'conv');
    const pool = pick(build.random, ['MaxPool', 'AveragePool']);
    const size = Math.floor((x.size - 2) / 2) + 1;
    x = { ...x, name: add(build, pool, [x.name], { kernel_shape: [2, 2], strides: [2, 2] }), size };
    return head(build, rectifiedLayer(build, x, 12, 'conv'));
  },
  depthwise(build: Builder): string {
    const x = rectifiedLayer(build, { name: 'x', width: 3, size: 9 }, 12, 'conv');
    return head(build, rectifiedLayer(build, rectifiedLayer(build, x, 12, 'depthwise'), 8, 'conv'));
  },
  residual(build: Builder): string {
    let x = rectifiedLayer({ ...build, padded: true }, { name: 'x', width: 3, size: 7 }, 8, 'conv');
    for (let block = 0; block < 2; block++) {
      const inner = rectifiedLayer({ ...build, padded: true }, x, 12, 'conv');
      const outer = rectifiedLayer({ ...build, padded: true }, inner, 8, 'conv');
      x = { ...outer, name: add(build, 'Add', [x.name, outer.name]) };
    }
    return head(build, rectifiedLayer(build, x, 8, 'conv'));
  },
  concat(build: Builder): string {
    const x: Value = { name: 'x', width: 3, size: 8 };
    const same = { ...build, padded: true };
    const parts = [rectifiedLayer(same, x, 8, 'conv'), rectifiedLayer(same, x, 4, 'conv')];
    const names = parts.map(({ name }) => name);
    const joined = { name: add(build, 'Concat', names, { axis: 1 }), width: 12, size: 8 };
    return head(build, rectifiedLayer(build, joined, 8, 'conv'));
  },
};
type Family = keyof typeof families;

/** The network of a seed: the families take turns, padding is on and off. Without `plants` the same kinds of network are all healthy. */
export function healNetwork(seed: number, { plants = true } = {}): HealNetwork {
  const names = Object.keys(families) as Family[];
  const family = names[seed % names.length] as Family;
  const random = createRandom(seed);
  const padded = Math.floor(seed / names.length) % 2 === 1;
  const build: Builder = { random, nodes: [], initializers: [], rectified: [], padded, plants };
  const output = families[family](build);
  const sample = {
    mlp: [12],
    cnn: [3, 9, 9],
    pooled: [3, 10, 10],
    depthwise: [3, 9, 9],
    residual: [3, 7, 7],
    concat: [3, 8, 8],
  };
  const model = modelOf({
    nodes: build.nodes,
    initializers: build.initializers,
    inputs: [valueInfo('x', ['N', ...sample[family]])],
    outputs: [valueInfo(output)],
  });
  return { family, model, sample: sample[family], rectified: build.rectified };
}
