import { type AttributeValue, floatTensor, node } from '../../onnx/build.js';
import type { NodeProto, TensorProto } from '../../onnx/proto.js';
import type { Random } from '../../random.js';
import type { Rectifier } from '../../rectifiers/rectifier.js';
import { initialize } from '../../theory/initialize.js';
import type { Initializer } from '../../theory/initializer.js';
import { elements } from '../rule.js';
import { familyOf, writeRectifier } from './rectifier-nodes.js';

/** A value of the graph and the dimensions that one sample has in it. */
export interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

/** What all layers of a network share. */
export interface LayerOptions {
  readonly rectifier: Rectifier;
  /** One learned slope for each channel or feature, or one for the layer. */
  readonly slopes: 'channel' | 'shared';
  readonly initializer: Initializer;
  readonly batchNorm: boolean;
  readonly random: Random;
}

export interface WeightOptions {
  /** What follows the weights, which decides how they are drawn; null where nothing does. */
  readonly before: Rectifier | null;
  /** Begin with an output of 0: weights and biases are 0. */
  readonly zero?: boolean | undefined;
}

/** Writes layers, drawing their weights in the order of the calls. Biases are left out where batch norm follows. */
export interface Assembler {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  dense(name: string, input: Value, width: number, options: WeightOptions & { readonly output?: string }): Value;
  /** A convolution that keeps the size, divided by the stride. */
  conv(
    name: string,
    input: Value,
    channels: number,
    options: WeightOptions & { readonly window: number; readonly stride: number },
  ): Value;
  /** The rectifier, behind batch norm where the network has it. */
  activate(name: string, input: Value): Value;
  flatten(input: Value): Value;
  /** Max pooling by 2×2. */
  pool(name: string, input: Value): Value;
  /** The mean over all positions, flat. */
  mean(input: Value): Value;
  add(name: string, a: Value, b: Value): Value;
}

/** Most numbers that a network may hold: protobuf's 2 GiB. */
const mostNumbers = 2 ** 29 - 2 ** 20;

export function createAssembler({ rectifier, slopes, initializer, batchNorm, random }: LayerOptions): Assembler {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const constants = new Map<number, string>();
  let numbers = 0;

  const op = (
    output: string,
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ) => {
    nodes.push(node(opType, inputs, [output], attributes));
    return output;
  };
  const reserve = (count: number) => {
    numbers += count;
    if (numbers > mostNumbers)
      throw new RangeError(`buildNetwork: there must be at most ${mostNumbers} parameters, got more`);
  };
  const tensor = (name: string, dims: readonly number[], values: ArrayLike<number>) => {
    initializers.push(floatTensor(name, dims, values));
    return name;
  };
  const filled = (name: string, dims: readonly number[], value: number) => {
    reserve(elements(dims));
    return tensor(name, dims, new Float32Array(elements(dims)).fill(value));
  };
  const constant = (value: number) => {
    const known = constants.get(value) ?? tensor(`constant/${value}`, [], [value]);
    constants.set(value, known);
    return known;
  };

  /** Weights [fanOut, …inner] as the initializer draws them, and biases unless batch norm's shift stands in for them. */
  function weights(name: string, fanOut: number, inner: readonly number[], { before, zero }: WeightOptions): string[] {
    const fanIn = elements(inner);
    reserve(fanIn * fanOut);
    const matrix = { fanIn, fanOut, rectifier: before };
    // A convolution's fan out counts the positions that read an input, as in He et al. 2015; an orthogonal matrix is one of fanOut rows.
    const law = initializer.law({ ...matrix, fanOut: fanOut * elements(inner.slice(1)) });
    const drawn = initialize(
      { ...matrix, ...(law.distribution === 'orthogonal' ? initializer.law(matrix) : law) },
      random,
    );
    const found = [
      tensor(`${name}/weight`, [fanOut, ...inner], zero ? new Float32Array(fanIn * fanOut) : drawn.weights),
    ];
    if (!batchNorm || before === null)
      found.push(tensor(`${name}/bias`, [fanOut], zero ? new Float32Array(fanOut) : drawn.biases));
    return found;
  }

  /** Batch norm in inference form, before any sample was seen. */
  function norm(name: string, { name: x, dims }: Value): Value {
    const channels = [dims[0] as number];
    const parameter = (part: string, value: number) => filled(`${name}/norm/${part}`, channels, value);
    const inputs = [x, parameter('scale', 1), parameter('bias', 0), parameter('mean', 0), parameter('variance', 1)];
    return { name: op(`${name}/norm`, 'BatchNormalization', inputs), dims };
  }

  return {
    nodes,
    initializers,
    dense(name, input, width, options) {
      const inputs = [input.name, ...weights(name, width, input.dims, options)];
      return { name: op(options.output ?? `${name}/dense`, 'Gemm', inputs, { transB: 1 }), dims: [width] };
    },
    conv(name, input, channels, { window, stride, ...options }) {
      const [fromChannels, height, width] = input.dims as [number, number, number];
      const inputs = [input.name, ...weights(name, channels, [fromChannels, window, window], options)];
      const pad = (window - 1) / 2;
      const attributes = { kernel_shape: [window, window], strides: [stride, stride], pads: [pad, pad, pad, pad] };
      const dims = [channels, Math.ceil(height / stride), Math.ceil(width / stride)];
      return { name: op(`${name}/conv`, 'Conv', inputs, attributes), dims };
    },
    activate(name, input) {
      const { name: x, dims } = batchNorm ? norm(name, input) : input;
      const slopeDims = slopes === 'shared' ? [1] : dims.map((dim, axis) => (axis === 0 ? dim : 1));
      const writer = {
        op: (
          suffix: string,
          opType: string,
          inputs: readonly string[],
          attributes?: Readonly<Record<string, AttributeValue>>,
        ) => op(`${name}/${suffix}`, opType, inputs, attributes),
        constant,
        slopes: (value: number) => filled(`${name}/slope`, slopeDims, value),
      };
      const rectified = writeRectifier(writer, rectifier, x);
      // What training needs to know, and evaluation does not: between which bounds the slopes are drawn.
      if (familyOf(rectifier).startsWith('rrelu')) (nodes.at(-1) as NodeProto).docString = rectifier.name;
      return { name: rectified, dims };
    },
    flatten: ({ name, dims }) =>
      dims.length === 1 ? { name, dims } : { name: op('flatten', 'Flatten', [name]), dims: [elements(dims)] },
    pool(name, { name: x, dims }) {
      const [channels, height, width] = dims as [number, number, number];
      if (height < 2 || width < 2)
        throw new RangeError(
          `buildNetwork: pooling must find 2×2 positions or more, got ${height}×${width} at ${name}`,
        );
      const pooled = op(name, 'MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
      return { name: pooled, dims: [channels, Math.floor(height / 2), Math.floor(width / 2)] };
    },
    mean({ name, dims }) {
      const averaged = op('mean', 'GlobalAveragePool', [name]);
      return { name: op('flatten', 'Flatten', [averaged]), dims: [dims[0] as number] };
    },
    add: (name, a, b) => ({ name: op(name, 'Add', [a.name, b.name]), dims: a.dims }),
  };
}
