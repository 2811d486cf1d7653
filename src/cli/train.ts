import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { withoutRepairNote } from '../audit/repair-note.js';
import { Failure } from '../failure.js';
import { readModelFile, writeWhole } from '../onnx/file.js';
import { withMetadata } from '../onnx/metadata.js';
import type { Model } from '../onnx/model.js';
import { plural } from '../report/numbers.js';
import type { Checkpoint, FitOptions, FitResult, Split } from '../train/index.js';
import { version } from '../version.js';
import { parseFigureFile, writeFigure } from './figure-file.js';
import { collect, parseCount, parseNumber, parseSeed, parseShare, parseThreads } from './options.js';
import { progressOn } from './progress.js';
import { orUsage } from './refusals.js';
import { writeModelFrom } from './result-file.js';
import {
  checkpointPath,
  groupsOf,
  optimizerOf,
  recordPath,
  refuseIdle,
  requireResults,
  requireSlopes,
  type TrainFlags,
} from './train-flags.js';
import { parseConstraint, parseSchedule } from './train-options.js';
import { classesText, epochLine, epochTitles, resultText } from './train-text.js';

/** Adds `reluminate train` to the program. `finish` receives the exit code. */
export function addTrainCommand(program: Command, finish: (code: number) => void): void {
  const choice = (flags: string, description: string, choices: string[], byDefault: string) =>
    new Option(flags, description).choices(choices).default(byDefault);
  program
    .command('train')
    .description('train a rectifier network, its slopes too, or train a model further')
    .requiredOption('-o, --output <file>', 'the trained model, ONNX')
    .option('--force', 'write over the model that is trained further')
    .optionsGroup('Data:')
    .requiredOption(
      '--data <data>',
      'digits, iris, spirals:3, moons, rings, or a file .npz, .csv, or images,labels in IDX format',
    )
    .option('--target <name>', 'column or array that holds the targets')
    .option(
      '--test-share <share>',
      'share of the samples that is held out (default: 20 %, or the split that the data have)',
      parseShare,
    )
    .optionsGroup('Network:')
    .option('--net <network>', 'network to build, for example mlp:256-256 or mlp:784-256-256-10')
    .option('--model <file>', 'ONNX model to train further, in place of --net')
    .addOption(choice('--only <what>', 'which parameters are trained', ['all', 'slopes'], 'all'))
    .option('--freeze <name>', 'parameters that are not trained, such as layer1/*; may be given several times', collect)
    .option('--rectifier <name>', 'rectifier of the network, such as relu, leaky:0.01, prelu', 'prelu')
    .option('--init <name>', 'initializer of the weights, with the gain of the rectifier', 'he')
    .option('--tailored', 'slopes tailored to the depth, in place of the rectifier’s')
    .addOption(
      choice('--slopes <each>', 'a slope for each channel or one for the layer', ['channel', 'shared'], 'channel'),
    )
    .option('--batch-norm', 'batch normalization before each rectifier')
    .option('--no-skips', 'leave out the skip connections of a residual network')
    .optionsGroup('Training:')
    .option('--epochs <n>', 'times that all samples are taken', parseCount, 5)
    .option('--batch <n>', 'samples in a step (default: 32, or what the model fixes)', parseCount)
    .option('--learning-rate <x>', 'default: 0.05 for sgd, 0.001 for adam and adamw', parseNumber)
    .addOption(choice('--optimizer <name>', 'how gradients move parameters', ['sgd', 'adam', 'adamw'], 'sgd'))
    .option('--momentum <x>', 'of sgd', parseNumber, 0.9)
    .option('--nesterov', 'Nesterov’s momentum')
    .option('--label-smoothing <x>', 'share of the target that is spread over all classes', parseNumber)
    .option('--weight-decay <x>', 'of weights (default: 0.01 for adamw, else 0)', parseNumber)
    .option('--slope-decay <x>', 'weight decay of slopes', parseNumber, 0)
    .option('--slope-rate <x>', 'what the learning rate of slopes is multiplied by', parseNumber, 1)
    .option(
      '--slope-constraint <what>',
      'what holds the slopes: 0,1 (clamped), softplus or sigmoid:0,1',
      parseConstraint,
    )
    .addOption(
      new Option('--schedule <name>', 'of the learning rate: constant, cosine, linear or step:EVERY,FACTOR')
        .argParser(parseSchedule)
        .default(parseSchedule('cosine'), 'cosine'),
    )
    .option('--warmup <n>', 'steps in which the learning rate rises', parseSeed, 0)
    .option('--clip-norm <x>', 'scale longer gradients down to this length', parseNumber)
    .option('--patience <n>', 'stop after n epochs without a lower held-out loss, and keep the best', parseCount)
    .option('--seed <n>', 'of weights, order and held-out samples', parseSeed, 0)
    .option('--threads <n>', 'threads of the engine; by default one for each core', parseThreads)
    .option('--audit-samples <n>', 'held-out samples that the audit sees after each epoch', parseSeed, 1000)
    .optionsGroup('Results:')
    .option('--record <file>', 'what each epoch found, as JSON (default: beside the model, .training.json)')
    .option('--figure <file>', 'draw losses, dead shares and slopes by epoch as .svg, .png or .html', parseFigureFile)
    .option('--checkpoint-every <n>', 'write a checkpoint after every n epochs', parseCount)
    .option('--resume <file>', 'go on from the checkpoint of an interrupted training')
    .addHelpText(
      'after',
      `
Ctrl-C and SIGTERM write a checkpoint beside the model; the same command with --resume goes on from it, to the same bits. --learning-rate and --clip-norm
may be others then, so that a training that diverged can go on from its last good epoch.

Exit codes: 0 trained, 2 wrong usage, 3 unreadable model or data, or a loss that diverges, 130 interrupted, 143 terminated.

Examples:
  reluminate train --data digits --net mlp:256-256 --rectifier prelu -o digits.onnx
  reluminate train --data spirals:3 --net mlp:64-64 --epochs 100 -o spirals.onnx
  reluminate train --model digits.onnx --data digits --only slopes -o slopes.onnx`,
    )
    .action(async (flags: TrainFlags, command: Command) => {
      const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
      finish(await runTrain(flags, isGiven));
    });
}

