import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.js';
import { valueInfo } from '../onnx/build.js';
import { copyModel, mainGraph } from '../onnx/model.js';
import { openSession } from '../onnx/runtime.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { buildNetwork } from './builders/build-network.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { Divergence } from './divergence.js';
import { evaluate } from './evaluate.js';
import { type FitResult, fit } from './fit.js';
import type { FitOptions } from './fit-options.js';
import { parameterValues } from './parameters.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import { sampleNetwork, samplePoints } from './sample-network.js';
import { rateAt } from './schedule.js';

const data = samplePoints(200, 1);
const heldOut = samplePoints(100, 2);
const common: FitOptions = { batch: 32, learningRate: 0.05, threads: 1, auditSamples: 50 };
const weights = ({ model }: FitResult) =>
  mainGraph(model).initializer.map(({ name }) => [name, Array.from(parameterValues(model, name))]);

test('training lowers the held-out loss and records every epoch', async () => {
  const seen: number[] = [];
  const steps: number[] = [];
  const before = await evaluate(sampleNetwork(), heldOut);
  const result = await fit(sampleNetwork(), data, {
    ...common,
    epochs: 12,
    validation: heldOut,
    onEpoch: ({ epoch }) => seen.push(epoch),
    onStep: done => steps.push(done),
  });
  const last = result.epochs.at(-1)!;
  expect(last.validation!.loss).toBeLessThan(0.7 * before.loss);
  expect(await evaluate(result.model, heldOut)).toEqual(last.validation);
  expect(seen).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  expect(steps).toEqual(Array.from({ length: 72 }, (_, i) => i + 1));
  expect([result.ended, result.epoch, last.steps]).toEqual(['epochs', 12, 72]);
  expect(last.layers).toMatchObject([{ name: 'h1', units: 6 }]);
  expect(last.layers[0]!.slopes!.min).toBeLessThan(last.layers[0]!.slopes!.max);
  expect(Object.keys(last.gradientNorms)).toEqual(['w1', 'b1', 'a1', 'w2', 'b2']);
  expect(Object.values(last.gradientNorms).every(norm => norm > 0)).toBe(true);
});

test('the same seed gives the same bits, another one others', async () => {
  const [a, b, c] = [
    await fit(sampleNetwork(), data, { ...common, epochs: 2, seed: 5 }),
    await fit(sampleNetwork(), data, { ...common, epochs: 2, seed: 5 }),
    await fit(sampleNetwork(), data, { ...common, epochs: 2, seed: 6 }),
  ];
  expect(weights(a)).toEqual(weights(b));
  expect(weights(a)).not.toEqual(weights(c));
});

describe('going on from a checkpoint', () => {
  test.each([4, 6, 15])('stopped after %i steps gives the bits of an uninterrupted training', async stopAt => {
    const options: FitOptions = {
      ...common,
      epochs: 4,
      optimizer: { kind: 'adam' },
      learningRate: 0.01,
      schedule: { kind: 'cosine', warmup: 3 },
      validation: heldOut,
      patience: 3,
    };
    const whole = await fit(sampleNetwork(), data, options);
    const stop = new AbortController();
    const onStep = (done: number) => {
      if (done === stopAt) stop.abort();
    };
    const part = await fit(sampleNetwork(), data, { ...options, signal: stop.signal, onStep });
    expect([part.ended, part.checkpoint.state.steps]).toEqual(['signal', stopAt]);
    // A Buffer is what readFile gives; a small one lies in memory that others share.
    const from = readCheckpoint(Buffer.from(writeCheckpoint(part.checkpoint)));
    const rest = await fit(sampleNetwork(), data, { ...options, from });
    expect(weights(rest)).toEqual(weights(whole));
    const timeless = ({ epochs }: FitResult) => epochs.map(record => ({ ...record, seconds: 0 }));
    expect(timeless(rest)).toEqual(timeless(whole));
  });

  test('with other settings or of another network is refused', async () => {
    const { checkpoint } = await fit(sampleNetwork(), data, { ...common, epochs: 1 });
    await expect(fit(sampleNetwork(), data, { ...common, epochs: 2, seed: 1, from: checkpoint })).rejects.toThrow(
      /^train: a checkpoint must be continued with the same seed, 0, got 1$/,
    );
    const groups = { slope: { constraint: { kind: 'softplus' } } } as const;
    await expect(fit(sampleNetwork(), data, { ...common, epochs: 2, groups, from: checkpoint })).rejects.toThrow(
      /^train: a checkpoint must be continued with the same groups.slope.constraint, nothing, got {"kind":"softplus"}$/,
    );
    const tensors = new Map([...checkpoint.state.tensors].slice(1));
    const from = { ...checkpoint, state: { ...checkpoint.state, tensors } };
    await expect(fit(sampleNetwork(), data, { ...common, epochs: 2, from })).rejects.toThrow(
      /must be of this network and optimizer/,
    );
  });
});

