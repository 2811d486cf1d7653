import { describe, expect, test } from 'vitest';
import { mainGraph } from '../onnx/model.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { evaluate } from './evaluate.js';
import { type FitOptions, type FitResult, fit } from './fit.js';
import { parameterValues } from './parameters.js';
import { sampleNetwork, samplePoints } from './sample-network.js';

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
    const from = readCheckpoint(writeCheckpoint(part.checkpoint));
    const rest = await fit(sampleNetwork(), data, { ...options, from });
    expect(weights(rest)).toEqual(weights(whole));
    const timeless = ({ epochs }: FitResult) => epochs.map(record => ({ ...record, seconds: 0 }));
    expect(timeless(rest)).toEqual(timeless(whole));
  });

  test('with other settings or of another network is refused', async () => {
    const { checkpoint } = await fit(sampleNetwork(), data, { ...common, epochs: 1 });
    await expect(fit(sampleNetwork(), data, { ...common, epochs: 2, seed: 1, from: checkpoint })).rejects.toThrow(
      /train: a checkpoint must be continued with its own settings/,
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
    const wide = { ...data, inputDims: [4], count: 100 };
    await expect(fit(sampleNetwork(), wide)).rejects.toThrow(
      "train: samples must have dimensions [2] for input 'x', got [4] in 'circle'",
    );
  });

  test('files that are no checkpoints', () => {
    expect(() => readCheckpoint(new Uint8Array(3))).toThrow('the file must hold its header, got 3 bytes');
    const state = { steps: 0, tensors: new Map([['w', { dims: [2], data: Float32Array.of(1, 2) }]]) };
    const sums = { steps: 0, loss: 0, correct: 0, gradientNorms: {}, seconds: 0 };
    const bytes = writeCheckpoint({ state, settings: '', sums, epochs: [], best: null });
    expect(() => readCheckpoint(bytes.subarray(0, -4))).toThrow("tensor 'w' must have 2 elements in the file");
  });
});
