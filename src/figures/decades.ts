import { tick } from './drawing.js';

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** The label of a tick on an axis of decimal logarithms: `10⁻⁴⁰` for -40, `1` for 0; nothing between whole decades. */
export function decade(exponent: number): string {
  if (!Number.isInteger(exponent)) return '';
  if (exponent === 0) return '1';
  if (exponent === 1) return '10';
  return `10${tick(exponent)
    .replaceAll('\u2212', '⁻')
    .replace(/\d/g, digit => superscripts[Number(digit)] as string)}`;
}

/** Decades from tick to tick, for about seven ticks. */
const stepOf = (decades: number): number =>
  [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find(size => decades / size <= 7) ?? 5000;

/** The least and the greatest, of any number of them. */
const extent = (values: readonly number[]): [number, number] =>
  values.reduce(
    ([least, greatest], value) => [Math.min(least, value), Math.max(greatest, value)],
    [Infinity, -Infinity],
  );

/** Ticks at whole decades that enclose the given decimal logarithms. */
export function decadeTicks(logs: readonly number[]): number[] {
  const [lowest, highest] = extent(logs);
  const [least, greatest] = [Math.floor(lowest), Math.ceil(highest)];
  const step = stepOf(greatest - least);
  const first = Math.floor(least / step);
  const count = Math.max(1, Math.ceil(greatest / step) - first);
  return Array.from({ length: count + 1 }, (_, at) => (first + at) * step);
}

/** An axis that shows all of the given decimal logarithms, two decades or more, with little room to spare. */
export function decadeAxis(logs: readonly number[]) {
  const [least, greatest] = extent(logs);
  const margin = Math.max(0.04 * (greatest - least), (2.2 - (greatest - least)) / 2);
  const domain = [least - margin, greatest + margin] as [number, number];
  const ticks = decadeTicks(domain).filter(at => at >= domain[0] && at <= domain[1]);
  return { domain, ticks, tickFormat: decade };
}
