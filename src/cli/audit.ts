import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type AuditData, auditSteps } from '../audit/audit.js';
import type { ObserveOptions } from '../audit/observe.js';
import type { AuditReport } from '../audit/report.js';
import type { SampleOptions } from '../data/open.js';
import { applyShapes, parseShapes } from '../data/shape.js';
import { Failure } from '../failure.js';
import { readModelFile, writeWhole } from '../onnx/file.js';
import { inputSpecs } from '../onnx/model.js';
import type { Batch, InputSpec } from '../onnx/tensor-data.js';
import { renderJson } from '../report/json.js';
import { renderTable } from '../report/terminal.js';
import { parseFailOn, requireData, violation } from './fail-on.js';
import {
  collect,
  parseCount,
  parseNumber,
  parseNumbers,
  parseSeed,
  parseShare,
  parseSize,
  parseThreads,
} from './options.js';
import { progressOn } from './progress.js';

interface AuditFlags extends Omit<SampleOptions, 'stdin'> {
  readonly data?: string[];
  readonly synthetic?: 'normal' | 'uniform';
  readonly seed: number;
  readonly shape?: string[];
  readonly json?: string;
  readonly html?: string;
  readonly failOn?: string[];
  readonly threads?: number;
  readonly statistics: NonNullable<ObserveOptions['statistics']>;
  readonly time?: number | true;
  readonly all?: boolean;
  readonly rareBelow: number;
  readonly dormantTau: number;
}

const defaultRounds = 21;
const syntheticCount = 100;

/** Adds `reluminate audit` to the program. `finish` receives the exit code. */
export function addAuditCommand(program: Command, finish: (code: number) => void): void {
  const choice = (flags: string, description: string, choices: string[]) =>
    new Option(flags, description).choices(choices);
  program
    .command('audit')
    .description('find the units of a model that can no longer fire, how surely, why, and what that costs')
    .argument('<model>', 'ONNX file')
    .optionsGroup('Samples:')
    .option(
      '--data <paths...>',
      'folder of images, images, .npy or .npz (arrays named as the inputs), - for standard input, or input=file.npy for each input',
    )
    .addOption(choice('--synthetic <kind>', 'random inputs instead of data', ['normal', 'uniform']))
    .option('--seed <n>', 'seed of synthetic inputs', parseSeed, 0)
    .option('--samples <n>', `use the first n samples (synthetic: n samples, ${syntheticCount} by default)`, parseCount)
    .option('--batch <n>', 'samples in a batch where the model leaves that open', parseCount)
    .option('--shape <shape>', 'fix free dimensions: name=1x3x224x224, or 1x3x224x224 for the only input', collect)
    .option('--allow-non-finite', 'let NaN and infinities in the data through to the model')
    .optionsGroup('Images:')
    .option('--size <HxW>', 'height and width; by default what the input declares', parseSize)
    .addOption(
      choice('--fit <how>', 'how other aspect ratios are brought to size (default: cover)', [
        'cover',
        'contain',
        'fill',
      ]),
    )
    .addOption(
      choice('--color <order>', 'channel order; by default by the number of channels', ['rgb', 'bgr', 'gray', 'rgba']),
    )
    .addOption(choice('--layout <layout>', 'axis order; by default where the channels are', ['nchw', 'nhwc']))
    .option('--scale <factor>', 'factor on the pixels 0 to 255 (default: 1/255)', parseNumber)
    .option('--mean <list>', 'subtracted from each channel after scaling', parseNumbers)
    .option('--std <list>', 'divides each channel after that', parseNumbers)
    .optionsGroup('Judging:')
    .addOption(
      choice('--statistics <which>', 'pre-activation statistics on some or all samples', ['some', 'all']).default(
        'some',
      ),
    )
    .option('--rare-below <share>', 'a unit that fires on a smaller share of samples is rare', parseShare, 0.01)
    .option(
      '--dormant-tau <share>',
      'a unit with at most this share of its layer’s mean |h| is dormant',
      parseShare,
      0.1,
    )
    .option(
      '--time [rounds]',
      `measure what tiny weights cost, in interleaved runs (default: ${defaultRounds} rounds)`,
      parseCount,
    )
    .option('--threads <n>', 'threads of the engine; by default one for each core', parseThreads)
    .optionsGroup('Results:')
    .option('--json <file>', 'write the report as JSON; - for standard output, in place of the table')
    .option('--html <file>', 'write the report as one self-contained page')
    .option('--fail-on <condition>', "exit 1 when met, for example 'silent>5%' or 'dead>0'; may be repeated", collect)
    .option('--all', 'show every layer in the table, healthy ones too')
    .addHelpText(
      'after',
      `
Exit codes: 0 clean, 1 a --fail-on condition is met, 2 wrong usage, 3 unreadable model or data.

Examples:
  reluminate audit model.onnx
  reluminate audit model.onnx --data photos/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  reluminate audit model.onnx --data samples.npz --json report.json --html report.html --fail-on 'silent>5%'`,
    )
    .action(async (model: string, flags: AuditFlags) => finish(await runAudit(model, flags)));
}

