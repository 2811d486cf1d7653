import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addCorrelationCommand } from './theory-correlation.js';
import { addSlopeCommand } from './theory-slope.js';

/** What `theory …` with these arguments prints. */
async function printed(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written.push(String(text));
    return true;
  });
  const theory = new Command('theory');
  addCorrelationCommand(theory);
  addSlopeCommand(theory);
  for (const command of theory.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  await theory.parseAsync(args, { from: 'user' });
  return written.join('');
}

afterEach(() => vi.restoreAllMocks());

const scratch = async (name: string) => join(await mkdtemp(join(tmpdir(), 'theory-slope-')), name);

describe('theory slope', () => {
  test('prints slope and output scale, and how to use them', async () => {
    const text = await printed('slope', '--depth', '100');
    expect(text).toMatch(/^depth 100 +0\.57044 +1\.2284 +0\.9 +0\.996423$/m);
    expect(text).toContain('Exact for wide layers.');
    expect(text).not.toContain('No slope');
  });

  test('takes a network by its widths', async () => {
    expect(await printed('slope', '--net', '784-256x20-10')).toMatch(/^784-256x20-10, 20 rectified layers +0\.18138 /m);
    const { networks, minDepth } = JSON.parse(await printed('slope', '--net', '8x7', '--json'));
    expect(networks[0]).toMatchObject({ net: '8x7', depth: 5, found: null });
    expect(minDepth).toBe(13);
    await expect(printed('slope', '--net', '8-8')).rejects.toMatchObject({ kind: 'usage' });
    await expect(printed('slope', '--net', '8x9', '-o', 'x.svg')).rejects.toMatchObject({ kind: 'usage' });
    await expect(printed('slope', '--net', '8x9', '--depth', '3')).rejects.toMatchObject({
      code: 'commander.conflictingOption',
    });
  });

  test('correlation takes a ResNet', async () => {
    const args = ['correlation', 'relu', '--at', '0', '--resnet', '50', '--shortcut-weight', '0.6'];
    const text = await printed(...args);
    expect(text).toMatch(/^ReLU +0\.973 +1 +1$/m);
    expect(text).toContain('What ResNet-50 v2, shortcut weight 0.6, makes with each rectifier of the correlation');
    expect(JSON.parse(await printed(...args, '--json'))).toMatchObject({ resnet: 50, shortcutWeight: 0.6, version: 2 });
    await expect(printed(...args, '-o', 'x.svg')).rejects.toMatchObject({ kind: 'usage' });
    await expect(printed('correlation', '--resnet', '51')).rejects.toMatchObject({ kind: 'usage' });
  });

  test('says that there is none, what ReLU reaches and where one begins', async () => {
    const text = await printed('slope', '--depth', '5');
    expect(text).toContain('No slope exists for depth 5: even ReLU only reaches 0.7359.');
    expect(text).toContain('From depth 13 on one exists for η = 0.9;');
    expect(text).not.toContain('Draw weights');
    expect(await printed('slope', '--resnet', '18', '--shortcut-weight', '0.6')).toContain('From ResNet-34 on');
    expect(await printed('slope', '--resnet', '18', '--eta', '0.9999')).toContain('No ResNet of up to 200 layers');
    expect(await printed('slope', '--depth', '5', '--eta', '0.999999999999')).toContain('No plain network of up to');
  });

  test('takes several depths, and ResNets of both versions', async () => {
    expect((await printed('slope', '--depth', '10,20,50')).match(/^depth/gm)?.length).toBe(3);
    const slopeOf = async (...flags: string[]) => {
      const { networks } = JSON.parse(await printed('slope', '--json', '--resnet', '50', ...flags));
      return networks[0].found.negativeSlope;
    };
    expect(await slopeOf('--shortcut-weight', '0.6')).toBeCloseTo(0.31668949278807523, 9);
    expect(await slopeOf('--shortcut-weight', '0.6', '--resnet-version', '1')).toBeGreaterThan(0.1);
  });

  test('prints JSON, with null for none', async () => {
    const { exact, minDepth, networks } = JSON.parse(await printed('slope', '--depth', '5,16', '--json'));
    expect({ exact, minDepth }).toEqual({ exact: true, minDepth: 13 });
    expect(networks[0].found).toBeNull();
    expect(networks[1].found.negativeSlope).toBeCloseTo(0.10449862808356022, 9);
  });

  test('answers for Deep Kernel Shaping', async () => {
    const text = await printed('slope', '--depth', '1,50', '--zeta', '1.5');
    expect(text).toMatch(/^depth 1 +none$/m);
    expect(text).toMatch(/^depth 50 +0\.796371 +−0\.0812363 +1\.11077 +1\.00814$/m);
    const { networks } = JSON.parse(await printed('slope', '--depth', '2', '--zeta', '1.5', '--json'));
    expect(networks[0].found.outputScale).toBeCloseTo(1.527819513596618, 9);
  });

  test('draws', async () => {
    const file = await scratch('slope.svg');
    await printed('slope', '--depth', '50', '--eta', '0.6', '-o', file);
    expect(await readFile(file, 'utf8')).toMatch(/^<svg[\s\S]*η = 0\.6[\s\S]*depth 50/);
  });

  test.each([
    [['slope'], 'theory slope: --depth, --net or --resnet must be given'],
    [['slope', '--depth', '50', '--eta', '0'], 'eta must be greater than 0 and less than 1, got 0'],
    [['slope', '--depth', '50', '--eta', '1'], 'got 1'],
    [['slope', '--depth', '200000'], 'from 1 to 100,000 rectified layers, got 200000'],
    [['slope', '--resnet', '20'], 'resNet: depth must be one of'],
    [['slope', '--resnet', '50', '--shortcut-weight', '2'], 'shortcutWeight must be from 0 to 1, got 2'],
    [['slope', '--depth', '5', '--zeta', '1'], 'zeta must be greater than 1, got 1'],
    [['slope', '--resnet', '50', '-o', 'x.svg'], '--output must be given with --depth and --eta, got --resnet'],
    [['correlation', 'swoosh'], 'parseRectifier'],
    [['correlation', '--at', '0,2'], 'c must be from -1 to 1, got 2'],
    [['correlation', '--variance', '0'], 'preActivationVariance must be greater than 0'],
    [['correlation', 'thresholded:100'], 'E f² must be positive'],
  ])('refuses %j as a mistake of usage', async (args, message) => {
    await expect(printed(...args)).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining(message) });
  });

  test.each([
    [['slope', '--depth', '0'], 'whole number from 1 up'],
    [['slope', '--depth', ''], 'whole number from 1 up'],
    [['slope', '--depth', '5', '--resnet', '50'], 'cannot be used with'],
    [['slope', '--depth', '5', '--eta', '0.9', '--zeta', '1.5'], 'cannot be used with'],
    [['correlation', '--depth', '0'], 'whole number from 1 up'],
  ])('refuses %j as a flag', async (args, message) => {
    await expect(printed(...args)).rejects.toThrow(message);
  });
});

