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
    expect(moves('leaky:30', 0)).toBe(2);
    expect(moves('elu:25', 0)).toBe(2);
    expect(moves('elu:25', 1)).toBe(3);
    expect(moves('elu:1', 1)).toBe(2);
    expect(moves('celu:0.001', 1)).toBe(2);
    expect(moves('hard-swish', 1)).toBe(4);
  });

  test('the sides of a jump stand at the kink, however wide the domain', () => {
    for (const reach of [4, 1e6]) {
      const svg = parsed(draw(['relu'], { domain: [-reach, reach] }));
      const [from, to] = [...(svg.querySelectorAll(':scope > svg')[1]?.querySelectorAll('path') ?? [])]
        .map(path => path.getAttribute('d') ?? '')
        .filter(d => d.split('M').length === 3)
        .flatMap(d => d.split('M').slice(1))
        .map(part => part.split(/[L,]/).map(Number));
      expect(from?.at(-2)).toBeCloseTo(to?.[0] as number, 2);
    }
  });

  test('numbers have room, at wide and at narrow widths', () => {
    const ticks = (width: number, reach: number, axis: string) =>
      [
        ...parsed(draw(['leaky:0.5'], { width, domain: [-reach, reach] })).querySelectorAll(
          `g[aria-label="${axis}-axis tick label"]`,
        ),
      ][0]?.querySelectorAll('text') ?? [];
    expect([...ticks(700, 4, 'x')].map(({ textContent }) => textContent)).toEqual(['−4', '−2', '0', '2', '4']);
    expect([...ticks(960, 1e6, 'y')].map(({ textContent }) => textContent)).toContain('−4e5');
    const label = [...ticks(960, 1e-5, 'y')].at(-1);
    expect(label?.textContent).toBe('1e−5');
  });

  test('labels round parameters and have true minus signs', () => {
    expect(draw(['celu:0.3333333333333333', 'leaky:-0.5'])).toContain('CELU (0.3333)');
    expect(draw(['leaky:-0.5'])).toContain('Leaky ReLU (−0.5)');
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
    [() => rectifierCurves(['relu' as never]), 'rectifierCurves: rectifier must be a rectifier, such as'],
    [() => draw(['relu'], { width: 100 }), 'width must be 320 or more, got 100'],
    [() => draw(['relu'], { width: 10_001 }), 'width must be 10000 or less, got 10001'],
    [() => draw(['relu'], { domain: [1, 1] }), 'got 1 to 1'],
    [() => draw(['relu'], { domain: [-1e-320, 1e-320] }), 'domain must be wide enough for 400 different numbers, got '],
    [() => draw(['relu'], { domain: [1e16, 1e16 + 4] }), 'domain must be wide enough for 400 different numbers, got '],
    [() => draw(['relu'], { domain: [Number.NaN, 1] }), 'got NaN to 1'],
  ])('refuses what cannot be drawn', (make, message) => {
    expect(make).toThrow(message);
  });
});
