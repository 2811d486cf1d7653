import type { Command } from 'commander';
import { parseInputRanges, rangesOf } from '../audit/prove/box.js';
import { applyShapes, parseShapes } from '../data/shape.js';
import { Failure } from '../failure.js';
import { exactButRounding, type RepairPromise } from '../heal/promise.js';
import { type Verification, verify } from '../heal/verify.js';
import { readModelFile, writeWhole } from '../onnx/file.js';
import { inputSpecs } from '../onnx/model.js';
import { printable } from '../report/names.js';
import { addCheckOptions, type CheckFlags } from './check-options.js';
import { addDataOptions, type DataFlags, samplesOf } from './data-options.js';
import { verificationText } from './heal-text.js';
import { collect } from './options.js';
import { requireApart } from './result-file.js';

interface Flags extends DataFlags, CheckFlags {
  readonly inputRange?: string[];
  readonly json?: string;
}

/** Adds `reluminate verify` to the program. `finish` receives the exit code. */
export function addVerifyCommand(program: Command, finish: (code: number) => void): void {
  const command = program
    .command('verify')
    .description('run two models on the same samples: how far their outputs lie apart, and what each costs')
    .argument('<original>', 'ONNX file')
    .argument('<other>', 'ONNX file with the same inputs and outputs');
  addDataOptions(command).option(
    '--input-range <range>',
    'draw random inputs uniformly from this range; as for audit',
    collect,
  );
  addCheckOptions(command)
    .optionsGroup('Results:')
    .option('--json <file>', 'write what was found as JSON; - for standard output, in place of the table')
    .addHelpText(
      'after',
      `
Exit codes: 0 the outputs agree, 1 they do not, 2 wrong usage, 3 unreadable models or data, or a result that cannot be written.

Examples:
  reluminate verify model.onnx small.onnx --data photos/
  reluminate verify model.onnx other.onnx --input-range 0,255 --samples 64 --tolerance 1e-4`,
    )
    .action(async (original: string, other: string, flags: Flags) => finish(await runVerify(original, other, flags)));
}

/** Compares two models of which nothing says that they fit. */
async function compared(...[original, other, batches, options]: Parameters<typeof verify>): Promise<Verification> {
  try {
    return await verify(original, other, batches, options);
  } catch (cause) {
    if (cause instanceof RangeError) throw new Failure('input', `'${other.name}': ${cause.message}`, { cause });
    throw cause;
  }
}

async function runVerify(path: string, otherPath: string, flags: Flags): Promise<number> {
  const { json, tolerance, inputRange, threads } = flags;
  if (inputRange && (flags.data || flags.synthetic))
    throw new Failure('usage', '--input-range: it must go without --data and --synthetic, got one of them');
  if (json !== undefined && json !== '-') {
    await requireApart('--json', json, path);
    await requireApart('--json', json, otherPath);
  }
  const [original, other] = [await readModelFile(path), await readModelFile(otherPath)];
  const specs = applyShapes(inputSpecs(original), parseShapes(flags.shape ?? []));
  const samples = await samplesOf(flags, specs);
  const promise: RepairPromise = {
    ...exactButRounding(tolerance),
    ...(inputRange && { inputs: rangesOf(specs, parseInputRanges(inputRange)) }),
  };
  const found = await compared(original, other, samples?.batches() ?? null, {
    promise,
    rounds: flags.rounds,
    seed: flags.seed,
    inputs: specs,
    ...(samples && { description: samples.description }),
    ...(flags.samples !== undefined && { samples: flags.samples }),
    ...(threads !== undefined && { threads }),
  });
  const record = `${JSON.stringify(found, null, 2)}\n`;
  if (json && json !== '-') await writeWhole(json, record);
  process.stdout.write(json === '-' ? record : `${verificationText(found)}\n${printable(found.sentence)}\n`);
  return found.kept ? 0 : 1;
}
