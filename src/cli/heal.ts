import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { dissect } from '../audit/anatomy.js';
import type { AuditData } from '../audit/audit.js';
import { boxesOf, type InputRanges, insideBoxes, parseInputRanges, provableDims } from '../audit/prove/box.js';
import { idleUnits } from '../audit/removable.js';
import { commonInputs, type RepairNote, repairNoteOf, withRepairNote } from '../audit/repair-note.js';
import { applyShapes, parseShapes } from '../data/shape.js';
import { Failure } from '../failure.js';
import { initializerInputs } from '../heal/flush.js';
import type { RepairPromise } from '../heal/promise.js';
import { type Verification, verify } from '../heal/verify.js';
import { readModelFile, writeWhole } from '../onnx/file.js';
import { inputSpecs, type Model } from '../onnx/model.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import { printable } from '../report/names.js';
import { version } from '../version.js';
import { plural } from '../words.js';
import { addCheckOptions, type CheckFlags } from './check-options.js';
import { addDataOptions, type DataFlags, samplesOf } from './data-options.js';
import { type HealFlags, repairsOf, type Step } from './heal-steps.js';
import { stepText, verificationText } from './heal-text.js';
import { collect, parseCount, parseNumber } from './options.js';
import { isSameFile, requireApart, requireWritable, writeModelFrom } from './result-file.js';

interface Flags extends DataFlags, CheckFlags, Omit<HealFlags, 'ranges' | 'tolerance'> {
  readonly inputRange?: string[];
  readonly output?: string;
  readonly json?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly all?: boolean;
}

/** `leaky`, `leaky:0.01`, `prelu`, `prelu:0.25` or a slope `tailored`. */
function parseSoften(text: string): HealFlags['soften'] {
  const [to, slope, ...rest] = text.split(':');
  if ((to !== 'leaky' && to !== 'prelu') || rest.length > 0)
    throw new InvalidArgumentError(`It must be leaky:SLOPE, prelu or prelu:SLOPE, got '${text}'.`);
  if (slope === undefined) return { to };
  const negativeSlope = slope === 'tailored' ? slope : parseNumber(slope);
  if (to === 'leaky' && negativeSlope === 0)
    throw new InvalidArgumentError(
      `It must have a slope other than 0, as leaky:0 is a ReLU (prelu learns from 0), got '${text}'.`,
    );
  return { to, negativeSlope };
}

/** Adds `reluminate heal` to the program. `finish` receives the exit code. */
export function addHealCommand(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('heal')
    .description('repair a model: remove what is dead, or revive it, and check that its outputs stay')
    .argument('<model>', 'ONNX file')
    .optionsGroup('Repairs, in this order:')
    .option('--drop-initializer-inputs', 'initializers are no longer inputs, so that the engine can fuse them')
    .option('--flush', 'set weights below 1e-12 to zero: subnormal numbers slow a CPU down')
    .option('--prune', 'remove units whose output is constant, and what nothing reads')
    .option(
      '--align <n>',
      'with --prune: keep widths at multiples of n (default: 8); 1 removes all that can go',
      parseCount,
    )
    .option('--silent', 'with --prune: units that are silent on --data too, which is exact on that data only')
    .addOption(
      new Option('--slopes [snap]', 'canonical slopes; snap moves them to numbers that a target can hold').choices([
        'power-of-two',
        'n/256',
      ]),
    )
    .option('--soften <to>', 'ReLU to leaky:SLOPE or prelu[:SLOPE]; SLOPE may be tailored (to the depth)', parseSoften)
    .option(
      '--depth <n>',
      'with a tailored slope: for a plain network of n rectified layers, not the model’s own',
      parseCount,
    )
    .option(
      '--shared',
      'with --soften prelu: one slope for a layer instead of one for each unit; with --slopes: where all are equal',
    )
    .option('--revive', 'give dead units fresh weights; with --data the silent ones too, fitted to the samples')
    .option(
      '--input-range <range>',
      'with --prune and --revive: units that are proved dead for inputs in this range too; as for audit',
      collect,
    );
  addDataOptions(command);
  addCheckOptions(command)
    .optionsGroup('Results:')
    .option('-o, --output <file>', 'where the healed model goes, whole or not at all; needed but for --dry-run')
    .option('--dry-run', 'repair and check, but write no model')
    .option('--force', 'write over the model itself, and write where there was nothing to heal')
    .option('--json <file>', 'write what was done as JSON; - for standard output, in place of the tables')
    .option('--all', 'show every row')
    .addHelpText(
      'after',
      `
Exit codes: 0 healed or nothing to heal, 1 a repair broke its promise (nothing is written), 2 wrong usage,
3 unreadable model or data, or a result that cannot be written.

Examples:
  reluminate heal model.onnx --flush -o fast.onnx
  reluminate heal model.onnx --prune --data photos/ -o small.onnx
  reluminate heal model.onnx --prune --input-range 0,255 -o small.onnx
  reluminate heal model.onnx --revive --soften prelu --data samples.npz -o trainable.onnx`,
    )
    .action(async (model: string, flags: Flags) => finish(await runHeal(model, flags)));
}

