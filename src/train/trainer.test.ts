import { afterEach, describe, expect, test } from 'vitest';
import { floatTensor, intTensor, node, valueInfo } from '../onnx/build.js';
import { mainGraph } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { createPreluUnit, preluUnitSlopes, preluUnitStep, type SlopeConstraint } from '../rectifiers/index.js';
import type { Dataset } from './dataset.js';
import { evaluate } from './evaluate.js';
import { parametersOf, parameterValues } from './parameters.js';
import { sampleNetwork, samplePoints } from './sample-network.js';
import { openTrainer, type Trainer, type TrainerOptions } from './trainer.js';

const data = samplePoints(64, 3);
const open: Trainer[] = [];
const trainerOf = async (options: Partial<TrainerOptions> = {}, slopes?: readonly number[]): Promise<Trainer> => {
  const trainer = await openTrainer(sampleNetwork(slopes), { batch: data.count, ...options });
  open.push(trainer);
  return trainer;
};
afterEach(async () => {
  for (const trainer of open.splice(0)) await trainer.close();
});

const names = ['w1', 'b1', 'a1', 'w2', 'b2'] as const;
type Values = Record<(typeof names)[number], Float64Array>;

/** The loss of the sample network and its gradients in float64, written out by hand. */
function reference(
  { w1, b1, a1, w2, b2 }: Values,
  { inputs, targets, count }: Dataset,
): { loss: number; gradients: Values } {
  const gradients = Object.fromEntries(
    Object.entries({ w1, b1, a1, w2, b2 }).map(([name, values]) => [name, new Float64Array(values.length)]),
  ) as Values;
  let loss = 0;
  for (let n = 0; n < count; n++) {
    const x = [inputs[2 * n]!, inputs[2 * n + 1]!];
    const z = Array.from(b1, (b, u) => b + w1[2 * u]! * x[0]! + w1[2 * u + 1]! * x[1]!);
    const h = z.map((value, u) => (value > 0 ? value : a1[u]! * value));
    const y = Array.from(b2, (b, k) => h.reduce((sum, value, u) => sum + value * w2[6 * k + u]!, b));
    const shares = y.map(value => Math.exp(value) / (Math.exp(y[0]!) + Math.exp(y[1]!)));
    loss -= Math.log(shares[targets[n]!]!) / count;
    const dy = shares.map((share, k) => (share - Number(targets[n] === k)) / count);
    dy.forEach((d, k) => {
      gradients.b2[k]! += d;
      h.forEach((value, u) => {
        gradients.w2[6 * k + u]! += d * value;
      });
    });
    z.forEach((value, u) => {
      const dh = dy[0]! * w2[u]! + dy[1]! * w2[6 + u]!;
      gradients.a1[u]! += dh * Math.min(value, 0);
      const dz = dh * (value > 0 ? 1 : a1[u]!);
      gradients.b1[u]! += dz;
      gradients.w1[2 * u]! += dz * x[0]!;
      gradients.w1[2 * u + 1]! += dz * x[1]!;
    });
  }
  return { loss, gradients };
}

const valuesOf = (trainer: Trainer): Values => {
  const model = trainer.model();
  return Object.fromEntries(names.map(name => [name, Float64Array.from(parameterValues(model, name))])) as Values;
};

const initialValues = (): Values =>
  Object.fromEntries(names.map(name => [name, Float64Array.from(parameterValues(sampleNetwork(), name))])) as Values;

/** Float32 arithmetic over some steps of numbers near 1. */
const tolerance = 2e-5;
function expectClose(got: Values, want: Values): void {
  for (const name of names)
    got[name].forEach((value, index) => {
      expect(Math.abs(value - want[name][index]!), `${name}[${index}]`).toBeLessThan(tolerance);
    });
}

/** One parameter's optimizer in float64: from the gradient and the parameter to the step. */
type Mover = () => (parameter: number, gradient: number, t: number) => number;