test('patience stops where the held-out loss no longer falls, and gives the best epoch', async () => {
  const noise = { ...samplePoints(40, 9), targets: Int32Array.from({ length: 40 }, (_, i) => i % 2) };
  const result = await fit(sampleNetwork(), samplePoints(64, 4), {
    ...common,
    epochs: 200,
    learningRate: 0.3,
    validation: noise,
    patience: 3,
  });
  const losses = result.epochs.map(({ validation }) => validation!.loss);
  const best = losses.indexOf(Math.min(...losses)) + 1;
  expect(result.ended).toBe('patience');
  expect(result.epoch).toBe(best);
  expect(result.epochs.length).toBe(best + 3);
  expect((await evaluate(result.model, noise)).loss).toBe(losses[best - 1]);
});

describe('bad input', () => {
  const cases: Record<string, [FitOptions, string]> = {
    'no epochs': [{ epochs: 0 }, 'train: epochs must be a whole number from 1'],
    'a batch larger than the data': [{ batch: 201 }, 'train: batch must be at most 200 (the samples), got 201'],
    'patience without held-out samples': [{ patience: 2 }, 'train: validation must be given for patience'],
    'a learning rate of 0': [{ learningRate: 0 }, 'train: learningRate must be greater than 0, got 0'],
    'an unknown schedule': [{ schedule: { kind: 'wave' } as never }, "schedule.kind must be 'constant', 'step'"],
  };
  test.each(Object.keys(cases))('%s', async name => {
    const [options, message] = cases[name]!;
    await expect(fit(sampleNetwork(), data, options)).rejects.toThrow(message);
  });

  test('samples of another size', async () => {
    const wide = { ...data, inputDims: [4], count: 100, targets: data.targets.subarray(0, 100) };
    await expect(fit(sampleNetwork(), wide)).rejects.toThrow(
      "train: samples must have dimensions [2] for input 'x', got [4] in 'circle'",
    );
  });

  test('files that are no checkpoints', () => {
    expect(() => readCheckpoint(new Uint8Array(3))).toThrow('the file must hold its header, got 3 bytes');
    const state = { steps: 0, tensors: new Map([['w', { dims: [2], data: Float32Array.of(1, 2) }]]) };
    const sums = { steps: 0, loss: 0, correct: 0, counted: 0, gradientNorms: {}, layerNorms: {}, seconds: 0 };
    const bytes = writeCheckpoint({ state, settings: {}, sums, epochs: [], best: null });
    expect(() => readCheckpoint(bytes.subarray(0, -4))).toThrow("tensor 'w' must have 2 elements in the file");
  });
});

