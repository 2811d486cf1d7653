import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addGainCommand } from './theory-gain.js';
import { addInitializersCommand } from './theory-initializers.js';

/** What `theory …` with these arguments prints. */
async function printed(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written.push(String(text));
    return true;
  });
  const theory = new Command('theory');
  addGainCommand(theory);
  addInitializersCommand(theory);
  await theory.parseAsync(args, { from: 'user' });
  return written.join('');
}

afterEach(() => vi.restoreAllMocks());

describe('theory gain', () => {
  test('prints a row for each rectifier, every one by default', async () => {
    const text = await printed('gain');
    expect(text).toMatch(/^ReLU {2,}1\.414 +0\.5 +0\.3989 +1 +0\.1667 +0\.1667$/m);
    expect(text).toMatch(/^GELU {2,}1\.534/m);
    expect(text).toMatch(/^SELU +1 +1 +0 /m);
    expect(text.split('\n\n')[0]?.split('\n').length).toBe(17);
  });

  test('answers with the golden slope, or says that there is none', async () => {
    expect(await printed('gain', 'relu', '--weight-variance', '1.25')).toContain('golden slope 0.7746');
    expect(await printed('gain', 'relu', '--weight-variance', '3')).toContain(
      'no negative slope keeps the signal: each layer multiplies its second moment by 1.5 or more',
    );
  });

  test('prints JSON', async () => {
    const { goldenSlope, rectifiers } = JSON.parse(await printed('gain', 'silu', '--weight-variance', '1/2', '--json'));
    expect(goldenSlope).toBeCloseTo(Math.sqrt(3), 12);
    expect(rectifiers[0].rectifier).toBe('silu');
    expect(rectifiers[0].he.forward).toBeCloseTo(1, 12);
  });

  test('takes the variance of the pre-activations: GELU becomes ReLU where it is large', async () => {
    const { rectifiers } = JSON.parse(await printed('gain', 'gelu', '--variance', '10000', '--json'));
    expect(rectifiers[0].gain).toBeCloseTo(Math.SQRT2, 3);
  });

  test.each([
    [['gain', 'swoosh'], 'parseRectifier'],
    [['gain', '--weight-variance', '0'], 'weightVariance must be greater than 0'],
    [['gain', '--variance', '-1'], 'variance must be greater than 0'],
    [['initializers', '784'], 'parseWidths'],
    [['initializers', '7-8-9'], 'initializers: the layer must be written FANIN-FANOUT'],
    [['initializers', '7-8', '--rectifier', 'swoosh'], 'parseRectifier'],
  ])('refuses %j as a mistake of usage', async (args, message) => {
    await expect(printed(...args)).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining(message) });
  });
});

describe('theory initializers', () => {
  test('shows which initializer keeps what', async () => {
    const text = await printed('initializers', '784-256');
    expect(text).toMatch(/^he +normal +2 +0\.05051 +0 +1 +0\.3265$/m);
    expect(text).toMatch(/^pytorch +uniform +0\.3333 +0\.02062 +0\.03571 +0\.02062 +0\.1667 +0\.05442$/m);
    expect(text).toContain('Kept forward by: he, he-uniform, orthogonal. Kept back by: he-fan-out.');
  });

  test('prints JSON, with the std of each law', async () => {
    const { initializers } = JSON.parse(await printed('initializers', '100-100', '--rectifier', 'leaky:1', '--json'));
    expect(initializers.find((one: { initializer: string }) => one.initializer === 'xavier').std).toBeCloseTo(0.1, 12);
  });
});