const movers: Record<string, { options: Partial<TrainerOptions>; mover: Mover }> = {
  'plain gradient descent': { options: { optimizer: { kind: 'sgd' } }, mover: () => (_, g) => 0.1 * g },
  'momentum and weight decay': {
    options: { optimizer: { kind: 'sgd', momentum: 0.9 }, groups: decayOf(0.01) },
    mover: () => {
      let v = 0;
      return (p, g) => {
        v = 0.9 * v + g + 0.01 * p;
        return 0.1 * v;
      };
    },
  },
  Nesterov: {
    options: { optimizer: { kind: 'sgd', momentum: 0.8, nesterov: true } },
    mover: () => {
      let v = 0;
      return (_, g) => {
        v = 0.8 * v + g;
        return 0.1 * (g + 0.8 * v);
      };
    },
  },
  Adam: {
    options: { optimizer: { kind: 'adam', beta1: 0.8, beta2: 0.95 }, groups: decayOf(0.01) },
    mover: () => {
      let [m, v] = [0, 0];
      return (p, gradient, t) => {
        const g = gradient + 0.01 * p;
        m = 0.8 * m + 0.2 * g;
        v = 0.95 * v + 0.05 * g * g;
        return (0.1 * (m / (1 - 0.8 ** t))) / (Math.sqrt(v / (1 - 0.95 ** t)) + 1e-8);
      };
    },
  },
  AdamW: {
    options: { optimizer: { kind: 'adamw' }, groups: decayOf(0.1) },
    mover: () => {
      let [m, v] = [0, 0];
      return (p, g, t) => {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        return 0.1 * 0.1 * p + (0.1 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
      };
    },
  },
};

function decayOf(weightDecay: number) {
  const group = { weightDecay };
  return { weight: group, bias: group, slope: group };
}

describe('the step is the optimizer in float64', () => {
  test.each(Object.keys(movers))('%s', async name => {
    const { options, mover } = movers[name]!;
    const trainer = await trainerOf(options);
    const values = initialValues();
    const moves = Object.fromEntries(names.map(each => [each, Array.from(values[each], mover)]));
    for (let t = 1; t <= 8; t++) {
      const { loss, gradients } = reference(values, data);
      for (const each of names)
        values[each].forEach((value, index) => {
          values[each][index] = value - moves[each]![index]!(value, gradients[each][index]!, t);
        });
      const found = await trainer.step(data, 0.1);
      expect(Math.abs(found.loss - loss)).toBeLessThan(tolerance);
    }
    expectClose(valuesOf(trainer), values);
  });
});

test('weight decay leaves slopes, biases and shifts alone unless asked', async () => {
  const [plain, decayed] = [
    await trainerOf({ optimizer: { kind: 'sgd' } }),
    await trainerOf({ optimizer: { kind: 'sgd' }, groups: { weight: { weightDecay: 0.5 } } }),
  ];
  for (const trainer of [plain, decayed]) await trainer.step(data, 0.1);
  const [a, b] = [valuesOf(plain), valuesOf(decayed)];
  for (const name of ['a1', 'b1', 'b2'] as const) expect(b[name]).toEqual(a[name]);
  expect(b.w1).not.toEqual(a.w1);
});

test('groups have rates of their own, and may be left out', async () => {
  const groups = { weight: { train: false }, bias: { train: false }, slope: { rateFactor: 3 } };
  const trainer = await trainerOf({ optimizer: { kind: 'sgd' }, groups });
  expect(trainer.parameters.map(({ name }) => name)).toEqual(['a1']);
  const before = initialValues();
  const { gradients } = reference(before, data);
  await trainer.step(data, 0.1);
  const after = valuesOf(trainer);
  for (const name of ['w1', 'b1', 'w2', 'b2'] as const) expect(after[name]).toEqual(before[name]);
  after.a1.forEach((slope, u) => {
    expect(slope).toBeCloseTo(0.25 - 0.3 * gradients.a1[u]!, 6);
  });
});

const constraints: SlopeConstraint[] = [
  { kind: 'projection', lower: 0.2, upper: 0.3 },
  { kind: 'projection', upper: 0.26 },
  { kind: 'softplus' },
  { kind: 'sigmoid', lower: 0, upper: 0.5 },
];

test.each(constraints)('slopes held by $kind are those of a PReLU unit', async constraint => {
  const groups = { weight: { train: false }, bias: { train: false }, slope: { constraint } };
  const trainer = await trainerOf({ optimizer: { kind: 'sgd', momentum: 0.5 }, groups });
  const values = initialValues();
  let unit = createPreluUnit({ channels: 6, constraint });
  for (let step = 0; step < 5; step++) {
    const { gradients } = reference({ ...values, a1: Float64Array.from(preluUnitSlopes(unit)) }, data);
    unit = preluUnitStep(unit, Array.from(gradients.a1), { learningRate: 2, momentum: 0.5 });
    await trainer.step(data, 2);
  }
  const slopes = valuesOf(trainer).a1;
  preluUnitSlopes(unit).forEach((slope, u) => {
    expect(slopes[u]!).toBeCloseTo(slope, 5);
  });
  expect(slopes.some(slope => Math.abs(slope - 0.25) > 1e-3)).toBe(true);
});

test('slopes that the constraint does not allow are refused', async () => {
  const groups = { slope: { constraint: { kind: 'softplus' } as const } };
  await expect(trainerOf({ groups }, [0.25, 0.25, 0, 0.25, 0.25, 0.25])).rejects.toThrow(
    "train: the slopes of 'a1' must be allowed by the constraint 'softplus', got 0 (element 2)",
  );
});

test('gradient lengths are measured, and clipped where they are longer', async () => {
  const { gradients } = reference(initialValues(), data);
  const length = (name: (typeof names)[number]) => Math.hypot(...gradients[name]);
  const whole = Math.hypot(...names.map(length));
  const trainer = await trainerOf({ optimizer: { kind: 'sgd' }, clipNorm: whole / 2, gradientNorms: true });
  const { gradientNorms } = await trainer.step(data, 0.1);
  for (const name of names) expect(gradientNorms!.get(name)).toBeCloseTo(length(name), 5);
  const [before, after] = [initialValues(), valuesOf(trainer)];
  after.w1.forEach((weight, index) => {
    expect(weight).toBeCloseTo(before.w1[index]! - 0.05 * gradients.w1[index]!, 6);
  });
});

test('frozen parameters stay as they are', async () => {
  const trainer = await trainerOf({ freeze: ['*1'] });
  expect(trainer.parameters.map(({ name }) => name)).toEqual(['w2', 'b2']);
  await trainer.step(data, 0.1);
  const [before, after] = [initialValues(), valuesOf(trainer)];
  for (const name of ['w1', 'b1', 'a1'] as const) expect(after[name]).toEqual(before[name]);
  expect(after.w2).not.toEqual(before.w2);
});

test('label smoothing mixes the loss with that of every class', async () => {
  const smoothed = await trainerOf({ labelSmoothing: 0.3 });
  const values = initialValues();
  const flipped = { ...data, targets: data.targets.map(target => 1 - target) };
  const [own, other] = [reference(values, data).loss, reference(values, flipped).loss];
  expect((await smoothed.step(data, 0)).loss).toBeCloseTo(0.7 * own + 0.3 * ((own + other) / 2), 5);
});

test('mean squared error', async () => {
  const targets = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i));
  const trainer = await trainerOf({ loss: 'mean-squared-error', optimizer: { kind: 'sgd' } });
  const first = await trainer.step({ inputs: data.inputs, targets }, 0.05);
  let last = first;
  for (let step = 0; step < 100; step++) last = await trainer.step({ inputs: data.inputs, targets }, 0.05);
  expect(first.correct).toBeNull();
  expect(last.loss).toBeLessThan(first.loss);
});

