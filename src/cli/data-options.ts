import { type Command, Option } from 'commander';
import type { AuditData } from '../audit/audit.js';
import type { SampleOptions } from '../data/open.js';
import { Failure } from '../failure.js';
import type { InputSpec } from '../onnx/tensor-data.js';
import { collect, parseCount, parseNumber, parseNumbers, parseSeed, parseSize } from './options.js';

/** What the flags for samples say. */
export interface DataFlags extends Omit<SampleOptions, 'stdin'> {
  readonly data?: string[];
  readonly synthetic?: 'normal' | 'uniform';
  readonly seed: number;
  readonly shape?: string[];
}

/** Number of synthetic samples where `--samples` does not say. */
const syntheticCount = 100;

const choice = (flags: string, description: string, choices: string[]) =>
  new Option(flags, description).choices(choices);

/** Adds the flags that say which samples a model runs on: files, random numbers, free dimensions, what is done to images. */
export const addDataOptions = (command: Command): Command =>
  command
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
    .option('--std <list>', 'divides each channel after that', parseNumbers);

/** Flags that say how files are read, and mean nothing without files. */
const ofFiles = {
  allowNonFinite: '--allow-non-finite',
  size: '--size',
  fit: '--fit',
  color: '--color',
  layout: '--layout',
  scale: '--scale',
  mean: '--mean',
  std: '--std',
} as const;

/** The samples that the flags ask for, null where they ask for none. What reads images is loaded only when needed. */
export async function samplesOf(flags: DataFlags, specs: readonly InputSpec[]): Promise<AuditData | null> {
  const idle = (Object.keys(ofFiles) as (keyof typeof ofFiles)[]).find(flag => flags[flag] !== undefined);
  if (idle && !flags.data) throw new Failure('usage', `${ofFiles[idle]}: it must go with --data, got none`);
  if (flags.data && flags.synthetic) throw new Failure('usage', '--synthetic: it must not go with --data, got both');
  if (flags.data) return (await import('../data/open.js')).openSamples(flags.data, specs, flags);
  if (!flags.synthetic) return null;
  const { syntheticSamples } = await import('../data/synthetic.js');
  const { samples = syntheticCount, seed, batch } = flags;
  return syntheticSamples(specs, { distribution: flags.synthetic, samples, seed, batch });
}
