import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addBornDeadCommand, parseRange } from './theory-born-dead.js';
import { addNeuronCommand } from './theory-neuron.js';
import { addUnitCommand } from './theory-unit.js';

/** What `theory …` with these arguments prints. */
async function printed(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written.push(String(text));
    return true;
  });
  const theory = new Command('theory').exitOverride().configureOutput({ writeErr: () => {} });
  for (const add of [addBornDeadCommand, addNeuronCommand, addUnitCommand]) add(theory);
  for (const command of theory.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  await theory.parseAsync(args, { from: 'user' });
  return written.join('');
}

afterEach(() => vi.restoreAllMocks());

const bornDead = (width: string, depth: string, ...more: string[]) =>
  printed('born-dead', '--width', width, '--depth', depth, '--networks', '20000', ...more);

describe('theory born-dead', () => {
  test('prints bounds, simulation and what is exact, and answers', async () => {
    const text = await bornDead('2', '3');
    expect(text).toMatch(/^2 +3 +0\.1563 +0\.15\d+ +0\.0025 +0\.1563 +0\.1563 +0\.4375$/m);
    expect(text).toContain('x = 1 and x = −1 decide it');
    expect(text).toContain('Depth 3, width 2: the odds of being born dead are 0.1563 (exact).');
    expect(await bornDead('4', '10', '--at-most', '5%')).toContain(
      'For 5 % or less, width 8 is enough and 6 is needed (bounds).',
    );
  });

  test('answers with the bounds where they say more than the simulation', async () => {
    expect(await bornDead('64', '20', '--networks', '100')).toMatch(/are from 1\.058e−36 to 9\.216e−19 \(bounds\)/);
  });

  test('makes a map of ranges, as a table, JSON and a figure', async () => {
    expect((await bornDead('2-4', '3,5')).match(/^\d +\d +/gm)?.length).toBe(6);
    const path = join(tmpdir(), `born-dead-${process.pid}.svg`);
    const { cells, networks, seed } = JSON.parse(await bornDead('3,2', '2-3', '--json', '-o', path));
    expect(cells.map(({ width, depth }: { width: number; depth: number }) => [width, depth])).toEqual([
      [2, 2],
      [2, 3],
      [3, 2],
      [3, 3],
    ]);
    expect([networks, seed, cells[1].bounds.exact]).toEqual([20_000, 0, 0.15625]);
    expect(await readFile(path, 'utf8')).toMatch(/^<svg/);
  });

  test('says what is exact and what is a sample', async () => {
    expect(await bornDead('3', '6', '--rectifier', 'leaky:0.1')).toContain(
      'Exact: no layer has a rectifier that is flat anywhere',
    );
    for (const more of [
      ['--init', 'pytorch'],
      ['--init', 'rai'],
      ['--rectifier', 'relu6'],
    ]) {
      const text = await bornDead('2', '3', ...more, '--networks', '500');
      expect(text).toContain('one of 256 normal inputs');
      expect(text).toContain('No bounds are known here');
    }
    const text = await bornDead('2', '4', '--inputs', '2', '--networks', '500');
    expect(text).toContain('one of 256 normal inputs');
    expect(text).toContain('Bounds, "exact"');
  });

  test('depth 1 has no rectifier and cannot die', async () => {
    const text = await bornDead('3', '1');
    expect(text).toMatch(/^3 +1 +0 +0 +0 +0$/m);
    expect(text).toContain('Exact: a network of depth 1 has no rectifier, so it is never born dead.');
    expect(await printed('born-dead', '--net', '4-4')).toBe(
      'Exact: a network of depth 1 has no rectifier, so it is never born dead.\n',
    );
  });

  test('takes one network by its widths, layer by layer', async () => {
    const net = (...more: string[]) => printed('born-dead', '--networks', '20000', '--net', ...more);
    const text = await net('1-16-8-4-1');
    expect(text).toMatch(/^2 +8 +1\.538e−5 .* 1\.538e−5 +1\.538e−5 +0\.003921$/m);
    expect(text).toMatch(/^1-16-8-4-1: the odds of being born dead are 0\.01\d+ ± /m);
    const mixed = JSON.parse(await net('1-4x4-1', '--rectifier', 'relu+leaky:0.2', '--json'));
    expect(mixed).toMatchObject({ net: '1-4x4-1', rectifier: 'relu+leaky:0.2', threads: 1 });
    expect(mixed.layers.map(({ bounds }: { bounds: unknown }) => bounds === null)).toEqual([false, true, true, true]);
    expect((await net('1-2x30-1')).match(/^\d+ +2 /gm)?.length).toBeLessThanOrEqual(12);
  });

  test('RAI is counted on as many threads as are asked for, orthogonal weights on one', async () => {
    expect(await bornDead('2', '4', '--init', 'rai', '--threads', '2')).toContain(' s on 2 threads: dead');
    expect(await bornDead('2', '4', '--init', 'orthogonal', '--networks', '500', '--threads', '2')).toContain(
      ' s on 1 thread: dead',
    );
  });

  test('takes widths and depths, or a net', async () => {
    await expect(printed('born-dead', '--width', '3')).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('--width and --depth must be given, or --net'),
    });
    await expect(printed('born-dead', '--net', '1-2-1', '-o', 'x.svg')).rejects.toMatchObject({ kind: 'usage' });
    await expect(printed('born-dead', '--net', '2-2-1', '--inputs', '3')).rejects.toMatchObject({ kind: 'usage' });
    await expect(printed('born-dead', '--net', '1-2-1', '--width', '3')).rejects.toMatchObject({
      code: 'commander.conflictingOption',
    });
  });

  test.each([
    ['0', '3'],
    ['3', '0'],
    ['3', '-1'],
    ['5-2', '3'],
    ['2.5', '3'],
    ['x', '3'],
    ['', '3'],
    ['1-99999999', '3'],
  ])('refuses width %j with depth %j', async (width, depth) => {
    await expect(bornDead(width, depth)).rejects.toMatchObject({
      code: 'commander.invalidArgument',
      message: expect.stringContaining('It must be a whole number from 1 up, or a range such as 2-10'),
    });
  });

  test.each([
    [['--init', 'foo'], 'parseInitializer'],
    [['--rectifier', 'foo'], 'parseRectifier'],
    [['--inputs', '2', '--test-inputs', '3'], 'simulateBornDead: inputs must be an even number, got 3'],
  ])('refuses %j as a mistake of usage', async (more, message) => {
    await expect(bornDead('2', '5', ...more)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(message),
    });
  });

  test('refuses a narrow drawing', async () => {
    await expect(bornDead('2', '5', '--figure-width', '10')).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
  });

  test('reads ranges', () => {
    expect(parseRange('2-4,7,3')).toEqual([2, 3, 4, 7]);
    expect(parseRange('5')).toEqual([5]);
  });
});