describe('a state', () => {
  test('is where training goes on, to the bit', async () => {
    const [one, other] = [
      await trainerOf({ optimizer: { kind: 'adam' } }),
      await trainerOf({ optimizer: { kind: 'adam' } }),
    ];
    for (let step = 0; step < 3; step++) await one.step(data, 0.01);
    other.restore(one.state());
    expect(other.steps).toBe(3);
    for (const trainer of [one, other]) for (let step = 0; step < 3; step++) await trainer.step(data, 0.01);
    expect(other.state()).toEqual(one.state());
  });

  test('of another network or optimizer is refused', async () => {
    const trainer = await trainerOf({ optimizer: { kind: 'adam' } });
    const plain = await trainerOf({ optimizer: { kind: 'sgd' } });
    expect(() => trainer.restore(plain.state())).toThrow(
      /must be of this network and optimizer, got none of 'step\/w1\/mean'/,
    );
    expect(() => plain.restore(trainer.state())).toThrow(
      /must be of this network and optimizer, got 15 tensors instead of 5/,
    );
    const { steps, tensors } = plain.state();
    expect(() => plain.restore({ steps: Number.NaN, tensors })).toThrow('optimizer, got NaN steps');
    const short = new Map(tensors).set('w1', { dims: [6, 2], data: new Float32Array(11) });
    expect(() => plain.restore({ steps, tensors: short })).toThrow("got 11 numbers for 'w1', which has 12");
    const bent = new Map(tensors).set('w1', { dims: [12], data: new Float32Array(12) });
    expect(() => plain.restore({ steps, tensors: bent })).toThrow("got dimensions [12] for 'w1', which has [6, 2]");
  });
});

