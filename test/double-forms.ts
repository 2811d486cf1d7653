import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  tensorAttribute,
} from '../src/onnx/attributes.js';
import type { NodeProto } from '../src/onnx/proto.js';
import { transposedWindowsOf, type Windows, windowsOf } from '../src/train/rules/windows.js';
import type { DoubleWriter } from './double-model.js';

/** Writes what a node does with operators for which ONNX Runtime has kernels in double precision; returns the name of the result. */
export type DoubleForm = (writer: DoubleWriter, node: NodeProto, dims: (value: string) => readonly number[]) => string;

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

const choose = (w: DoubleWriter, x: string, above: string, below: string, bound = 0) =>
  w.op('Where', [w.op('Greater', [x, w.scalar(bound)]), above, below]);
const scaled = (w: DoubleWriter, x: string, factor: number) => w.op('Mul', [x, w.scalar(factor)]);
const shifted = (w: DoubleWriter, x: string, term: number) => w.op('Add', [x, w.scalar(term)]);

/** above * x for x > 0, level (exp(x / rate) - 1) elsewhere. */
function exponential(w: DoubleWriter, x: string, level: number, above = 1, rate = 1): string {
  const below = scaled(w, shifted(w, w.op('Exp', [scaled(w, x, 1 / rate)]), -1), level);
  return choose(w, x, scaled(w, x, above), below);
}

const hardSigmoid = (w: DoubleWriter, x: string, alpha: number, beta: number) =>
  w.op('Clip', [shifted(w, scaled(w, x, alpha), beta), w.scalar(0), w.scalar(1)]);

/** The power series of erf, to 1e-12 for |x| < 4. */
function erf(w: DoubleWriter, x: string): string {
  const square = w.op('Mul', [x, x]);
  let factorial = 1;
  const terms = Array.from({ length: 80 }, (_, k) => {
    factorial *= Math.max(1, k);
    return ((-1) ** k * 2) / Math.sqrt(Math.PI) / (factorial * (2 * k + 1));
  });
  const series = terms.reduceRight(
    (sum, term) => shifted(w, sum === '' ? w.scalar(0) : w.op('Mul', [sum, square]), term),
    '',
  );
  return w.op('Mul', [x, series]);
}

/** For each position of the kernel and each window, the index of what it sees in the padded input, row-major. */
function seenIndices(
  { kernel, strides, dilations }: Windows,
  padded: readonly number[],
  counts: readonly number[],
): number[] {
  const places = (sizes: readonly number[], spacing: readonly number[]) => {
    let all = [0];
    for (const [axis, size] of sizes.entries())
      all = all.flatMap(at =>
        Array.from({ length: size }, (_, i) => at * (padded[axis] as number) + i * (spacing[axis] as number)),
      );
    return all;
  };
  const [offsets, starts] = [places(kernel, dilations), places(counts, strides)];
  return offsets.flatMap(offset => starts.map(start => start + offset));
}

const noLess = (values: readonly number[]) => values.map(value => Math.max(0, value));
const paddedDims = ({ begin, end }: Windows, dims: readonly number[]) =>
  dims.map((dim, axis) => dim + (begin[axis] as number) + Math.max(0, end[axis] as number));

/** [N, C, positions of the kernel, windows]. */
function seen(
  w: DoubleWriter,
  x: string,
  dims: readonly number[],
  windows: Windows,
  counts: readonly number[],
): string {
  const padded = paddedDims(windows, dims.slice(2));
  const whole = w.op('Pad', [x, w.ints([0, 0, ...windows.begin, 0, 0, ...noLess(windows.end)])]);
  const flat = w.op('Reshape', [whole, w.ints([dims[0] as number, dims[1] as number, product(padded)])]);
  const indices = w.ints(seenIndices(windows, padded, counts));
  const taken = w.op('Gather', [flat, indices], { axis: 2 });
  const shape = [dims[0] as number, dims[1] as number, product(windows.kernel), product(counts)];
  return w.op('Reshape', [taken, w.ints(shape)]);
}

