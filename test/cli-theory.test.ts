import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Command, commandIn } from './command.js';

let folder: string;
let command: Command;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  command = commandIn(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('wrong input of theory is one sentence and exit 2', () => {
  const cases: [string, RegExp][] = [
    ['gain nonsense', /the name must be one of relu, leaky/],
    ['gain --weight-variance -1', /weightVariance must be greater than 0, got -1/],
    ['initializers 784', /two widths or more/],
    ['signal 10-0-3', /widths must be written like 784-256x2-10, got '10-0-3'/],
    ['signal 8-8 --init normal:0', /weightVariance must be greater than 0, got 0/],
    ['signal 8-8 -o x.gif', /must end in .svg, .png or .html/],
    ['jacobian 4', /two widths or more/],
    ['slope --depth 0', /whole number from 1 up/],
    ['slope --depth 5 --eta 1', /eta must be greater than 0 and less than 1, got 1/],
    ['correlation relu --at 2', /c must be from -1 to 1, got 2/],
    ['born-dead --width 0 --depth 4', /whole number from 1 up/],
    ['born-dead --width 4 --depth 0', /whole number from 1 up/],
    ['neuron --learning-rate -1', /learningRate must be greater than 0/],
    ['unit --bias 1 --weight-norm -1', /must be at least 0|greater than 0/],
    ['regions 2-x', /widths must be written like/],
    ['density --slopes a', /must be a number/],
    ['batch-norm --gamma NaN --beta 1 --slope 1', /must be a number/],
  ];
  test.each(cases)('%s', async (line, message) => {
    expect(await command.refused(['theory', ...line.split(' ')], 2)).toMatch(message);
  });

  test('a model that is not there exits with 3', async () => {
    expect(await command.refused(['theory', 'inspect', 'nowhere.onnx'], 3)).toContain("'nowhere.onnx'");
  });
});

test.each([
  'gain relu',
  'signal 8-8',
  'jacobian 8-8',
  'slope --depth 50',
  'correlation relu',
  'born-dead --width 2 --depth 2 --networks 99999999',
  'neuron',
  'regions 2-8-1',
  'density',
  'inspect nowhere.onnx',
])('%s refuses a figure that could not be written before it computes or prints', async line => {
  const message = await command.refused(['theory', ...line.split(' '), '-o', 'nowhere/x.svg'], 2);
  expect(message).toBe("--output: the path must be a file in a writable folder, got 'nowhere/x.svg'");
});

test('plot refuses it too', async () => {
  expect(await command.refused(['plot', 'rectifiers', '-o', 'nowhere/x.svg'], 2)).toContain('writable folder');
});

test('answers come as JSON and as a figure', async () => {
  const args = ['theory', 'slope', '--depth', '5,50', '--json', '-o', 'slope.svg'];
  const { status, stdout, stderr } = await command.run(args);
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.stringify(JSON.parse(stdout))).toContain('0.4305');
  expect(await readFile(join(folder, 'slope.svg'), 'utf8')).toMatch(/^<svg/);
});