/** Throws a Failure for flags that do not go together. */
async function checkFlags(path: string, flags: Flags): Promise<void> {
  const { output, json, data } = flags;
  const fail = (text: string) => new Failure('usage', text);
  if (![flags.dropInitializerInputs, flags.flush, flags.prune, flags.slopes, flags.soften, flags.revive].some(Boolean))
    throw fail(
      'heal: a repair must be named: --flush, --prune, --slopes, --soften, --revive or --drop-initializer-inputs, got none',
    );
  if (flags.silent && !(flags.prune && data))
    throw fail('--silent: it must go with --prune and --data, got one missing');
  if (flags.align !== undefined && !flags.prune) throw fail('--align: it must go with --prune, got none');
  if (flags.inputRange && !flags.prune && !flags.revive)
    throw fail('--input-range: it must go with --prune or --revive, got neither');
  if (flags.inputRange && flags.synthetic)
    throw fail('--synthetic: it must not go with --input-range, which says what random inputs are, got both');
  if (flags.tolerance !== undefined && ![flags.flush, flags.prune, flags.slopes, flags.revive].some(Boolean))
    throw fail('--tolerance: it must go with a repair that rounds: --flush, --prune, --slopes or --revive, got none');
  if (flags.depth !== undefined && flags.soften?.negativeSlope !== 'tailored')
    throw fail('--depth: it must go with --soften leaky:tailored or prelu:tailored, got something else');
  if (flags.shared && flags.soften?.to !== 'prelu' && !flags.slopes)
    throw fail('--shared: it must go with --soften prelu or --slopes, got something else');
  if (data?.includes('-')) throw fail("--data: heal reads the samples several times, so they must be files, got '-'");
  if (output === undefined && !flags.dryRun) throw fail('--output: it must be given, or else --dry-run, got neither');
  if (output !== undefined) {
    if (!flags.force && (await isSameFile(output, path)))
      throw fail(`--output: the path must not be the model itself without --force, got '${output}'`);
    await requireWritable('--output', output);
  }
  if (json !== undefined && json !== '-') {
    await requireApart('--json', json, path);
    if (output !== undefined && resolve(json) === resolve(output))
      throw fail(`--json: the path must not be that of --output, got '${json}' for both`);
  }
}

/** The last model of the steps that changed something; the original where none did. */
const healedBy = (original: Model, steps: readonly Step[]): Model =>
  steps.filter(({ changed }) => changed).at(-1)?.model ?? original;

/** What is noted in the healed file: the repairs, those of earlier times too, and what their promises rest on. */
function noteOf(original: Model, steps: readonly Step[], data: AuditData | null): RepairNote {
  const before = repairNoteOf(original);
  const pruned = steps.find(step => step.repair === 'prune');
  const rests = steps.some(
    step => step.repair === 'revive' || (step.repair === 'prune' && step.report.samples !== null),
  );
  const anatomy = pruned && dissect(pruned.model);
  const samples = [before?.data, rests && data?.description].filter(Boolean);
  return {
    reluminate: version,
    repairs: [...(before?.repairs ?? []), ...steps.map(({ repair }) => repair)],
    inputs: commonInputs(before?.inputs ?? [], promiseOf(steps).inputs ?? []),
    data: samples.length > 0 ? [...new Set(samples)].join('; ') : null,
    prune:
      pruned && anatomy
        ? { align: pruned.report.align, left: idleUnits(anatomy.layers, anatomy) }
        : (before?.prune ?? null),
  };
}

/** What several repairs promise together: as little as the least of them, as many tolerances as there are, and that for the declared inputs. */
function promiseOf(steps: readonly Step[]): RepairPromise {
  const promises = steps.map(({ promise }) => promise);
  const inputs = promises.find(promise => promise.inputs)?.inputs;
  const relative = promises.reduce((sum, each) => sum + ('relative' in each ? each.relative : 0), 0);
  const kind = (['report', 'tolerance', 'rounding', 'bit-equal'] as const).find(least =>
    promises.some(promise => promise.kind === least),
  );
  const together: RepairPromise =
    kind === 'tolerance' || kind === 'rounding' ? { kind, relative } : { kind: kind ?? 'bit-equal' };
  return inputs ? { ...together, inputs } : together;
}

/** The samples, of which none may leave the declared ranges. */
function samplesIn(
  ranges: InputRanges | undefined,
  samples: AuditData | null,
  specs: readonly InputSpec[],
): AuditData | null {
  const boxes = ranges && boxesOf(specs, provableDims(specs), ranges);
  return boxes && samples ? { ...samples, batches: () => insideBoxes(samples.batches(), boxes) } : samples;
}

