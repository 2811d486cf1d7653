import { plural } from '../words.js';

export { count, plural } from '../words.js';

/*
 * Numbers as text. The HTML page embeds the source of `significant`, so that function must not refer to anything
 * outside itself.
 */

/** A share from 0 to 1 in percent; only exactly 0 and 1 read `0 %` and `100 %`. The space does not break. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0) return '0\u00a0%';
  if (value > 0 && value < 0.01) return '<\u00a00.01\u00a0%';
  if (value < 100 && value >= 99.95) return '>\u00a099.9\u00a0%';
  const digits = value < 1 ? Number(value.toPrecision(2)) : Number(value.toFixed(1));
  return `${String(digits).replace('-', '−')}\u00a0%`;
}

/** A number to three significant digits, in powers of ten where it is very small or large: `0.0123`, `−4.1e−7`. */
export function significant(x: number, digits = 3): string {
  if (x === Number.POSITIVE_INFINITY) return '∞';
  if (x === Number.NEGATIVE_INFINITY) return '−∞';
  const size = Math.abs(x);
  const rounded = Number(x.toPrecision(digits));
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    return rounded
      .toExponential(digits - 1)
      .replace(/\.?0*e\+?/, 'e')
      .replaceAll('-', '−');
  }
  return rounded.toLocaleString('en-US', { maximumSignificantDigits: Math.max(digits, 6) }).replace('-', '−');
}

/** A large number with an SI prefix: `3.1 G`, `312 M`, `45.2 k`. The space does not break. */
export function si(n: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  let value = n;
  let step = 0;
  while (step < prefixes.length - 1 && Number(Math.abs(value).toPrecision(3)) >= 1000) {
    value /= 1000;
    step++;
  }
  const digits = String(Number(value.toPrecision(3))).replace('-', '−');
  return step === 0 ? digits : `${digits}\u00a0${prefixes[step]}`;
}

/** A file size in decimal units: `812 bytes`, `45.2 kB`, `2.4 MB`. */
export function bytes(n: number): string {
  return n < 1000 ? plural(n, 'byte') : `${si(n)}B`;
}