describe('bad input', () => {
  const calls: Record<string, [Partial<TrainerOptions>, RegExp]> = {
    'a batch of 0': [{ batch: 0 }, /train: batch must be a whole number from 1/],
    'a momentum of 1': [
      { optimizer: { kind: 'sgd', momentum: 1 } },
      /momentum must be from 0 up to but not including 1, got 1/,
    ],
    'Nesterov without momentum': [
      { optimizer: { kind: 'sgd', nesterov: true } },
      /momentum must be above 0 for nesterov/,
    ],
    'an unknown optimizer': [
      { optimizer: { kind: 'lbfgs' } as never },
      /optimizer.kind must be 'sgd', 'adam' or 'adamw', got 'lbfgs'/,
    ],
    'a negative decay': [
      { groups: { weight: { weightDecay: -1 } } },
      /weightDecay of weights must be at least 0, got -1/,
    ],
    'a negative rate of what the model does not have': [
      { groups: { shift: { rateFactor: -1 } } },
      /rateFactor of shifts must be at least 0, got -1/,
    ],
    'a clip of 0': [{ clipNorm: 0 }, /clipNorm must be above 0, got 0/],
    'an unknown loss': [
      { loss: 'hinge' } as never,
      /loss must be 'cross-entropy' or 'mean-squared-error', got 'hinge'/,
    ],
    'an unknown group': [
      { groups: { slopes: { train: false } } as never },
      /groups must be of weight, bias, scale, shift, slope, got 'slopes'/,
    ],
    'a constraint of weights': [
      { groups: { weight: { constraint: { kind: 'softplus' } } } as never },
      /groups.weight must be of train, rateFactor, weightDecay, got 'constraint'/,
    ],
    'a pattern that names nothing': [{ freeze: ['w*', 'v1'] }, /freeze must name parameters of the model, got 'v1'/],
    'a label smoothing of 1': [{ labelSmoothing: 1 }, /labelSmoothing must be from 0 up to but not including 1, got 1/],
    'smoothing of numbers': [
      { labelSmoothing: 0.1, loss: 'mean-squared-error' },
      /labelSmoothing must be 0 for numbers to be met, got 0.1/,
    ],
    'nothing to train': [
      { groups: { weight: { train: false }, bias: { train: false }, slope: { train: false } } },
      /there must be a parameter that the loss depends on, got none of 0/,
    ],
  };
  test.each(Object.keys(calls))('%s', async name => {
    const [options, message] = calls[name]!;
    await expect(trainerOf(options)).rejects.toThrow(message);
  });

  test('batches that do not fit, labels out of range', async () => {
    const trainer = await trainerOf();
    const { inputs, targets } = data;
    await expect(trainer.step({ inputs: inputs.subarray(2), targets }, 0.1)).rejects.toThrow(
      "train: inputs 'x' must have length 128 (the batch's), got 126",
    );
    await expect(trainer.step({ inputs, targets: targets.subarray(1) }, 0.1)).rejects.toThrow(
      /targets must have length 64/,
    );
    await expect(trainer.step({ inputs, targets: Int32Array.from(targets).fill(2, 7, 8) }, 0.1)).rejects.toThrow(
      'train: targets must be classes from 0 to 1, got 2 (sample 7 of the batch)',
    );
    await expect(trainer.step({ inputs: [1, 2] as never, targets }, 0.1)).rejects.toThrow(
      'train: inputs must be a Float32Array, or one for each input by name, got Array',
    );
    await expect(trainer.step({ inputs, targets: [...targets] as never }, 0.1)).rejects.toThrow(
      'train: targets must be a typed array, got Array',
    );
    await expect(trainer.step(data, Number.NaN)).rejects.toThrow('train: learningRate must be finite, got NaN');
  });

  test('a loss that diverges says where, and leaves the parameters as they were', async () => {
    const trainer = await trainerOf({ optimizer: { kind: 'sgd' } });
    await trainer.step(data, 1e30);
    const before = trainer.state();
    await expect(trainer.step(data, 1e30)).rejects.toThrow(
      /^train: the loss must stay finite, got (NaN|Infinity|-Infinity) at step 1, first in node '\w+' \(\w+\); try a smaller learning rate/,
    );
    expect(trainer.state()).toEqual(before);
    const inputs = data.inputs.slice().fill(Number.NaN, 0, 1);
    const fresh = await trainerOf();
    await expect(fresh.step({ ...data, inputs }, 0.1)).rejects.toThrow(
      "train: a batch must be finite, got NaN or Infinity in 'inputs' at step 0",
    );
  });
});

