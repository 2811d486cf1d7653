import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Command, commandIn } from './command.js';

let folder: string;
let command: Command;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reluminate-'));
  command = commandIn(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('plot rectifiers', () => {
  test.each(['svg', 'html', 'png'])('writes %s', async ending => {
    const file = `curves.${ending}`;
    const { status, stdout, stderr } = await command.run(['plot', 'rectifiers', 'relu', 'leaky:0.2', '-o', file]);
    expect([status, stdout, stderr]).toEqual([0, '', '']);
    const content = await readFile(join(folder, file));
    if (ending === 'png') expect((await sharp(content).metadata()).width).toBe(2560);
    else expect(content.toString()).toContain('Curves of ReLU, Leaky ReLU (0.2): value f(x), derivative');
  });

  test('takes lists separated by commas, as other commands do', async () => {
    await command.run(['plot', 'rectifiers', 'relu', 'rrelu:0.125,0.25', 'leaky:0.57', '-o', 'apart.svg']);
    await command.run(['plot', 'rectifiers', 'relu,rrelu:0.125,0.25,leaky:0.57', '-o', 'list.svg']);
    const [apart, list] = await Promise.all(
      ['apart.svg', 'list.svg'].map(file => readFile(join(folder, file), 'utf8')),
    );
    expect(list).toContain('RReLU (0.125 to 0.25)');
    expect(list).toBe(apart);
  });

  test('the widest PNG can be drawn', async () => {
    expect((await command.run(['plot', 'rectifiers', '--width', '10000', '-o', 'wide.png'])).status).toBe(0);
    expect((await sharp(await readFile(join(folder, 'wide.png'))).metadata()).width).toBeGreaterThan(20000);
  });

  test('the figure in the docs is what the command beside it draws', async () => {
    const page = await readFile('docs/rectifiers.md', 'utf8');
    const [, args, file] = page.match(/`reluminate (plot rectifiers .* -o) (docs\/rectifiers\.svg)`/) ?? [];
    await command.run([...(args as string).split(' '), 'again.svg']);
    const [drawn, shown] = [await readFile(join(folder, 'again.svg'), 'utf8'), await readFile(file as string, 'utf8')];
    expect(drawn === shown).toBe(true);
  });

  const cases: [string[], string][] = [
    [['nonsense', '-o', 'x.svg'], 'the name must be one of relu, leaky'],
    [['leaky:NaN', '-o', 'x.svg'], "negativeSlope of 'leaky:NaN' must be a finite number, got 'NaN'"],
    [['-o', 'x.gif'], "The file must end in .svg, .png or .html, got 'x.gif'"],
    [['-o', 'x.svg', '--width', '100'], 'width must be 320 or more, got 100'],
    [['-o', 'x.svg', '--width', '30000'], 'width must be 10000 or less, got 30000'],
    [['-o', 'x.png', '--width', '1e9'], 'width must be 10000 or less, got 1000000000'],
    [['-o', 'x.svg', '--domain=-1e-320,1e-320'], 'domain must be wide enough for 400 different numbers'],
    [['relu,nonsense', '-o', 'x.svg'], "got 'nonsense'"],
    [['-o', 'x.svg', '--domain', '1,-1'], 'domain must go from a lower to a higher number, got 1 to -1'],
    [['-o', 'x.svg', '--domain', '1'], '--domain: it must be two numbers, got 1'],
    [[], "required option '-o, --output <file>' not specified"],
  ];
  test.each(cases)('%j is refused', async (args, message) => {
    expect(await command.refused(['plot', 'rectifiers', ...args], 2)).toContain(message);
  });
});
