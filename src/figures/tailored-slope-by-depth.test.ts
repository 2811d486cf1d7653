import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { tailoredSlopeByDepth } from './tailored-slope-by-depth.js';

const panelsOf = (svg: string) => [
  ...(
    parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element
  ).querySelectorAll(':scope > svg'),
];

/** Where the curves of a panel begin, from their paths. */
const starts = (panel: Element | undefined) =>
  [...(panel?.querySelectorAll('g[aria-label=line] path') ?? [])].map(path =>
    Number(path.getAttribute('d')!.slice(1).split(',')[0]),
  );

describe('tailoredSlopeByDepth', () => {
  test('draws a curve for each η, from the shallowest network that has a slope', () => {
    const [slopes, reachable] = panelsOf(tailoredSlopeByDepth([0.3, 0.9, 0.95]));
    const [first, second, third] = starts(slopes);
    const [one, thousand] = [first!, 460];
    const at = (depth: number) => one + ((thousand - one) * Math.log10(depth)) / 3;
    expect(second).toBeCloseTo(at(13), 0);
    expect(third).toBeCloseTo(at(21), 0);
    expect(slopes?.querySelectorAll('circle').length).toBe(3);
    expect(reachable?.querySelectorAll('g[aria-label=area] path').length).toBe(1);
  });

  test('leaves an η without slopes without a curve', () => {
    const [slopes] = panelsOf(tailoredSlopeByDepth([0.5, 0.99], { deepest: 10 }));
    expect(slopes?.querySelectorAll('circle').length).toBe(1);
  });

  test('marks a depth', () => {
    const marked = (depth?: number) => (tailoredSlopeByDepth([0.9], { depth }).match(/>depth \d+</g) ?? []).length;
    expect(marked(50)).toBe(2);
    expect(marked(1)).toBe(2);
    expect(marked(1000)).toBe(2);
    expect(marked()).toBe(0);
    expect(marked(5000)).toBe(0);
  });

  test.each([
    [() => tailoredSlopeByDepth([]), 'tailoredSlopeByDepth: there must be an eta, got none'],
    [() => tailoredSlopeByDepth([1]), 'eta must be greater than 0 and less than 1, got 1'],
    [() => tailoredSlopeByDepth([0.9], { deepest: 5 }), 'deepest must be a whole number from 10'],
    [() => tailoredSlopeByDepth([0.9], { deepest: 1e6 }), 'deepest must be at most 100,000, got 1000000'],
    [() => tailoredSlopeByDepth([0.9], { width: 10 }), 'width must be 320 or more, got 10'],
  ])('refuses what cannot be drawn', (make, message) => {
    expect(make).toThrow(message);
  });
});