function withBias(w: DoubleWriter, y: string, bias: string | undefined, rank: number): string {
  if (!bias) return y;
  return w.op('Add', [y, w.op('Reshape', [bias, w.ints([-1, ...Array(rank - 2).fill(1)])])]);
}

const conv: DoubleForm = (w, node, dims) => {
  const [x, weights, bias] = node.input as [string, string, string?];
  const [xDims, wDims, yDims] = [dims(x), dims(weights), dims(node.output[0] as string)];
  const groups = intAttribute(node, 'group', 1);
  const windows = windowsOf(node, wDims.slice(2), xDims.slice(2), yDims.slice(2));
  const [outputs, inputs] = wDims as [number, number];
  const size = inputs * product(wDims.slice(2));
  const spatial = product(yDims.slice(2));
  const columns = w.op('Reshape', [
    seen(w, x, xDims, windows, yDims.slice(2)),
    w.ints([xDims[0] as number, groups, size, spatial]),
  ]);
  const matrix = w.op('Reshape', [weights, w.ints([1, groups, outputs / groups, size])]);
  const y = w.op('Reshape', [w.op('MatMul', [matrix, columns]), w.ints(yDims)]);
  return withBias(w, y, bias, yDims.length);
};

const convTranspose: DoubleForm = (w, node, dims) => {
  const [x, weights, bias] = node.input as [string, string, string?];
  const [xDims, wDims, yDims] = [dims(x), dims(weights), dims(node.output[0] as string)];
  const groups = intAttribute(node, 'group', 1);
  const kernel = wDims.slice(2);
  const windows = transposedWindowsOf(node, kernel, xDims.slice(2), yDims.slice(2));
  const inputs = (xDims[1] as number) / groups;
  const outputs = wDims[1] as number;
  const spatial = product(xDims.slice(2));
  const matrix = w.op('Reshape', [weights, w.ints([1, groups, inputs, outputs * product(kernel)])]);
  const columns = w.op('MatMul', [
    w.op('Transpose', [matrix], { perm: [0, 1, 3, 2] }),
    w.op('Reshape', [x, w.ints([xDims[0] as number, groups, inputs, spatial])]),
  ]);
  const padded = paddedDims(windows, yDims.slice(2));
  const indices = seenIndices(windows, padded, xDims.slice(2));
  const size = product(padded);
  const scatter = new Float64Array(indices.length * size);
  for (const [row, at] of indices.entries()) scatter[row * size + at] = 1;
  const flat = w.op('Reshape', [columns, w.ints([xDims[0] as number, groups * outputs, indices.length])]);
  const summed = w.op('MatMul', [flat, w.tensor([indices.length, size], scatter)]);
  const whole = w.op('Reshape', [summed, w.ints([xDims[0] as number, groups * outputs, ...padded])]);
  const cut = [0, 0, ...windows.begin.map(pad => -pad), 0, 0, ...noLess(windows.end).map(pad => -pad)];
  return withBias(w, w.op('Pad', [whole, w.ints(cut.map(pad => pad + 0))]), bias, yDims.length);
};

const averagePool: DoubleForm = (w, node, dims) => {
  const [x] = node.input as [string];
  const [xDims, yDims] = [dims(x), dims(node.output[0] as string)];
  const windows = windowsOf(node, intsAttribute(node, 'kernel_shape') ?? [], xDims.slice(2), yDims.slice(2));
  const counts = yDims.slice(2);
  const sums = w.op('ReduceSum', [seen(w, x, xDims, windows, counts), w.ints([2])], { keepdims: 0 });
  // What a window divides by is the number of ones that it sees, where ones fill what counts.
  const padded = paddedDims(windows, xDims.slice(2));
  const explicit = stringAttribute(node, 'auto_pad', 'NOTSET') === 'NOTSET';
  const declared = intsAttribute(node, 'pads') ?? windows.kernel.flatMap(() => [0, 0]);
  const includesPadding = intAttribute(node, 'count_include_pad', 0) === 1;
  const inside = (flat: number) => {
    let rest = flat;
    return [...padded.keys()].reverse().every(axis => {
      const at = (rest % (padded[axis] as number)) - (windows.begin[axis] as number);
      rest = Math.floor(rest / (padded[axis] as number));
      const dim = xDims[axis + 2] as number;
      const behind = (
        explicit ? declared[axis + windows.kernel.length] : Math.max(0, windows.end[axis] as number)
      ) as number;
      return includesPadding ? at < dim + behind : at >= 0 && at < dim;
    });
  };
  const spatial = product(counts);
  const divisors = new Float64Array(spatial);
  for (const [row, at] of seenIndices(windows, padded, counts).entries())
    if (inside(at)) divisors[row % spatial] = (divisors[row % spatial] as number) + 1;
  const means = w.op('Div', [sums, w.tensor([1, 1, spatial], divisors)]);
  return w.op('Reshape', [means, w.ints(yDims)]);
};