describe('theory correlation', () => {
  test('prints what the layers make of correlations, and where they go', async () => {
    const text = await printed('correlation', 'relu', 'gelu', 'leaky:1', 'selu', '--at', '0,0.5');
    expect(text).toMatch(/^ReLU +0\.3183 +0\.609 +1 +1$/m);
    expect(text).toMatch(/^GELU +0\.1871 +0\.5345 +1\.072 +0\.7604$/m);
    expect(text).toMatch(/^Leaky ReLU \(1\) +0 +0\.5 +1 +stays$/m);
    expect(text).toMatch(/^SELU +0 .* 0$/m);
    expect(text).not.toContain('RReLU');
  });

  test('goes through several layers, and says what noise does', async () => {
    const text = await printed('correlation', 'relu', 'rrelu', '--depth', '2', '--at', '-1,0');
    expect(text).toMatch(/^ReLU +0\.3183 +0\.4937 /m);
    expect(text).toContain('RReLU draws its slopes anew');
  });

  test('prints JSON', async () => {
    const { rectifiers } = JSON.parse(await printed('correlation', 'relu', '--depth', '10', '--at', '0', '--json'));
    expect(rectifiers[0].correlations[0].behind).toBeCloseTo(0.8715355160215175, 12);
    expect(rectifiers[0].limit).toEqual({ correlation: 1, rate: 1 });
  });

  test('draws', async () => {
    const file = await scratch('correlation.svg');
    await printed('correlation', 'relu', 'leaky:0.5', '--depth', '20', '-o', file);
    expect(await readFile(file, 'utf8')).toMatch(/^<svg[\s\S]*correlation behind 20 layers/);
  });
});
