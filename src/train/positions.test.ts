import { describe, expect, test } from 'vitest';
import { floatTensor, node, valueInfo } from '../onnx/build.js';
import { copyModel, type Model, mainGraph } from '../onnx/model.js';
import { createRandom } from '../random.js';
import type { Dataset } from './dataset.js';
import { shuffledBatches } from './datasets/batches.js';
import { splitDataset } from './datasets/split.js';
import { standardizationOf, standardize } from './datasets/standardize.js';
import { confusion, evaluate } from './evaluate.js';
import { fit } from './fit.js';
import type { FitOptions } from './fit-options.js';
import { parameterValues } from './parameters.js';
import { sampleMasks, sampleNetwork, samplePoints, sampleSegmenter } from './sample-network.js';
import { openTrainer } from './trainer.js';

const data = sampleMasks(40, 1);
const common: FitOptions = { batch: 8, optimizer: { kind: 'adam' }, learningRate: 0.03, threads: 1, auditSamples: 0 };

/** The sample segmenter in float64, by the definition: the logits of one sample, position by position. */
function logitsOf(model: Model, { inputs, inputDims }: Dataset, sample: number): number[][] {
  const [, height = 0, width = 0] = inputDims;
  const [w1, b1, a1, w2, b2] = ['w1', 'b1', 'a1', 'w2', 'b2'].map(name => parameterValues(model, name));
  const pixel = (row: number, column: number) =>
    row < 0 || row >= height || column < 0 || column >= width ? 0 : inputs[(sample * height + row) * width + column]!;
  return Array.from({ length: height * width }, (_, position) => {
    const [row, column] = [Math.floor(position / width), position % width];
    const hidden = Array.from(b1!, (bias, channel) => {
      let z = bias;
      for (let i = 0; i < 9; i++) z += w1![9 * channel + i]! * pixel(row + Math.floor(i / 3) - 1, column + (i % 3) - 1);
      return z > 0 ? z : a1![channel]! * z;
    });
    return Array.from(b2!, (bias, k) => hidden.reduce((sum, h, channel) => sum + h * w2![8 * k + channel]!, bias));
  });
}

/** Loss, accuracy and confusion by hand. */
function byHand(model: Model, part: Dataset) {
  const positions = part.targets.length / part.count;
  const counts = Array.from({ length: 3 }, () => [0, 0, 0]);
  let [loss, right, counted] = [0, 0, 0];
  for (let n = 0; n < part.count; n++)
    for (const [position, logits] of logitsOf(model, part, n).entries()) {
      const target = part.targets[n * positions + position]!;
      if (target < 0) continue;
      const best = logits.indexOf(Math.max(...logits));
      loss += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[target]!;
      right += Number(best === target);
      counts[target]![best]!++;
      counted++;
    }
  return { loss: loss / counted, accuracy: right / counted, counts, right, counted };
}

/** The segmenter with a softmax over an axis at its end. */
function endingInSoftmax(axis: number): Model {
  const model = sampleSegmenter();
  const graph = mainGraph(model);
  graph.node.push(node('Softmax', ['y'], ['shares'], { axis }));
  graph.output = [valueInfo('shares', ['N', 3, 'H', 'W'])];
  return model;
}

describe('evaluate', () => {
  test('is the mean over the positions that have a class, in float64', async () => {
    const model = sampleSegmenter();
    const exact = byHand(model, data);
    expect(exact.counted).toBeLessThan(data.targets.length);
    const found = await evaluate(model, data);
    expect(found.loss).toBeCloseTo(exact.loss, 6);
    expect(found.accuracy).toBe(exact.accuracy);
    expect(await confusion(model, data)).toEqual(exact.counts);
  });

  test('one class for each sample is a position of its own', async () => {
    const points = samplePoints(60, 4);
    expect(await evaluate(sampleNetwork(), { ...points, targetDims: [] })).toEqual(
      await evaluate(sampleNetwork(), points),
    );
    expect(await evaluate(sampleNetwork(), { ...points, targetDims: [1, 1] })).toEqual(
      await evaluate(sampleNetwork(), points),
    );
  });

  test('axes of length 1 in a target do not matter', async () => {
    const found = await evaluate(sampleSegmenter(), { ...data, targetDims: [1, 6, 5] });
    expect(found).toEqual(await evaluate(sampleSegmenter(), data));
  });

  test('a softmax over the classes is left out, one over a row is not', async () => {
    const plain = await evaluate(sampleSegmenter(), data);
    expect(await evaluate(endingInSoftmax(1), data)).toEqual(plain);
    expect((await evaluate(endingInSoftmax(3), data)).loss).not.toBeCloseTo(plain.loss, 2);
  });
});

