import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addJacobianCommand } from './theory-jacobian.js';
import { parseNetworks } from './theory-networks.js';
import { addSignalCommand, fromLog } from './theory-signal.js';

/** What `theory …` with these arguments prints. */
async function printed(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written.push(String(text));
    return true;
  });
  const theory = new Command('theory');
  addSignalCommand(theory);
  addJacobianCommand(theory);
  await theory.parseAsync(args, { from: 'user' });
  return written.join('');
}

afterEach(() => vi.restoreAllMocks());

test('numbers outside the range of float64 read as powers of ten', () => {
  expect(fromLog(Math.log(0.5))).toBe('0.5');
  expect(fromLog(-1000 * Math.LN10 + Math.log(2.5))).toBe('2.50e−1000');
  expect(fromLog(2000 * Math.LN10 + Math.log(3))).toBe('3.00e2000');
  expect(fromLog(Number.NEGATIVE_INFINITY)).toBe('0');
});

test('networks: first rectifier with first initializer, one with all', () => {
  const labels = (rectifiers: string, initializers: string) =>
    parseNetworks('4-4-4', rectifiers, initializers).map(({ label }) => label);
  expect(labels('relu,leaky:0.5', 'pytorch,he')).toEqual(['ReLU, pytorch', 'Leaky ReLU (0.5), he']);
  expect(labels('relu', 'normal:1.5,0.1,he')).toEqual(['ReLU, normal:1.5,0.1', 'ReLU, he']);
  expect(labels('relu,gelu', 'he')).toEqual(['ReLU, he', 'GELU, he']);
});

test('layers of one network take turns with the rectifiers between plus signs', () => {
  const [mixed, ...others] = parseNetworks('4x6', 'relu+leaky:0.2,leaky:1e+0', 'he');
  expect(mixed).toMatchObject({ label: 'ReLU + Leaky ReLU (0.2), he', rectifier: 'relu+leaky:0.2' });
  expect(mixed?.network.map(({ rectifier }) => rectifier?.name)).toEqual([
    'relu',
    'leaky:0.2',
    'relu',
    'leaky:0.2',
    undefined,
  ]);
  expect(others.map(({ rectifier }) => rectifier)).toEqual(['leaky:1']);
  expect(() => parseNetworks('4x3', 'relu+gelu', 'he')).toThrow(
    "--rectifier: there must be at most one for each of 1 layers but the last, got 2 in 'relu+gelu'",
  );
});

