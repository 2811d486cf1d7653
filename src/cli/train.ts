import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { Failure } from '../failure.js';
import { readModelFile, writeModelFile, writeWhole } from '../onnx/file.js';
import type { Model } from '../onnx/model.js';
import type { SlopeConstraint } from '../rectifiers/slope-constraint.js';
import { percent, plural, significant } from '../report/numbers.js';
import type { EpochRecord, FitResult, Optimizer, ParameterGroups, Schedule, Split } from '../train/index.js';
import { version } from '../version.js';
import { parseCount, parseNumber, parseSeed, parseShare, parseThreads } from './options.js';
import { progressOn } from './progress.js';
import { orUsage } from './refusals.js';
import { parseConstraint, parseSchedule } from './train-options.js';

interface TrainFlags {
  readonly data: string;
  readonly target?: string;
  readonly testShare?: number;
  readonly net?: string;
  readonly model?: string;
  readonly only: 'all' | 'slopes';
  readonly rectifier: string;
  readonly init: string;
  readonly tailored?: true;
  readonly slopes: 'channel' | 'shared';
  readonly batchNorm?: true;
  readonly skips: boolean;
  readonly epochs: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly optimizer: Optimizer['kind'];
  readonly momentum: number;
  readonly nesterov?: boolean;
  readonly weightDecay: number;
  readonly slopeRate: number;
  readonly slopeConstraint?: SlopeConstraint;
  readonly schedule: Schedule;
  readonly warmup: number;
  readonly clipNorm?: number;
  readonly patience?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly auditSamples: number;
  readonly output: string;
  readonly record?: string;
  readonly resume?: string;
}

/** Adds `reluminate train` to the program. `finish` receives the exit code. */
export function addTrainCommand(program: Command, finish: (code: number) => void): void {
  const choice = (flags: string, description: string, choices: string[], byDefault: string) =>
    new Option(flags, description).choices(choices).default(byDefault);
  program
    .command('train')
    .description('train a rectifier network, its slopes too, or train a model further')
    .requiredOption('-o, --output <file>', 'the trained model, ONNX')
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
    .option('--batch <n>', 'samples in a step (default: 32)', parseCount)
    .option('--learning-rate <x>', 'default: 0.05 for sgd, 0.001 for adam and adamw', parseNumber)
    .addOption(choice('--optimizer <name>', 'how gradients move parameters', ['sgd', 'adam', 'adamw'], 'sgd'))
    .option('--momentum <x>', 'of sgd', parseNumber, 0.9)
    .option('--nesterov', 'Nesterov’s momentum')
    .option('--weight-decay <x>', 'of weights; never of slopes', parseNumber, 0)
    .option('--slope-rate <x>', 'what the learning rate of slopes is multiplied by', parseNumber, 1)
    .option(
      '--slope-constraint <what>',
      'what holds the slopes: 0,1 (clamped), softplus or sigmoid:0,1',
      parseConstraint,
    )
    .option(
      '--schedule <name>',
      'of the learning rate: constant, cosine, linear or step:EVERY,FACTOR',
      parseSchedule,
      parseSchedule('cosine'),
    )
    .option('--warmup <n>', 'steps in which the learning rate rises', parseSeed, 0)
    .option('--clip-norm <x>', 'scale longer gradients down to this length', parseNumber)
    .option('--patience <n>', 'stop after n epochs without a lower held-out loss, and keep the best', parseCount)
    .option('--seed <n>', 'of weights, order and held-out samples', parseSeed, 0)
    .option('--threads <n>', 'threads of the engine; by default one for each core', parseThreads)
    .option('--audit-samples <n>', 'held-out samples that the audit sees after each epoch', parseSeed, 1000)
    .optionsGroup('Results:')
    .option('--record <file>', 'what each epoch found, as JSON (default: beside the model, .training.json)')
    .option('--resume <file>', 'go on from the checkpoint of an interrupted training')
    .addHelpText(
      'after',
      `
Ctrl-C writes a checkpoint beside the model and exits with 130; --resume goes on from it, to the same bits.

Exit codes: 0 trained, 2 wrong usage, 3 unreadable model or data, or a loss that diverges, 130 interrupted.

Examples:
  reluminate train --data digits --net mlp:256-256 --rectifier prelu -o digits.onnx
  reluminate train --data spirals:3 --net mlp:64-64 --epochs 100 -o spirals.onnx
  reluminate train --model digits.onnx --data digits --only slopes -o slopes.onnx`,
    )
    .action(async (flags: TrainFlags) => finish(await runTrain(flags)));
}

const groupsOf = ({ only, weightDecay, slopeRate, slopeConstraint }: TrainFlags): ParameterGroups => {
  const train = only === 'all';
  return {
    weight: { train, weightDecay },
    bias: { train },
    scale: { train },
    shift: { train },
    slope: { rateFactor: slopeRate, constraint: slopeConstraint },
  };
};

const optimizerOf = ({ optimizer, momentum, nesterov = false }: TrainFlags): Optimizer =>
  optimizer === 'sgd' ? { kind: 'sgd', momentum, nesterov } : { kind: optimizer };

