/** A whole number with thousands separators and a true minus sign: `12,345`. */
export function count(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: 0 }).replace('-', '−');
}

/** A number of things in words: `1 unit`, `2 units`, `3 boxes` where the plural is given. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
