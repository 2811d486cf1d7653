import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repairNoteOf, withRepairNote } from '../src/audit/repair-note.js';
import { writeNpy } from '../src/data/npy.js';
import { readModelFile } from '../src/onnx/file.js';
import { mainGraph, readModel, writeModel } from '../src/onnx/model.js';
import { DataLocation } from '../src/onnx/proto.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../src/train/checkpoint.js';
import { iris } from '../src/train/datasets/iris.js';
import { openDataset } from '../src/train/datasets/open-dataset.js';
import { evaluate } from '../src/train/evaluate.js';
import { parameterValues } from '../src/train/parameters.js';
import { sampleMasks, sampleSegmenter } from '../src/train/sample-network.js';
import { type Command, commandIn, ended } from './command.js';
import { zipFile } from './data-zip.js';

let folder: string;
let command: Command;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  command = commandIn(folder);
  await writeFile(join(folder, 'ragged.csv'), 'a,b,class\n1,2,x\n3,y\n');
});
afterAll(() => rm(folder, { recursive: true }));

const file = (name: string) => readFile(join(folder, name));
const note = { reluminate: '0.1.0', repairs: ['flush'], inputs: [], data: null, prune: null };
const moons = ['--data', 'moons', '--net', 'mlp:16-16', '--threads', '1'];