describe('a step', () => {
  const batch = { inputs: data.inputs.subarray(0, 8 * 30), targets: data.targets.subarray(0, 8 * 30) };
  const first = { ...data, count: 8, ...batch };
  const options = { batch: 8, sampleDims: { x: [1, 6, 5] }, threads: 1 } as const;

  test.each([sampleSegmenter(), endingInSoftmax(1), endingInSoftmax(-3)])('has the loss of evaluate', async model => {
    const exact = byHand(sampleSegmenter(), first);
    const trainer = await openTrainer(model, options);
    const { loss, correct, counted } = await trainer.step(batch, 0);
    await trainer.close();
    expect(loss).toBeCloseTo(exact.loss, 5);
    expect([correct, counted]).toEqual([exact.right, exact.counted]);
  });

  test('follows the gradient: finite differences in float64', async () => {
    const trainer = await openTrainer(sampleSegmenter(), { ...options, optimizer: { kind: 'sgd' } });
    await trainer.step(batch, 1);
    const after = trainer.model();
    await trainer.close();
    const moved = (name: string, index: number, by: number): Model => {
      const copy = copyModel(sampleSegmenter());
      const graph = mainGraph(copy);
      graph.initializer = graph.initializer.map(each => {
        if (each.name !== name) return each;
        const values = Array.from(parameterValues(copy, name));
        values[index]! += by;
        return floatTensor(name, each.dims.map(Number), values);
      });
      return copy;
    };
    for (const [name, index] of [
      ['w1', 4],
      ['w1', 40],
      ['b1', 3],
      ['a1', 2],
      ['w2', 11],
      ['b2', 1],
    ] as const) {
      // A power of two of which float32 loses nothing beside numbers near 1.
      const [up, down] = [
        byHand(moved(name, index, 2 ** -10), first).loss,
        byHand(moved(name, index, -(2 ** -10)), first).loss,
      ];
      const step = parameterValues(sampleSegmenter(), name)[index]! - parameterValues(after, name)[index]!;
      expect(step, name).toBeCloseTo((up - down) * 2 ** 9, 4);
    }
  });

  test.each([-100, -(2 ** 32), -1e20])('takes floats below 0 for no class: %d', async none => {
    const floats = Float32Array.from(batch.targets, target => (target < 0 ? none : target));
    const trainer = await openTrainer(sampleSegmenter(), options);
    const found = await trainer.step({ ...batch, targets: floats }, 0);
    expect(found).toEqual(await trainer.step(batch, 0));
    await trainer.close();
  });

  test('without a class at all moves nothing', async () => {
    const trainer = await openTrainer(sampleSegmenter(), { ...options, optimizer: { kind: 'sgd' } });
    const before = trainer.state().tensors;
    const found = await trainer.step({ ...batch, targets: new Int32Array(8 * 30).fill(-1) }, 1);
    expect(found).toEqual({ loss: 0, correct: 0, counted: 0, gradientNorms: null });
    expect(trainer.state().tensors).toEqual(before);
    await trainer.close();
  });
});