/** Throws a Failure where a result could not be written later, so that no long run ends in vain, or would be written over the model. */
async function requireWritable(flag: string, path: string, model: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  const original = await stat(model).catch(() => null);
  if (found && original && found.dev === original.dev && found.ino === original.ino)
    throw new Failure('usage', `${flag}: the path must not be the model itself, got '${path}'`);
  const isSpecial = found !== null && !found.isFile() && !found.isDirectory();
  const folder = await stat(dirname(path)).catch(() => null);
  const isWritable = await access(isSpecial ? path : dirname(path), constants.W_OK).then(
    () => folder?.isDirectory(),
    () => false,
  );
  if (path === '' || !isWritable || found?.isDirectory())
    throw new Failure('usage', `${flag}: the path must be a file in a writable folder, got '${path}'`);
}

/** The samples that the flags ask for, null for an audit of the weights alone. What reads images is loaded only when needed. */
async function samplesOf(flags: AuditFlags, specs: readonly InputSpec[]): Promise<AuditData | null> {
  if (flags.data && flags.synthetic) throw new Failure('usage', '--synthetic: it must not go with --data, got both');
  if (flags.data) return (await import('../data/open.js')).openSamples(flags.data, specs, flags);
  if (!flags.synthetic) return null;
  const { syntheticSamples } = await import('../data/synthetic.js');
  const { samples = syntheticCount, seed, batch } = flags;
  return syntheticSamples(specs, { distribution: flags.synthetic, samples, seed, batch });
}

/** Stops between batches when the user interrupts: what was seen so far is still reported. A second interrupt ends the process. */
function interruptible(data: AuditData): { data: AuditData; wasInterrupted: () => boolean; release: () => void } {
  let interrupted = false;
  const stop = () => {
    interrupted = true;
    process.off('SIGINT', stop);
  };
  process.on('SIGINT', stop);
  async function* batches(): AsyncGenerator<Batch> {
    for await (const batch of data.batches()) {
      yield batch;
      if (interrupted) return;
    }
  }
  return { data: { ...data, batches }, wasInterrupted: () => interrupted, release: () => process.off('SIGINT', stop) };
}

async function runAudit(path: string, flags: AuditFlags): Promise<number> {
  const conditions = (flags.failOn ?? []).flatMap(text => text.split(',')).map(parseFailOn);
  requireData(conditions, Boolean(flags.data ?? flags.synthetic));
  if (flags.html === '-') throw new Failure('usage', "--html: the path must be a file, got '-'");
  if (flags.json !== undefined && flags.json !== '-') await requireWritable('--json', flags.json, path);
  if (flags.html !== undefined) await requireWritable('--html', flags.html, path);
  if (flags.json !== undefined && flags.html !== undefined && resolve(flags.json) === resolve(flags.html))
    throw new Failure('usage', `--html: the path must not be that of --json, got '${flags.html}' for both`);
  const shapes = parseShapes(flags.shape ?? []);
  const model = await readModelFile(path);
  const specs = applyShapes(inputSpecs(model), shapes);
  const source = await samplesOf(flags, specs);
  const stop = source && interruptible(source);
  const progress = progressOn(process.stderr);
  let report: AuditReport;
  try {
    const steps = auditSteps(model, stop?.data ?? null, {
      statistics: flags.statistics,
      inputs: specs,
      thresholds: { rareBelow: flags.rareBelow, dormantTau: flags.dormantTau },
      ...(flags.threads === undefined ? {} : { threads: flags.threads }),
      ...(flags.time === undefined ? {} : { timeRounds: flags.time === true ? defaultRounds : flags.time }),
    });
    let step = await steps.next();
    while (!step.done) {
      progress.show(step.value);
      step = await steps.next();
    }
    report = step.value;
  } finally {
    progress.clear();
    stop?.release();
  }
  if (flags.html) await writeWhole(flags.html, (await import('../report/html.js')).renderHtml(report));
  if (flags.json && flags.json !== '-') await writeWhole(flags.json, renderJson(report));
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  const table = () => renderTable(report, { color, width: process.stdout.columns ?? 100, all: flags.all ?? false });
  process.stdout.write(flags.json === '-' ? renderJson(report) : table());
  if (flags.time && report.subnormals.time === null)
    process.stderr.write(
      'reluminate: --time measured nothing, as the model has no weights below 1e-12 or there were no samples\n',
    );
  if (stop?.wasInterrupted()) {
    process.stderr.write(`reluminate: interrupted, the report is about the first ${report.samples} samples\n`);
    return 130;
  }
  const violations = conditions.flatMap(condition => violation(condition, report) ?? []);
  for (const text of violations) process.stderr.write(`reluminate: --fail-on ${text}\n`);
  return violations.length > 0 ? 1 : 0;
}
