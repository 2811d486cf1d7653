import { describe, expect, test } from 'vitest';
import { progressLine, progressOn } from './progress.js';

/** A stream that remembers what is written to it. */
const stream = (isTTY: boolean) => {
  const written: string[] = [];
  return {
    written,
    stream: { isTTY, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream,
  };
};

describe('a progress line', () => {
  test('says the phase, or the samples and the time left at the pace so far', () => {
    expect(progressLine({ phase: 'weights', done: 0, total: null }, 0)).toBe('reading the weights');
    expect(progressLine({ phase: 'timing', done: 0, total: null }, 0)).toMatch(/^timing/);
    expect(progressLine({ phase: 'samples', done: 25, total: 100 }, 10_000)).toBe('25 of 100 samples, 30 s left');
    expect(progressLine({ phase: 'samples', done: 1, total: 100 }, 10_000)).toBe('1 of 100 samples, 16 min 30 s left');
    expect(progressLine({ phase: 'samples', done: 0, total: 100 }, 10_000)).toBe('0 of 100 samples');
    expect(progressLine({ phase: 'samples', done: 7, total: null }, 61_000)).toBe('7 samples, 1 min 1 s');
  });

  test('does not count what was done before the time began', () => {
    expect(progressLine({ phase: 'samples', done: 60, total: 100 }, 10_000, 'steps', 50)).toBe(
      '60 of 100 steps, 40 s left',
    );
    expect(progressLine({ phase: 'samples', done: 50, total: 100 }, 10_000, 'steps', 50)).toBe('50 of 100 steps');
  });

  test('is rewritten in place on a terminal, not for every batch, and always for the last', () => {
    const { written, stream: terminal } = stream(true);
    const progress = progressOn(terminal);
    progress.show({ phase: 'weights', done: 0, total: null });
    for (let done = 1; done <= 1000; done++) progress.show({ phase: 'samples', done, total: 1000 });
    expect(written[0]).toBe('\r\u001b[2Kreading the weights');
    expect(written.at(-1)?.startsWith('\r\u001b[2K1000 of 1000 samples')).toBe(true);
    expect(written.length).toBeLessThan(500);
    progress.clear();
    expect(written.at(-1)).toBe('\r\u001b[2K');
  });

  test('is not shown elsewhere', () => {
    const { written, stream: file } = stream(false);
    const progress = progressOn(file);
    progress.show({ phase: 'weights', done: 0, total: null });
    progress.clear();
    expect(written).toEqual([]);
  });
});
