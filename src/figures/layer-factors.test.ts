import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { inspectLayers } from '../theory/inspect.js';
import { layerFactors } from './layer-factors.js';

const inspection = (names: string[], weightVariance = 1) =>
  inspectLayers(
    names.map((name, at) => ({
      name,
      units: 8,
      fanIn: 8,
      weightVariance,
      ownWeightVariance: weightVariance,
      weightMeanShare: 0,
      biasVariance: 0,
      hasBatchNorm: false,
      follows: name,
      rectifier: name === '?' ? null : parseRectifier(name),
      isKnown: name !== '?',
      meanSlope: null,
      previous: at === 0 || at === 3 ? null : at - 1,
    })),
  );
const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;
const panels = (svg: Element) => [...svg.querySelectorAll(':scope > svg')];
const count = (panel: Element | undefined, label: string, child: string) =>
  [...(panel?.querySelectorAll(`g[aria-label=${label}] ${child}`) ?? [])].length;

describe('layerFactors', () => {
  test('draws one series where signal and gradient have the same factors, a link for each layer with a previous', () => {
    const svg = parsed(layerFactors(inspection(['relu', 'leaky:0.25', 'relu', 'relu', 'relu'])));
    expect(svg.querySelectorAll(':scope > g').length).toBe(1);
    expect(svg.textContent).toContain('signal and gradient');
    expect(panels(svg)).toHaveLength(3);
    expect(count(panels(svg)[0], 'dot', 'circle')).toBe(5);
    expect(count(panels(svg)[1], 'link', 'path')).toBe(3);
    expect(count(panels(svg)[2], 'link', 'path')).toBe(3);
    expect(count(panels(svg)[2], 'dot', 'circle')).toBe(5);
  });

  test('draws two where they differ', () => {
    const svg = parsed(layerFactors(inspection(['silu', 'relu'])));
    expect(svg.querySelectorAll(':scope > g').length).toBe(2);
    expect(count(panels(svg)[0], 'dot', 'circle')).toBe(4);
  });

  test('leaves out layers without a factor and factors of 0', () => {
    const svg = parsed(layerFactors(inspection(['relu', '?', 'relu'])));
    expect(count(panels(svg)[0], 'dot', 'circle')).toBe(2);
    expect(count(panels(svg)[1], 'link', 'path')).toBe(0);
    const zero = layerFactors(inspection(['relu', 'relu'], 0));
    expect(count(panels(parsed(zero))[0], 'dot', 'circle')).toBe(0);
    expect(count(panels(parsed(zero))[2], 'dot', 'circle')).toBe(0);
    expect(zero).not.toMatch(/NaN|Infinity/);
  });

  test('stands the panels one under the other where it is narrow, whatever the depth', () => {
    const svg = layerFactors(inspection(new Array(400).fill('relu'), 1 / 3), { width: 400 });
    expect(panels(parsed(svg)).map(panel => panel.getAttribute('x'))).toEqual(['0', '0', '0']);
    expect(svg).toContain('10⁻');
  });

  test('refuses no layers and a narrow drawing', () => {
    expect(() => layerFactors(inspection([]))).toThrow('layerFactors: there must be a layer, got none');
    expect(() => layerFactors(inspection(['relu']), { width: 300 })).toThrow('width must be 320 or more, got 300');
  });
});
