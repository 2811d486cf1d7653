#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { Failure } from '../failure.js';
import { printable } from '../report/names.js';
import { version } from '../version.js';

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

/** Adds a command to the program; `exitWith` sets the exit code of one that went well. */
type AddCommand = (program: Command, exitWith: (code: number) => void) => void;

const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  audit: async () => (await import('./audit.js')).addAuditCommand,
  train: async () => (await import('./train.js')).addTrainCommand,
  heal: async () => (await import('./heal.js')).addHealCommand,
  verify: async () => (await import('./verify.js')).addVerifyCommand,
  demo: async () => (await import('./demo.js')).addDemoCommand,
  plot: async () => (await import('./plot.js')).addPlotCommand,
  theory: async () => (await import('./theory.js')).addTheoryCommand,
};

// Reading the code of all commands takes longer than most of them do: only that of the one asked for is read.
const asked = process.argv[2] ?? '';
for (const name of Object.hasOwn(commands, asked) ? [asked] : Object.keys(commands)) {
  const add = await commands[name]!();
  add(program, code => {
    process.exitCode = code;
  });
}

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
