import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Verification } from '../src/heal/verify.js';
import { floatTensor, node, valueInfo } from '../src/onnx/build.js';
import { writeModel } from '../src/onnx/model.js';
import { type Command, commandIn } from './command.js';
import { modelOf } from './models.js';

/* `reluminate verify` as a user starts it. */

let folder: string;
let run: Command['run'];
let refused: Command['refused'];

/** y = max(factor x, low). */
const model = (factor: number, low: number, output = 'y') =>
  modelOf({
    nodes: [node('Mul', ['x', 'factor'], ['z']), node('Max', ['z', 'low'], [output])],
    initializers: [floatTensor('factor', [], [factor]), floatTensor('low', [], [low])],
    inputs: [valueInfo('x', ['N', 3])],
    outputs: [valueInfo(output)],
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  ({ run, refused } = commandIn(folder));
  await writeFile(join(folder, 'a.onnx'), writeModel(model(1, -1)));
  await writeFile(join(folder, 'b.onnx'), writeModel(model(1.001, -1)));
  await writeFile(join(folder, 'relu.onnx'), writeModel(model(1, 0)));
  await writeFile(join(folder, 'other.onnx'), writeModel(model(1, 0, 'q')));
});
afterAll(() => rm(folder, { recursive: true }));

test('says how far the outputs lie apart, and whether that is rounding or within a tolerance', async () => {
  const strict = await run(['verify', 'a.onnx', 'b.onnx', '--rounds', '3']);
  expect([strict.status, strict.stderr]).toEqual([1, '']);
  expect(strict.stdout).toMatch(/^largest difference .*relative 0\.001/m);
  expect(strict.stdout).toContain('Promise broken: the outputs change by rounding only;');
  const wide = await run(['verify', 'a.onnx', 'b.onnx', '--rounds', '0', '--tolerance', '0.01', '--json', 'r.json']);
  expect(wide.status).toBe(0);
  const found = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8')) as Verification;
  expect([found.kept, found.outputs[0]!.limit, found.time]).toEqual([true, 0.01, null]);
});

test('random inputs come from the declared range, in which the models may agree', async () => {
  const args = ['verify', 'a.onnx', 'relu.onnx', '--rounds', '0'];
  expect((await run(args)).status).toBe(1);
  const { status, stdout } = await run([...args, '--input-range', '0,9', '--samples', '5']);
  expect(status).toBe(0);
  expect(stdout).toContain('5 random samples, uniform in the declared range, seed 0');
  expect(stdout).toContain('Promise kept: for x from 0 to 9 the outputs change by rounding only; over 5 samples');
});

test.each([
  [['verify', 'a.onnx'], 2, /missing required argument 'other'/],
  [['verify', 'a.onnx', 'none.onnx'], 3, /got no such file/],
  [['verify', 'a.onnx', 'other.onnx'], 3, /'other.onnx': verify: the healed model must have output 'y', got none/],
  [['verify', 'a.onnx', 'b.onnx', '--tolerance', '-1'], 2, /number from 0 up/],
  [['verify', 'a.onnx', 'b.onnx', '--json', 'a.onnx'], 2, /must not be the model itself/],
  [['verify', 'a.onnx', 'b.onnx', '--input-range', '0,1', '--synthetic', 'normal'], 2, /must go without --data/],
  [['verify', 'a.onnx', 'b.onnx', '--input-range', 'z=0,1'], 2, /every input must have one/],
])('refuses %j', async (args, status, message) => {
  expect(await refused(args, status)).toMatch(message);
});
