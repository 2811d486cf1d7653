import { join } from 'node:path';
import type { Command } from 'commander';
import { writeModelFile, writeWhole } from '../onnx/file.js';
import { renderHtml } from '../report/html.js';
import { count, percent } from '../report/numbers.js';
import { version } from '../version.js';
import { findings, storyPage } from './demo-page.js';
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
    .addHelpText('after', '\nExit codes: 0 done, 2 wrong usage, 3 a result that cannot be written.')
    .action(runDemo);
}

const rows = (chapters: readonly Chapter[]): string[][] =>
  chapters.map(({ title, parameters, units, dead, neverFiring, accuracy }) => [
    title,
    count(parameters),
    count(units),
    `${count(dead)} (${percent(dead / units)})`,
    `${count(neverFiring)} (${percent(neverFiring / units)})`,
    percent(accuracy),
  ]);

function sentences(chapter: Chapter): string {
  const found = findings(chapter);
  return found.length === 0 ? '' : `${chapter.title}\n${found.map(each => `  ${each}\n`).join('')}`;
}

/** The name of a chapter's file. */
const fileOf = ({ title }: Chapter): string => title.replace(/\W+/g, '-').toLowerCase();

async function runDemo({ seed, output }: DemoFlags): Promise<void> {
  const { digits } = await import('../train/datasets/digits.js');
  const { tellStory } = await import('./demo-story.js');
  await requireFolder('--output', output);
  const story = await tellStory(await digits(), {
    seed,
    onProgress: what => process.stderr.write(`${what} …\n`),
  });
  const { chapters } = story;
  for (const chapter of chapters) {
    await writeModelFile(join(output, `${fileOf(chapter)}.onnx`), chapter.model);
    await writeWhole(join(output, `${fileOf(chapter)}.html`), renderHtml(chapter.report));
  }
  const page = join(output, 'report.html');
  await writeWhole(
    page,
    storyPage(story, chapter => `${fileOf(chapter)}.html`),
  );
  const record = { ...story, chapters: chapters.map(({ model: _, report: __, ...rest }) => rest) };
  await writeWhole(join(output, 'demo.json'), `${JSON.stringify({ reluminate: version, ...record }, null, 2)}\n`);
  process.stdout.write(
    table([story.data, 'parameters', 'units', 'dead', 'never fire', 'held-out right'], rows(chapters)),
  );
  process.stdout.write(
    `\n${chapters.map(sentences).join('')}\nReport: ${page}; models and an audit of each beside it\n`,
  );
}
