import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  celu,
  channelLayout,
  elu,
  gelu,
  geluTanh,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  relu,
  selu,
  silu,
  softplus,
  thresholdedRelu,
} from '../src/index.js';
import { floatAttribute, stringAttribute } from '../src/onnx/attributes.js';
import { ModelProtoSchema, type NodeProto, TensorProtoSchema } from '../src/onnx/proto.js';
import { dimsOf, tensorNumbers } from '../src/onnx/tensor.js';

const folder = '../shared/data/onnx-node-tests';
const suites = ['node', 'pytorch-converted'];

interface Tensor {
  readonly dims: number[];
  readonly values: Float32Array;
}

async function readTensor(path: string): Promise<Tensor> {
  const tensor = fromBinary(TensorProtoSchema, await readFile(path));
  return { dims: dimsOf(tensor), values: tensorNumbers(tensor, new Map()) as Float32Array };
}

/** ONNX's broadcasting of slopes: to one for each element of `dims`. */
function broadcast({ dims, values }: Tensor, to: readonly number[]): Float32Array {
  const padded = [...new Array<number>(to.length - dims.length).fill(1), ...dims];
  const size = to.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: size }, (_, index) => {
    let [rest, offset, stride] = [index, 0, 1];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const at = rest % to[axis]!;
      rest = (rest - at) / to[axis]!;
      if (padded[axis]! > 1) offset += at * stride;
      stride *= padded[axis]!;
    }
    return values[offset]!;
  });
}

/** Each operator in terms of this library, with ONNX's defaults. */
const operators: Record<
  string,
  (node: NodeProto, x: Tensor, second: Tensor | undefined, opset: bigint) => Float32Array
> = {
  Relu: (_, { values }) => relu(values),
  LeakyRelu: (node, { values }) => leakyRelu(values, { alpha: floatAttribute(node, 'alpha', 0.01) }),
  // Before version 7 the slopes were one for each channel, or one; since then they are broadcast.
  PRelu: (_, x, slopes, opset) =>
    opset < 7n
      ? prelu(x.values, (slopes as Tensor).values, { layout: channelLayout(x.dims) })
      : prelu(x.values, broadcast(slopes as Tensor, x.dims)),
  Elu: (node, { values }) => elu(values, { alpha: floatAttribute(node, 'alpha', 1) }),
  Celu: (node, { values }) => celu(values, { alpha: floatAttribute(node, 'alpha', 1) }),
  Selu: (node, { values }) =>
    selu(values, {
      alpha: floatAttribute(node, 'alpha', 1.6732631921768188),
      lambda: floatAttribute(node, 'gamma', 1.0507010221481323),
    }),
  Gelu: (node, { values }) =>
    stringAttribute(node, 'approximate', 'none') === 'tanh' ? geluTanh(values) : gelu(values),
  ThresholdedRelu: (node, { values }) => thresholdedRelu(values, { theta: floatAttribute(node, 'alpha', 1) }),
  HardSwish: (_, { values }) => hardSwish(values),
  Mish: (_, { values }) => mish(values),
  Softplus: (_, { values }) => softplus(values),
  Swish: (node, { values }) => silu(values, { beta: floatAttribute(node, 'alpha', 1) }),
};

/** Clip is no rectifier of this library, and the operator of none of its functions. */
const notOurs = new Set(['Clip']);

describe.skipIf(!existsSync(folder))(`ONNX's own cases (skipped where ${folder} is absent)`, () => {
  test.each(suites.map(suite => [suite]))('%s', async suite => {
    let compared = 0;
    for (const name of await readdir(join(folder, suite))) {
      const at = (file: string) => join(folder, suite, name, file);
      const model = fromBinary(ModelProtoSchema, await readFile(at('model.onnx')));
      const node = model.graph?.node.at(-1) as NodeProto;
      if (notOurs.has(node.opType)) continue;
      const operator = operators[node.opType];
      if (!operator) throw new Error(`${name}: no function for ${node.opType}`);
      const x = await readTensor(at('test_data_set_0/input_0.pb'));
      const wanted = await readTensor(at('test_data_set_0/output_0.pb'));
      const slopes = model.graph?.initializer[0];
      const second = existsSync(at('test_data_set_0/input_1.pb'))
        ? await readTensor(at('test_data_set_0/input_1.pb'))
        : slopes && { dims: dimsOf(slopes), values: tensorNumbers(slopes, new Map()) as Float32Array };
      const got = operator(node, x, second, model.opsetImport[0]?.version ?? 0n);
      expect(got.length, name).toBe(wanted.values.length);
      // Lines are bit-equal; the rest as close as the float32 exponentials these outputs were made with.
      const [absolute, relative] = ['Relu', 'LeakyRelu', 'PRelu', 'ThresholdedRelu'].includes(node.opType)
        ? [0, 0]
        : [1e-6, 1e-6];
      got.forEach((value, i) => {
        const apart = Math.abs(value - wanted.values[i]!);
        expect(apart, `${name}[${i}]`).toBeLessThanOrEqual(absolute + relative * Math.abs(wanted.values[i]!));
      });
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(4);
  });
});
