import { resolve } from 'node:path';
import { Failure } from '../failure.js';
import type { Model } from '../onnx/model.js';
import type { SlopeConstraint } from '../rectifiers/slope-constraint.js';
import type { Optimizer, ParameterGroups, Schedule } from '../train/index.js';
import { isSameFile, requireWritable } from './result-file.js';

export interface TrainFlags {
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
  readonly freeze?: string[];
  readonly labelSmoothing?: number;
  readonly weightDecay?: number;
  readonly slopeDecay: number;
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
  readonly force?: boolean;
  readonly record?: string;
  readonly figure?: string;
  readonly checkpointEvery?: number;
  readonly resume?: string;
}

const usage = (message: string) => new Failure('usage', message);

/** The path beside the model with another ending. */
const beside = (output: string, ending: string): string => `${output.replace(/\.onnx$/i, '')}${ending}`;

/** Where the results go. */
export const recordPath = ({ output, record }: TrainFlags): string => record ?? beside(output, '.training.json');
export const checkpointPath = ({ output }: TrainFlags): string => `${output}.checkpoint`;

/** Throws a Failure where a result could not be written, or would be written over another file of this training. */
export async function requireResults(flags: TrainFlags): Promise<void> {
  const { output, model, resume, figure, force } = flags;
  const record = recordPath(flags);
  if (!force && model !== undefined && (await isSameFile(output, model)))
    throw usage(`--output: the path must not be the model itself without --force, got '${output}'`);
  await requireWritable('--output', output);
  await requireWritable('--output', checkpointPath(flags));
  await requireWritable('--record', record);
  if (figure !== undefined) await requireWritable('--figure', figure);
  const apart = async (flag: string, path: string, others: Readonly<Record<string, string | undefined>>) => {
    for (const [what, other] of Object.entries(others))
      if (other !== undefined && (resolve(path) === resolve(other) || (await isSameFile(path, other))))
        throw usage(`${flag}: the path must not be that of ${what}, got '${path}' for both`);
  };
  await apart('--output', output, { '--resume': resume });
  const others = { '--output': output, '--model': model, '--resume': resume, 'the checkpoint': checkpointPath(flags) };
  await apart('--record', record, others);
  if (figure !== undefined) await apart('--figure', figure, { ...others, '--record': record });
}

/** Flags by name in the program, as they are written. */
const written = (name: string): string =>
  name === 'skips' ? '--no-skips' : `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;

/**
 * Throws a Failure for flags that would do nothing beside the others. `isGiven` says which flags the command line has.
 */
export function refuseIdle(flags: TrainFlags, isGiven: (name: keyof TrainFlags) => boolean): void {
  const { net, model, optimizer, only, rectifier } = flags;
  if ((net === undefined) === (model === undefined))
    throw usage(`--net: one of --net and --model must be given, got ${net === undefined ? 'neither' : 'both'}`);
  const needs = (names: readonly (keyof TrainFlags)[], must: string, got: string) => {
    const idle = names.find(isGiven);
    if (idle !== undefined) throw usage(`${written(idle)}: it must go with ${must}, got ${got}`);
  };
  if (model !== undefined)
    needs(
      ['rectifier', 'init', 'tailored', 'slopes', 'batchNorm', 'skips'],
      '--net',
      '--model, whose network is as it is',
    );
  if (optimizer !== 'sgd') needs(['momentum', 'nesterov'], '--optimizer sgd', `'${optimizer}'`);
  if (only === 'slopes') needs(['weightDecay'], '--only all', "'slopes'");
  if (net === undefined) return;
  if (!/^\s*resnet:/i.test(net)) needs(['skips'], '--net resnet:…', `'${net}'`);
  if (!/^\s*prelu\b/i.test(rectifier)) needs(['slopes'], '--rectifier prelu', `'${rectifier}'`);
}

/** Throws a Failure for flags about slopes where the network has none to learn. */
export async function requireSlopes(
  model: Model,
  { only }: TrainFlags,
  isGiven: (name: keyof TrainFlags) => boolean,
): Promise<void> {
  const names = (['slopeRate', 'slopeDecay', 'slopeConstraint'] as const).filter(isGiven).map(written);
  if (only === 'slopes') names.unshift('--only slopes');
  if (names.length === 0) return;
  const { parametersOf } = await import('../train/index.js');
  if (!parametersOf(model).some(({ kind }) => kind === 'slope'))
    throw usage(`${names[0]}: the network must have slopes to learn, got one without`);
}

export const groupsOf = ({
  only,
  weightDecay,
  slopeDecay,
  slopeRate,
  slopeConstraint,
}: TrainFlags): ParameterGroups => {
  const train = only === 'all';
  return {
    weight: { train, weightDecay },
    bias: { train },
    scale: { train },
    shift: { train },
    slope: { rateFactor: slopeRate, weightDecay: slopeDecay, constraint: slopeConstraint },
  };
};

export const optimizerOf = ({ optimizer, momentum, nesterov = false }: TrainFlags): Optimizer =>
  optimizer === 'sgd' ? { kind: 'sgd', momentum, nesterov } : { kind: optimizer };
