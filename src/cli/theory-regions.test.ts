import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addDensityCommand } from './theory-density.js';
import { addRegionsCommand } from './theory-regions.js';

/** What `theory …` with these arguments prints. */
async function printed(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written.push(String(text));
    return true;
  });
  const theory = new Command('theory');
  addRegionsCommand(theory);
  addDensityCommand(theory);
  await theory.parseAsync(args, { from: 'user' });
  return written.join('');
}

afterEach(() => vi.restoreAllMocks());

describe('theory regions', () => {
  test('one hidden layer: the same number for every slope, up to the exact maximum', async () => {
    const text = await printed('regions', '2-8-1', '--box', '-1000,1000', '--rectifier', 'relu,leaky:0.1,leaky:-2');
    expect(text.match(/ +37 +37$/gm)?.length).toBe(3);
    expect(text).toContain('At most 37 regions of a plane (exact maximum');
    expect(text).toContain('The kinks of the first hidden layer stand in the same places for every slope but 1.');
    expect(text).not.toContain('later layers');
  });

  test('a narrow ReLU network merges regions, and says how many', async () => {
    const text = await printed('regions', '2-3-3-1', '--seed', '6');
    expect(text).toMatch(/^ReLU +7 +15 +12$/m);
    expect(text).toMatch(/^Leaky ReLU \(0\.1\) +7 +15 +15$/m);
    expect(text).toContain('ReLU: 3 of its activation regions compute the same as one beside them.');
    expect(text).toContain('None exceed 49 (every slope: Montúfar 2017), with ReLU 40 (Serra et al. 2018).');
  });

  test('zero biases: all kinks of the first layer meet at 0, and the text says so', async () => {
    const text = await printed('regions', '2-8-1', '--init', 'he');
    expect(text).toMatch(/^ReLU +16 +16$/m);
    expect(text).toContain('he draws no biases, so all kinks of the first layer meet at 0.');
  });

  test('takes a line for one input and a random plane for many, and says so', async () => {
    expect(await printed('regions', '1-4-4-1', '--box', '0,1')).toContain('in the line of inputs, 0 to 1 along');
    const text = await printed('regions', '100-8-8-10', '--seed', '3');
    expect(text).toContain('in a random plane through 0 of the 100 inputs');
    expect(text).toContain('None exceed 1,369');
  });

  test('prints JSON, with bounds as text', async () => {
    const data = JSON.parse(await printed('regions', '2-4-3-2', '--json'));
    expect(data).toMatchObject({ widths: [2, 4, 3, 2], init: 'pytorch', seed: 0, range: [-3, 3] });
    expect(data.bounds).toEqual({ reached: '28', atMost: '77', reluAtMost: '77' });
    for (const { regions, countAfterLayer } of data.counted) expect(regions.length).toBe(countAfterLayer.at(-1));
    expect(data.counted[0].regions[0].outputs.length).toBe(2);
  });

  test.each([
    [['2-8'], "regions: there must be a hidden layer, such as 2-8-1, got '2-8'"],
    [['2-x-1'], 'parseWidths'],
    [['2-4-1', '--rectifier', 'gelu'], 'the rectifier must be two lines that meet at 0'],
    [['2-4-1', '--init', 'nonsense'], 'parseInitializer'],
    [['2-4-1', '--box', '1'], '--box: it must be two numbers, got 1'],
    [['2-4-1', '--box', '1,-1'], 'range must go from a lower to a higher number, got 1 to -1'],
  ])('refuses %j as a mistake of usage', async (args, message) => {
    await expect(printed('regions', ...args)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(message),
    });
  });
});

describe('theory density', () => {
  test('says what each slope does, exactly', async () => {
    const text = await printed('density', '--slopes', '0.25,0,-0.5');
    expect(text).toMatch(/^0\.25 +yes +1 +1 +1 +\(−∞, ∞\) +1 +0 +0\.299 +0\.531$/m);
    expect(text).toMatch(/^0 +yes +0 +∞ +1 +\[0, ∞\) +1 +0\.5 +0\.399 +0\.5$/m);
    expect(text).toMatch(/^−0\.5 +no +0 +1 +2 +\[0, ∞\) +1 +0 +0\.598 +0\.625$/m);
    expect(text).toContain('Slope −0.5: the negative side is folded over the positive one');
  });

  test('prints JSON, in which the infinite is text', async () => {
    const { slopes } = JSON.parse(await printed('density', '--slopes', '0', '--mean', '1', '--std', '2', '--json'));
    expect(slopes[0].preimages.at).toBe('Infinity');
    expect(slopes[0].massAtZero).toBeCloseTo(0.3085375387259869, 12);
  });

  test('refuses a standard deviation of 0', async () => {
    await expect(printed('density', '--std', '0')).rejects.toMatchObject({ kind: 'usage' });
  });
});
