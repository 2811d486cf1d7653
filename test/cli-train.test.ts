import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModel } from '../src/onnx/model.js';
import { parameterValues } from '../src/train/parameters.js';
import { type Command, commandIn, ended } from './command.js';

let folder: string;
let command: Command;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  command = commandIn(folder);
  await writeFile(join(folder, 'ragged.csv'), 'a,b,class\n1,2,x\n3,y\n');
});
afterAll(() => rm(folder, { recursive: true }));

const file = (name: string) => readFile(join(folder, name));
const moons = ['--data', 'moons', '--net', 'mlp:16-16', '--threads', '1'];

describe('train', () => {
  test('trains a network, says what it found and keeps a record', async () => {
    const { status, stdout, stderr } = await command.run(['train', ...moons, '--epochs', '12', '-o', 'moons.onnx']);
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(14);
    expect(lines[0]).toMatch(/epoch +loss +right +held-out loss +right +dead +slopes +time/);
    expect(lines.at(-1)).toMatch(
      /^moons\.onnx: \d+(\.\d)?\s% of \d+ held-out samples right. Every epoch: moons\.training\.json$/,
    );
    const record = JSON.parse((await file('moons.training.json')).toString());
    expect(record.epochs).toHaveLength(12);
    expect(record.epochs.at(-1).validation.accuracy).toBeGreaterThan(0.8);
    const audited = await command.run(['audit', 'moons.onnx']);
    expect(audited.status).toBe(0);
  });

  test('trains only the slopes of a model further', async () => {
    await command.run(['train', ...moons, '--epochs', '1', '-o', 'base.onnx']);
    const { status } = await command.run([
      'train',
      '--data',
      'moons',
      '--model',
      'base.onnx',
      '--only',
      'slopes',
      '--epochs',
      '2',
      '-o',
      'slopes.onnx',
    ]);
    expect(status).toBe(0);
    const [before, after] = [readModel(await file('base.onnx')), readModel(await file('slopes.onnx'))];
    expect(parameterValues(after, 'layer1/weight')).toEqual(parameterValues(before, 'layer1/weight'));
    expect(parameterValues(after, 'layer1/slope')).not.toEqual(parameterValues(before, 'layer1/slope'));
  });

  test('interrupted, it writes a checkpoint, and goes on from it to the same bits', async () => {
    const args = (output: string) => ['train', ...moons, '--epochs', '400', '--audit-samples', '0', '-o', output];
    await command.run(args('whole.onnx'));
    const child = command.start(args('part.onnx'));
    const result = ended(child);
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('5/400')) child.kill('SIGINT');
    });
    const { status, stderr } = await result;
    expect(stderr).toMatch(
      /^reluminate: interrupted after \d+ steps; the same command with --resume 'part\.onnx\.checkpoint' goes on\n$/,
    );
    expect(status).toBe(130);
    await expect(file('part.onnx')).rejects.toThrow('ENOENT');
    const resumed = await command.run([...args('part.onnx'), '--resume', 'part.onnx.checkpoint']);
    expect(resumed.status).toBe(0);
    expect(await file('part.onnx')).toEqual(await file('whole.onnx'));
  });

  const cases: [string[], number, RegExp][] = [
    [['--data', 'moons', '-o', 'x.onnx'], 2, /one of --net and --model must be given, got neither/],
    [['--data', 'moons', '--net', 'mlp:4', '--model', 'moons.onnx', '-o', 'x.onnx'], 2, /got both/],
    [['--data', 'nothing', '--net', 'mlp:4', '-o', 'x.onnx'], 2, /must be one of digits, iris/],
    [['--data', 'nowhere.csv', '--net', 'mlp:4', '-o', 'x.onnx'], 3, /nowhere\.csv/],
    [['--data', 'ragged.csv', '--net', 'mlp:4', '-o', 'x.onnx'], 3, /ragged\.csv/],
    [['--data', 'moons', '--net', 'mlp:0', '-o', 'x.onnx'], 2, /mlp/],
    [
      ['--data', 'moons', '--net', 'mlp:4', '--rectifier', 'sigmoid', '-o', 'x.onnx'],
      2,
      /the name must be one of relu/,
    ],
    [
      ['--data', 'moons', '--net', 'mlp:4', '--schedule', 'wave', '-o', 'x.onnx'],
      2,
      /must be constant, cosine, linear or step/,
    ],
    [
      ['--data', 'moons', '--net', 'mlp:4', '--slope-constraint', '1,0', '-o', 'x.onnx'],
      2,
      /constraint.lower must be at most upper/,
    ],
    [
      ['--data', 'moons', '--net', 'mlp:4', '--batch', '100000', '-o', 'x.onnx'],
      2,
      /batch must be at most \d+ \(the samples\), got 100000/,
    ],
    [
      ['--data', 'moons', '--net', 'mlp:4', '--resume', 'none', '-o', 'x.onnx'],
      3,
      /--resume: the file must be readable/,
    ],
    [['--data', 'moons', '--net', 'mlp:4', '--resume', 'ragged.csv', '-o', 'x.onnx'], 3, /read safetensors/],
    [
      ['--data', 'moons', '--net', 'mlp:64-64', '--learning-rate', '1e30', '-o', 'x.onnx'],
      3,
      /the loss must stay finite, got .* at step \d+, first in/,
    ],
  ];
  test.each(cases)('%j exits with %i', async (args, status, message) => {
    expect(await command.refused(['train', ...args], status)).toMatch(message);
  });
});