describe('fit', () => {
  test('finds what was planted', async () => {
    const [train, validation] = [sampleMasks(200, 1, [12, 12]), sampleMasks(50, 2, [12, 12])];
    const schedule = { kind: 'cosine' } as const;
    const { epochs, model } = await fit(sampleSegmenter(), train, { ...common, epochs: 20, schedule, validation });
    const last = epochs.at(-1)!;
    expect(epochs[0]!.train.accuracy).toBeLessThan(0.7);
    expect(last.train.accuracy).toBeGreaterThan(0.96);
    expect(last.validation!.accuracy).toBeGreaterThan(0.96);
    expect(await evaluate(model, validation)).toEqual(last.validation);
    // The same network takes images of any size.
    expect((await evaluate(model, sampleMasks(20, 3, [5, 9]))).accuracy).toBeGreaterThan(0.95);
  });

  test('images that are held out may be larger than those to train on', async () => {
    const validation = sampleMasks(10, 2, [9, 14]);
    const { epochs, model } = await fit(sampleSegmenter(), data, { ...common, epochs: 1, validation });
    expect(epochs[0]!.validation).toEqual(await evaluate(model, validation));
  });

  test('a sequence has classes too', async () => {
    const model = sampleSegmenter();
    const graph = mainGraph(model);
    graph.node[0] = node('Conv', ['x', 'w1', 'b1'], ['z1'], { pads: [1, 1] });
    graph.input = [valueInfo('x', ['N', 1, 'L'])];
    graph.output = [valueInfo('y')];
    const flat = (name: string, dims: number[]) => {
      const values = parameterValues(model, name).subarray(
        0,
        dims.reduce((a, b) => a * b, 1),
      );
      graph.initializer = graph.initializer.map(each => (each.name === name ? floatTensor(name, dims, values) : each));
    };
    flat('w1', [8, 1, 3]);
    flat('a1', [8, 1]);
    flat('w2', [3, 8, 1]);
    const sequences = { ...data, inputDims: [1, 30], targetDims: [30] };
    // What lies below in the image is out of sight, so that only the ends of the scale can be told apart.
    const { epochs } = await fit(model, sequences, { ...common, epochs: 8 });
    expect(epochs.at(-1)!.train.loss).toBeLessThan(0.8 * epochs[0]!.train.loss);
    expect(epochs.at(-1)!.train.accuracy).toBeGreaterThan(0.6);
  });

  test('the loss of an epoch is over its positions, however many of them a batch has', async () => {
    const targets = Int32Array.from(data.targets, (target, i) => (i < 20 * 30 && i % 30 > 0 ? -1 : target)).fill(
      -1,
      0,
      240,
    );
    const sparse = { ...data, targets };
    const still: FitOptions = { ...common, batch: 4, optimizer: { kind: 'sgd' }, learningRate: 1e-9, epochs: 1 };
    const [record] = (await fit(sampleSegmenter(), sparse, still)).epochs;
    const { loss, accuracy } = await evaluate(sampleSegmenter(), sparse);
    expect(record!.train.loss).toBeCloseTo(loss, 5);
    expect(record!.train.accuracy).toBe(accuracy);
  });

  const weights = (model: Model) =>
    ['w1', 'b1', 'a1', 'w2', 'b2'].map(name => Array.from(parameterValues(model, name)));

  test('goes on from the middle of an epoch to the same bits', async () => {
    const options = { ...common, epochs: 3, validation: data };
    const whole = await fit(sampleSegmenter(), data, options);
    const stop = new AbortController();
    const onStep = (done: number) => {
      if (done === 8) stop.abort();
    };
    const { checkpoint: from } = await fit(sampleSegmenter(), data, { ...options, signal: stop.signal, onStep });
    const rest = await fit(sampleSegmenter(), data, { ...options, from });
    expect(weights(rest.model)).toEqual(weights(whole.model));
    const timeless = whole.epochs.map(record => ({ ...record, seconds: 0 }));
    expect(rest.epochs.map(record => ({ ...record, seconds: 0 }))).toEqual(timeless);
    // The same numbers in other places are other data.
    for (const other of [
      { ...data, inputDims: [1, 5, 6], targetDims: [5, 6] },
      { ...data, targetDims: [1, 6, 5] },
    ])
      await expect(fit(sampleSegmenter(), other, { ...options, validation: other, from })).rejects.toThrow(
        'train: a checkpoint must be continued with the data that it has seen, got another',
      );
  });

  test('the audit sees the units of such a network', async () => {
    const { epochs } = await fit(sampleSegmenter(), data, { ...common, epochs: 1, auditSamples: 20 });
    expect(epochs[0]!.layers).toMatchObject([{ name: 'h1', units: 8 }]);
  });
});

test('samples keep their targets in batches, splits and standardized', () => {
  const whole = standardize(data, standardizationOf(data));
  expect([whole.targets, whole.targetDims]).toEqual([data.targets, [6, 5]]);
  const targetsOf = new Map<number, readonly number[]>();
  for (let n = 0; n < 40; n++)
    targetsOf.set(data.inputs[30 * n]!, Array.from(data.targets.subarray(30 * n, 30 * (n + 1))));
  const check = (inputs: Float32Array, targets: Float32Array | Int32Array) => {
    for (let n = 0; 30 * n < inputs.length; n++)
      expect(Array.from(targets.subarray(30 * n, 30 * (n + 1)))).toEqual(targetsOf.get(inputs[30 * n]!));
  };
  for (const { inputs, targets } of shuffledBatches(data, { batchSize: 7 })) check(inputs, targets);
  const { train, test: heldOut } = splitDataset(data, { testShare: 0.3, seed: 2 });
  expect([train.count, heldOut.count, train.targetDims]).toEqual([28, 12, [6, 5]]);
  for (const { inputs, targets } of [train, heldOut]) check(inputs, targets);
});