describe('slopes of every spelling are held', () => {
  const wide = (value: number) => new Float32Array(6).fill(value);
  const spellings: Record<string, [NodeProto[], number]> = {
    'Relu(z) + a (z - |z|)': [
      [
        node('Relu', ['z1'], ['p']),
        node('Abs', ['z1'], ['q']),
        node('Sub', ['z1', 'q'], ['s']),
        node('Mul', ['a1', 's'], ['t']),
        node('Add', ['p', 't'], ['h1']),
      ],
      2,
    ],
    'Relu(z) + a Relu(-z)': [
      [
        node('Relu', ['z1'], ['p']),
        node('Neg', ['z1'], ['n']),
        node('Relu', ['n'], ['q']),
        node('Mul', ['a1', 'q'], ['t']),
        node('Add', ['p', 't'], ['h1']),
      ],
      -1,
    ],
    'PRelu(z, -a)': [[node('Neg', ['a1'], ['slope']), node('PRelu', ['z1', 'slope'], ['h1'])], -1],
  };
  const held: SlopeConstraint[] = [
    { kind: 'projection', lower: 0.2, upper: 0.3 },
    { kind: 'softplus' },
    { kind: 'sigmoid', lower: 0, upper: 0.5 },
  ];
  const spelled = (nodes: readonly NodeProto[], slopes: Float32Array) => {
    const network = sampleNetwork(Array.from(slopes));
    const main = mainGraph(network);
    const [first, , last] = main.node as [NodeProto, NodeProto, NodeProto];
    main.node = [first, ...nodes, last];
    return network;
  };
  const cases = Object.keys(spellings).flatMap(name => held.map(constraint => [name, constraint] as const));

  test.each(cases)('%s, %j', async (name, constraint) => {
    const [nodes, factor] = spellings[name]!;
    const network = spelled(nodes, wide(0.25 / factor));
    expect(parametersOf(network).find(({ kind }) => kind === 'slope')).toMatchObject({ name: 'a1', factor });
    const groups = { weight: { train: false }, bias: { train: false }, slope: { constraint } };
    // A step along a gradient that is as many times as large moves the slope by the square, so the rate makes up for it.
    const options = { batch: data.count, groups, optimizer: { kind: 'sgd' } as const };
    const plain = await trainerOf(options);
    const other = await openTrainer(network, options);
    open.push(other);
    const behind = constraint.kind !== 'projection';
    for (let step = 0; step < 5; step++) {
      await plain.step(data, 2);
      await other.step(data, behind ? 2 : 2 / factor ** 2);
    }
    const slopes = parameterValues(other.model(), 'a1').map(value => value * factor);
    valuesOf(plain).a1.forEach((slope, unit) => {
      expect(slopes[unit]!).toBeCloseTo(slope, 5);
    });
    expect(slopes.some(slope => Math.abs(slope - 0.25) > 1e-3)).toBe(true);
  });

  test('but not those that are no multiple of a parameter', async () => {
    const nodes = [
      node('Relu', ['z1'], ['p']),
      node('Min', ['z1', 'zero'], ['q']),
      node('Div', ['q', 'a1'], ['t']),
      node('Add', ['p', 't'], ['h1']),
    ];
    const network = spelled(nodes, wide(4));
    mainGraph(network).initializer.push(floatTensor('zero', [], [0]));
    const groups = { slope: { constraint: { kind: 'projection', lower: 0 } as const } };
    await expect(openTrainer(network, { batch: 4, groups })).rejects.toThrow(
      "train: slopes under a constraint must be a multiple of their parameter, got another form of 'a1'",
    );
  });
});

