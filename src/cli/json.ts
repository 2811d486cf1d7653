const isBeyondJson = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value);

/**
 * A result as JSON of several lines. What JSON has no number for is text: "Infinity", "-Infinity", "NaN", and whole numbers that may exceed 2^53; typed
 * arrays are arrays.
 */
export const jsonText = (result: unknown): string =>
  `${JSON.stringify(
    result,
    (_, value) => {
      if (isBeyondJson(value) || typeof value === 'bigint') return String(value);
      return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
    },
    2,
  )}\n`;
