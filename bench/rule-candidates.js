/* Other ways to write gradients than the rules': for each case the operator, its inputs, and writers of the same outputs. */
import { float } from '../dist/onnx/index.js';

const step = (w, x) => w.op('HardSigmoid', [x], { alpha: float(3.4e38), beta: float(0) });
const summed = (w, value, dims, to) => {
  const axes = dims.length === 2 ? [0] : [0, 2, 3];
  return w.op('Reshape', [w.op('ReduceSum', [value, w.ints(axes)], { keepdims: 1 }), w.ints(to)]);
};
const product = dims => dims.reduce((a, b) => a * b, 1);

function preluWays(dims, slopes) {
  const slopeGradient = (w, m) => summed(w, w.op('Mul', ['dy', m]), dims, slopes);
  const negative = w => w.op('Min', ['x', w.scalar(0)]);
  const factor = w => w.op('Add', [w.op('Mul', [step(w, 'x'), w.op('Sub', [w.scalar(1), 'a'])]), 'a']);
  return {
    'the PRelu kernel': w => [w.op('PRelu', ['x', 'a']), w.op('Mul', ['dy', factor(w)]), slopeGradient(w, negative(w))],
    'max(x, 0) + a min(x, 0), part by part': w => {
      const [r, m] = [w.op('Relu', ['x']), negative(w)];
      const y = w.op('Add', [r, w.op('Mul', ['a', m])]);
      const below = w.op('Mul', [w.op('Mul', ['dy', 'a']), step(w, w.op('Neg', ['x']))]);
      return [y, w.op('Add', [w.op('Mul', ['dy', step(w, r)]), below]), slopeGradient(w, m)];
    },
    'x + (a - 1) min(x, 0)': w => {
      const m = negative(w);
      const y = w.op('Add', ['x', w.op('Mul', [m, w.op('Sub', ['a', w.scalar(1)])])]);
      const above = w.op('Mul', ['dy', step(w, 'x')]);
      const dx = w.op('Add', [above, w.op('Mul', [w.op('Sub', ['dy', above]), 'a'])]);
      return [y, dx, slopeGradient(w, m)];
    },
    Where: w => {
      const above = w.op('Greater', ['x', w.scalar(0)]);
      const y = w.op('Where', [above, 'x', w.op('Mul', ['x', 'a'])]);
      return [y, w.op('Where', [above, 'dy', w.op('Mul', ['dy', 'a'])]), slopeGradient(w, negative(w))];
    },
  };
}

const prelu = (dims, slopes) => ({
  opType: 'PRelu',
  operands: ['x', 'a'],
  wrt: ['x', 'a'],
  forward: true,
  inputs: { x: dims, a: slopes, dy: dims },
  ways: preluWays(dims, slopes),
});

const relu = dims => ({
  opType: 'Relu',
  operands: ['x'],
  wrt: ['x'],
  forward: true,
  inputs: { x: dims, dy: dims },
  ways: {
    'dy * sign(y)': w => [w.op('Relu', ['x']), w.op('Mul', ['dy', w.op('Sign', [w.op('Relu', ['x'])])])],
    Where: w => [w.op('Relu', ['x']), w.op('Where', [w.op('Greater', ['x', w.scalar(0)]), 'dy', w.scalar(0)])],
    'Cast of Greater': w => [
      w.op('Relu', ['x']),
      w.op('Mul', ['dy', w.op('Cast', [w.op('Greater', ['x', w.scalar(0)])], { to: 1 })]),
    ],
  },
});