describe('theory signal', () => {
  test('a dozen rows at most, and the verdicts in words', async () => {
    const text = await printed('signal', '256x101', '--init', 'pytorch');
    expect(text).toMatch(/^0 +256 +1 +3\.06e−78$/m);
    expect(text).toMatch(/^100 +256 +0\.00156 +1$/m);
    expect(text.match(/^\d+ +256 /gm)).toHaveLength(11);
    expect(text).toContain('norm of the gradient changes by a factor 1.75e−39 (0.41 per layer): vanishing.');
    expect(text).toContain('exact means over random networks');
    expect(text).toContain('(--init he) keep both');
  });

  test('measured beside exact', async () => {
    const text = await printed('signal', '8x4', '--rectifier', 'gelu', '--simulate', '3', '--seed', '5');
    expect(text).toMatch(/^layer +width +E h² +measured +± s\.e\. +median +E g² +measured +± s\.e\. +median$/m);
    expect(text).toContain('exact in the limit of wide networks');
    expect(text).toContain('Measured (3 networks, 4 inputs each, seed 5)');
  });

  test('says when networks are dead, and what a typical network does', async () => {
    const text = await printed('signal', '2x30', '--simulate', '4');
    expect(text).toContain(
      'In a typical network the norm of the gradient changes by a factor 0.000131 (0.735 per layer): vanishing',
    );
    expect(text).toContain('An input has odds of 0.9997 to meet a layer that is silent');
    expect(text).toContain('4 of 4 networks were dead: no gradient came to the input.');
    expect(await printed('signal', '64x5')).not.toMatch(/dead|silent/);
  });

  test('draws the norm of the gradient in each network, which asks for a simulation', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
    const file = join(folder, 'norms.svg');
    await printed('signal', '8x6', '--simulate', '2', '--figure', 'gradient-norm', '-o', file);
    expect(await readFile(file, 'utf8')).toMatch(/^<svg .*within a factor 3/s);
    await rm(folder, { recursive: true });
    await expect(printed('signal', '8x6', '--figure', 'gradient-norm', '-o', file)).rejects.toMatchObject({
      kind: 'usage',
    });
  });

  test('takes the mean square of an input', async () => {
    expect(await printed('signal', '8x3', '--input-second-moment', '4')).toMatch(/^0 +8 +4 +1$/m);
  });

  test('prints JSON and draws', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
    const file = join(folder, 'signal.svg');
    const [only, ...others] = JSON.parse(
      await printed('signal', '8x4', '--rectifier', 'leaky:0.5', '--simulate', '2', '--json', '-o', file),
    );
    expect(others).toEqual([]);
    expect(only).toMatchObject({ rectifier: 'leaky:0.5', initializer: 'he', simulation: { networks: 2, seed: 0 } });
    expect(only.signal.depths).toHaveLength(4);
    expect(only.gradientSpread.mean).toBeCloseTo(1, 12);
    expect(await readFile(file, 'utf8')).toMatch(/^<svg .*E g²/s);
    await rm(folder, { recursive: true });
  });

  test.each([
    [['signal', '4'], 'parseWidths'],
    [['signal', '4-4', '--rectifier', 'swoosh'], 'parseRectifier'],
    [['signal', '4-4', '--init', 'best'], 'parseInitializer'],
    [['signal', '4-4', '--rectifier', 'relu,gelu,elu', '--init', 'he,he'], 'one initializer for each rectifier'],
    [['signal', '1000x90', '--simulate', '99'], 'networks must be at most'],
    [['signal', '4-4-4', '--rectifier', 'rrelu', '--simulate', '2'], 'simulateSignal: slopes must be fixed'],
    [['jacobian', '1000x9'], 'the network must be small enough'],
    [['jacobian', '100x9', '--networks', '99999'], 'networks must be at most'],
    [['jacobian', '0-4'], 'parseWidths'],
  ])('refuses %j as a mistake of usage', async (args, message) => {
    await expect(printed(...args)).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining(message) });
  });
});

describe('theory jacobian', () => {
  test('a row for each network, wide limit beside measured', async () => {
    const text = await printed('jacobian', '16x5', '--rectifier', 'relu,leaky:1', '--init', 'he,orthogonal');
    expect(text).toMatch(/^ReLU, he +7 +[\d.]+ +± [\d.]+ +2 .*∞ \*$/m);
    expect(text).toMatch(/^Leaky ReLU \(1\), orthogonal +0 +.* 16 +1 +1 +1 +1$/m);
    expect(text).toContain('about 16 pass with Leaky ReLU (1), orthogonal, which spreads them least');
  });

  test('dead networks have no spread', async () => {
    const text = await printed('jacobian', '1x30', '--networks', '3');
    expect(text).toMatch(/^ReLU, he +57 +– +0\.0172 .* –$/m);
    expect(text).toContain(
      'ReLU, he: 3 of 3 networks passed nothing (a Jacobian of 0, see theory born-dead), so there is no spread to measure.',
    );
    expect(text).not.toContain('NaN');
    const [{ simulation }] = JSON.parse(await printed('jacobian', '1x30', '--networks', '3', '--json'));
    expect(simulation.variance).toBe('NaN');
  });

  test('prints JSON', async () => {
    const [{ limit, simulation }] = JSON.parse(await printed('jacobian', '6-5-4', '--networks', '2', '--json'));
    expect(limit.singularValues).toBe(4);
    expect(simulation.spectra.map(({ singularValues }: { singularValues: number[] }) => singularValues.length)).toEqual(
      [4, 4],
    );
  });
});
