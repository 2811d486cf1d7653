#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { Failure } from '../failure.js';
import { printable } from '../report/names.js';
import { version } from '../version.js';
import { addAuditCommand } from './audit.js';
import { addDemoCommand } from './demo.js';
import { addHealCommand } from './heal.js';
import { addPlotCommand } from './plot.js';
import { addTheoryCommand } from './theory.js';
import { addTrainCommand } from './train.js';
import { addVerifyCommand } from './verify.js';

const usage = 2;
const unreadable = 3;
const bug = 70;

const longestLine = 2000;

/** Text for one line of a terminal: messages quote names from files, which may hold line breaks, escapes and whole books. */
function oneLine(text: string): string {
  const line = printable(text.replace(/\s+/g, ' '));
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}

/** What an error that reached the top means for the caller: a line on stderr and an exit code. */
function explain(error: unknown): { line: string | null; code: number } {
  if (error instanceof CommanderError) return { line: null, code: error.exitCode === 0 ? 0 : usage };
  if (error instanceof Failure)
    return { line: oneLine(error.message), code: error.kind === 'usage' ? usage : unreadable };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return {
    line: process.env.RELUMINATE_DEBUG
      ? (stack ?? message)
      : `this is a bug: ${oneLine(message)} (RELUMINATE_DEBUG=1 shows where)`,
    code: bug,
  };
}

const program = new Command('reluminate')
  .description('The workbench for rectifier networks: ReLU, Leaky ReLU, Parametric ReLU')
  .version(version)
  .addHelpText(
    'after',
    `
Examples:
  reluminate demo
  reluminate audit model.onnx --data photos/ --html report.html
  reluminate heal model.onnx --prune -o small.onnx
  reluminate audit --help`,
  )
  .configureOutput({
    outputError: (text, write) =>
      write(`reluminate: ${oneLine(text.replace(/^error: /, ''))} (--help lists the options)\n`),
  });
addAuditCommand(program, code => {
  process.exitCode = code;
});
addTrainCommand(program, code => {
  process.exitCode = code;
});
addHealCommand(program, code => {
  process.exitCode = code;
});
addVerifyCommand(program, code => {
  process.exitCode = code;
});
addDemoCommand(program);
addPlotCommand(program);
addTheoryCommand(program);

/** Makes commander throw instead of ending the process, in every subcommand. */
const throwing = (command: Command): void => {
  command.exitOverride();
  command.commands.forEach(throwing);
};
throwing(program);

// A reader that closes the pipe early (head, less) is not an error; a full disk is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  process.stderr.write(`reluminate: standard output must be writable, got ${error.code}\n`);
  process.exit(unreadable);
});
process.stderr.on('error', () => {});

try {
  await program.parseAsync();
} catch (error) {
  const { line, code } = explain(error);
  if (line !== null) process.stderr.write(`reluminate: ${line}\n`);
  process.exitCode = code;
}
