/*
 * Names from a model file as something that can be shown: without escapes and control characters, and short enough for
 * a column while names that differ still look different.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const ansiEscapes = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[@-_]/g;
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const loneSurrogates = /\p{Cs}/gu;
const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const separators = '/.:; ';
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

const characters = (text: string): string[] => Array.from(graphemes.segment(text), part => part.segment);

/** A name without ANSI escapes, control, bidirectional and other invisible characters; `(unnamed)` where nothing is left. */
export function printable(name: string): string {
  const text = name.replace(ansiEscapes, '').replace(invisible, '').replace(loneSurrogates, '\ufffd').trim();
  return text === '' ? '(unnamed)' : text;
}

/** Number of terminal columns a printable text takes: two for East Asian wide characters and emoji. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  return characters(text).reduce((sum, character) => sum + (wide.test(character) ? 2 : 1), 0);
}

/** The start of a text that fits in `width` columns. */
function fitting(parts: readonly string[], width: number): string[] {
  const kept: string[] = [];
  let used = 0;
  for (const part of parts) {
    used += wide.test(part) ? 2 : 1;
    if (used > width) break;
    kept.push(part);
  }
  return kept;
}

/** A printable text cut in the middle to at most `width` columns; more of its end than of its start is kept. */
export function cutMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const parts = characters(text);
  const tail = fitting(parts.toReversed(), Math.ceil((width - 1) * 0.6)).reverse();
  const head = fitting(parts, width - 1 - displayWidth(tail.join('')));
  return `${head.join('')}…${tail.join('')}`;
}

function sharedPrefix(names: readonly string[]): number {
  const first = names[0]!;
  let length = 0;
  while (length < first.length && names.every(name => name[length] === first[length])) length++;
  return length;
}

/** Length of the prefix that all names share, up to and with its last separator. */
function sharedPath(names: readonly string[]): number {
  const length = sharedPrefix(names);
  for (let end = length; end > 0; end--) if (separators.includes(names[0]![end - 1]!)) return end;
  return 0;
}

const reversed = (text: string): string => Array.from(text).reverse().join('');

/** The names without the path and the ending that all of them share; an ellipsis stands where something went. */
function withoutShared(names: readonly string[]): string[] {
  if (new Set(names).size < 2) return [...names];
  const start = sharedPath(names);
  const rests = names.map(name => name.slice(start));
  const end = sharedPath(rests.map(reversed));
  const shorter = rests.map(name => name.slice(0, name.length - end));
  if (shorter.some(name => name === '')) return [...names];
  return shorter.map(
    name => `${start > 3 ? '…' : names[0]!.slice(0, start)}${name}${end > 3 ? '…' : suffix(names, end)}`,
  );
}

const suffix = (names: readonly string[], length: number): string => (length === 0 ? '' : names[0]!.slice(-length));

/** A name whose words are cut to their first letters, as few as it takes to fit, but to three at least: `sta2/blo3/exp`. */
function abbreviated(name: string, width: number): string {
  const withWords = (letters: number) => name.replace(/\p{L}+/gu, word => word.slice(0, letters));
  const fits = [12, 8, 6, 5, 4].find(letters => displayWidth(withWords(letters)) <= width);
  return withWords(fits ?? 3);
}

/** Names without what all of them share, cut in the middle where need be; where that makes two the same, words are abbreviated first. */
function shortened(names: readonly string[], width: number): string[] {
  const short = withoutShared(names);
  const cut = short.map(name => cutMiddle(name, width));
  if (new Set(cut).size === new Set(names).size) return cut;
  return short.map(name => cutMiddle(abbreviated(name, width), width));
}

/**
 * A label of at most `width` columns for each name. If every name fits, all stay whole; otherwise what they share goes
 * first, then the middle of each that is still too long. No two labels are the same.
 */
export function labels(names: readonly string[], width: number): string[] {
  const whole = names.map(printable);
  const short = whole.every(name => displayWidth(name) <= width) ? whole : shortened(whole, width);
  const taken = new Set<string>();
  return short.map(label => {
    let unique = label;
    for (let times = 2; taken.has(unique); times++) {
      const mark = ` (${times})`;
      unique = cutMiddle(label, width - mark.length) + mark;
    }
    taken.add(unique);
    return unique;
  });
}
