import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNpy } from '../src/data/npy.js';
import { floatTensor, node, valueInfo } from '../src/onnx/build.js';
import { type Model, writeModel } from '../src/onnx/model.js';
import { DataType, type NodeProto, type TensorProto } from '../src/onnx/proto.js';
import { version } from '../src/version.js';
import { type Command, commandIn, control, ended, program } from './command.js';
import { modelOf, tensor } from './models.js';

/* The command as a user starts it: the built program in a process of its own, in a folder of models and data. */

let folder: string;
let start: Command['start'];
let run: Command['run'];
let refused: Command['refused'];

/** As many at a time as keep two cores busy. */
async function runEach<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await each(item);
  };
  await Promise.all([worker(), worker(), worker()]);
}

const wild = '\u001b[31mred\u001b]0;owned\u0007\u001b[2J\u202e\r\nreluminate: forged';

const modelWith = (
  nodes: NodeProto[],
  initializers: TensorProto[],
  dims: (number | string)[] = ['N', 2],
  input = 'x',
): Model => modelOf({ nodes, initializers, inputs: [valueInfo(input, dims)], outputs: [valueInfo('y')] });

/** Three units: one that follows the first input, one without weights, one that the bias keeps down on small inputs. */
const gemm = (): Model =>
  modelWith(
    [node('Gemm', ['x', 'w', 'b'], ['h']), node('Relu', ['h'], ['y'])],
    [floatTensor('w', [2, 3], [1, 0, 1, 0, 0, 1]), floatTensor('b', [3], [0, -1, -100])],
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  ({ start, run, refused } = commandIn(folder));
  const wide = modelWith(
    [node('Gemm', ['x', 'w'], ['h']), node('Relu', ['h'], ['y'])],
    [floatTensor('w', [2, 3000], new Float32Array(6000).fill(1))],
  );
  const named = (each: NodeProto): NodeProto => ({ ...each, name: wild });
  const escaping = modelWith(
    [named(node('Gemm', [wild, 'w'], ['h'])), { ...node('Relu', ['h'], ['y']), name: `${wild} relu` }],
    [floatTensor('w', [2, 2], [1, 0, 1, 0])],
    ['N', 2],
    wild,
  );
  const missing = gemm();
  missing.proto.graph!.initializer[0] = {
    ...missing.proto.graph!.initializer[0]!,
    name: wild,
    dims: [9n],
  };
  const files: Record<string, Uint8Array | string> = {
    'model.onnx': writeModel(gemm()),
    'wide.onnx': writeModel(wide),
    'none.onnx': writeModel(modelWith([node('Sigmoid', ['x'], ['y'])], [])),
    'image.onnx': writeModel(
      modelWith(
        [node('Conv', ['x', 'w'], ['h']), node('Relu', ['h'], ['y'])],
        [floatTensor('w', [2, 3, 1, 1], [1, 1, 1, -1, -1, -1])],
        ['N', 3, 8, 8],
      ),
    ),
    'two.onnx': writeModel(
      modelOf({
        nodes: [node('Add', ['a', 'b'], ['h']), node('Relu', ['h'], ['y'])],
        inputs: [valueInfo('a', ['N', 2]), valueInfo('b', ['N', 2])],
        outputs: [valueInfo('y')],
      }),
    ),
    'string.onnx': writeModel(
      modelOf({
        nodes: [node('Relu', ['x'], ['y'])],
        inputs: [valueInfo('x', ['N'], DataType.STRING)],
        outputs: [valueInfo('y')],
      }),
    ),
    'foreign.onnx': writeModel(
      modelWith([{ ...node('Gemm', ['x', 'w'], ['h']), domain: 'foreign' }, node('Relu', ['h'], ['y'])], []),
    ),
    'escape.onnx': writeModel(escaping),
    'cycle.onnx': writeModel(modelWith([named(node('Relu', ['y'], ['h'])), named(node('Relu', ['h'], ['y']))], [])),
    'missing.onnx': writeModel(missing),
    'truncated.onnx': writeModel(gemm()).slice(0, -10),
    'empty.onnx': '',
    'text.onnx': 'not a model\n',
    'picture.png': 'not a picture',
    'plain.txt': 'neither',
    'good.npy': writeNpy(tensor([4, 2], [1, 2, -3, 4, 5, -6, 7, 8])),
    'wide.npy': writeNpy(tensor([4, 3], new Float32Array(12))),
    'nan.npy': writeNpy(tensor([2, 2], [1, Number.NaN, 3, 4])),
    'none.npy': writeNpy(tensor([0, 2], [])),
    'bytes.npy': writeNpy({ type: 'uint8', dims: [2, 2], data: Uint8Array.of(1, 2, 3, 4) }),
    'broken.npy': writeNpy(tensor([4, 2], new Float32Array(8))).slice(0, -5),
    'broken.npz': 'PK\u0003\u0004 but nothing else',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  for (const name of ['bare', 'sub', 'locked']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'sub', 'picture.png'), 'not a picture');
  await symlink('/dev/null', join(folder, 'nowhere'));
  await chmod(join(folder, 'locked'), 0o500);
});

