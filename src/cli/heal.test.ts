import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Command, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { modelOf, tensor } from '../../test/models.js';
import { randomBatch } from '../../test/random-networks.js';
import { audit } from '../audit/audit.js';
import { repairNoteOf } from '../audit/repair-note.js';
import { writeNpy } from '../data/npy.js';
import { Failure } from '../failure.js';
import { float, floatTensor, node, valueInfo } from '../onnx/build.js';
import { readModelFile } from '../onnx/file.js';
import { type Model, mainGraph, writeModel } from '../onnx/model.js';
import { DataLocation } from '../onnx/proto.js';
import { createRandom } from '../random.js';
import { summary } from '../report/summary.js';
import { addHealCommand } from './heal.js';

let folder: string;
const at = (name: string) => join(folder, name);

/** Two dense layers: 8 units alive, 16 without weights, 8 kept down by their biases. */
function network(): Model {
  const random = createRandom(5);
  const kinds = Array.from({ length: 32 }, (_, unit) => (unit < 8 ? 'alive' : unit < 24 ? 'vanished' : 'silent'));
  const w1 = Array.from({ length: 4 * 32 }, (_, index) =>
    kinds[index % 32] === 'vanished' ? (index % 32 === 9 ? 1e-39 : 0) : random.normal(),
  );
  const b1 = kinds.map(kind => (kind === 'silent' ? -60 : kind === 'vanished' ? 0.5 : 0.1));
  return modelOf({
    nodes: [node('Gemm', ['x', 'w1', 'b1'], ['z']), node('Relu', ['z'], ['h']), node('Gemm', ['h', 'w2', 'b2'], ['y'])],
    initializers: [
      floatTensor('w1', [4, 32], w1),
      floatTensor('b1', [32], b1),
      floatTensor(
        'w2',
        [32, 3],
        Array.from({ length: 96 }, () => random.normal()),
      ),
      floatTensor('b2', [3], [0, 1, 2]),
    ],
    inputs: [valueInfo('x', ['N', 4])],
    outputs: [valueInfo('y')],
  });
}

const x = randomBatch([4], 60, createRandom(6));
const data = {
  kind: 'samples',
  description: 'test',
  total: 60,
  batches: () => [{ feeds: { x }, samples: 60 }],
} as const;

/** Runs the command in this process, in the folder. */
async function heal(...args: string[]): Promise<{ status: number | string; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map(stream =>
    vi.spyOn(process[stream], 'write').mockImplementation(text => {
      written[stream] += text;
      return true;
    }),
  );
  let status: number | string = 'unfinished';
  const program = new Command().configureOutput({
    outputError: text => {
      written.stderr += text;
    },
  });
  addHealCommand(program, code => {
    status = code;
  });
  for (const command of [program, ...program.commands]) command.exitOverride();
  try {
    await program.parseAsync(['heal', ...args, '--threads', '1'], { from: 'user' });
  } catch (cause) {
    if (cause instanceof Failure) Object.assign(written, { stderr: cause.message });
    else if (!(cause instanceof CommanderError)) throw cause;
    status = cause instanceof Failure ? cause.kind : 'usage';
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { status, ...written };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-heal-'));
  await writeFile(at('model.onnx'), writeModel(network()));
  await writeFile(at('x.npy'), writeNpy(x));
  const leaky = modelOf({
    nodes: [node('LeakyRelu', ['x'], ['y'], { alpha: float(0.25) })],
    inputs: [valueInfo('x', ['N', 4])],
    outputs: [valueInfo('y')],
  });
  await writeFile(at('healthy.onnx'), writeModel(leaky));
  await mkdir(at('locked'));
  await chmod(at('locked'), 0o500);
});
afterAll(() => rm(folder, { recursive: true }));