/** The network to start from: built as described, with what standardizes tables as its first layer, or read. */
async function networkOf(
  flags: TrainFlags,
  { train }: Split,
): Promise<Pick<Split, 'standardization'> & { model: Model }> {
  if (flags.model !== undefined) return { model: withoutRepairNote(await readModelFile(flags.model)) };
  const { buildNetwork, completeNetwork, standardizationOf, standardizeInput } = await import('../train/index.js');
  const { isTabular } = await import('../train/datasets/open-dataset.js');
  const { parseRectifier } = await import('../rectifiers/parse-rectifier.js');
  const { parseInitializer } = await import('../theory/initializer.js');
  return orUsage(() => {
    const model = buildNetwork(completeNetwork(flags.net as string, train), {
      rectifier: parseRectifier(flags.rectifier),
      initializer: parseInitializer(flags.init),
      slopes: flags.slopes,
      tailored: flags.tailored,
      batchNorm: flags.batchNorm,
      skips: flags.skips,
      seed: flags.seed,
    });
    if (!isTabular(flags.data)) return { model };
    const standardization = standardizationOf(train);
    return { model: standardizeInput(model, standardization), standardization };
  });
}

/** Writes model, record and figure. */
async function write(flags: TrainFlags, split: Split, result: FitResult): Promise<void> {
  const { model, epochs, epoch, ended } = result;
  const { classNames } = split.train;
  await writeModelFrom(
    flags.model ?? flags.output,
    flags.output,
    classNames ? withMetadata(model, 'class_names', JSON.stringify(classNames)) : model,
  );
  const settings = {
    ...flags,
    output: undefined,
    record: undefined,
    figure: undefined,
    threads: undefined,
    force: undefined,
  };
  const { standardization } = split;
  const data = { train: split.train.count, heldOut: split.test.count, classNames, standardization };
  const { confusion } = await import('../train/index.js');
  const counts = split.test.classes === null ? undefined : await confusion(model, split.test);
  const found = { reluminate: version, settings, data, ended, epoch, confusion: counts, epochs };
  await writeWhole(recordPath(flags), `${JSON.stringify(found, null, 2)}\n`);
  if (flags.figure !== undefined) {
    const { trainingCurves } = await import('../figures/training-curves.js');
    await writeFigure(flags.figure, trainingCurves(epochs), `Training of ${flags.net ?? flags.model} on ${flags.data}`);
  }
  const classes = counts ? classesText(counts, classNames) : '';
  process.stdout.write(`${flags.output}: ${resultText(result, split)}. Every epoch: ${recordPath(flags)}\n${classes}`);
}

