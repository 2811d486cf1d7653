import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/* Commands in pages of documentation, and what the pages say that they print. */

/** A command of a page, with the text that the page shows for it. */
export interface ShownCommand {
  readonly page: string;
  /** Of the command, or of the fence with its output, from 1. */
  readonly line: number;
  /** What stands behind `reluminate`. */
  readonly args: readonly string[];
  /** Lines of output; null where only a figure is shown. */
  readonly shown: readonly string[] | null;
}

const command = /`reluminate (theory [^`]+)`/g;
const words = (text: string): string[] => text.trim().split(/\s+/);

/** The last command that the text names: the one that the fence below it shows. */
const lastCommand = (text: string): string | undefined => [...text.matchAll(command)].at(-1)?.[1];

/**
 * The commands of a page. A fence without a language shows the output of the command in its first line, `$ reluminate …`, or else of the last one that is named
 * in the text above it; a command that writes into docs/ without a fence shows its figure.
 */
export function commandsOf(page: string, text: string): ShownCommand[] {
  const found: ShownCommand[] = [];
  let above = '';
  let start = 1;
  const lines = text.split('\n');
  const figures = (before: string, fenced: string | undefined) => {
    for (const match of before.matchAll(command)) {
      if (match[1] === fenced || !/ -o docs\//.test(match[1] as string)) continue;
      const line = start + before.slice(0, match.index).split('\n').length - 1;
      found.push({ page, line, args: words(match[1] as string), shown: null });
    }
  };
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*)$/.exec(lines[at] as string);
    if (!fence) {
      above += `${lines[at]}\n`;
      continue;
    }
    const end = lines.indexOf('```', at + 1);
    const inside = lines.slice(at + 1, end);
    const own = /^\$ reluminate (.*)$/.exec(inside[0] ?? '')?.[1];
    const named = fence[1] === '' ? (own ?? lastCommand(above)) : undefined;
    figures(above, own === undefined ? named : undefined);
    if (fence[1] === '')
      found.push({ page, line: at + 1, args: words(named ?? ''), shown: own === undefined ? inside : inside.slice(1) });
    above = '';
    start = end + 2;
    at = end;
  }
  figures(above, undefined);
  return found;
}

/** What differs from run to run and from machine to machine: seconds and threads. */
const masked = (line: string): string =>
  line.replace(/\bin [\d.]+ s\b/g, 'in … s').replace(/\bon \d+ threads?\b/g, 'on … threads');

/** Where output departs from what is shown, or null. A line `…` stands for any lines; nothing else may be left out. */
export function departure(shown: readonly string[], output: string): string | null {
  const lines = output.replace(/\n$/, '').split('\n').map(masked);
  const chunks: string[][] = [[]];
  for (const line of shown.map(masked)) {
    if (line === '…') chunks.push([]);
    else chunks.at(-1)!.push(line);
  }
  let from = 0;
  for (const [index, chunk] of chunks.entries()) {
    const isLast = index === chunks.length - 1;
    if (chunk.length === 0) {
      if (isLast && index > 0) return null;
      continue;
    }
    const starts = isLast && index > 0 ? [lines.length - chunk.length] : index === 0 ? [0] : lines.map((_, at) => at);
    const start = starts.find(at => at >= from && chunk.every((line, k) => lines[at + k] === line));
    if (start === undefined) {
      const at = starts.length === 1 ? (starts[0] as number) : from;
      const wrong = chunk.findIndex((line, k) => lines[at + k] !== line);
      return `shown: ${chunk[wrong]}\nprinted: ${lines[at + wrong]}`;
    }
    from = start + chunk.length;
  }
  return from === lines.length ? null : `not shown: ${lines[from]}`;
}

/** Whether two drawings are the same but for rounding: the same text, numbers within a tenth of a unit. */
export function isSameDrawing(a: string, b: string): boolean {
  const number = /-?\d+(?:\.\d+)?(?:e-?\d+)?/g;
  const [left, right] = [a.match(number) ?? [], b.match(number) ?? []];
  return (
    a.replace(number, '#') === b.replace(number, '#') &&
    left.every((value, at) => Math.abs(Number(value) - Number(right[at])) <= 0.1)
  );
}

/** All commands of the pages in a folder. */
export async function commandsIn(folder: string): Promise<ShownCommand[]> {
  const pages = (await readdir(folder)).filter(name => name.endsWith('.md')).map(name => join(folder, name));
  return (await Promise.all(pages.map(async page => commandsOf(page, await readFile(page, 'utf8'))))).flat();
}
