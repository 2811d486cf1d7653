import { printable } from '../report/names.js';
import { percent, plural, significant } from '../report/numbers.js';
import type { EpochRecord, FitResult, Split } from '../train/index.js';

const share = (value: number | null): string => (value === null ? '–' : percent(value));

const titles = ['epoch', 'loss', 'right', 'held-out loss', 'right', 'dead', 'slopes', 'time'];
const widths = [7, 9, 8, 13, 8, 8, 17, 8];
const line = (cells: readonly string[]): string =>
  `${cells.map((cell, at) => cell.padStart(widths[at] as number)).join('  ')}\n`;

/** The line above the epochs. */
export const epochTitles = line(titles);

/** One epoch's line. */
export function epochLine({ epoch, train, validation, layers, seconds }: EpochRecord, epochs: number): string {
  const units = layers.reduce((sum, layer) => sum + layer.units, 0);
  const dead = layers.reduce((sum, layer) => sum + layer.dead * layer.units, 0);
  const slopes = layers.flatMap(({ slopes: found }) =>
    found && (found.min !== 0 || found.max !== 0) ? [found.min, found.max] : [],
  );
  return line([
    `${epoch}/${epochs}`,
    significant(train.loss),
    share(train.accuracy),
    validation ? significant(validation.loss) : '–',
    share(validation?.accuracy ?? null),
    units === 0 ? '–' : percent(dead / units),
    slopes.length === 0 ? '–' : `${significant(Math.min(...slopes))} … ${significant(Math.max(...slopes))}`,
    `${seconds.toFixed(1)} s`,
  ]);
}

/** How well the model does, and which epoch's it is. */
export function resultText({ epochs, epoch, ended }: FitResult, { test }: Split): string {
  const found = epochs.find(each => each.epoch === epoch)?.validation;
  const positions = test.targetDims && test.targetDims.length > 0 ? 'the positions of ' : '';
  const how =
    found?.accuracy != null
      ? `${percent(found.accuracy)} of ${positions}${plural(test.count, 'held-out sample')} right`
      : `held-out loss ${significant(found?.loss ?? Number.NaN)}`;
  const when = ended === 'patience' ? `, stopped after epoch ${epochs.length}, the best is ${epoch}` : '';
  return how + when;
}

/** Most classes that are listed. */
const mostClasses = 20;

/** How many held-out samples, or positions, of each class are right, and for which class it is taken most often otherwise: one line; nothing for many classes. */
export function classesText(counts: readonly (readonly number[])[], names?: readonly string[]): string {
  if (counts.length > mostClasses) return '';
  const nameOf = (index: number) => printable(names?.[index] ?? String(index));
  const parts = counts.map((row, index) => {
    const others = row.map((times, other) => (other === index ? 0 : times));
    const most = Math.max(...others);
    const mistaken = most === 0 ? '' : ` (${most} as ${nameOf(others.indexOf(most))})`;
    return `${nameOf(index)} ${row[index]}/${row.reduce((a, b) => a + b, 0)}${mistaken}`;
  });
  return `Right by class: ${parts.join(', ')}\n`;
}