describe('data that are none', () => {
  const labels = (at: number, label: number) => Int32Array.from(data.targets).fill(label, at, at + 1);
  const inputs = data.inputs.slice();
  inputs[81] = Number.NaN;
  const numbers: Dataset = { ...data, targets: new Float32Array(400).fill(Number.NaN, 6, 7), classes: null };
  const broken: Record<string, [Partial<Dataset>, string]> = {
    'no samples': [
      { count: 0, inputs: new Float32Array(), targets: new Int32Array() },
      "'circle' must have a sample, got 0",
    ],
    'a label too large': [{ targets: labels(40, 7) }, "'circle' must have classes from 0 to 1, got 7 in sample 40"],
    'a label below 0': [{ targets: labels(3, -1) }, "'circle' must have classes from 0 to 1, got -1 in sample 3"],
    'too few inputs': [{ inputs: data.inputs.subarray(0, 20) }, "'circle' must hold 200 × 2 inputs, got 20"],
    'too few targets': [{ targets: data.targets.subarray(1) }, "'circle' must hold 200 × 1 targets, got 199"],
    'inputs that are not finite': [{ inputs }, "'circle' must have finite inputs, got NaN in sample 40"],
    'targets that are not finite': [numbers, "'circle' must have finite targets, got NaN in sample 3"],
    'plain arrays': [{ inputs: [1, 2] as never }, "'circle' must hold its inputs as a Float32Array, got Array"],
    'no inputs': [{ inputDims: [0], inputs: new Float32Array() }, 'must have inputs, got samples with dimensions [0]'],
  };

  test.each(Object.keys(broken))('%s', async name => {
    const [part, message] = broken[name]!;
    const bad = { ...data, ...part };
    await expect(fit(sampleNetwork(), bad, common)).rejects.toThrow(message);
    await expect(fit(sampleNetwork(), bad, common)).rejects.toThrow(/^train: training data /);
    await expect(fit(sampleNetwork(), data, { ...common, validation: bad })).rejects.toThrow(/^train: held-out data /);
    await expect(evaluate(sampleNetwork(), bad)).rejects.toThrow(/^evaluate: data /);
  });
});

describe('a model with other outputs than the data have classes', () => {
  const fiveClasses = { ...data, classes: 5, outputs: 5 };

  test('is refused where there are too few', async () => {
    await expect(fit(sampleNetwork(), fiveClasses, common)).rejects.toThrow(
      "train: the model must have an output for each of the 5 classes of 'circle', got 2",
    );
    await expect(evaluate(sampleNetwork(), fiveClasses)).rejects.toThrow(/^evaluate: the model must have an output/);
    const numbers = { ...data, classes: null, outputs: 1, targets: new Float32Array(200) };
    await expect(fit(sampleNetwork(), numbers, common)).rejects.toThrow(
      "train: the model must have 1 outputs, the targets of 'circle', got 2",
    );
  });

  test('is measured by its own width where there are more', async () => {
    const network = buildNetwork('mlp:2-8-10', { rectifier: parseRectifier('prelu') });
    const { model, epochs } = await fit(network, data, { ...common, epochs: 3, validation: data });
    const session = await openSession(model, { threads: 1 });
    const { output } = await session.run({ input: { type: 'float32', dims: [200, 2], data: data.inputs } });
    await session.close();
    const logits = output!.data as Float32Array;
    let [loss, right] = [0, 0];
    for (let n = 0; n < 200; n++) {
      const row = Array.from(logits.subarray(10 * n, 10 * n + 10));
      loss += Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[data.targets[n]!]!;
      right += Number(row.indexOf(Math.max(...row)) === data.targets[n]);
    }
    expect(epochs[2]!.validation!.loss).toBeCloseTo(loss / 200, 6);
    expect(epochs[2]!.validation!.accuracy).toBe(right / 200);
  });
});

describe('a training that diverges', () => {
  const blowUp: FitOptions = { batch: 200, learningRate: 1e38, threads: 1, auditSamples: 0 };

  test('in its very last step is noticed, by parameters or by the held-out loss', async () => {
    await expect(fit(sampleNetwork(), data, { ...blowUp, epochs: 1, learningRate: 1e300 })).rejects.toThrow(
      /^train: parameters must stay finite, got NaN or Infinity in .w1. after step 1; try/,
    );
    const rejected = fit(sampleNetwork(), data, { ...blowUp, epochs: 1, learningRate: 1e25, validation: heldOut });
    await expect(rejected).rejects.toThrow(
      /^train: the held-out loss must stay finite, got NaN after step 1, first in node '\w+' \(\w+\); try/,
    );
    await expect(rejected).rejects.toBeInstanceOf(Divergence);
    await expect(rejected).rejects.toMatchObject({ checkpoint: null });
  });

  test('leaves the last good epoch, from which another learning rate goes on', async () => {
    const good: FitOptions = { ...common, epochs: 2, validation: heldOut };
    const { checkpoint, epochs } = await fit(sampleNetwork(), data, good);
    const further: FitOptions = { ...good, epochs: 4 };
    const failure = await fit(sampleNetwork(), data, { ...further, learningRate: 1e30, from: checkpoint }).catch(
      e => e,
    );
    expect(failure).toBeInstanceOf(Divergence);
    expect(failure.checkpoint.state).toEqual(checkpoint.state);
    const rest = await fit(sampleNetwork(), data, { ...further, learningRate: 0.01, from: failure.checkpoint });
    expect(rest.epochs.slice(0, 2)).toEqual(epochs);
    expect(rest.epochs).toHaveLength(4);
    expect(rest.epochs[3]!.validation!.loss).toBeLessThan(epochs[1]!.validation!.loss);
  });
});