/** The gradient of weights [O, C / G, k, k] for inputs [N, C, H, H], padded to keep their size. */
function weights([N, C, H, O, k, group = 1]) {
  const K = k * k;
  const pad = (k - 1) / 2;
  const [cg, og, L] = [C / group, O / group, H * H];
  const seen = (w, x) => {
    const padded = pad === 0 ? x : w.op('Pad', [x, w.ints([0, 0, pad, pad, 0, 0, pad, pad])]);
    return Array.from({ length: K }, (_, at) => {
      const start = [Math.floor(at / k), at % k];
      return w.op('Slice', [padded, w.ints(start), w.ints(start.map(from => from + H)), w.ints([2, 3])]);
    });
  };
  const columns = w => w.op('Transpose', [w.op('Reshape', ['dy', w.ints([N, group, og, L])])], { perm: [0, 1, 3, 2] });
  const overSamples = (w, value) => w.op('ReduceSum', [value, w.ints([0])], { keepdims: 0 });
  const settled = (w, value, dims, perm) =>
    w.op('Reshape', [w.op('Transpose', [w.op('Reshape', [value, w.ints(dims)])], { perm }), w.ints([O, cg, k, k])]);
  const ways = {
    'one product of all positions': w => {
      const parts = seen(w, 'x').map(view => w.op('Reshape', [view, w.ints([N, group, cg, L])]));
      const all = overSamples(w, w.op('MatMul', [w.op('Concat', parts, { axis: 2 }), columns(w)]));
      return [settled(w, all, [group, K, cg, og], [0, 3, 2, 1])];
    },
    'one for each position, views turned': w => {
      const rows = w.op('Reshape', ['dy', w.ints([N, group, og, L])]);
      const parts = seen(w, 'x').map(view => {
        const apart = w.op('Reshape', [view, w.ints([N, group, cg, L])]);
        return overSamples(w, w.op('MatMul', [rows, w.op('Transpose', [apart], { perm: [0, 1, 3, 2] })]));
      });
      return [settled(w, w.op('Concat', parts, { axis: 0 }), [K, group, og, cg], [1, 2, 3, 0])];
    },
    'one for each position, dy turned': w => {
      const dyt = columns(w);
      const parts = seen(w, 'x').map(view =>
        overSamples(w, w.op('MatMul', [w.op('Reshape', [view, w.ints([N, group, cg, L])]), dyt])),
      );
      return [settled(w, w.op('Concat', parts, { axis: 0 }), [K, group, cg, og], [1, 3, 2, 0])];
    },
  };
  if (group === 1)
    ways['Conv, samples as channels'] = w => {
      const turned = value => w.op('Transpose', [value], { perm: [1, 0, 2, 3] });
      return [turned(w.op('Conv', [turned('x'), turned('dy')], { pads: [pad, pad, pad, pad] }))];
    };
  return {
    opType: 'Conv',
    operands: ['x', 'w'],
    wrt: ['w'],
    attributes: { pads: [pad, pad, pad, pad], group },
    inputs: { x: [N, C, H, H], w: [O, cg, k, k], dy: [N, O, H, H] },
    ways,
  };
}

/** The gradient of the input of the same convolution. */
function convInput([N, C, H, O, k, group = 1]) {
  const pad = (k - 1) / 2;
  const [cg, og] = [C / group, O / group];
  return {
    ...weights([N, C, H, O, k, group]),
    wrt: ['x'],
    ways: {
      'Conv with turned weights': w => {
        const [last, end] = [w.ints([-1, -1]), w.ints([-100, -100])];
        const turned = w.op('Slice', ['w', last, end, w.ints([2, 3]), last]);
        const apart = w.op('Reshape', [turned, w.ints([group, og, cg, k, k])]);
        const exchanged = w.op('Reshape', [
          w.op('Transpose', [apart], { perm: [0, 2, 1, 3, 4] }),
          w.ints([C, og, k, k]),
        ]);
        return [w.op('Conv', ['dy', exchanged], { pads: [pad, pad, pad, pad], group })];
      },
      ConvTranspose: w => [w.op('ConvTranspose', ['dy', 'w'], { pads: [pad, pad, pad, pad], group })],
    },
  };
}

const tiles = { kernel_shape: [2, 2], strides: [2, 2] };