/** The network to start from: built as described, or read. */
async function networkOf(flags: TrainFlags, { train }: Split): Promise<Model> {
  if ((flags.net === undefined) === (flags.model === undefined))
    throw new Failure(
      'usage',
      `--net: one of --net and --model must be given, got ${flags.net === undefined ? 'neither' : 'both'}`,
    );
  if (flags.model !== undefined) return readModelFile(flags.model);
  const { buildNetwork, completeNetwork } = await import('../train/index.js');
  const { parseRectifier } = await import('../rectifiers/parse-rectifier.js');
  const { parseInitializer } = await import('../theory/initializer.js');
  return orUsage(() =>
    buildNetwork(completeNetwork(flags.net as string, train), {
      rectifier: parseRectifier(flags.rectifier),
      initializer: parseInitializer(flags.init),
      slopes: flags.slopes,
      tailored: flags.tailored,
      batchNorm: flags.batchNorm,
      skips: flags.skips,
      seed: flags.seed,
    }),
  );
}

const share = (value: number | null): string => (value === null ? '–' : percent(value));

/** Cells of an epoch's line, in the order of `titles`. */
function cellsOf({ epoch, train, validation, layers, seconds }: EpochRecord, epochs: number): string[] {
  const units = layers.reduce((sum, layer) => sum + layer.units, 0);
  const dead = layers.reduce((sum, layer) => sum + layer.dead * layer.units, 0);
  const slopes = layers.flatMap(({ slopes: found }) =>
    found && (found.min !== 0 || found.max !== 0) ? [found.min, found.max] : [],
  );
  return [
    `${epoch}/${epochs}`,
    significant(train.loss),
    share(train.accuracy),
    validation ? significant(validation.loss) : '–',
    share(validation?.accuracy ?? null),
    units === 0 ? '–' : percent(dead / units),
    slopes.length === 0 ? '–' : `${significant(Math.min(...slopes))} … ${significant(Math.max(...slopes))}`,
    `${seconds.toFixed(1)} s`,
  ];
}

const titles = ['epoch', 'loss', 'right', 'held-out loss', 'right', 'dead', 'slopes', 'time'];
const widths = [7, 9, 8, 13, 8, 8, 17, 8];
const line = (cells: readonly string[]): string =>
  `${cells.map((cell, at) => cell.padStart(widths[at] as number)).join('  ')}\n`;

/** The path beside the model with another ending. */
const beside = (output: string, ending: string): string => `${output.replace(/\.onnx$/i, '')}${ending}`;

async function write(flags: TrainFlags, split: Split, { model, epochs, epoch, ended }: FitResult): Promise<void> {
  await writeModelFile(flags.output, model);
  const record = flags.record ?? beside(flags.output, '.training.json');
  const settings = { ...flags, output: undefined, record: undefined, threads: undefined };
  const data = { train: split.train.count, heldOut: split.test.count };
  await writeWhole(
    record,
    `${JSON.stringify({ reluminate: version, settings, data, ended, epoch, epochs }, null, 2)}\n`,
  );
  const found = epochs.find(each => each.epoch === epoch)?.validation;
  const how =
    found?.accuracy != null
      ? `${percent(found.accuracy)} of ${plural(split.test.count, 'held-out sample')} right`
      : `held-out loss ${significant(found?.loss ?? Number.NaN)}`;
  const when = ended === 'patience' ? `, stopped after epoch ${epochs.length}, the best is ${epoch}` : '';
  process.stdout.write(`${flags.output}: ${how}${when}. Every epoch: ${record}\n`);
}

async function runTrain(flags: TrainFlags): Promise<number> {
  const { fit, readCheckpoint, writeCheckpoint } = await import('../train/index.js');
  const { openDataset } = await import('../train/datasets/open-dataset.js');
  const { data, target, testShare, seed, epochs, threads, resume } = flags;
  const split = await openDataset(data, { seed, target, testShare });
  const model = await networkOf(flags, split);
  const from =
    resume === undefined
      ? undefined
      : readCheckpoint(
          new Uint8Array(
            await readFile(resume).catch(() => {
              throw new Failure('input', `--resume: the file must be readable, got '${resume}'`);
            }),
          ),
        );
  const stop = new AbortController();
  const interrupt = () => {
    stop.abort();
    process.off('SIGINT', interrupt);
  };
  process.on('SIGINT', interrupt);
  const progress = progressOn(process.stderr, 'steps');
  let result: FitResult;
  try {
    result = await fit(model, split.train, {
      epochs,
      batch: flags.batch,
      learningRate: flags.learningRate,
      optimizer: optimizerOf(flags),
      groups: groupsOf(flags),
      batchStatistics: flags.only === 'all',
      schedule: { ...flags.schedule, warmup: flags.warmup },
      clipNorm: flags.clipNorm,
      seed,
      validation: split.test,
      patience: flags.patience,
      auditSamples: flags.auditSamples,
      from,
      signal: stop.signal,
      onStep: (done, total) => progress.show({ phase: 'samples', done, total }),
      onEpoch: record => {
        progress.clear();
        const head = record.epoch === (from?.epochs.length ?? 0) + 1 ? line(titles) : '';
        process.stdout.write(head + line(cellsOf(record, epochs)));
      },
      ...(threads === undefined ? {} : { threads }),
    });
  } catch (cause) {
    if (cause instanceof RangeError) throw new Failure('usage', cause.message, { cause });
    throw cause;
  } finally {
    progress.clear();
    process.off('SIGINT', interrupt);
  }
  if (result.ended !== 'signal') {
    await write(flags, split, result);
    return 0;
  }
  const path = `${flags.output}.checkpoint`;
  await writeWhole(path, writeCheckpoint(result.checkpoint));
  process.stderr.write(
    `reluminate: interrupted after ${plural(result.checkpoint.state.steps, 'step')}; the same command with --resume '${path}' goes on\n`,
  );
  return 130;
}
