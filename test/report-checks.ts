/** Where in a value made of plain data a number is NaN or infinite, as paths; JSON could not hold it. */
export function numbersThatAreNone(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => numbersThatAreNone(item, `${path}.${key}`));
}

/** Seconds of processor time this process has taken so far: unlike the clock they do not run on while the machine is busy elsewhere. */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What a function returns, and the seconds of processor time it took. */
export function seconds<T>(run: () => T): { result: T; time: number } {
  const start = processorSeconds();
  const result = run();
  return { result, time: processorSeconds() - start };
}
