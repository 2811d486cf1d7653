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

  const cases: [string[], string][] = [
    [['nonsense', '-o', 'x.svg'], 'the name must be one of relu, leaky'],
    [['leaky:NaN', '-o', 'x.svg'], "negativeSlope of 'leaky:NaN' must be a finite number, got 'NaN'"],
    [['-o', 'x.gif'], "The file must end in .svg, .png or .html, got 'x.gif'"],
    [['-o', 'x.svg', '--width', '100'], 'width must be 320 or more, got 100'],
    [['-o', 'x.svg', '--domain', '1,-1'], 'domain must go from a lower to a higher number, got 1 to -1'],
    [['-o', 'x.svg', '--domain', '1'], '--domain: it must be two numbers, got 1'],
    [[], "required option '-o, --output <file>' not specified"],
  ];
  test.each(cases)('%j is refused', async (args, message) => {
    expect(await command.refused(['plot', 'rectifiers', ...args], 2)).toContain(message);
  });
});