function maxPool([N, C, H]) {
  const [full, half] = [
    [N, C, H, H],
    [N, C, H / 2, H / 2],
  ];
  const indexed = w => w.ops('MaxPool', ['x'], 2, tiles);
  const enlarged = (w, value) =>
    w.op('Resize', [value, '', w.floats([1, 1, 2, 2])], {
      mode: 'nearest',
      nearest_mode: 'floor',
      coordinate_transformation_mode: 'asymmetric',
    });
  /** Of four corners the first that equals the maximum takes the gradient. */
  const firstTakes = (w, corners, y) => {
    let rest = 'dy';
    return corners.map((corner, at) => {
      if (at === corners.length - 1) return rest;
      const left = w.op('Mul', [rest, step(w, w.op('Sub', [y, corner]))]);
      const share = w.op('Sub', [rest, left]);
      rest = left;
      return share;
    });
  };
  return {
    opType: 'MaxPool',
    operands: ['x'],
    wrt: ['x'],
    forward: true,
    attributes: tiles,
    inputs: { x: full, dy: half },
    ways: {
      'a step of the difference': w => {
        const y = w.op('MaxPool', ['x'], tiles);
        const difference = w.op('Sub', ['x', enlarged(w, y)]);
        const attained = w.op('HardSigmoid', [difference], { alpha: float(3.4e38), beta: float(1) });
        const share = w.op('AveragePool', [attained], tiles);
        const scaled = w.op('Mul', ['dy', w.scalar(0.25)]);
        return [y, w.op('Mul', [attained, enlarged(w, w.op('Div', [scaled, share]))])];
      },
      'indices and ScatterElements': w => {
        const [y, indices] = indexed(w);
        const flat = value => w.op('Reshape', [value, w.ints([product(half)])]);
        const zeros = w.op('ConstantOfShape', [w.ints([product(full)])]);
        const sums = w.op('ScatterElements', [zeros, flat(indices), flat('dy')], { axis: 0, reduction: 'add' });
        return [y, w.op('Reshape', [sums, w.ints(full)])];
      },
      'indices and MaxUnpool': w => {
        const [y, indices] = indexed(w);
        return [y, w.op('MaxUnpool', ['dy', indices, w.ints(full)], tiles)];
      },
      'SpaceToDepth, the first corner takes': w => {
        const corners = w.ops('Split', [w.op('SpaceToDepth', ['x'], { blocksize: 2 }), w.ints([C, C, C, C])], 4, {
          axis: 1,
        });
        const y = w.op('Max', corners);
        const shares = w.op('Concat', firstTakes(w, corners, y), { axis: 1 });
        return [y, w.op('DepthToSpace', [shares], { blocksize: 2 })];
      },
    },
  };
}

function averagePool([N, C, H]) {
  const h = H / 2;
  const quarter = w => w.op('Mul', ['dy', w.scalar(0.25)]);
  return {
    opType: 'AveragePool',
    operands: ['x'],
    wrt: ['x'],
    attributes: tiles,
    inputs: { x: [N, C, H, H], dy: [N, C, h, h] },
    ways: {
      'ConvTranspose by channels': w => [
        w.op('ConvTranspose', ['dy', w.filled([C, 1, 2, 2], 0.25)], { strides: [2, 2], group: C }),
      ],
      DepthToSpace: w => {
        const part = quarter(w);
        return [w.op('DepthToSpace', [w.op('Concat', [part, part, part, part], { axis: 1 })], { blocksize: 2 })];
      },
      Expand: w => {
        const single = w.op('Reshape', [quarter(w), w.ints([N, C, h, 1, h, 1])]);
        return [w.op('Reshape', [w.op('Expand', [single, w.ints([N, C, h, 2, h, 2])]), w.ints([N, C, H, H])])];
      },
    },
  };
}

const globalAverage = ([N, C, H]) => ({
  opType: 'GlobalAveragePool',
  operands: ['x'],
  wrt: ['x'],
  inputs: { x: [N, C, H, H], dy: [N, C, 1, 1] },
  ways: {
    Expand: w => [w.op('Expand', [w.op('Mul', ['dy', w.scalar(1 / (H * H))]), w.ints([N, C, H, H])])],
    'product with a full constant': w => [w.op('Mul', ['dy', w.filled([N, C, H, H], 1 / (H * H))])],
  },
});