test('odds that cannot be wanted are refused before anything is drawn', async () => {
  for (const odds of ['0', '100%'])
    await expect(bornDead('2', '3', '--at-most', odds)).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  expect(process.stdout.write).not.toHaveBeenCalled();
});

describe('theory neuron', () => {
  test('prints a table for each rectifier, and what became of it', async () => {
    const text = await printed('neuron');
    expect(text).toContain('ReLU: all pre-activations are negative from step 1; every gradient is exactly 0');
    expect(text).toMatch(/Leaky ReLU \(0\.01\): .*it fires again at step 119;/);
    expect(text).toMatch(/^200 +−0\.008 +−0\.432 +−0\.44 −0\.448 −0\.456 +0\.0467 +0 +0$/m);
  });

  test('prints every step as JSON, or every so many in the table', async () => {
    const { rectifiers } = JSON.parse(await printed('neuron', 'relu', 'prelu', '--steps', '7', '--json'));
    expect(rectifiers.map((one: { trace: unknown[] }) => one.trace.length)).toEqual([8, 8]);
    expect(rectifiers[0]).toMatchObject({ rectifier: 'relu', silentFrom: 1, dead: true });
    expect((await printed('neuron', 'relu', '--steps', '9', '--every', '4')).match(/^\d /gm)).toEqual([
      '0 ',
      '4 ',
      '8 ',
      '9 ',
    ]);
  });

  test('no step at all is the start', async () => {
    expect(await printed('neuron', 'relu', '--steps', '0')).toContain('loss 3.78 after 0 steps');
  });

  test('takes other points', async () => {
    const text = await printed('neuron', 'relu', '--inputs', '1', '--targets', '1', '--learning-rate', '0.1');
    expect(text).toContain('ReLU: it never falls silent; loss 0 after 200 steps.');
  });

  test('refuses points that do not pair', async () => {
    await expect(printed('neuron', 'relu', '--inputs', '1,2')).rejects.toMatchObject({ kind: 'usage' });
    await expect(printed('neuron', 'swoosh')).rejects.toMatchObject({ kind: 'usage' });
  });
});

describe('theory unit', () => {
  test('prints how often it fires, and the bias that would change it', async () => {
    const text = await printed('unit', '--bias', '-3', '--weight-norm', '1', '--firing-rate', '10%');
    expect(text).toMatch(/^share of inputs it fires on .* 0\.00135$/m);
    expect(text).toMatch(/^odds of silence on all of 1000 inputs .* 0\.259$/m);
    expect(text).toContain('A bias of −1.282 makes it fire on 10 % of its inputs.');
  });

  test('prints JSON', async () => {
    const fate = JSON.parse(await printed('unit', '--bias', '0', '--weight-norm', '2', '--json'));
    expect(fate).toMatchObject({ exact: true, firingRate: 0.5, silence: 0.5, gradientShare: 0.5 });
  });

  test('refuses a negative norm', async () => {
    await expect(printed('unit', '--bias', '0', '--weight-norm', '-1')).rejects.toMatchObject({ kind: 'usage' });
  });
});