describe('bad input', () => {
  const labels = (label: number) => Int32Array.from(data.targets).fill(label, 70, 71);
  const cases: Record<string, [Model, Partial<Dataset>, string]> = {
    'other positions': [
      sampleSegmenter(),
      { targetDims: [5, 6] },
      "the output must have dimensions [samples, classes, 5, 6], a class at each of the [5, 6] positions of the targets, got [8, 3, 6, 5] for 'y'",
    ],
    'one class for each sample': [
      sampleSegmenter(),
      { targetDims: [], targets: new Int32Array(40) },
      "the output must have dimensions [samples, classes], got [8, 3, 6, 5] for 'y'",
    ],
    'a network that gives one class': [
      sampleNetwork(),
      { inputs: data.inputs.subarray(0, 80), inputDims: [2] },
      "the output must have dimensions [samples, classes, 6, 5], a class at each of the [6, 5] positions of the targets, got [8, 2] for 'y'",
    ],
    'classes that come last': [
      withTranspose([0, 2, 3, 1]),
      {},
      "the output must have dimensions [samples, classes, 6, 5], a class at each of the [6, 5] positions of the targets, got [8, 6, 5, 3] for 't'",
    ],
    'more classes than outputs': [
      sampleSegmenter(),
      { classes: 4, outputs: 4 },
      "the model must have an output for each of the 4 classes of 'steps', got 3",
    ],
    'a class out of range': [
      sampleSegmenter(),
      { targets: labels(3) },
      "'steps' must have classes from 0 to 2, got 3 in sample 2",
    ],
    'a class that is no whole number': [
      sampleSegmenter(),
      { targets: Float32Array.from(data.targets).fill(-0.5, 70, 71) },
      "'steps' must have classes from 0 to 2, got -0.5 in sample 2",
    ],
    'no class anywhere': [
      sampleSegmenter(),
      { targets: new Int32Array(1200).fill(-1) },
      "'steps' must have a class at some position, got none",
    ],
    'too few targets': [
      sampleSegmenter(),
      { targets: data.targets.subarray(1) },
      "'steps' must hold 40 × 30 targets, got 1199",
    ],
    'no positions': [
      sampleSegmenter(),
      { targetDims: [0, 5] },
      "'steps' must have targets, got samples with targets of dimensions [0, 5]",
    ],
    'numbers of other dimensions than their targets': [
      sampleSegmenter(),
      { classes: null, outputs: 30, targets: new Float32Array(1200) },
      "the output must have dimensions [samples, 6, 5], those of the targets, got [8, 3, 6, 5] for 'y'",
    ],
    'more numbers than targetDims say': [
      sampleSegmenter(),
      { classes: null, outputs: 90, targets: new Float32Array(3600) },
      "'steps' must have targets of 90 numbers, got targetDims [6, 5]",
    ],
  };
  test.each(Object.keys(cases))('%s', async name => {
    const [model, part, message] = cases[name]!;
    const bad = { ...data, ...part };
    await expect(fit(model, bad, { ...common, epochs: 1 })).rejects.toThrow(message);
    await expect(evaluate(model, bad)).rejects.toThrow(message.replace('got [8,', 'got [40,'));
  });

  test('numbers with the axes of the output are met', async () => {
    const random = createRandom(1);
    const targets = Float32Array.from({ length: 3600 }, () => random.uniform());
    const numbers = { ...data, targets, targetDims: [3, 6, 5], classes: null, outputs: 90 };
    const { epochs, model } = await fit(sampleSegmenter(), numbers, { ...common, epochs: 3 });
    expect(epochs[2]!.train.loss).toBeLessThan(epochs[0]!.train.loss);
    const flat = { ...numbers, targetDims: undefined };
    expect(await evaluate(model, numbers)).toEqual(await evaluate(model, flat));
  });

  test('a trainer names the sample of a class out of range', async () => {
    const trainer = await openTrainer(sampleSegmenter(), { batch: 8, sampleDims: { x: [1, 6, 5] } });
    const targets = Int32Array.from(data.targets.subarray(0, 240)).fill(3, 70, 71);
    await expect(trainer.step({ inputs: data.inputs.subarray(0, 240), targets }, 0.1)).rejects.toThrow(
      'train: targets must be classes from 0 to 2, got 3 (sample 2 of the batch)',
    );
    await trainer.close();
  });
});

/** The segmenter with its axes in another order. */
function withTranspose(perm: readonly number[]): Model {
  const model = sampleSegmenter();
  const graph = mainGraph(model);
  graph.node.push(node('Transpose', ['y'], ['t'], { perm }));
  graph.output = [valueInfo('t')];
  return model;
}