describe('repairs', () => {
  test('prune writes a smaller model of the same outputs, and says so', async () => {
    const { status, stdout, stderr } = await heal(
      at('model.onnx'),
      '--prune',
      '--align',
      '1',
      '--data',
      at('x.npy'),
      '-o',
      at('small.onnx'),
      '--rounds',
      '3',
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('prune: 16 rectified units removed');
    expect(stdout).toMatch(/parameters +259 → 131 \(−49\.4/);
    expect(stdout).toContain('Promise kept');
    expect(stdout).toContain(`Wrote ${at('small.onnx')}`);
    const small = await readModelFile(at('small.onnx'));
    expect((await audit(small, data)).totals.removable.units).toBe(0);
    const silent = await heal(
      at('model.onnx'),
      '--prune',
      '--align',
      '1',
      '--silent',
      '--data',
      at('x.npy'),
      '-o',
      at('smaller.onnx'),
      '--rounds',
      '0',
    );
    expect(silent.status).toBe(0);
    expect((await audit(await readModelFile(at('smaller.onnx')), data)).totals.units).toBe(8);
  });

  test('--silent says which units are exact on the samples only, --input-range which for inputs in the range', async () => {
    const args = [
      '--prune',
      '--align',
      '1',
      '--data',
      at('x.npy'),
      '--rounds',
      '0',
      '--dry-run',
      '--json',
      at('r.json'),
    ];
    const silent = await heal(at('model.onnx'), ...args, '--silent');
    expect(silent.stdout).toContain(
      '24 rectified units removed, of which 8 silent on 60 samples, exact on those only,',
    );
    // Weights near 1 and biases of -60: no input from -5 to 5 lets these units fire.
    const proved = await heal(at('model.onnx'), ...args, '--input-range', '-5,5');
    expect([proved.status, proved.stderr]).toEqual([0, '']);
    expect(proved.stdout).toContain('24 rectified units removed, of which 8 proved dead in the declared range,');
    expect(proved.stdout).toContain('Promise kept: for x from −5 to 5 the outputs change by rounding only;');
    const { steps, verification } = JSON.parse(await readFile(at('r.json'), 'utf8'));
    expect(steps[0].report).toMatchObject({ rectifiedUnits: 24, provedUnits: 8, unitsOnWord: 0, samples: null });
    expect(verification.promise).toEqual({
      kind: 'rounding',
      relative: 1e-5,
      inputs: [{ name: 'x', lower: [-5], upper: [5] }],
    });
    const both = await heal(at('model.onnx'), ...args, '--silent', '--input-range', '-5,5');
    expect(both.stdout).toContain('24 rectified units removed, of which 8 proved dead in the declared range,');
    const random = await heal(at('model.onnx'), '--prune', '--input-range', '-5,5', '--dry-run', '--rounds', '0');
    expect(random.stdout).toContain('16 random samples, uniform in the declared range, seed 0');
    const outside = await heal(at('model.onnx'), ...args, '--input-range', '-1,1');
    expect(outside.stderr).toMatch(/^input 'x': the data must lie in --input-range, -1 to 1 there, got /);
    const revived = await heal(at('model.onnx'), '--revive', '--input-range', '-5,5', '--dry-run', '--rounds', '0');
    expect(revived.stdout).toContain('24 dead units in 1 layer given fresh weights');
    expect(revived.stdout).toContain('Promise kept: for x from −5 to 5 the outputs');
  });

  test('the file notes what was done and for what it holds, and the audit promises nothing that prune has left', async () => {
    // An output shows the units, so that none can go.
    const shown = network();
    mainGraph(shown).output.push(valueInfo('h'));
    await writeFile(at('shown.onnx'), writeModel(shown));
    const before = await audit(await readModelFile(at('shown.onnx')), null);
    expect(summary(before).join(' ')).toMatch(/Without the 16 units .* would have at most .* heal --prune takes out/);
    const args = ['--prune', '--input-range', '-1,1', '--rounds', '0', '-o', at('noted.onnx')];
    expect((await heal(at('shown.onnx'), ...args)).stdout).toContain('4 tiny weights set to zero');
    const pruned = await readModelFile(at('noted.onnx'));
    expect(repairNoteOf(pruned)).toMatchObject({
      repairs: ['prune'],
      inputs: [{ name: 'x', lower: [-1], upper: [1] }],
      data: null,
      prune: { align: 8, left: 16 },
    });
    const after = await audit(pruned, null);
    expect(after.model.pruned).toEqual({ align: 8, left: 16 });
    expect(summary(after).join(' ')).toContain(
      '16 units are surely constant or unread, and are what heal --prune, which made this model, left',
    );
    await heal(at('noted.onnx'), '--soften', 'prelu', '--rounds', '0', '-o', at('noted.onnx'), '--force');
    expect(repairNoteOf(await readModelFile(at('noted.onnx')))).toMatchObject({
      repairs: ['prune', 'soften'],
      inputs: [{ name: 'x', lower: [-1], upper: [1] }],
    });
  });

  test('what it writes as JSON is as the schema says', async () => {
    const schema = JSON.parse(await readFile('schema/heal-report.schema.json', 'utf8'));
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
    const fed = network();
    mainGraph(fed).input.push(valueInfo('w2', [32, 3]));
    await writeFile(at('fed.onnx'), writeModel(fed));
    const repairs = [
      ['fed.onnx', '--prune', '--silent', '--input-range', '-9,9', '--data', at('x.npy')],
      ['fed.onnx', '--drop-initializer-inputs', '--flush', '--revive', '--data', at('x.npy')],
      ['model.onnx', '--soften', 'prelu:tailored', '--flush', '--tolerance', '1e-3'],
      ['healthy.onnx', '--slopes', 'power-of-two', '--soften', 'leaky'],
      ['healthy.onnx', '--prune'],
    ];
    for (const [model, ...flags] of repairs) {
      const { stdout, stderr } = await heal(at(model!), ...flags, '--dry-run', '--rounds', '3', '--json', '-');
      expect(stderr).toBe('');
      expect(validate(JSON.parse(stdout)), `${flags} ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  });

  test('initializers that are inputs are mentioned, and dropped where they are asked to be', async () => {
    const { stdout } = await heal(at('fed.onnx'), '--flush', '--dry-run', '--rounds', '0');
    expect(stdout).toContain('1 initializer is listed as inputs too');
    expect(stdout).toContain('--drop-initializer-inputs takes');
    const pruned = await heal(at('fed.onnx'), '--prune', '--dry-run', '--rounds', '0');
    expect(pruned.stdout).toContain('1 initializer that could be fed no longer an input');
    const dropped = await heal(at('fed.onnx'), '--drop-initializer-inputs', '--dry-run', '--rounds', '0');
    expect(dropped.stdout).toContain('1 initializer no longer an input');
    expect(dropped.stdout).not.toContain('listed as');
  });

  test('an explicit tolerance is strict', async () => {
    const args = ['--prune', '--align', '1', '--dry-run', '--rounds', '0'];
    const { status, stderr, stdout } = await heal(at('model.onnx'), ...args, '--tolerance', '1e-12');
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^limit +relative 1e−12$/m)]);
    expect(stderr).toContain('Promise broken: the outputs change by at most 1.0e−12 of the largest value');
    expect((await heal(at('model.onnx'), ...args)).stdout).toMatch(/^limit +relative 1e−5$/m);
  });

  test('several repairs are each held to their promise; JSON has all of it', async () => {
    const args = [
      '--flush',
      '--prune',
      '--slopes',
      '--soften',
      'prelu',
      '--revive',
      '--data',
      at('x.npy'),
      '--rounds',
      '0',
    ];
    const { status, stdout } = await heal(at('model.onnx'), ...args, '-o', at('all.onnx'), '--json', at('all.json'));
    expect(status).toBe(0);
    expect(stdout).toContain('slopes: the slopes are in order');
    const report = JSON.parse(await readFile(at('all.json'), 'utf8'));
    expect(report.output).toBe(at('all.onnx'));
    expect(
      report.steps.map((step: { repair: string; changed: boolean; verification: { kept: boolean } | null }) => [
        step.repair,
        step.changed,
        step.verification?.kept,
      ]),
    ).toEqual([
      ['flush', true, true],
      ['prune', true, true],
      ['slopes', false, undefined],
      ['soften', true, true],
      ['revive', true, true],
    ]);
    expect(report.steps.map((step: { promise: { kind: string } }) => step.promise.kind)).toEqual([
      'rounding',
      'rounding',
      'rounding',
      'bit-equal',
      'bit-equal',
    ]);
    expect(report.verification).toMatchObject({ samples: 60, kept: true, promise: { kind: 'rounding' } });
    const healed = await audit(await readModelFile(at('all.onnx')), data);
    expect(healed.totals.dead).toBe(0);
  });

  test('--json - prints JSON alone; --dry-run writes no model', async () => {
    const before = await readdir(folder);
    const { status, stdout } = await heal(
      at('model.onnx'),
      '--revive',
      '--dry-run',
      '--json',
      '-',
      '--rounds',
      '0',
      '--seed',
      '3',
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect([report.output, report.steps[0].report.revived.length, report.steps[0].report.seed]).toEqual([null, 16, 3]);
    expect(report.verification.data).toBe('16 random samples, normal, seed 3');
    expect(await readdir(folder)).toEqual(before);
  });

  test('soften takes its slope, and drift is reported', async () => {
    const { status, stdout } = await heal(
      at('model.onnx'),
      '--soften',
      'leaky:0.1',
      '-o',
      at('leaky.onnx'),
      '--rounds',
      '0',
    );
    expect(status).toBe(0);
    expect(stdout).toContain('1 ReLU softened of slope 0.1');
    expect(stdout).toContain('The outputs may change: over 16 samples');
    expect(mainGraph(await readModelFile(at('leaky.onnx'))).node[1]!.attribute[0]!.f).toBe(Math.fround(0.1));
  });

  test('a model is healed in place with --force only', async () => {
    await writeFile(at('own.onnx'), writeModel(network()));
    const refused = await heal(at('own.onnx'), '--flush', '-o', at('own.onnx'));
    expect([refused.status, refused.stderr]).toEqual([
      'usage',
      `--output: the path must not be the model itself without --force, got '${at('own.onnx')}'`,
    ]);
    expect(await readFile(at('own.onnx'))).toEqual(Buffer.from(writeModel(network())));
    expect((await heal(at('own.onnx'), '--flush', '-o', at('own.onnx'), '--force', '--rounds', '0')).status).toBe(0);
    expect((await audit(await readModelFile(at('own.onnx')), null)).subnormals.tiny).toBe(0);
  });

  test('weights beside the model move into a file that is written elsewhere', async () => {
    const model = network();
    const tensor = mainGraph(model).initializer[2]!;
    await mkdir(at('apart'), { recursive: true });
    await mkdir(at('elsewhere'), { recursive: true });
    await writeFile(at('apart/weights.bin'), tensor.rawData);
    Object.assign(tensor, {
      rawData: new Uint8Array(),
      dataLocation: DataLocation.EXTERNAL,
      externalData: [{ $typeName: 'onnx.StringStringEntryProto', key: 'location', value: 'weights.bin' }],
    });
    await writeFile(at('apart/model.onnx'), writeModel(model));
    const { status } = await heal(at('apart/model.onnx'), '--flush', '-o', at('elsewhere/model.onnx'), '--rounds', '0');
    expect(status).toBe(0);
    expect((await audit(await readModelFile(at('elsewhere/model.onnx')), null)).model.parameters).toBe(259);
    // A link in the model's folder that leads out of it.
    await symlink(at('elsewhere/linked.onnx'), at('apart/link.onnx'));
    await heal(at('apart/model.onnx'), '--flush', '-o', at('apart/link.onnx'), '--rounds', '0');
    expect((await audit(await readModelFile(at('elsewhere/linked.onnx')), null)).model.parameters).toBe(259);
  });
});

describe('nothing is written', () => {
  test('where there is nothing to heal, unless forced', async () => {
    const { status, stdout } = await heal(at('healthy.onnx'), '--flush', '--slopes', '--revive', '-o', at('same.onnx'));
    expect(status).toBe(0);
    expect(stdout).toContain('Nothing to heal, so nothing was written.');
    expect(stdout).not.toContain('silent');
    const pruned = await heal(at('healthy.onnx'), '--prune', '-o', at('same.onnx'));
    expect(pruned.stdout).toContain('so nothing was written. Units that are silent on samples only go with --silent');
    expect(await readdir(folder)).not.toContain('same.onnx');
    await heal(at('healthy.onnx'), '--slopes', '-o', at('same.onnx'), '--force');
    expect(await readFile(at('same.onnx'))).toEqual(await readFile(at('healthy.onnx')));
  });

  test('where a repair breaks its promise: exit 1', async () => {
    // Folded constants round, so that no difference at all is too much to ask.
    const { status, stdout, stderr } = await heal(
      at('model.onnx'),
      '--prune',
      '--align',
      '1',
      '--tolerance',
      '0',
      '-o',
      at('broken.onnx'),
      '--rounds',
      '0',
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^reluminate: heal: Promise broken: the outputs stay the same numbers; over 16 samples the largest difference is .*Nothing was written\.\n$/,
    );
    expect(stdout).not.toContain('Wrote');
    expect(await readdir(folder)).not.toContain('broken.onnx');
  });
});

describe('bad input is refused in one sentence', () => {
  const cases: [string[], RegExp][] = [
    [['-o', 'out'], /a repair must be named/],
    [['--flush'], /--output: it must be given, or else --dry-run, got neither/],
    [['--prune', '--silent', '-o', 'out'], /--silent: it must go with --prune and --data/],
    [['--soften', 'leaky', '--shared', '-o', 'out'], /--shared: it must go with --soften prelu or --slopes/],
    [['--soften', 'elu', '-o', 'out'], /must be leaky:SLOPE, prelu or prelu:SLOPE, got 'elu'/],
    [['--soften', 'leaky:0.1', '--depth', '20', '-o', 'out'], /--depth: it must go with --soften leaky:tailored/],
    [['--soften', 'leaky:x', '-o', 'out'], /must be a number/],
    [['--slopes', 'n/3', '-o', 'out'], /Allowed choices are power-of-two, n\/256/],
    [['--prune', '--align', '0', '-o', 'out'], /whole number from 1 up/],
    [['--flush', '--tolerance', '-1', '-o', 'out'], /number from 0 up/],
    [['--flush', '--rounds', '-1', '-o', 'out'], /whole number from 0 up/],
    [['--flush', '--align', '4', '-o', 'out'], /--align: it must go with --prune/],
    [['--flush', '--mean', '0.5', '-o', 'out'], /--mean: it must go with --data, got none/],
    [['--soften', 'prelu', '--tolerance', '1', '-o', 'out'], /--tolerance: it must go with a repair that rounds/],
    [['--soften', 'leaky:0', '-o', 'out'], /a slope other than 0, as leaky:0 is a ReLU/],
    [['--flush', '--input-range', '0,1', '-o', 'out'], /--input-range: it must go with --prune or --revive/],
    [['--prune', '--input-range', '1,0', '-o', 'out'], /LOW,HIGH, got '1,0'/],
    [['--prune', '--input-range', 'z=0,1', '-o', 'out'], /must name an input of the model, got 'z'/],
    [
      ['--prune', '--input-range', '0,1', '--synthetic', 'normal', '-o', 'out'],
      /--synthetic: it must not go with --input-range/,
    ],
    [['--flush', '--data', '-', '-o', 'out'], /they must be files, got '-'/],
    // The superuser may write anywhere.
    ...(process.getuid?.() === 0
      ? []
      : [[['--flush', '-o', 'locked/out.onnx'], /in a writable folder/] as [string[], RegExp]]),
    [['--flush', '-o', 'nowhere/out.onnx'], /--output: the path must be a file in a writable folder/],
    [['--flush', '-o', 'out', '--json', 'out'], /--json: the path must not be that of --output/],
    [['--flush', '-o', 'out', '--json', 'model.onnx'], /--json: the path must not be the model itself/],
  ];
  for (const [args, message] of cases)
    test(args.join(' '), async () => {
      const before = await readdir(folder, { recursive: true });
      const placed = args.map((arg, index) => (['-o', '--json'].includes(args[index - 1] ?? '') ? at(arg) : arg));
      const { status, stdout, stderr } = await heal(at('model.onnx'), ...placed);
      expect([status, stdout]).toEqual(['usage', '']);
      expect(stderr).toMatch(message);
      expect(await readdir(folder, { recursive: true })).toEqual(before);
    });

  test.skipIf(!existsSync('/dev/full'))('a full disk', async () => {
    const { status, stderr } = await heal(at('model.onnx'), '--flush', '-o', '/dev/full', '--rounds', '0');
    expect([status, stderr]).toEqual([
      'input',
      expect.stringContaining("write '/dev/full': the place must be writable"),
    ]);
  });

  test.skipIf(!existsSync('/dev/full'))('a record that cannot be written, while the model was', async () => {
    const args = ['--flush', '-o', at('flushed.onnx'), '--rounds', '0', '--json', '/dev/full'];
    const { status, stderr } = await heal(at('model.onnx'), ...args);
    expect([status, stderr]).toEqual([
      'input',
      expect.stringMatching(/^--json: write '\/dev\/full': .*; the healed model is in '/),
    ]);
    await rm(at('flushed.onnx'));
  });

  test('a model or data that cannot be read', async () => {
    expect((await heal(at('missing.onnx'), '--flush', '-o', at('out'))).status).toBe('input');
    await writeFile(at('wide.npy'), writeNpy(tensor([2, 5], new Float32Array(10))));
    expect((await heal(at('model.onnx'), '--flush', '--data', at('wide.npy'), '-o', at('out'))).status).toBe('input');
  });
});
