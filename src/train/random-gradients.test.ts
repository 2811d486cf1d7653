import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkGradients } from '../../test/gradient-check.js';
import { modelOf, tensor } from '../../test/models.js';
import { type AttributeValue, float, floatTensor, intTensor, node, valueInfo } from '../onnx/build.js';
import type { NodeProto, TensorProto } from '../onnx/proto.js';
import { createRandom, type Random } from '../random.js';

/** A network under construction: what is written so far, and the value that the next layer reads. */
interface Plan {
  readonly random: Random;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly wrt: string[];
  value: string;
  dims: number[];
}

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

function parameter(plan: Plan, dims: readonly number[], size: number, offset = 0): string {
  const name = `p${plan.initializers.length}`;
  const values = Array.from({ length: product(dims) }, () => offset + size * plan.random.normal());
  plan.initializers.push(floatTensor(name, dims, values));
  plan.wrt.push(name);
  return name;
}

function write(
  plan: Plan,
  opType: string,
  inputs: readonly string[],
  dims: readonly number[],
  attributes: Record<string, AttributeValue> = {},
): string {
  const name = `v${plan.nodes.length}`;
  plan.nodes.push(node(opType, inputs, [name], attributes));
  plan.value = name;
  plan.dims = [...dims];
  return name;
}

const channels = ({ dims }: Plan) => dims[1] as number;
const sides = ({ dims }: Plan) => dims.slice(2) as [number, number];

function conv(plan: Plan, outputs: number, { kernel = 3, stride = 1, group = 1 } = {}): string {
  const [inputs, [height, width]] = [channels(plan) / group, sides(plan)];
  const w = parameter(plan, [outputs, inputs, kernel, kernel], Math.sqrt(2 / (inputs * kernel * kernel)));
  const b = parameter(plan, [outputs], 0.3);
  const pad = (kernel - 1) / 2;
  const out = (size: number) => Math.floor((size - 1) / stride) + 1;
  const attributes = { pads: [pad, pad, pad, pad], strides: [stride, stride], group };
  return write(plan, 'Conv', [plan.value, w, b], [2, outputs, out(height), out(width)], attributes);
}

const rectifiers: ((plan: Plan) => void)[] = [
  plan => write(plan, 'Relu', [plan.value], plan.dims),
  plan => write(plan, 'LeakyRelu', [plan.value], plan.dims, { alpha: float(0.2) }),
  plan => write(plan, 'PRelu', [plan.value, parameter(plan, [1, 1, 1], 0.3)], plan.dims),
  plan => write(plan, 'PRelu', [plan.value, parameter(plan, [channels(plan), 1, 1], 0.3)], plan.dims),
  plan => write(plan, 'Elu', [plan.value], plan.dims),
  plan => write(plan, 'Selu', [plan.value], plan.dims),
  plan => write(plan, 'HardSwish', [plan.value], plan.dims),
  plan => write(plan, 'Softplus', [plan.value], plan.dims),
];