describe('a checkpoint', () => {
  const options: FitOptions = { ...common, epochs: 2 };

  test('of another network or of other data of the same size is refused', async () => {
    const network = (rectifier: string) => buildNetwork('mlp:2-8-2', { rectifier: parseRectifier(rectifier) });
    const { checkpoint: from } = await fit(network('relu'), data, { ...options, epochs: 1 });
    await expect(fit(network('leaky:0.5'), data, { ...options, from })).rejects.toThrow(
      /^train: a checkpoint must be continued with the network that it has seen, got another$/,
    );
    await expect(fit(network('relu'), samplePoints(200, 7), { ...options, from })).rejects.toThrow(
      /^train: a checkpoint must be continued with the data that it has seen, got another$/,
    );
    await expect(
      fit(network('relu'), data, { ...options, from, optimizer: { kind: 'adam' }, learningRate: 0.05 }),
    ).rejects.toThrow(/the same optimizer, nothing, got \{"kind":"adam"\}$/);
    await expect(fit(network('relu'), data, { ...options, from, patience: 1, validation: data })).rejects.toThrow(
      /the same patience, nothing, got 1$/,
    );
    expect((await fit(network('relu'), data, { ...options, from })).epochs).toHaveLength(2);
  });

  test('can have more epochs after it where the schedule does not span them', async () => {
    const plain: FitOptions = { ...common, epochs: 3, schedule: { kind: 'step', every: 4, factor: 0.5 } };
    const whole = await fit(sampleNetwork(), data, plain);
    const { checkpoint: from } = await fit(sampleNetwork(), data, { ...plain, epochs: 1 });
    expect(weights(await fit(sampleNetwork(), data, { ...plain, from }))).toEqual(weights(whole));
    const cosine: FitOptions = { ...common, epochs: 1, schedule: { kind: 'cosine' } };
    const { checkpoint } = await fit(sampleNetwork(), data, cosine);
    await expect(fit(sampleNetwork(), data, { ...cosine, epochs: 2, from: checkpoint })).rejects.toThrow(
      "the same number of epochs for the schedule 'cosine', 1, got 2",
    );
    await expect(fit(sampleNetwork(), data, { ...plain, epochs: 1, from: whole.checkpoint })).rejects.toThrow(
      "train: epochs must be at least 3 (the checkpoint's), got 1",
    );
  });

  test('is given after every so many epochs, and goes on to the same bits', async () => {
    const given: Checkpoint[] = [];
    const plain: FitOptions = { ...common, epochs: 5, optimizer: { kind: 'adam' }, validation: heldOut, patience: 4 };
    const whole = await fit(sampleNetwork(), data, {
      ...plain,
      checkpointEvery: 2,
      onCheckpoint: checkpoint => given.push(checkpoint),
    });
    expect(given.map(({ epochs }) => epochs.length)).toEqual([2, 4]);
    const from = readCheckpoint(writeCheckpoint(given[0]!));
    expect(weights(await fit(sampleNetwork(), data, { ...plain, from }))).toEqual(weights(whole));
  });

  test('that is damaged is refused in one sentence', async () => {
    const { checkpoint } = await fit(sampleNetwork(), data, { ...common, epochs: 1 });
    const { metadata, tensors } = readSafetensors(writeCheckpoint(checkpoint));
    const good = JSON.parse(metadata.progress!);
    const damaged: [unknown, string][] = [
      ['', "its progress must be JSON, got ''"],
      ['{', "its progress must be JSON, got '{'"],
      ['null', 'its progress must be an object, got null'],
      ['[]', 'its progress must be an object, got []'],
      ['{}', 'its settings must be as they were written, got undefined'],
      [{ ...good, steps: -1 }, 'its steps must be as they were written, got -1'],
      [{ ...good, sums: null }, 'its sums must be as they were written, got null'],
      [{ ...good, epochs: [{}] }, 'its epochs must be as they were written, got [{}]'],
      [{ ...good, best: 3 }, 'its best must be as they were written, got 3'],
    ];
    for (const [progress, message] of damaged) {
      const text = typeof progress === 'string' ? progress : JSON.stringify(progress);
      const bytes = writeSafetensors({ metadata: { ...metadata, progress: text }, tensors });
      expect(() => readCheckpoint(bytes)).toThrow(`read checkpoint: ${message}`);
      expect(() => readCheckpoint(bytes)).toThrow(Failure);
    }
    const { progress: _, ...without } = metadata;
    expect(() => readCheckpoint(writeSafetensors({ metadata: without, tensors }))).toThrow('must be JSON');
  });

  test.each([
    ['null', /header must be a JSON object, got null/],
    ['[]', /header must be a JSON object, got \[\]/],
    ['3', /header must be a JSON object, got 3/],
    ['{"__metadata__":null}', /__metadata__ must be an object of strings, got null/],
    ['{"__metadata__":{"a":1}}', /__metadata__ must be an object of strings/],
    ['{"w":null}', /tensor 'w' must be F32, got undefined/],
    ['{"w":{"dtype":"F32","shape":[2],"data_offsets":[4,-4]}}', /tensor 'w' must have a shape and offsets/],
  ])('with the header %s is none', (header, message) => {
    const text = new TextEncoder().encode(header.padEnd(64));
    const bytes = new Uint8Array(8 + 64);
    bytes[0] = 64;
    bytes.set(text, 8);
    expect(() => readSafetensors(bytes)).toThrow(message);
    expect(() => readSafetensors(bytes)).toThrow(Failure);
  });
});