describe('outputs of other dimensions', () => {
  const reshaped = (target: readonly number[], inputDims: readonly (string | number)[] = ['N', 2]) => {
    const network = sampleNetwork();
    const main = mainGraph(network);
    main.node.push(node('Reshape', ['y', 'shape'], ['image']));
    main.initializer.push(intTensor('shape', [target.length], target));
    main.input = [valueInfo('x', inputDims)];
    main.output = [valueInfo('image')];
    return network;
  };

  test('[N, K, 1, 1] is [N, K]', async () => {
    const trainer = await openTrainer(reshaped([-1, 2, 1, 1]), { batch: data.count });
    open.push(trainer);
    const plain = await trainerOf();
    expect(await trainer.step(data, 0.1)).toEqual(await plain.step(data, 0.1));
    expect(await evaluate(trainer.model(), data)).toEqual(await evaluate(plain.model(), data));
  });

  test('squared errors are taken of any', async () => {
    const targets = Float32Array.from({ length: 2 * data.count }, (_, i) => Math.sin(i));
    const options = { batch: data.count, loss: 'mean-squared-error' } as const;
    const [image, plain] = [await openTrainer(reshaped([-1, 1, 2]), options), await trainerOf(options)];
    open.push(image);
    const batch = { inputs: data.inputs, targets };
    expect(await image.step(batch, 0.1)).toEqual(await plain.step(batch, 0.1));
    const numbers: Dataset = { ...data, targets, classes: null, outputs: 2 };
    expect(await evaluate(image.model(), numbers)).toEqual(await evaluate(plain.model(), numbers));
  });

  test('a model that is built for one sample says so', async () => {
    await expect(openTrainer(reshaped([1, 2], [1, 2]), { batch: 2 })).rejects.toThrow(
      'train: the model fixes its batch, which must be 1 then, got 2',
    );
    const trainer = await openTrainer(reshaped([1, 2], [1, 2]), { batch: 1 });
    open.push(trainer);
    await trainer.step({ inputs: data.inputs.subarray(0, 2), targets: data.targets.subarray(0, 1) }, 0.1);
    expect((await evaluate(trainer.model(), data)).loss).toBeGreaterThan(0);
  });
});

test('a gradient that is not finite is named, and moves nothing', async () => {
  const network = sampleNetwork();
  const main = mainGraph(network);
  main.node.splice(2, 0, node('Relu', ['h1'], ['p1']), node('Sqrt', ['p1'], ['r1']));
  main.node[4]!.input[0] = 'r1';
  const trainer = await openTrainer(network, { batch: data.count, gradientNorms: true });
  open.push(trainer);
  const before = trainer.state();
  await expect(trainer.step(data, 0.1)).rejects.toThrow(
    "train: gradients must stay finite, got the length NaN of that of 'a1' at step 0; try",
  );
  expect(trainer.state()).toEqual(before);
});