const repeat: DoubleForm = (w, node, dims) => {
  const [from, to] = [dims(node.input[0] as string), dims(node.output[0] as string)];
  const single = w.op('Reshape', [node.input[0] as string, w.ints(from.flatMap(dim => [dim, 1]))]);
  const factors = from.flatMap((dim, axis) => [dim, (to[axis] as number) / dim]);
  return w.op('Reshape', [w.op('Expand', [single, w.ints(factors)]), w.ints(to)]);
};

/** Between the centers of elements, of [N, C, H, W] and a factor for each axis. */
const interpolate: DoubleForm = (w, node, dims) => {
  const [from, to] = [dims(node.input[0] as string), dims(node.output[0] as string)];
  const scales = w.constant(node.input[2] as string);
  const along = (axis: number) => {
    const [n, m] = [from[axis] as number, to[axis] as number];
    const weights = new Float64Array(n * m);
    for (let at = 0; at < m; at++) {
      const position = Math.min(Math.max((at + 0.5) / (scales[axis] as number) - 0.5, 0), n - 1);
      const before = Math.floor(position);
      const behind = Math.min(before + 1, n - 1);
      weights[before * m + at] = (weights[before * m + at] as number) + 1 - (position - before);
      weights[behind * m + at] = (weights[behind * m + at] as number) + position - before;
    }
    return w.tensor([n, m], weights);
  };
  const columns = w.op('MatMul', [node.input[0] as string, along(3)]);
  const turned = w.op('Transpose', [columns], { perm: [0, 1, 3, 2] });
  return w.op('Transpose', [w.op('MatMul', [turned, along(2)])], { perm: [0, 1, 3, 2] });
};

const resize: DoubleForm = (w, node, dims) =>
  (stringAttribute(node, 'mode', 'nearest') === 'linear' ? interpolate : repeat)(w, node, dims);

/** γ (x - μ) / √(σ² + ε) + β over groups of channels, with a γ and β for each of so many parts of the channels. */
const normalizedIn =
  (groupsOf: (node: NodeProto, channels: number) => number): DoubleForm =>
  (w, node, dims) => {
    const [x, gamma, beta] = node.input as [string, string, string];
    const [samples, channels] = dims(x) as [number, number];
    const parts = dims(gamma)[0] as number;
    const size = (channels / groupsOf(node, channels)) * product(dims(x).slice(2));
    const rows = w.op('Reshape', [x, w.ints([samples, -1, size])]);
    const mean = (value: string) => scaled(w, w.op('ReduceSum', [value, w.ints([2])]), 1 / size);
    const centered = w.op('Sub', [rows, mean(rows)]);
    const variance = mean(w.op('Mul', [centered, centered]));
    const deviation = w.op('Sqrt', [shifted(w, variance, floatAttribute(node, 'epsilon', 1e-5))]);
    const normalized = w.op('Reshape', [w.op('Div', [centered, deviation]), w.ints([samples, parts, -1])]);
    const perPart = (value: string) => w.op('Reshape', [value, w.ints([parts, 1])]);
    const y = w.op('Add', [w.op('Mul', [normalized, perPart(gamma)]), perPart(beta)]);
    return w.op('Reshape', [y, w.ints(dims(x))]);
  };

