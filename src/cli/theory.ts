import type { Command } from 'commander';

/** Adds `reluminate theory …` to the program: a subcommand for each question. */
export function addTheoryCommand(program: Command): void {
  program.command('theory').description('gain, slope, depth, odds of being born dead: answers before training');
}
