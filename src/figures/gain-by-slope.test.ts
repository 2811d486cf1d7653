import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { gainBySlope } from './gain-by-slope.js';

const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;

describe('gainBySlope', () => {
  test('shows the curve, a line for each σ_w², and a dot for each golden slope', () => {
    const svg = parsed(gainBySlope({ weightVariances: [1 / 3, 1.5, 2.5] }));
    expect(svg.querySelectorAll('g[aria-label=line] path').length).toBe(1);
    expect(svg.querySelectorAll('g[aria-label=dot] circle').length).toBe(2);
    expect(svg.textContent).toContain('golden slope 2.24');
    expect(svg.textContent).toContain('σ_w² = 2.5: no golden slope');
  });

  test('puts the dots on the curve and on the line', () => {
    const [line, ...others] = parsed(gainBySlope({ weightVariances: [0.5] })).querySelectorAll(
      'g[aria-label=rule] line',
    );
    const dot = parsed(gainBySlope({ weightVariances: [0.5] })).querySelector('g[aria-label=dot] circle');
    const rules = [line, ...others].map(rule => rule?.getAttribute('y1'));
    expect(rules).toContain(dot?.getAttribute('cy'));
  });

  test('reaches beyond the farthest golden slope, and is the same each time', () => {
    expect(gainBySlope({ weightVariances: [0.02] })).toContain('golden slope 9.95');
    expect(gainBySlope({ weightVariances: [0.02] })).toBe(gainBySlope({ weightVariances: [0.02] }));
    expect(gainBySlope()).toContain('−1');
  });

  test.each([
    [{ weightVariances: [0] }, 'weightVariance must be greater than 0, got 0'],
    [{ weightVariances: [Number.NaN] }, 'weightVariance must be finite, got NaN'],
    [{ width: 100 }, 'gainBySlope: width must be 320 or more, got 100'],
  ])('refuses %o', (options, message) => {
    expect(() => gainBySlope(options)).toThrow(message);
  });
});
