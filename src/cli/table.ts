import { displayWidth } from '../report/names.js';

/** Rows under titles: the first column aligned left, the others right, two spaces between. Ends with a line break. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...lines.map(cells => displayWidth(cells[column] ?? ''))));
  const padded = (text: string, column: number) => {
    const gap = ' '.repeat((widths[column] as number) - displayWidth(text));
    return column === 0 ? text + gap : gap + text;
  };
  return lines.map(cells => `${cells.map(padded).join('  ').trimEnd()}\n`).join('');
}