afterAll(() => rm(folder, { recursive: true }));

describe('an audit that goes well', () => {
  test('prints a table and exits with 0', async () => {
    const { status, stdout, stderr } = await run(['audit', 'model.onnx']);
    expect(stdout).toMatch(/^Model {4}model\.onnx/);
    expect(stdout).toContain('no data');
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('of a model without rectifiers says so and exits with 0', async () => {
    const { status, stdout, stderr } = await run(['audit', 'none.onnx', '--synthetic', 'normal', '--samples', '3']);
    expect(stdout).toMatch(/no rectifiers/i);
    expect([status, stderr]).toEqual([0, '']);
  });

  test('prints only JSON with --json -', async () => {
    const { status, stdout, stderr } = await run(['audit', 'model.onnx', '--json', '-', '--data', 'good.npy']);
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      samples: 4,
      totals: { units: 3, counts: { vanished: 1, silent: 1 } },
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('writes JSON and HTML, whole, with nothing left beside them', async () => {
    const before = await readdir(folder);
    const { status, stderr } = await run(['audit', 'model.onnx', '--json', 'sub/r.json', '--html', 'sub/r.html']);
    expect([status, stderr]).toEqual([0, '']);
    expect((await readdir(join(folder, 'sub'))).sort()).toEqual(['picture.png', 'r.html', 'r.json']);
    expect(JSON.parse(await readFile(join(folder, 'sub', 'r.json'), 'utf8')).totals.units).toBe(3);
    expect(await readFile(join(folder, 'sub', 'r.html'), 'utf8')).toMatch(/<\/html>\s*$/);
    expect(await readdir(folder)).toEqual(before);
  });

  test('writes into a device and leaves it there', async () => {
    const { status, stderr } = await run(['audit', 'model.onnx', '--json', 'nowhere']);
    expect([status, stderr]).toEqual([0, '']);
    await expect(readFile(join(folder, 'nowhere'), 'utf8')).resolves.toBe('');
  });

  test('reads an NPY array from standard input', async () => {
    const { status, stdout, stderr } = await run(
      ['audit', 'model.onnx', '--data', '-'],
      writeNpy(tensor([5, 2], new Float32Array(10).fill(1))),
    );
    expect(stdout).toContain('standard input: 5 samples');
    expect([status, stderr]).toEqual([0, '']);
  });

  test('shows help and version on stdout', async () => {
    const help = await run(['audit', '--help']);
    expect(help.stdout).toContain('--fail-on');
    expect([help.status, help.stderr]).toEqual([0, '']);
    for (const command of ['audit', 'train', 'heal', 'verify', 'demo', 'plot rectifiers', 'theory'])
      expect((await run([...command.split(' '), '--help'])).stdout, command).toContain('Exit codes: 0');
    expect(await run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('does not need samples that --fail-on does not ask for', async () => {
    expect((await run(['audit', 'model.onnx', '--fail-on', 'vanished>=2,dead>50%'])).status).toBe(0);
  });
});

test('a condition that is met exits with 1, says so on stderr and still prints the table', async () => {
  const { status, stdout, stderr } = await run([
    'audit',
    'model.onnx',
    '--data',
    'good.npy',
    '--fail-on',
    'silent>5%',
    '--fail-on',
    'vanished >= 1, dead>9',
  ]);
  expect(stdout).toMatch(/^Model {4}model\.onnx/);
  expect(stderr).toBe(
    'reluminate: --fail-on silent>5% is violated: 1 of 3 units, 33.33 %\nreluminate: --fail-on vanished >= 1 is violated: 1 of 3 units\n',
  );
  expect(status).toBe(1);
});

describe('wrong usage is one line and exits with 2', () => {
  const cases: [string[], RegExp][] = [
    [['audit'], /missing required argument 'model'/],
    [['audit', 'model.onnx', 'other.onnx'], /too many arguments/],
    [['prune', 'model.onnx'], /unknown command 'prune'/],
    [['audit', 'model.onnx', '--jsn', 'x'], /unknown option '--jsn'.*--json/],
    [['audit', 'model.onnx', '--\u001b[31m'], /unknown option/],
    [['audit', 'model.onnx', '--json'], /argument missing/],
    [['audit', '--data', 'good.npy', 'model.onnx'], /missing required argument/],
    ...[
      'silent',
      'silent>',
      '>5',
      'silent>-1',
      'silent<5',
      'dying>5',
      'silent>5%%',
      'silent>1e3',
      'silent>5;dead>1',
      '',
    ].map((condition): [string[], RegExp] => [
      ['audit', 'model.onnx', '--synthetic', 'normal', '--fail-on', condition],
      /--fail-on: the condition must be a verdict/,
    ]),
    [
      ['audit', 'model.onnx', '--fail-on', 'silent>5%'],
      /'silent>5%' needs samples, got neither --data nor --synthetic/,
    ],
    [['audit', 'model.onnx', '--fail-on', 'vanished>5,healthy>0'], /'healthy>0' needs samples/],
    ...['y=1x2', '1x2x3', '0x2', '1x3'].map((shape): [string[], RegExp] => [
      ['audit', 'model.onnx', '--shape', shape],
      /--shape/,
    ]),
    [['audit', 'model.onnx', '--shape', 'x=1x2', '--shape', 'x=2x2'], /--shape/],
    [['audit', 'model.onnx', '--synthetic', 'cauchy'], /Allowed choices are normal, uniform/],
    [['audit', 'model.onnx', '--synthetic', 'normal', '--data', 'good.npy'], /--synthetic: it must not go with --data/],
    [['audit', 'model.onnx', '--synthetic', 'normal', '--seed', '-1'], /'--seed <n>' argument '-1' is invalid/],
    [['audit', 'model.onnx', '--samples', '0'], /whole number from 1 up/],
    [['audit', 'model.onnx', '--threads', '1000000'], /whole number from 1 to 1024/],
    [['audit', 'model.onnx', '--size', '8by8'], /HEIGHTxWIDTH/],
    [['audit', 'model.onnx', '--mean', '1,,2'], /must be a number/],
    [['audit', 'model.onnx', '--json', 'gone/report.json'], /--json: the path must be a file in a writable folder/],
    [['audit', 'model.onnx', '--json', 'sub'], /--json: the path must be a file in a writable folder/],
    [['audit', 'model.onnx', '--json', ''], /--json: the path must be a file in a writable folder/],
    [
      ['audit', 'model.onnx', '--html', 'plain.txt/report.html'],
      /--html: the path must be a file in a writable folder/,
    ],
    [['audit', 'model.onnx', '--html', '-'], /--html: the path must be a file, got '-'/],
    [['audit', 'model.onnx', '--html', 'r', '--json', './r'], /--html: the path must not be that of --json/],
    [['audit', 'model.onnx', '--json', './sub/../model.onnx'], /--json: the path must not be the model itself/],
  ];

  test('whatever is wrong', async () => {
    await runEach(cases, async ([args, message]) => expect(await refused(args, 2), args.join(' ')).toMatch(message));
  });

  test('no command at all shows the help on stderr', async () => {
    const { status, stdout, stderr } = await run([]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: reluminate');
  });

  test.skipIf(process.getuid?.() === 0)('a folder without permission to write (not as root, who may)', async () => {
    expect(await refused(['audit', 'model.onnx', '--json', 'locked/r.json'], 2)).toMatch(/writable folder/);
  });
});

describe('a model or data that cannot be used is one line and exits with 3', () => {
  const cases: [string[], RegExp][] = [
    [['gone.onnx'], /read model 'gone\.onnx': the file must be readable, got no such file/],
    [['sub'], /got a folder/],
    [['empty.onnx'], /got an empty file/],
    [['text.onnx'], /must be a whole ONNX protobuf/],
    [['truncated.onnx'], /must be a whole ONNX protobuf/],
    [['missing.onnx'], /must hold 9 elements/],
    [['cycle.onnx'], /must have no cycle/],
    [['string.onnx'], /input 'x' must be a numeric tensor/],
    [['foreign.onnx', '--data', 'good.npy'], /run model 'foreign\.onnx': ONNX Runtime must accept it, got: /],
    [['model.onnx', '--data', 'gone'], /gone/],
    [['image.onnx', '--data', 'bare'], /bare/],
    [['image.onnx', '--data', 'sub'], /picture\.png/],
    [['image.onnx', '--data', 'picture.png'], /picture\.png/],
    [['model.onnx', '--data', 'plain.txt'], /plain\.txt/],
    [['model.onnx', '--data', 'wide.npy'], /wide\.npy: input 'x' takes \[N, 2\], got \[4, 3\]/],
    [['model.onnx', '--data', 'bytes.npy'], /bytes\.npy: input 'x' takes float32, got uint8/],
    [['model.onnx', '--data', 'nan.npy'], /values must be finite, got NaN at sample 0/],
    [['model.onnx', '--data', 'none.npy'], /none\.npy|at least one sample/],
    [['model.onnx', '--data', 'broken.npy'], /broken\.npy/],
    [['model.onnx', '--data', 'broken.npz'], /broken\.npz/],
    [['two.onnx', '--data', 'good.npy'], /must say which of the inputs 'a', 'b' it feeds/],
    [['model.onnx', '--data', '-'], /-/],
  ];

  test('whatever is wrong', async () => {
    await runEach(cases, async ([args, message]) =>
      expect(await refused(['audit', ...args], 3), args.join(' ')).toMatch(message),
    );
  });

  test('noise on standard input', async () => {
    await refused(['audit', 'model.onnx', '--data', '-'], 3, new TextEncoder().encode('neither NPY nor NPZ'));
    const cut = writeNpy(tensor([50, 2], new Float32Array(100))).slice(0, 300);
    await refused(['audit', 'model.onnx', '--data', '-'], 3, cut);
  });

  test('nothing is written when the audit fails', async () => {
    await refused(['audit', 'model.onnx', '--data', 'nan.npy', '--json', 'bare/r.json', '--html', 'bare/r.html'], 3);
    expect(await readdir(join(folder, 'bare'))).toEqual([]);
  });

  test.skipIf(!existsSync('/proc/self'))('a place that turns out not to be writable after all', async () => {
    const { status, stdout, stderr } = await run(['audit', 'model.onnx', '--json', '/proc/report.json']);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^reluminate: [^\n]*\/proc\/report\.json'[^\n]*\n$/);
    expect([2, 3]).toContain(status);
  });

  test.skipIf(process.getuid?.() === 0)('a file without permission to read (not as root, who may)', async () => {
    await writeFile(join(folder, 'secret.onnx'), '');
    await chmod(join(folder, 'secret.onnx'), 0);
    expect(await refused(['audit', 'secret.onnx'], 3)).toMatch(/without read permission/);
  });
});

describe('names from files', () => {
  test('write no escapes to the terminal, neither in the table nor in a failure', async () => {
    const table = await run(['audit', 'escape.onnx', '--all', '--synthetic', 'normal', '--samples', '20']);
    expect(table.stdout).toContain('red');
    expect(table.stdout).not.toMatch(control);
    expect(table.stdout.split('\n').some(line => line.startsWith('reluminate: forged'))).toBe(false);
    expect([table.status, table.stderr]).toEqual([0, '']);
    expect(await refused(['audit', 'cycle.onnx'], 3)).toMatch(/node '.*red.*'/);
    await refused(['audit', 'escape.onnx', '--data', 'wide.npy'], 3);
    await refused(['audit', 'escape.onnx', '--data', `${wild}.npy`], 3);
    await refused(['audit', `${wild}.onnx`], 3);
    await refused(['audit', 'model.onnx', '--fail-on', wild], 2);
    await refused(['audit', 'model.onnx', '--shape', wild], 2);
    await refused(['audit', 'model.onnx', '--json', `${wild}/r.json`], 2);
  });
});

describe('signals and pipes', () => {
  test('Ctrl-C reports what was seen so far and exits with 130', async () => {
    const child = start(['audit', 'model.onnx', '--data', '-', '--batch', '64']);
    const result = ended(child);
    const samples = 10_000_000;
    const empty = Buffer.from(writeNpy(tensor([0, 2], []))).toString('latin1');
    // The header is padded with spaces to a fixed length.
    const header = empty.replace('(0, 2)', `(${samples}, 2)`).replace(' '.repeat(`${samples}`.length - 1), '');
    expect(header).toHaveLength(empty.length);
    child.stdin.write(Buffer.from(header, 'latin1'));
    const chunk = Buffer.from(new Float32Array(2 ** 16).fill(1).buffer);
    let sent = 0;
    const send = (): void => {
      // Once so much has been read the samples are running: a pipe holds far less.
      if (sent >= 2 ** 21 && sent < 2 ** 21 + chunk.length) child.kill('SIGINT');
      sent += chunk.length;
      if (sent < samples * 8 && child.stdin.writable) child.stdin.write(chunk, send);
    };
    send();
    const { status, stdout, stderr } = await result;
    expect(stdout).toMatch(/^Model {4}model\.onnx/);
    expect(stderr).toMatch(/^reluminate: interrupted, the report is about the first \d+ samples\n$/);
    expect(status).toBe(130);
  });

  test('a reader that closes the pipe early hears nothing of it', async () => {
    const child = start(['audit', 'wide.onnx', '--json', '-']);
    const result = ended(child);
    child.stdout.once('data', () => child.stdout.destroy());
    const { status, stderr } = await result;
    expect([status, stderr]).toEqual([0, '']);
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk behind stdout is one line and exits with 3', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [program, 'audit', 'model.onnx'], {
      cwd: folder,
      stdio: ['ignore', full, 'pipe'],
    });
    const stderr: Buffer[] = [];
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    const status = await new Promise(resolve => child.on('close', resolve));
    closeSync(full);
    expect(Buffer.concat(stderr).toString()).toBe('reluminate: standard output must be writable, got ENOSPC\n');
    expect(status).toBe(3);
  });
});

test('the program is executable as it is built', async () => {
  await access(program, 1);
  expect((await readFile(program, 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true);
});
