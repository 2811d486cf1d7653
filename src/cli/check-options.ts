import type { Command } from 'commander';
import { parseSeed, parseThreads, parseTolerance } from './options.js';

/** Flags of how two models are compared. */
export interface CheckFlags {
  readonly tolerance?: number;
  readonly rounds: number;
  readonly threads?: number;
}

/** Adds them to a command, under a heading of their own. */
export const addCheckOptions = (command: Command): Command =>
  command
    .optionsGroup('Checking:')
    .option(
      '--tolerance <share>',
      'largest difference beside the largest value of an output; by default what passes for rounding',
      parseTolerance,
    )
    .option('--rounds <n>', 'interleaved runs in which both models are timed; 0 for none', parseSeed, 21)
    .option('--threads <n>', 'threads of the engine; by default one for each core', parseThreads);
