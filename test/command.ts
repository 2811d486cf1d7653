import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';

/* The command as a user starts it: the built program in a process of its own, in a folder. */

export const program = join(process.cwd(), 'dist', 'cli', 'main.js');

/** What a process left behind. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  start(args: readonly string[], env?: Record<string, string>): ChildProcessWithoutNullStreams;
  run(args: readonly string[], input?: Uint8Array): Promise<Ended>;
  /** The only line on stderr, without the name of the program; nothing on stdout, no stack trace, no new file. */
  refused(args: readonly string[], status: number, input?: Uint8Array): Promise<string>;
}

export function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that has ended reads no more of its input.
  child.stdin.on('error', () => {});
  return new Promise(resolve => {
    child.on('close', status =>
      resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not occur
export const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** The command in a folder. */
export function commandIn(folder: string): Command {
  const start: Command['start'] = (args, env = {}) =>
    spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...process.env, ...env } });
  const run: Command['run'] = (args, input = new Uint8Array()) => {
    const child = start(args);
    const result = ended(child);
    child.stdin.end(input);
    return result;
  };
  const refused: Command['refused'] = async (args, status, input) => {
    const before = await readdir(folder, { recursive: true });
    const result = await run(args, input);
    const shown = JSON.stringify(args);
    expect(result.stdout, shown).toBe('');
    expect(result.stderr, shown).toMatch(/^reluminate: [^\n]+\n$/);
    expect(result.stderr, shown).not.toMatch(control);
    expect(result.stderr, shown).not.toMatch(/this is a bug|\bat \S+ \(|node:internal|\.js:\d+/);
    expect(result.status, shown + result.stderr).toBe(status);
    expect(await readdir(folder, { recursive: true }), shown).toEqual(before);
    return result.stderr.slice('reluminate: '.length, -1);
  };
  return { start, run, refused };
}