test('layers say which verdicts their units have and how long their gradients are', async () => {
  const norms: number[] = [];
  const { epochs } = await fit(sampleNetwork(), data, {
    ...common,
    epochs: 1,
    onStep: (_done, _total, { gradientNorms }) =>
      norms.push(Math.hypot(...['w1', 'b1', 'a1'].map(name => gradientNorms!.get(name)!))),
  });
  const [layer] = epochs[0]!.layers;
  expect(Object.values(layer!.verdicts).reduce((sum, count) => sum + count, 0)).toBe(6);
  expect(layer!.gradientNorm).toBeCloseTo(norms.reduce((sum, norm) => sum + norm, 0) / norms.length, 10);
});

test('warm-up that is longer than the training, and schedules that are none, are refused', async () => {
  const schedule = { kind: 'constant', warmup: 13 } as const;
  await expect(fit(sampleNetwork(), data, { ...common, epochs: 2, schedule })).rejects.toThrow(
    'train: schedule.warmup must be at most 12 (the steps), got 13',
  );
  expect(() => rateAt({ kind: 'wave' } as never, 0, 10)).toThrow(/schedule.kind must be 'constant'/);
});

test('a model that fixes its batch is trained, evaluated and audited with it', async () => {
  const network = sampleNetwork();
  mainGraph(network).input = [valueInfo('x', [8, 2])];
  const odd = {
    ...heldOut,
    count: 99,
    inputs: heldOut.inputs.subarray(0, 198),
    targets: heldOut.targets.subarray(0, 99),
  };
  const { epochs, model } = await fit(network, data, { epochs: 1, validation: odd, threads: 1 });
  expect(epochs[0]!.steps).toBe(25);
  expect(epochs[0]!.layers[0]!.units).toBe(6);
  const free = copyModel(model);
  mainGraph(free).input = [valueInfo('x', ['N', 2])];
  expect((await evaluate(free, odd)).loss).toBeCloseTo(epochs[0]!.validation!.loss, 6);
});
