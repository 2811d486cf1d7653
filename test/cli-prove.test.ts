import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditReport } from '../src/audit/report.js';
import { floatTensor, node, valueInfo } from '../src/onnx/build.js';
import { writeModel } from '../src/onnx/model.js';
import { type Command, commandIn } from './command.js';
import { modelOf } from './models.js';

/* `reluminate audit --prove` as a user starts it. */

let folder: string;
let run: Command['run'];
let refused: Command['refused'];

/** Units on two inputs: free, dead on [0, 1], linear on [0, 1]. */
const model = (dims: (number | string)[]) =>
  modelOf({
    nodes: [node('Gemm', ['x', 'w', 'b'], ['h']), node('Relu', ['h'], ['y'])],
    initializers: [floatTensor('w', [2, 3], [1, 1, 1, -1, 1, 1]), floatTensor('b', [3], [0, -2.5, 0.25])],
    inputs: [valueInfo('x', dims)],
    outputs: [valueInfo('y')],
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  ({ run, refused } = commandIn(folder));
  await writeFile(join(folder, 'model.onnx'), writeModel(model(['N', 2])));
  await writeFile(join(folder, 'free.onnx'), writeModel(model(['N', 'C'])));
});

afterAll(() => rm(folder, { recursive: true }));

test('bounds and verdicts are in the report, which is as the schema says', async () => {
  const { status, stdout } = await run(['audit', 'model.onnx', '--prove', '--input-range', '0,1', '--json', '-']);
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as AuditReport;
  const schema = JSON.parse(await readFile('schema/audit-report.schema.json', 'utf8'));
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
  expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
  expect(report.layers[0]!.units.map(unit => unit.verdict)).toEqual(['unobserved', 'proved-dead', 'proved-linear']);
  expect(report.layers[0]!.units.map(({ bounds }) => bounds!.upper.toFixed(2))).toEqual(['1.00', '-0.50', '2.25']);
  expect(report.proof).toEqual({ inputs: [{ name: 'x', lower: [0], upper: [1] }] });
});

test('the table states the range, and --fail-on sees what was proved', async () => {
  const args = ['audit', 'model.onnx', '--prove', '--input-range', 'x=-1,0;-2,0.5', '--fail-on', 'proved-dead>0'];
  const { status, stdout, stderr } = await run(args);
  expect(stdout).toMatch(/^Proof {4}inputs x from −1 to 0, −2 to 0\.5 \(by channel\)$/m);
  expect(stdout).toMatch(/proved dead \(for every input in the declared range\)/);
  expect([status, stderr]).toEqual([1, 'reluminate: --fail-on proved-dead>0 is violated: 1 of 3 units\n']);
});

test('the page states the range and the bounds', async () => {
  expect((await run(['audit', 'model.onnx', '--prove', '--input-range', '-1,1', '--html', 'r.html'])).status).toBe(0);
  const page = await readFile(join(folder, 'r.html'), 'utf8');
  expect(page).toContain('<dt>Proof</dt><dd>for inputs x from −1 to 1</dd>');
  expect(page).toMatch(/Proved to stay from −2[.0]*\d* to 2/);
});

test.each([
  [['--prove'], /--prove: it must go with --input-range/],
  [['--input-range', '0,1'], /--prove: it must go with --input-range/],
  [['--prove', '--input-range', '1,0'], /LOW,HIGH, got '1,0'/],
  [['--prove', '--input-range', '0,1;2'], /LOW,HIGH, got '2' in '0,1;2'/],
  [['--prove', '--input-range', 'z=0,1'], /must name an input of the model, got 'z'/],
  [['--prove', '--input-range', '0,1;0,1;0,1'], /one for each channel/],
  [['--prove', '--input-range', '0,1', '--input-range', '0,2'], /once for an input/],
])('refuses %j', async (flags, message) => {
  expect(await refused(['audit', 'model.onnx', ...flags], 2)).toMatch(message);
});

test('refuses free dimensions, which --shape fixes', async () => {
  const args = ['audit', 'free.onnx', '--prove', '--input-range', '0,1'];
  expect(await refused(args, 2)).toMatch(/every dimension of the inputs but the batch must be fixed/);
  expect((await run([...args, '--shape', '1x2'])).status).toBe(0);
});