/** What a network may be made of; a layer that does not fit where it stands is left out. */
const layers: Readonly<Record<string, (plan: Plan) => void>> = {
  conv: plan => conv(plan, 2 + plan.random.integer(2)),
  strided: plan => conv(plan, 2, { stride: 2 }),
  depthwise: plan => conv(plan, channels(plan), { group: channels(plan) }),
  pointwise: plan => conv(plan, 3, { kernel: 1 }),
  rectifier: plan => rectifiers[plan.random.integer(rectifiers.length)]?.(plan),
  residual(plan) {
    const skip = plan.value;
    conv(plan, channels(plan));
    rectifiers[plan.random.integer(rectifiers.length)]?.(plan);
    conv(plan, channels(plan));
    write(plan, 'Add', [plan.value, skip], plan.dims);
  },
  branches(plan) {
    const { value, dims } = plan;
    const first = conv(plan, 2);
    Object.assign(plan, { value, dims });
    const second = conv(plan, 1, { kernel: 1 });
    write(plan, 'Concat', [first, second], [2, 3, ...sides(plan)], { axis: 1 });
  },
  batchNorm(plan) {
    const shape = [channels(plan)];
    const inputs = [
      parameter(plan, shape, 0.2, 1),
      parameter(plan, shape, 0.3),
      parameter(plan, shape, 0.3),
      parameter(plan, shape, 0.1, 1),
    ];
    const training_mode = plan.random.integer(2);
    if (training_mode === 1) plan.wrt.splice(-2);
    const norm = write(plan, 'BatchNormalization', [plan.value, ...inputs], plan.dims, {
      training_mode,
      epsilon: float(0.01),
    });
    if (training_mode === 1) plan.nodes.at(-1)?.output.push(`${norm}/mean`, `${norm}/variance`);
  },
  maxPool: plan => pool(plan, 'MaxPool', 2, 2),
  averagePool: plan => pool(plan, 'AveragePool', 2, 2),
  overlappingMaxPool: plan => pool(plan, 'MaxPool', 3, 2),
  overlappingAveragePool: plan => pool(plan, 'AveragePool', 2, 1),
  enlarge(plan) {
    const [height, width] = sides(plan);
    if (height * width > 16) return;
    const w = parameter(plan, [channels(plan), 2, 2, 2], 0.5);
    write(plan, 'ConvTranspose', [plan.value, w], [2, 2, 2 * height, 2 * width], { strides: [2, 2] });
  },
  interpolate(plan) {
    const [height, width] = sides(plan);
    if (height * width > 36) return;
    const scales = `scales${plan.initializers.length}`;
    plan.initializers.push(floatTensor(scales, [4], [1, 1, 2, 1.5]));
    const dims = [2, channels(plan), 2 * height, Math.floor(1.5 * width)];
    write(plan, 'Resize', [plan.value, '', scales], dims, { mode: 'linear' });
  },
  crop(plan) {
    const [height, width] = sides(plan);
    if (width < 3) return;
    const axis = `i${plan.initializers.length}`;
    plan.initializers.push(
      intTensor(axis, [1], [3]),
      intTensor(`${axis}/from`, [1], [1]),
      intTensor(`${axis}/to`, [1], [-1]),
    );
    write(plan, 'Slice', [plan.value, `${axis}/from`, `${axis}/to`, axis], [2, channels(plan), height, width - 2]);
  },
  gate(plan) {
    const { value, dims } = plan;
    conv(plan, channels(plan), { kernel: 1 });
    write(plan, 'Sigmoid', [plan.value], dims);
    write(plan, 'Mul', [value, plan.value], dims);
  },
};

function pool(plan: Plan, opType: string, kernel: number, stride: number): void {
  const [height, width] = sides(plan);
  if (Math.min(height, width) < kernel) return;
  const out = (size: number) => Math.floor((size - kernel) / stride) + 1;
  const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride] };
  write(plan, opType, [plan.value], [2, channels(plan), out(height), out(width)], attributes);
}

/** Ends a network in three numbers for each sample. */
function classify(plan: Plan): void {
  const pooled = plan.random.integer(2) === 0;
  if (pooled) write(plan, 'GlobalAveragePool', [plan.value], [2, channels(plan), 1, 1]);
  write(plan, 'Flatten', [plan.value], [2, product(plan.dims.slice(1))]);
  const features = plan.dims[1] as number;
  const w = parameter(plan, [3, features], Math.sqrt(1 / features));
  write(plan, 'Gemm', [plan.value, w, parameter(plan, [3], 0.3)], [2, 3], { transB: 1 });
  if (plan.random.integer(2) === 0) write(plan, 'LogSoftmax', [plan.value], [2, 3]);
}

it('differentiates random networks of layers as finite differences do', { timeout: 120_000 }, async () => {
  const kinds = fc.array(fc.constantFrom(...Object.keys(layers)), { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(kinds, fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (names, seed) => {
      const random = createRandom(seed);
      const dims = [2, 2, 5 + random.integer(2), 6];
      const plan: Plan = { random, nodes: [], initializers: [], wrt: [], value: 'x', dims };
      const x = tensor(
        dims,
        Array.from({ length: product(dims) }, () => random.normal()),
      );
      for (const name of names) layers[name]?.(plan);
      classify(plan);
      const { nodes, initializers, wrt, value } = plan;
      const model = modelOf({ nodes, initializers, inputs: [valueInfo('x', x.dims)], outputs: [valueInfo(value)] });
      const { errors, forward } = await checkGradients(model, { wrt: ['x', ...wrt], feeds: { x }, seed });
      expect(forward).toBeLessThan(2e-6);
      for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(2e-4);
    }),
    { seed: 1, numRuns: 60 },
  );
});
