import { InvalidArgumentError } from 'commander';

/** A number as a flag's value: decimal, or a quotient such as 1/255. */
export function parseNumber(text: string): number {
  const parts = text.split('/').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  const value =
    parts.length === 1
      ? (parts[0] as number)
      : parts.length === 2
        ? (parts[0] as number) / (parts[1] as number)
        : Number.NaN;
  if (!Number.isFinite(value))
    throw new InvalidArgumentError(`It must be a number such as 0.5 or 1/255, got '${text}'.`);
  return value;
}

/** A whole number from 1 up as a flag's value. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError(`It must be a whole number from 1 up, got '${text}'.`);
  return value;
}

/** A number of threads as a flag's value. The engine starts as many as it is told, and some thousands take all memory. */
export function parseThreads(text: string): number {
  const value = parseCount(text);
  if (value > 1024) throw new InvalidArgumentError(`It must be a whole number from 1 to 1024, got '${text}'.`);
  return value;
}

/** A whole number from 0 up as a flag's value. */
export function parseSeed(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError(`It must be a whole number from 0 up, got '${text}'.`);
  return value;
}

/** A share of 0 to 1, given as such or in percent. */
export function parseShare(text: string): number {
  const value = text.endsWith('%') ? parseNumber(text.slice(0, -1)) / 100 : parseNumber(text);
  if (value < 0 || value > 1)
    throw new InvalidArgumentError(`It must be a share from 0 to 1 or 0 % to 100 %, got '${text}'.`);
  return value;
}

/** A largest difference as a flag's value, 0 or more. */
export function parseTolerance(text: string): number {
  const value = parseNumber(text);
  if (value < 0) throw new InvalidArgumentError(`It must be a number from 0 up, got '${text}'.`);
  return value;
}

/** Numbers separated by commas. */
export const parseNumbers = (text: string): number[] => text.split(',').map(parseNumber);

/** Height and width, `320x240` or one number for a square. */
export function parseSize(text: string): [number, number] {
  const [height, width = height, ...rest] = text.split('x').map(Number);
  const whole = (side: number | undefined): side is number =>
    side !== undefined && Number.isSafeInteger(side) && side > 0;
  if (!whole(height) || !whole(width) || rest.length > 0)
    throw new InvalidArgumentError(`It must be HEIGHTxWIDTH in pixels, got '${text}'.`);
  return [height, width];
}

/** For flags that may be given several times. */
export const collect = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];
