import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { buildNetwork } from '../train/builders/build-network.js';
import { refuseIdle, requireResults, requireSlopes, type TrainFlags } from './train-flags.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  await writeFile(join(folder, 'given.onnx'), 'model');
  await mkdir(join(folder, 'taken.onnx.checkpoint'));
  await symlink('circle.onnx', join(folder, 'circle.onnx'));
});
afterAll(() => rm(folder, { recursive: true }));

const defaults = {
  data: 'moons',
  only: 'all',
  rectifier: 'prelu',
  init: 'he',
  slopes: 'channel',
  skips: true,
  epochs: 5,
  optimizer: 'sgd',
  momentum: 0.9,
  slopeDecay: 0,
  slopeRate: 1,
  schedule: { kind: 'cosine' },
  warmup: 0,
  seed: 0,
  auditSamples: 1000,
  output: 'x.onnx',
} as const;

type Given = Partial<TrainFlags>;
const net: Given = { net: 'mlp:4' };
const model: Given = { model: 'x.onnx' };
const check = (given: Given) => () => refuseIdle({ ...defaults, ...given }, name => name in given);

const idle: [Given, string][] = [
  [{}, '--net: one of --net and --model must be given, got neither'],
  [{ ...net, ...model }, '--net: one of --net and --model must be given, got both'],
  [{ ...model, rectifier: 'relu' }, '--rectifier: it must go with --net, got --model, whose network is as it is'],
  [{ ...model, init: 'he' }, '--init: it must go with --net, got --model'],
  [{ ...model, batchNorm: true }, '--batch-norm: it must go with --net, got --model'],
  [{ ...model, slopes: 'shared' }, '--slopes: it must go with --net, got --model'],
  [{ ...model, skips: false }, '--no-skips: it must go with --net, got --model'],
  [{ ...net, optimizer: 'adam', momentum: 0.5 }, "--momentum: it must go with --optimizer sgd, got 'adam'"],
  [{ ...net, optimizer: 'adamw', nesterov: true }, "--nesterov: it must go with --optimizer sgd, got 'adamw'"],
  [{ ...net, only: 'slopes', weightDecay: 0.1 }, "--weight-decay: it must go with --only all, got 'slopes'"],
  [{ ...net, rectifier: 'leaky', slopes: 'shared' }, "--slopes: it must go with --rectifier prelu, got 'leaky'"],
  [{ ...net, skips: false }, "--no-skips: it must go with --net resnet:…, got 'mlp:4'"],
];
test.each(idle)('%j does nothing', (given, message) => {
  expect(check(given)).toThrow(message);
});

test.each<Given>([
  net,
  model,
  { ...net, rectifier: 'prelu:0.1', slopes: 'shared', tailored: true },
  { net: 'resnet:8x1', skips: false },
  { ...net, nesterov: true, momentum: 0.5 },
  { ...model, only: 'slopes', optimizer: 'adam' },
])('%j does something', given => {
  expect(check(given)).not.toThrow();
});

test.each<[Given, string]>([
  [{ only: 'slopes' }, '--only slopes'],
  [{ slopeConstraint: { kind: 'softplus' } }, '--slope-constraint'],
  [{ slopeDecay: 0.1 }, '--slope-decay'],
  [{ slopeRate: 2 }, '--slope-rate'],
])('%j wants slopes', async (given, flag) => {
  const build = (rectifier: string) => buildNetwork('mlp:2-4-2', { rectifier: parseRectifier(rectifier) });
  const checked = (rectifier: string) =>
    requireSlopes(build(rectifier), { ...defaults, ...given }, name => name in given);
  await expect(checked('relu')).rejects.toThrow(`${flag}: the network must have slopes to learn, got one without`);
  await expect(checked('prelu')).resolves.toBeUndefined();
});

test('results go where they can be written, and not over each other', async () => {
  const at = (name: string) => join(folder, name);
  const results = (given: Given) => requireResults({ ...defaults, output: at('x.onnx'), ...given });
  await expect(results({})).resolves.toBeUndefined();
  const over = { output: at('given.onnx'), model: at('given.onnx'), force: true };
  await expect(results(over)).resolves.toBeUndefined();
  const refusals: [Given, string][] = [
    [{ output: at('none/x.onnx') }, '--output: the path must be a file in a writable folder'],
    [{ output: folder }, '--output: the path must be a file in a writable folder'],
    [{ output: at('taken.onnx') }, '--output: the path must be a file in a writable folder'],
    [{ output: at('circle.onnx') }, '--output: the path must be a file in a writable folder'],
    [{ record: at('none/x.json') }, '--record: the path must be a file in a writable folder'],
    [
      { output: at('given.onnx'), model: at('./given.onnx') },
      '--output: the path must not be the model itself without --force',
    ],
    [{ record: at('./x.onnx') }, '--record: the path must not be that of --output'],
    [{ record: at('given.onnx'), model: at('given.onnx') }, '--record: the path must not be that of --model'],
    [{ record: at('x.onnx.checkpoint') }, '--record: the path must not be that of the checkpoint'],
    [{ output: at('given.onnx'), resume: at('given.onnx') }, '--output: the path must not be that of --resume'],
  ];
  for (const [given, message] of refusals) await expect(results(given)).rejects.toThrow(message);
});