const localResponse: DoubleForm = (w, node, dims) => {
  const [x] = node.input as [string];
  const [samples, channels] = dims(x) as [number, number];
  const size = intAttribute(node, 'size', 1);
  const near = Float64Array.from({ length: channels ** 2 }, (_, at) =>
    Math.abs((at % channels) - Math.floor(at / channels)) <= (size - 1) / 2 ? 1 / size : 0,
  );
  const flat = w.op('Reshape', [x, w.ints([samples, channels, -1])]);
  const means = w.op('MatMul', [w.tensor([channels, channels], near), w.op('Mul', [flat, flat])]);
  const s = shifted(w, scaled(w, means, floatAttribute(node, 'alpha', 1e-4)), floatAttribute(node, 'bias', 1));
  const power = w.op('Pow', [s, w.scalar(floatAttribute(node, 'beta', 0.75))]);
  return w.op('Reshape', [w.op('Div', [flat, power]), w.ints(dims(x))]);
};

const softplus = (w: DoubleWriter, x: string) => w.op('Log', [shifted(w, w.op('Exp', [x]), 1)]);

const first = (node: NodeProto) => node.input[0] as string;
const spatialAxes = (dims: readonly number[]) => dims.slice(2).map((_, axis) => axis + 2);

/** Operators for which ONNX Runtime has no kernel in double precision. That a form does the same is checked wherever it is used, on the values of the graph itself. */
export const doubleForms: Readonly<Record<string, DoubleForm>> = {
  AveragePool: averagePool,
  Celu: (w, node) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return exponential(w, first(node), alpha, 1, alpha);
  },
  ConstantOfShape: (w, node) => {
    const value = tensorAttribute(node, 'value');
    if (value) throw new Error('ConstantOfShape with a value has no double form');
    return w.op('Expand', [w.scalar(0), first(node)]);
  },
  Conv: conv,
  ConvTranspose: convTranspose,
  Elu: (w, node) => exponential(w, first(node), floatAttribute(node, 'alpha', 1)),
  Erf: (w, node) => erf(w, first(node)),
  Gelu: (w, node) => {
    const x = first(node);
    if (stringAttribute(node, 'approximate', 'none') === 'none')
      return scaled(w, w.op('Mul', [x, shifted(w, erf(w, scaled(w, x, Math.SQRT1_2)), 1)]), 0.5);
    const cubed = w.op('Mul', [x, w.op('Mul', [x, x])]);
    const inner = scaled(w, w.op('Add', [x, scaled(w, cubed, 0.044715)]), Math.sqrt(2 / Math.PI));
    return scaled(w, w.op('Mul', [x, shifted(w, w.op('Tanh', [inner]), 1)]), 0.5);
  },
  GlobalAveragePool: (w, node, dims) => w.op('ReduceMean', [first(node)], { axes: spatialAxes(dims(first(node))) }),
  GlobalMaxPool: (w, node, dims) => w.op('ReduceMax', [first(node)], { axes: spatialAxes(dims(first(node))) }),
  GroupNormalization: normalizedIn(node => intAttribute(node, 'num_groups', 1)),
  HardSigmoid: (w, node) =>
    hardSigmoid(w, first(node), floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  HardSwish: (w, node) => w.op('Mul', [first(node), hardSigmoid(w, first(node), 1 / 6, 0.5)]),
  InstanceNormalization: normalizedIn((_, channels) => channels),
  LRN: localResponse,
  Mean: (w, node) => scaled(w, w.op('Sum', node.input), 1 / node.input.length),
  Mish: (w, node) => w.op('Mul', [first(node), w.op('Tanh', [softplus(w, first(node))])]),
  Resize: resize,
  Selu: (w, node) => {
    const gamma = floatAttribute(node, 'gamma', 1.0507010221481323);
    return exponential(w, first(node), gamma * floatAttribute(node, 'alpha', 1.6732631921768188), gamma);
  },
  Softplus: (w, node) => softplus(w, first(node)),
  Softsign: (w, node) => w.op('Div', [first(node), shifted(w, w.op('Abs', [first(node)]), 1)]),
  ThresholdedRelu: (w, node) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return choose(w, first(node), first(node), w.scalar(0), alpha);
  },
};