/** Batch norm with the statistics of the batch: its kernel, and a gradient that finds them again. */
function batchNorm(dims) {
  const channels = dims[1];
  const share = channels / product(dims);
  const axes = dims.length === 2 ? [0] : [0, 2, 3];
  const kept = dims.map((dim, axis) => (axis === 1 ? dim : 1));
  const attributes = { training_mode: 1 };
  const backward = (w, dy, sum) => {
    const mean = value => w.op('Mul', [sum(value), w.scalar(share)]);
    const centered = w.op('Sub', ['x', mean('x')]);
    const variance = mean(w.op('Mul', [centered, centered]));
    const scale = w.op('Reciprocal', [w.op('Sqrt', [w.op('Add', [variance, w.scalar(1e-5)])])]);
    const [total, weighted] = [sum(dy), sum(w.op('Mul', [dy, centered]))];
    const slope = w.op('Mul', [w.op('Reshape', ['gamma', w.ints(kept)]), scale]);
    const tilt = w.op('Mul', [weighted, w.op('Mul', [w.op('Mul', [scale, scale]), w.scalar(share)])]);
    const rest = w.op('Add', [w.op('Mul', [centered, tilt]), w.op('Mul', [total, w.scalar(share)])]);
    const settled = value => w.op('Reshape', [value, w.ints([channels])]);
    return [w.op('Mul', [w.op('Sub', [dy, rest]), slope]), settled(w.op('Mul', [weighted, scale])), settled(total)];
  };
  const operands = ['x', 'gamma', 'beta', 'mean', 'variance'];
  return {
    opType: 'BatchNormalization',
    operands,
    wrt: ['x', 'gamma', 'beta'],
    results: ['y', 'newMean', 'newVariance'],
    forward: true,
    attributes,
    inputs: { x: dims, gamma: [channels], beta: [channels], mean: [channels], variance: [channels], dy: dims },
    ways: {
      'the kernel, statistics found again': w => {
        const [y] = w.ops('BatchNormalization', operands, 3, attributes);
        return [y, ...backward(w, 'dy', value => w.op('ReduceSum', [value, w.ints(axes)], { keepdims: 1 }))];
      },
    },
  };
}

/** A bias that is added to every row. */
const bias = ([rows, columns]) => ({
  opType: 'Add',
  operands: ['x', 'b'],
  wrt: ['b'],
  inputs: { x: [rows, columns], b: [columns], dy: [rows, columns] },
  ways: { ReduceSum: w => [w.op('ReduceSum', ['dy', w.ints([0])], { keepdims: 0 })] },
});

export const cases = {
  'ReLU and its gradient [128, 256]': relu([128, 256]),
  'PReLU and its gradients [128, 256]': prelu([128, 256], [256]),
  'ReLU and its gradient [64, 16, 28, 28]': relu([64, 16, 28, 28]),
  'PReLU and its gradients [64, 16, 28, 28]': prelu([64, 16, 28, 28], [16, 1, 1]),
  'batch norm in training and its gradients [128, 256]': batchNorm([128, 256]),
  'batch norm in training and its gradients [64, 16, 28, 28]': batchNorm([64, 16, 28, 28]),
  'bias gradient [128, 256]': bias([128, 256]),
  'Conv weights, first layer [64, 1, 28, 28] 3x3 -> 16': weights([64, 1, 28, 16, 3]),
  'Conv weights, colour [32, 3, 32, 32] 3x3 -> 32': weights([32, 3, 32, 32, 3]),
  'Conv weights [64, 8, 14, 14] 3x3 -> 16': weights([64, 8, 14, 16, 3]),
  'Conv weights [64, 8, 28, 28] 3x3 -> 16': weights([64, 8, 28, 16, 3]),
  'Conv weights [64, 16, 14, 14] 3x3 -> 32': weights([64, 16, 14, 32, 3]),
  'Conv weights [32, 64, 8, 8] 3x3 -> 64': weights([32, 64, 8, 64, 3]),
  'Conv weights, depthwise [64, 32, 14, 14] 3x3': weights([64, 32, 14, 32, 3, 32]),
  'Conv input [64, 16, 14, 14] 3x3 -> 32': convInput([64, 16, 14, 32, 3]),
  'Conv input [64, 32, 14, 14] 3x3 -> 32': convInput([64, 32, 14, 32, 3]),
  'Conv input [64, 32, 14, 14] 1x1 -> 64': convInput([64, 32, 14, 64, 1]),
  'Conv input, depthwise [64, 32, 14, 14] 3x3': convInput([64, 32, 14, 32, 3, 32]),
  'MaxPool and its gradient [64, 16, 28, 28] 2x2': maxPool([64, 16, 28]),
  'AveragePool gradient [64, 16, 28, 28] 2x2': averagePool([64, 16, 28]),
  'GlobalAveragePool gradient [64, 64, 7, 7]': globalAverage([64, 64, 7]),
};
