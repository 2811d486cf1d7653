import { inWords } from '../audit/cause.js';
import type { OutputDifference } from './compare.js';

/**
 * What a repair promises of the outputs: the same bits; a difference of at most `absolute` or of at most `relative` times the largest value of
 * the output (`relative: 0` alone: the same numbers, while signs of zeros may differ); or nothing but a report.
 */
export type RepairPromise =
  | { readonly kind: 'bit-equal' }
  | { readonly kind: 'tolerance'; readonly absolute?: number; readonly relative: number }
  | { readonly kind: 'report' };

/** Checks that the tolerances are numbers from 0 up. */
export function checkPromise(promise: RepairPromise): void {
  if (promise.kind !== 'tolerance') return;
  for (const name of ['absolute', 'relative'] as const) {
    const value = promise[name] ?? 0;
    if (!(value >= 0 && value < Infinity))
      throw new RangeError(`verify: ${name} must be a finite number from 0 up, got ${value}`);
  }
}

/** Beyond this share of the largest value nothing passes for rounding. */
const mostRounding = 0.01;

/**
 * Whether one output keeps the promise. A network may enlarge the rounding of its first layers many times, so that no tolerance suits all: a difference
 * of at most ten times what ONNX Runtime's fusions alone make of the original's output, `rounding`, and of at most 1 % is within every tolerance but 0.
 */
export function keeps(promise: RepairPromise, output: OutputDifference, rounding: number): boolean {
  switch (promise.kind) {
    case 'report':
      return true;
    case 'bit-equal':
      return output.bitEqual;
    case 'tolerance':
      return (
        output.mismatched === 0 &&
        (output.maxAbsolute <= (promise.absolute ?? 0) ||
          output.maxRelative <= promise.relative ||
          (promise.relative > 0 && output.maxRelative <= Math.min(10 * rounding, mostRounding)))
      );
  }
}

/** The promise in words. */
export function promiseText(promise: RepairPromise): string {
  switch (promise.kind) {
    case 'report':
      return 'the outputs may change';
    case 'bit-equal':
      return 'the outputs stay the same to the bit';
    case 'tolerance': {
      const { absolute = 0, relative } = promise;
      if (absolute === 0 && relative === 0) return 'the outputs stay the same numbers';
      const parts = [
        ...(relative > 0 ? [`${inWords(relative)} of the largest value of the output`] : []),
        ...(absolute > 0 ? [inWords(absolute)] : []),
      ];
      return `the outputs change by at most ${parts.join(' or ')}, or ten times what rounding does to them`;
    }
  }
}
