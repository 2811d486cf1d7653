import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Command, commandIn } from './command.js';
import { commandsIn, commandsOf, departure, isSameDrawing, type ShownCommand } from './docs-commands.js';

/** Commands that take too long to be run here, and how long on two cores. Run them by hand when what they print may have changed. */
const slow: readonly string[] = [
  // A million networks for each of nine widths: 7 seconds on both cores.
  'theory born-dead --width 2-10 --depth 2-10 --networks 1000000 --threads 2 -o docs/theory/born-dead.svg',
  'theory born-dead --width 2-10 --depth 10 --networks 1000000 --threads 2',
  // 4096 inputs through each of 100,000 networks: 12 seconds.
  'theory born-dead --width 4 --depth 10 --inputs 4 --test-inputs 4096',
  // Forty times a hundred orthogonal matrices of width 128: a minute.
  'theory signal 128x101 --rectifier leaky:0.5704 --init orthogonal --simulate 40',
];

let folder: string;
let command: Command;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docs-'));
  await mkdir(join(folder, 'docs', 'theory'), { recursive: true });
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  command = commandIn(folder);
});
afterAll(() => rm(folder, { recursive: true }));

/** What is wrong with a command: what it prints or draws is not what its page shows. */
async function complaints({ page, line, args, shown }: ShownCommand): Promise<string[]> {
  const { status, stdout, stderr } = await command.run(args);
  const said = (text: string) => `${page}:${line}: ${text}`;
  if (status !== 0 || stderr !== '') return [said(`exit ${status}: ${stderr}`)];
  const wrong = shown === null ? null : departure(shown, stdout);
  const drawing = args.find(word => word.startsWith('docs/'));
  const isDrawn =
    drawing && isSameDrawing(await readFile(drawing, 'utf8'), await readFile(join(folder, drawing), 'utf8'));
  return [
    ...(wrong === null ? [] : [said(wrong)]),
    ...(isDrawn === false ? [said(`${drawing} is not what it draws`)] : []),
  ];
}

test('every command in docs/theory prints what the page shows and draws the figure beside it', async () => {
  const commands = await commandsIn('docs/theory');
  const isSlow = ({ args }: ShownCommand) => slow.includes(args.join(' '));
  const left = commands.filter(one => !isSlow(one));
  expect(slow.filter(text => !commands.some(({ args }) => args.join(' ') === text))).toEqual([]);
  expect(left.length).toBeGreaterThan(25);
  expect(left.filter(({ args }) => args.some(word => word.endsWith('.svg'))).length).toBeGreaterThan(9);
  const found: string[] = [];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) found.push(...(await complaints(next)));
  };
  await Promise.all([work(), work()]);
  expect(found).toEqual([]);
}, 120_000);

describe('what a page shows', () => {
  test('belongs to the command in its first line, or the last one named above it', () => {
    const page = [
      'See `reluminate theory gain relu`:',
      '```',
      'a',
      '```',
      '```js',
      'code',
      '```',
      '(`reluminate theory neuron -o docs/theory/x.svg`)',
      '```',
      '$ reluminate theory unit',
      'b',
      '```',
      '`reluminate theory slope` alone is no example',
    ].join('\n');
    expect(commandsOf('p.md', page)).toEqual([
      { page: 'p.md', line: 2, args: ['theory', 'gain', 'relu'], shown: ['a'] },
      { page: 'p.md', line: 8, args: ['theory', 'neuron', '-o', 'docs/theory/x.svg'], shown: null },
      { page: 'p.md', line: 9, args: ['theory', 'unit'], shown: ['b'] },
    ]);
    expect(commandsOf('p.md', '```\nnobody printed this\n```')[0]?.args).toEqual(['']);
  });

  test.each<[string[], string, string | null]>([
    [['a', 'b'], 'a\nb\n', null],
    [['a'], 'a\nb\n', 'not shown: b'],
    [['a', 'c'], 'a\nb\n', 'shown: c\nprinted: b'],
    [['a', '…'], 'a\nb\nc\n', null],
    [['…', 'c'], 'a\nb\nc\n', null],
    [['…', 'b'], 'a\nb\nc\n', 'shown: b\nprinted: c'],
    [['a', '…', 'c', '…', 'e'], 'a\nb\nc\nd\ne\n', null],
    [['a', '…', 'd', '…', 'c', '…'], 'a\nb\nc\nd\n', 'shown: c\nprinted: undefined'],
    [['done in 6.3 s on 2 threads'], 'done in 12.0 s on 1 thread\n', null],
  ])('%j of %j', (shown, output, expected) => {
    expect(departure(shown, output)).toBe(expected);
  });

  test('drawings may differ by rounding only', () => {
    expect(isSameDrawing('<path d="M1.25,-3e-4"/>', '<path d="M1.26,0"/>')).toBe(true);
    expect(isSameDrawing('<path d="M1.25,2"/>', '<path d="M1.5,2"/>')).toBe(false);
    expect(isSameDrawing('<path d="M1,2"/>', '<line d="M1,2"/>')).toBe(false);
  });
});
