import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type AuditData, type AuditOptions, auditSteps } from '../audit/audit.js';
import type { ObserveOptions } from '../audit/observe.js';
import { parseInputRanges } from '../audit/prove/box.js';
import type { AuditReport } from '../audit/report.js';
import { applyShapes, parseShapes } from '../data/shape.js';
import { Failure } from '../failure.js';
import { readModelFile, writeWhole } from '../onnx/file.js';
import { inputSpecs } from '../onnx/model.js';
import type { Batch } from '../onnx/tensor-data.js';
import { renderJson } from '../report/json.js';
import { renderTable } from '../report/terminal.js';
import { addDataOptions, type DataFlags, samplesOf } from './data-options.js';
import { parseFailOn, requireData, violation } from './fail-on.js';
import { collect, parseCount, parseShare, parseThreads } from './options.js';
import { progressOn } from './progress.js';
import { requireApart } from './result-file.js';

interface AuditFlags extends DataFlags {
  readonly json?: string;
  readonly html?: string;
  readonly failOn?: string[];
  readonly threads?: number;
  readonly statistics: NonNullable<ObserveOptions['statistics']>;
  readonly time?: number | true;
  readonly prove?: boolean;
  readonly inputRange?: string[];
  readonly all?: boolean;
  readonly rareBelow: number;
  readonly dormantTau: number;
}

const defaultRounds = 21;

/** Adds `reluminate audit` to the program. `finish` receives the exit code. */
export function addAuditCommand(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('audit')
    .description('find the units of a model that can no longer fire, how surely, why, and what that costs')
    .argument('<model>', 'ONNX file');
  addDataOptions(command)
    .optionsGroup('Judging:')
    .addOption(
      new Option('--statistics <which>', 'pre-activation statistics on some or all samples')
        .choices(['some', 'all'])
        .default('some'),
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
    .option('--prove', 'prove bounds of every pre-activation for all inputs in the declared range')
    .option(
      '--input-range <range>',
      'what the inputs may be: 0,1 or input=0,1, with a pair for each channel 0,1;-2,2; may be repeated',
      collect,
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
Exit codes: 0 clean, 1 a --fail-on condition is met, 2 wrong usage, 3 unreadable model or data, 130 interrupted.

Examples:
  reluminate audit model.onnx
  reluminate audit model.onnx --data photos/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  reluminate audit model.onnx --prove --input-range 0,1
  reluminate audit model.onnx --data samples.npz --json report.json --html report.html --fail-on 'silent>5%'`,
    )
    .action(async (model: string, flags: AuditFlags) => finish(await runAudit(model, flags)));
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

/** What is to be proved, undefined where nothing is. */
function proofOf({ prove = false, inputRange }: AuditFlags): AuditOptions['prove'] {
  if (prove !== Boolean(inputRange))
    throw new Failure(
      'usage',
      '--prove: it must go with --input-range, which says what the inputs may be, got one without the other',
    );
  return inputRange && { ranges: parseInputRanges(inputRange) };
}

async function runAudit(path: string, flags: AuditFlags): Promise<number> {
  const prove = proofOf(flags);
  const conditions = (flags.failOn ?? []).flatMap(text => text.split(',')).map(parseFailOn);
  requireData(conditions, Boolean(flags.data ?? flags.synthetic));
  if (flags.html === '-') throw new Failure('usage', "--html: the path must be a file, got '-'");
  if (flags.json !== undefined && flags.json !== '-') await requireApart('--json', flags.json, path);
  if (flags.html !== undefined) await requireApart('--html', flags.html, path);
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
      ...(prove && { prove }),
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
