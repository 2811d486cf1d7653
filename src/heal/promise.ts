import { inWords } from '../audit/cause.js';
import type { DeclaredInput } from '../audit/prove/box.js';
import type { OutputDifference } from './compare.js';

/**
 * What a repair promises of the outputs, for the declared `inputs` only where there are some: the same bits; a difference of at most `absolute` or of
 * at most `relative` times the largest value of the output (`relative: 0` alone: the same numbers, while signs of zeros may differ); nothing but rounding,
 * which is `relative` or as much as `limitOf` allows for what rounding does to the original; or nothing but a report.
 */
export type RepairPromise = (
  | { readonly kind: 'bit-equal' }
  | { readonly kind: 'tolerance'; readonly absolute?: number; readonly relative: number }
  | { readonly kind: 'rounding'; readonly relative: number }
  | { readonly kind: 'report' }
) & { readonly inputs?: readonly DeclaredInput[] };

/** What repairs that are exact but for rounding promise: a tolerance where there is one, else nothing but rounding. */
export const exactButRounding = (tolerance?: number): RepairPromise =>
  tolerance === undefined ? { kind: 'rounding', relative: 1e-5 } : { kind: 'tolerance', relative: tolerance };

/** Checks that the tolerances are numbers from 0 up. */
export function checkPromise(promise: RepairPromise): void {
  if (promise.kind !== 'tolerance' && promise.kind !== 'rounding') return;
  const { relative, absolute = 0 } = { absolute: 0, ...promise };
  for (const [name, value] of Object.entries({ absolute, relative }))
    if (!(value >= 0 && value < Infinity))
      throw new RangeError(`verify: ${name} must be a finite number from 0 up, got ${value}`);
}

/** Beyond this share of the largest value nothing passes for rounding. */
const mostRounding = 0.01;

/**
 * The largest difference of an output that keeps the promise, relative to its largest value; null where any does. A network may enlarge the rounding of
 * its first layers many times, so that no number suits all: `rounding` promises at most ten times what ONNX Runtime's fusions alone make of the
 * original's output, `rounding`, and at most 1 %, where that is more than `relative`. A tolerance is taken at its word.
 */
export function limitOf(promise: RepairPromise, rounding: number): number | null {
  switch (promise.kind) {
    case 'report':
      return null;
    case 'bit-equal':
      return 0;
    case 'tolerance':
      return promise.relative;
    case 'rounding':
      return Math.max(promise.relative, Math.min(10 * rounding, mostRounding));
  }
}

/** Whether one output keeps the promise, with the limit that applies to it. */
export function keeps(promise: RepairPromise, output: OutputDifference, limit: number | null): boolean {
  if (limit === null) return true;
  if (promise.kind === 'bit-equal') return output.bitEqual;
  const absolute = promise.kind === 'tolerance' ? (promise.absolute ?? 0) : 0;
  return output.mismatched === 0 && (output.maxAbsolute <= absolute || output.maxRelative <= limit);
}

/** What an input may be: `x from 0 to 1`. */
function inputText({ name, lower, upper }: DeclaredInput): string {
  const pairs = lower.map((low, channel) => `${inWords(low)} to ${inWords(upper[channel] as number)}`);
  const shown = pairs.length > 4 ? [...pairs.slice(0, 4), '…'] : pairs;
  return `${name} from ${shown.join(', ')}${pairs.length > 1 ? ' (by channel)' : ''}`;
}

function outputsText(promise: RepairPromise): string {
  switch (promise.kind) {
    case 'report':
      return 'the outputs may change';
    case 'bit-equal':
      return 'the outputs stay the same to the bit';
    case 'rounding':
      return 'the outputs change by rounding only';
    case 'tolerance': {
      const { absolute = 0, relative } = promise;
      if (absolute === 0 && relative === 0) return 'the outputs stay the same numbers';
      const parts = [
        ...(relative > 0 ? [`${inWords(relative)} of the largest value of the output`] : []),
        ...(absolute > 0 ? [inWords(absolute)] : []),
      ];
      return `the outputs change by at most ${parts.join(' or ')}`;
    }
  }
}

/** The promise in words. */
export function promiseText(promise: RepairPromise): string {
  const { inputs = [] } = promise;
  return inputs.length === 0
    ? outputsText(promise)
    : `for ${inputs.map(inputText).join(' and ')} ${outputsText(promise)}`;
}