describe('train', () => {
  test('trains a network, says what it found and keeps a record', async () => {
    const { status, stdout, stderr } = await command.run([
      'train',
      ...moons,
      '--epochs',
      '12',
      '-o',
      'moons.onnx',
      '--figure',
      'moons.svg',
    ]);
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(15);
    expect(lines[0]).toMatch(/epoch +loss +right +held-out loss +right +dead +slopes +time/);
    expect(lines.at(-1)).toMatch(/^Right by class: 0 \d+\/\d+.*, 1 \d+\/\d+/);
    expect(lines.at(-2)).toMatch(
      /^moons\.onnx: \d+(\.\d)?\s% of \d+ held-out samples right. Every epoch: moons\.training\.json$/,
    );
    const record = JSON.parse((await file('moons.training.json')).toString());
    expect(record.epochs).toHaveLength(12);
    expect(record.confusion.flat().reduce((a: number, b: number) => a + b, 0)).toBe(record.data.heldOut);
    expect((await file('moons.svg')).toString()).toContain('share of dead units');
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

  test('trained further, a model of which some weights lie beside it is whole elsewhere', async () => {
    await command.run(['train', ...moons, '--epochs', '1', '-o', 'apart.onnx']);
    const model = withRepairNote(readModel(await file('apart.onnx')), note);
    const weights = mainGraph(model).initializer.find(({ name }) => name === 'layer1/weight')!;
    await mkdir(join(folder, 'apart'));
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(join(folder, 'apart', 'w.bin'), weights.rawData);
    const location = { $typeName: 'onnx.StringStringEntryProto', key: 'location', value: 'w.bin' } as const;
    const dataLocation = DataLocation.EXTERNAL;
    Object.assign(weights, { rawData: new Uint8Array(), dataLocation, externalData: [location] });
    await writeFile(join(folder, 'apart', 'model.onnx'), writeModel(model));
    const args = ['--model', 'apart/model.onnx', '--data', 'moons', '--freeze', 'layer1/weight', '--epochs', '1'];
    expect((await command.run(['train', ...args, '-o', 'elsewhere/model.onnx'])).status).toBe(0);
    const further = await readModelFile(join(folder, 'elsewhere', 'model.onnx'));
    expect(parameterValues(further, 'layer1/weight')).toEqual(
      parameterValues(readModel(await file('apart.onnx')), 'layer1/weight'),
    );
    // Its outputs are no longer what a repair promised.
    expect(repairNoteOf(further)).toBeNull();
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

  test('takes raw features of a table: standardization and class names are in the model and in the record', async () => {
    const { status } = await command.run([
      'train',
      '--data',
      'iris',
      '--net',
      'mlp:8',
      '--epochs',
      '60',
      '-o',
      'iris.onnx',
    ]);
    expect(status).toBe(0);
    const record = JSON.parse((await file('iris.training.json')).toString());
    expect(record.data).toMatchObject({ train: 120, heldOut: 30, classNames: ['setosa', 'versicolor', 'virginica'] });
    expect(record.data.standardization.mean).toHaveLength(4);
    const model = readModel(await file('iris.onnx'));
    expect(model.proto.metadataProps).toMatchObject([
      { key: 'class_names', value: '["setosa","versicolor","virginica"]' },
    ]);
    const { test: heldOut } = await iris({ standardize: false });
    expect(await evaluate(model, heldOut)).toEqual(record.epochs[59].validation);
    expect(record.epochs[59].validation.accuracy).toBeGreaterThan(0.8);
    // Trained further, it meets the same raw features.
    await command.run([
      'train',
      '--data',
      'iris',
      '--model',
      'iris.onnx',
      '--epochs',
      '1',
      '--learning-rate',
      '1e-9',
      '-o',
      'more.onnx',
    ]);
    const more = JSON.parse((await file('more.training.json')).toString());
    expect(more.epochs[0].validation.loss).toBeCloseTo(record.epochs[59].validation.loss, 5);
  });

  test('trains a model with a class at every position of a sample further, and counts positions', async () => {
    const masks = sampleMasks(40, 1, [8, 8]);
    const array = (name: string, dims: number[], type: 'float32' | 'int32', values: Float32Array | Int32Array) => ({
      name: `${name}.npy`,
      data: writeNpy({ type, dims, data: values }),
      deflate: false,
    });
    const x = array('x', [40, 1, 8, 8], 'float32', masks.inputs);
    const y = array('y', [40, 8, 8], 'int32', masks.targets as Int32Array);
    const ignored = array('y', [40, 8, 8], 'int32', new Int32Array(40 * 64).fill(-100));
    await writeFile(join(folder, 'masks.npz'), zipFile([x, y]));
    await writeFile(join(folder, 'ignored.npz'), zipFile([x, ignored]));
    const wide = array('y', [40, 4, 16], 'int32', masks.targets as Int32Array);
    await writeFile(join(folder, 'wide.npz'), zipFile([x, wide]));
    await writeFile(join(folder, 'seg.onnx'), writeModel(sampleSegmenter()));
    const args = (data: string) => [
      'train',
      '--model',
      'seg.onnx',
      '--data',
      data,
      '--optimizer',
      'adam',
      '-o',
      'm.onnx',
    ];
    const more = ['--learning-rate', '0.03', '--batch', '4', '--epochs', '30'];
    const { status, stdout, stderr } = await command.run([...args('masks.npz'), ...more]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/m\.onnx: [89]\d(\.\d)?\s% of the positions of 8 held-out samples right\. Every epoch/);
    const record = JSON.parse((await file('m.training.json')).toString());
    const { test: heldOut } = await openDataset(join(folder, 'masks.npz'));
    expect(await evaluate(readModel(await file('m.onnx')), heldOut)).toEqual(record.epochs[29].validation);
    expect(record.confusion.flat().reduce((a: number, b: number) => a + b, 0)).toBe(
      Array.from(heldOut.targets).filter(target => target >= 0).length,
    );
    expect(record.epochs[29].layers[0].units).toBe(8);
    await rm(join(folder, 'm.onnx'));
    expect(await command.refused(args('wide.npz'), 3)).toBe(
      "train: the output must have dimensions [samples, classes, 4, 16], a class at each of the [4, 16] positions of the targets, got [32, 3, 8, 8] for 'y'",
    );
    expect(await command.refused(args('ignored.npz'), 3)).toMatch(/must have a class at some position, got none$/);
    expect(await command.refused(['train', '--data', 'masks.npz', '--net', 'mlp:4', '-o', 'm.onnx'], 3)).toMatch(
      /a class at each of the \[8, 8\] positions of the targets, got \[32, 3\] for 'output'$/,
    );
  });

  test('terminated, it writes a checkpoint too; and one every few epochs where asked', async () => {
    const args = [
      'train',
      ...moons,
      '--epochs',
      '400',
      '--audit-samples',
      '0',
      '--checkpoint-every',
      '2',
      '-o',
      'term.onnx',
    ];
    const child = command.start(args);
    const result = ended(child);
    let before: Checkpoint | null = null;
    child.stdout.on('data', (text: Buffer) => {
      if (!text.includes('5/400')) return;
      before = readCheckpoint(new Uint8Array(readFileSync(join(folder, 'term.onnx.checkpoint'))));
      child.kill('SIGTERM');
    });
    expect((await result).status).toBe(143);
    expect(before!.epochs.length % 2).toBe(0);
    expect(before!.epochs.length).toBeGreaterThan(0);
    const after = readCheckpoint(new Uint8Array(await file('term.onnx.checkpoint')));
    expect(after.state.steps).toBeGreaterThan(before!.state.steps);
  });

  test('that diverges leaves the last good epoch, from which another learning rate goes on', async () => {
    const args = ['train', ...moons, '--epochs', '4', '--audit-samples', '0', '--schedule', 'constant'];
    await command.run([
      'train',
      ...moons,
      '--epochs',
      '2',
      '--audit-samples',
      '0',
      '--schedule',
      'constant',
      '--checkpoint-every',
      '2',
      '-o',
      'good.onnx',
    ]);
    const further = [...args, '--resume', 'good.onnx.checkpoint'];
    const { status, stderr } = await command.run([...further, '--learning-rate', '1e30', '-o', 'burst.onnx']);
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^reluminate: train: the (held-out )?loss must stay finite, got .* or warm-up; the end of epoch 2 is kept, from which --resume 'burst\.onnx\.checkpoint' goes on with another --learning-rate or --clip-norm\n$/,
    );
    await expect(file('burst.onnx')).rejects.toThrow('ENOENT');
    // The same where the checkpoint is of the middle of an epoch.
    const { sums, ...rest } = readCheckpoint(await file('good.onnx.checkpoint'));
    const begun = { ...rest, sums: { ...sums, steps: 3, loss: 1 } };
    await writeFile(join(folder, 'begun.checkpoint'), writeCheckpoint(begun));
    const burst = ['--resume', 'begun.checkpoint', '--learning-rate', '1e30', '-o', 'begun.onnx'];
    expect((await command.run([...args, ...burst])).stderr).toMatch(/; what was learned until step 50 is kept, from/);
    const resumed = await command.run([
      ...args,
      '--resume',
      'burst.onnx.checkpoint',
      '--learning-rate',
      '0.01',
      '-o',
      'burst.onnx',
    ]);
    expect([resumed.status, resumed.stdout.split('\n')[1]?.trim().slice(0, 3)]).toEqual([0, '3/4']);
  });

  const net = ['--data', 'moons', '--net', 'mlp:4'];
  const idle: [string[], RegExp][] = [
    [['--data', 'moons', '--model', 'x.onnx', '--tailored'], /^--tailored: it must go with --net, got --model/],
    [
      [...net, '--rectifier', 'relu', '--only', 'slopes'],
      /^--only slopes: the network must have slopes to learn, got one without$/,
    ],
    [[...net, '--warmup', '100000'], /schedule.warmup must be at most \d+ \(the steps\), got 100000$/],
    [
      [...net, '--output', 'nowhere/x.onnx'],
      /^--output: the path must be a file in a writable folder, got 'nowhere\/x.onnx'$/,
    ],
  ];
  test.each(idle)('%j is refused before anything is trained', async (args, message) => {
    expect(await command.refused(['train', '-o', 'x.onnx', ...args], 2)).toMatch(message);
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
      [
        '--data',
        'moons',
        '--net',
        'mlp:4',
        '--epochs',
        '1',
        '--batch',
        '800',
        '--learning-rate',
        '1e38',
        '-o',
        'x.onnx',
      ],
      3,
      /the held-out loss must stay finite, got NaN after step 1, first in node/,
    ],
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
