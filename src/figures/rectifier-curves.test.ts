import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { rectifierCurves } from './rectifier-curves.js';

const draw = (names: string[], options = {}) => rectifierCurves(names.map(parseRectifier), options);
const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;

describe('rectifierCurves', () => {
  test('shows a panel for value, derivative and slope gradient, and a legend entry for each rectifier', () => {
    const svg = parsed(draw(['relu', 'leaky:0.1', 'prelu']));
    expect(svg.querySelectorAll(':scope > svg').length).toBe(3);
    expect(svg.textContent).toContain('Leaky ReLU (0.1)');
    expect(svg.querySelectorAll(':scope > g').length).toBe(3);
  });

  test('leaves the slope gradient out where no rectifier has a slope', () => {
    expect(parsed(draw(['gelu', 'silu'])).querySelectorAll(':scope > svg').length).toBe(2);
  });

  test('draws every curve of a panel with another stroke and dash', () => {
    const [value] = parsed(draw(['relu', 'elu', 'gelu', 'silu', 'mish', 'softplus', 'hard-swish'])).querySelectorAll(
      ':scope > svg',
    );
    const styles = [...(value?.querySelectorAll('g[aria-label=line]') ?? [])].map(
      line => `${line.getAttribute('stroke')} ${line.getAttribute('stroke-dasharray')}`,
    );
    expect(new Set(styles).size).toBe(7);
  });

  test('breaks the curve at a jump and nowhere else', () => {
    const moves = (name: string, panel: number) => {
      const line = parsed(draw([name]))
        .querySelectorAll(':scope > svg')
        [panel]?.querySelector('g[aria-label=line] path');
      return line?.getAttribute('d')?.split('M').length ?? 0;
    };
    expect(moves('relu', 1)).toBe(3);
    expect(moves('relu', 0)).toBe(2);
    expect(moves('thresholded:1', 0)).toBe(3);
  });

  test('stands the panels one under the other where it is narrow', () => {
    const places = (width: number) =>
      [...parsed(draw(['prelu'], { width })).querySelectorAll(':scope > svg')].map(panel => panel.getAttribute('x'));
    expect(places(400)).toEqual(['0', '0', '0']);
    expect(new Set(places(960)).size).toBe(3);
  });

  test('writes numbers with a true minus sign', () => {
    expect(draw(['relu'])).toContain('−4');
  });

  test.each([
    [() => rectifierCurves([]), 'there must be a rectifier'],
    [() => draw(['relu'], { width: 100 }), 'width must be 320 or more, got 100'],
    [() => draw(['relu'], { domain: [1, 1] }), 'got 1 to 1'],
    [() => draw(['relu'], { domain: [Number.NaN, 1] }), 'got NaN to 1'],
  ])('refuses what cannot be drawn', (make, message) => {
    expect(make).toThrow(message);
  });
});
