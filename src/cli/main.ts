#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { Failure } from '../failure.js';
import { version } from '../version.js';
import { addAuditCommand } from './audit.js';

const usage = 2;
const unreadable = 3;
const bug = 70;

/** What an error that reached the top means for the caller: a line on stderr and an exit code. */
function explain(error: unknown): { line: string | null; code: number } {
  if (error instanceof CommanderError) return { line: null, code: error.exitCode === 0 ? 0 : usage };
  if (error instanceof Failure) return { line: error.message, code: error.kind === 'usage' ? usage : unreadable };
  if (error instanceof RangeError && error.message.includes('call stack'))
    return { line: 'the model must not chain more nodes than the stack allows, got a deeper graph', code: unreadable };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return {
    line: process.env.RELUMINATE_DEBUG
      ? (stack ?? message)
      : `this is a bug: ${message} (RELUMINATE_DEBUG=1 shows where)`,
    code: bug,
  };
}

const program = new Command('reluminate')
  .description('The workbench for rectifier networks: ReLU, Leaky ReLU, Parametric ReLU')
  .version(version)
  .showHelpAfterError('(add --help for the list of options)')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'reluminate: ')) });
addAuditCommand(program, code => {
  process.exitCode = code;
});
for (const command of [program, ...program.commands]) command.exitOverride();

// A reader that closes the pipe early (head, less) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
});

try {
  await program.parseAsync();
} catch (error) {
  const { line, code } = explain(error);
  if (line !== null) process.stderr.write(`reluminate: ${line}\n`);
  process.exitCode = code;
}