async function runHeal(path: string, flags: Flags): Promise<number> {
  await checkFlags(path, flags);
  const original = await readModelFile(path);
  const specs = applyShapes(inputSpecs(original), parseShapes(flags.shape ?? []));
  const ranges = flags.inputRange && parseInputRanges(flags.inputRange);
  const samples = samplesIn(ranges, await samplesOf(flags, specs), specs);
  const session = flags.threads === undefined ? {} : { threads: flags.threads };
  // Random inputs show nothing to be dead; they only serve to compare.
  const data: AuditData | null = flags.data ? samples : null;

  const check = (a: Model, b: Model, promise: Step['promise'], rounds: number): Promise<Verification> =>
    verify(a, b, samples?.batches() ?? null, {
      promise,
      rounds,
      seed: flags.seed,
      inputs: specs,
      ...(samples ? { description: samples.description } : {}),
      ...(flags.samples === undefined ? {} : { samples: flags.samples }),
      ...session,
    });

  const steps: (Step & { verification: Verification | null })[] = [];
  const repairs = repairsOf({ ...flags, ...(ranges && { ranges }) }, data, specs, session);
  for (const repair of repairs) {
    const before = healedBy(original, steps);
    const step = await repair(before);
    // Each repair is held to its own promise; where it is the only one, the check of the whole is its check.
    const verification = step.changed && repairs.length > 1 ? await check(before, step.model, step.promise, 0) : null;
    steps.push({ ...step, verification });
  }
  const changed = steps.filter(step => step.changed);
  const healed =
    changed.length > 0 ? withRepairNote(healedBy(original, steps), noteOf(original, changed, data)) : original;
  const fed = initializerInputs(healed);
  const whole = changed.length > 0 ? await check(original, healed, promiseOf(changed), flags.rounds) : null;
  const broken = [
    ...changed.flatMap(({ repair, verification }) =>
      verification && !verification.kept ? [`--${repair}: ${verification.sentence}`] : [],
    ),
    ...(whole && !whole.kept ? [whole.sentence] : []),
  ];

  const writes =
    flags.output !== undefined && !flags.dryRun && broken.length === 0 && (changed.length > 0 || flags.force === true);
  if (writes) await writeModelFrom(path, flags.output as string, healed);
  const json = `${JSON.stringify(
    {
      schemaVersion: 1,
      reluminate: version,
      model: path,
      output: writes ? flags.output : null,
      steps: steps.map(({ repair, report, changed: did, promise, verification }) => ({
        repair,
        changed: did,
        promise,
        report,
        verification,
      })),
      initializerInputs: fed,
      verification: whole,
    },
    null,
    2,
  )}\n`;
  if (flags.json && flags.json !== '-') await writeRecord(flags.json, json, writes ? (flags.output as string) : null);
  if (flags.json === '-') process.stdout.write(json);
  else process.stdout.write(textOf(path, flags, steps, whole, writes, fed.length));
  for (const text of broken) process.stderr.write(`reluminate: heal: ${printable(text)} Nothing was written.\n`);
  return broken.length > 0 ? 1 : 0;
}

/** Writes the record of what was done; where that fails, says so of the model too. */
async function writeRecord(path: string, json: string, written: string | null): Promise<void> {
  try {
    await writeWhole(path, json);
  } catch (cause) {
    if (!(cause instanceof Failure) || written === null) throw cause;
    throw new Failure('input', `--json: ${cause.message}; the healed model is in '${written}'`, { cause });
  }
}

function textOf(
  path: string,
  flags: Flags,
  steps: readonly Step[],
  whole: Verification | null,
  written: boolean,
  fedInitializers: number,
): string {
  const parts = [`Model ${printable(path)}\n`];
  for (const step of steps) parts.push(`\n${step.repair}: ${stepText(step, flags.all ?? false)}`);
  if (!whole) {
    const onSamples =
      flags.prune && !flags.silent ? ' Units that are silent on samples only go with --silent and --data.' : '';
    parts.push(`\nNothing to heal${written ? '' : ', so nothing was written'}.${onSamples}\n`);
  } else parts.push(`\n${verificationText(whole)}\n${printable(whole.sentence)}\n`);
  if (written) parts.push(`Wrote ${printable(flags.output as string)}\n`);
  else if (whole?.kept && flags.dryRun) parts.push('Wrote no model (--dry-run).\n');
  if (fedInitializers > 0)
    parts.push(
      `${plural(fedInitializers, 'initializer is', 'initializers are')} listed as inputs too, which keeps ONNX Runtime from fusing them: --drop-initializer-inputs takes them off the list.\n`,
    );
  return parts.join('');
}
