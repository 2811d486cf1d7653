import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { modelOf } from '../../test/models.js';
import { floatTensor, node, valueInfo } from '../onnx/build.js';
import { writeModel } from '../onnx/model.js';
import { addBatchNormCommand } from './theory-batch-norm.js';
import { addInspectCommand } from './theory-inspect.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inspect-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

async function run(...words: string[]): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addInspectCommand(program);
  addBatchNormCommand(program);
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation(chunk => {
    text += chunk;
    return true;
  });
  await program.parseAsync(words, { from: 'user' });
  return text;
}

/** A file with 31 ReLU layers whose weights have σ_w² = 1/4 exactly. */
async function deep(): Promise<string> {
  const path = join(folder, 'deep.onnx');
  const signs = Array.from({ length: 256 }, (_, at) => (at % 2 === 0 ? 0.125 : -0.125));
  const layers = Array.from({ length: 31 }, (_, at) => [
    node('MatMul', [at === 0 ? 'x' : `h${at - 1}`, 'w'], [`z${at}`]),
    node('Relu', [`z${at}`], [`h${at}`]),
  ]);
  const model = modelOf({
    nodes: layers.flat(),
    initializers: [floatTensor('w', [16, 16], signs)],
    inputs: [valueInfo('x', ['N', 16])],
    outputs: [valueInfo('h30')],
  });
  await writeFile(path, writeModel(model));
  return path;
}

describe('theory inspect', () => {
  test('says that the signal vanishes, and the slope and rescaling that would keep it', async () => {
    const text = await run('inspect', await deep());
    expect(text).toMatch(/^ 1 z0 +– +16 +Relu +0\.25 +0 +0\.125 +0\.125 +2\.83 +2\.65$/m);
    expect(text).toContain(
      '31 layers from 1 to 31: the size of the signal, and of the gradient, is multiplied by 1e−14 (it vanishes).',
    );
    expect(text).toContain(
      'Along the longest chain c = 0 becomes 0.9734 (rectifiers and slopes as they are); with the slope tailored to 31',
    );
  });

  test('prints JSON and draws', async () => {
    const drawing = join(folder, 'factors.svg');
    const { layers, chains, tailored } = JSON.parse(await run('inspect', await deep(), '--json', '-o', drawing));
    expect(layers).toHaveLength(31);
    expect(layers[30]).toMatchObject({ previous: 29, forward: 0.125, cumulativeForward: 0.125 ** 31 });
    expect(chains[0].layers).toHaveLength(31);
    expect(tailored.depth).toBe(31);
    expect(chains[0].correlation).toBeCloseTo(0.9734, 4);
    expect(layers[0].cumulativeCorrelation).toBeCloseTo(1 / Math.PI, 12);
    expect(await readFile(drawing, 'utf8')).toContain('<svg');
  });

  test('fails on a file that is no model, and says so of one without layers', async () => {
    const path = join(folder, 'other.onnx');
    await writeFile(path, 'not a model');
    await expect(run('inspect', path)).rejects.toMatchObject({ kind: 'input' });
    const empty = modelOf({
      nodes: [node('Relu', ['x'], ['y'])],
      inputs: [valueInfo('x', [1])],
      outputs: [valueInfo('y')],
    });
    await writeFile(path, writeModel(empty));
    await expect(run('inspect', path)).rejects.toMatchObject({ kind: 'input' });
  });
});

describe('theory batch-norm', () => {
  test('prints the canonical form, and JSON', async () => {
    const words = ['batch-norm', '--gamma', '-0.5', '--beta', '0.25', '--slope', '0.25', '--next', '1,2'];
    expect(await run(...words)).toMatch(/^canonical +1 +−0\.5 +4 +−0\.125, −0\.25 +0, 0$/m);
    expect(JSON.parse(await run(...words, '--json')).canonical.nextWeights).toEqual([-0.125, -0.25]);
  });

  test('refuses what has no canonical form as wrong usage', async () => {
    const words = ['batch-norm', '--gamma', '1e-320', '--beta', '1', '--slope', '0.5'];
    await expect(run(...words)).rejects.toMatchObject({ kind: 'usage' });
    await expect(run(...words, '--slope-range', '1')).rejects.toMatchObject({ kind: 'usage' });
  });
});
