import { join } from 'node:path';
import type { Command } from 'commander';
import { writeModelFile, writeWhole } from '../onnx/file.js';
import { renderHtml } from '../report/html.js';
import { count, percent } from '../report/numbers.js';
import { version } from '../version.js';
import { storyPage } from './demo-page.js';
import type { Chapter } from './demo-story.js';
import { parseSeed } from './options.js';
import { requireFolder } from './result-file.js';
import { table } from './table.js';

interface DemoFlags {
  readonly seed: number;
  readonly output: string;
}

/** Adds `reluminate demo` to the program. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('train a ReLU network whose units die, audit it, heal it, and see what that is worth')
    .option('--seed <n>', 'of the network and of everything drawn', parseSeed, 0)
    .option('-o, --output <folder>', 'where models and reports go', 'reluminate-demo')
    .action(runDemo);
}

const rows = (chapters: readonly Chapter[]): string[][] =>
  chapters.map(({ title, parameters, units, dead, accuracy }) => [
    title,
    count(parameters),
    count(units),
    `${count(dead)} (${percent(dead / units)})`,
    percent(accuracy),
  ]);

function sentences({ title, verification }: Chapter): string {
  if (verification === null) return '';
  const { seen, heldOut } = verification;
  const time = heldOut.time ? ` It runs ${heldOut.time.ratio.toFixed(2)} times as fast.` : '';
  return `${title}\n  on the samples it was trained on: ${seen.sentence}\n  on held-out samples: ${heldOut.sentence}${time}\n`;
}

/** The name of a chapter's file. */
const fileOf = ({ title }: Chapter): string => title.replace(/\W+/g, '-').toLowerCase();

async function runDemo({ seed, output }: DemoFlags): Promise<void> {
  const { digits } = await import('../train/datasets/digits.js');
  const { tellStory } = await import('./demo-story.js');
  await requireFolder('--output', output);
  const chapters = await tellStory(await digits(), {
    seed,
    onProgress: what => process.stderr.write(`${what} …\n`),
  });
  for (const chapter of chapters) {
    await writeModelFile(join(output, `${fileOf(chapter)}.onnx`), chapter.model);
    await writeWhole(join(output, `${fileOf(chapter)}.html`), renderHtml(chapter.report));
  }
  const page = join(output, 'report.html');
  await writeWhole(
    page,
    storyPage(chapters, chapter => `${fileOf(chapter)}.html`),
  );
  const record = chapters.map(({ model: _, report: __, ...rest }) => rest);
  await writeWhole(
    join(output, 'demo.json'),
    `${JSON.stringify({ reluminate: version, seed, chapters: record }, null, 2)}\n`,
  );
  process.stdout.write(table(['digits', 'parameters', 'units', 'dead', 'held-out right'], rows(chapters)));
  process.stdout.write(
    `\n${chapters.map(sentences).join('')}\nReport: ${page}; models and an audit of each beside it\n`,
  );
}