/** The checkpoint to go on from. */
async function readResume({ resume }: TrainFlags): Promise<Checkpoint | undefined> {
  if (resume === undefined) return undefined;
  const { readCheckpoint } = await import('../train/index.js');
  const bytes = await readFile(resume).catch(() => {
    throw new Failure('input', `--resume: the file must be readable, got '${resume}'`);
  });
  return readCheckpoint(new Uint8Array(bytes));
}

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs something that an interruption ends in order; a second one ends the process at once. Gives the exit code that goes with the signal, null without one. */
async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<{ result: T; code: number | null }> {
  const stop = new AbortController();
  let code: number | null = null;
  const release = () => {
    for (const name of Object.keys(signals) as (keyof typeof signals)[]) process.off(name, interrupt);
  };
  const interrupt = (name: keyof typeof signals) => {
    code = signals[name];
    stop.abort();
    release();
  };
  for (const name of Object.keys(signals) as (keyof typeof signals)[]) process.on(name, interrupt);
  try {
    return { result: await run(stop.signal), code };
  } finally {
    release();
  }
}

/** Trains, and keeps the last good epoch of a training that diverges. */
async function fitOrKeep(flags: TrainFlags, model: Model, { train }: Split, options: FitOptions): Promise<FitResult> {
  const { Divergence, fit, writeCheckpoint } = await import('../train/index.js');
  try {
    return await fit(model, train, options);
  } catch (cause) {
    if (cause instanceof RangeError) throw new Failure('usage', cause.message, { cause });
    if (!(cause instanceof Divergence && cause.checkpoint)) throw cause;
    const path = checkpointPath(flags);
    await writeWhole(path, writeCheckpoint(cause.checkpoint));
    const { sums, state, epochs } = cause.checkpoint;
    const kept = sums.steps > 0 ? `what was learned until step ${state.steps}` : `the end of epoch ${epochs.length}`;
    throw new Failure(
      'input',
      `${cause.message}; ${kept} is kept, from which --resume '${path}' goes on with another --learning-rate or --clip-norm`,
      { cause },
    );
  }
}

async function runTrain(flags: TrainFlags, isGiven: (name: keyof TrainFlags) => boolean): Promise<number> {
  refuseIdle(flags, isGiven);
  await requireResults(flags);
  const { writeCheckpoint } = await import('../train/index.js');
  const { openDataset } = await import('../train/datasets/open-dataset.js');
  const { data, target, testShare, seed, epochs, threads, checkpointEvery } = flags;
  const raw = await openDataset(data, { seed, target, testShare, standardize: false });
  const { model, standardization } = await networkOf(flags, raw);
  const split = { ...raw, standardization };
  await requireSlopes(model, flags, isGiven);
  const from = await readResume(flags);
  const keep = (checkpoint: Checkpoint) => writeWhole(checkpointPath(flags), writeCheckpoint(checkpoint));
  const progress = progressOn(process.stderr, 'steps', from?.state.steps);
  const { result, code } = await interruptible(signal =>
    fitOrKeep(flags, model, split, {
      epochs,
      batch: flags.batch,
      learningRate: flags.learningRate,
      optimizer: optimizerOf(flags),
      groups: groupsOf(flags),
      freeze: flags.freeze,
      labelSmoothing: flags.labelSmoothing,
      batchStatistics: flags.only === 'all',
      schedule: { ...flags.schedule, warmup: flags.warmup },
      clipNorm: flags.clipNorm,
      seed,
      validation: split.test,
      patience: flags.patience,
      auditSamples: flags.auditSamples,
      from,
      signal,
      onStep: (done, total) => progress.show({ phase: 'samples', done, total }),
      onEpoch: record => {
        progress.clear();
        const head = record.epoch === (from?.epochs.length ?? 0) + 1 ? epochTitles : '';
        process.stdout.write(head + epochLine(record, epochs));
      },
      ...(checkpointEvery === undefined ? {} : { checkpointEvery, onCheckpoint: keep }),
      ...(threads === undefined ? {} : { threads }),
    }).finally(() => progress.clear()),
  );
  if (result.ended !== 'signal') {
    await write(flags, split, result);
    return 0;
  }
  if (result.checkpoint.state.steps === 0) {
    process.stderr.write('reluminate: interrupted before the first step; nothing was written\n');
    return code ?? signals.SIGINT;
  }
  await keep(result.checkpoint);
  process.stderr.write(
    `reluminate: interrupted after ${plural(result.checkpoint.state.steps, 'step')}; the same command with --resume '${checkpointPath(flags)}' goes on\n`,
  );
  return code ?? signals.SIGINT;
}
