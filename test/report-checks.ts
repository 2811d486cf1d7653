/** Where in a value made of plain data a number is NaN or infinite, as paths; JSON could not hold it. */
export function numbersThatAreNone(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => numbersThatAreNone(item, `${path}.${key}`));
}

/** What a function returns, and the seconds it took. */
export function seconds<T>(run: () => T): { result: T; time: number } {
  const start = performance.now();
  const result = run();
  return { result, time: (performance.now() - start) / 1000 };
}
