import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { initializeNetwork } from '../theory/initialize.js';
import { parseInitializer } from '../theory/initializer.js';
import { describeNetwork } from '../theory/network.js';
import { outputDistribution } from '../theory/output-distribution.js';
import { lineRegions, planeRegions } from '../theory/plane-regions.js';
import { rectifierLayers } from '../theory/rectifier-layer.js';
import { lineRegionCurves } from './line-regions.js';
import { outputDensity } from './output-density.js';
import { planeRegionMap } from './plane-regions.js';

const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;

const pictures = (widths: number[], names: string[]) =>
  names.map(name => {
    const rectifier = parseRectifier(name);
    const net = describeNetwork(widths, { rectifier, initializer: parseInitializer('pytorch') });
    const find = widths[0] === 1 ? lineRegions : planeRegions;
    return { label: rectifier.label, found: find(rectifierLayers(net, initializeNetwork(net)), { range: [-3, 3] }) };
  });

describe('planeRegionMap', () => {
  const drawn = pictures([2, 6, 5, 1], ['relu', 'leaky:-0.1']);
  const svg = parsed(planeRegionMap(drawn));
  const panels = [...svg.querySelectorAll(':scope > svg')];

  test('fills every polygon, and draws each layer’s kinks as one path of as many strokes', () => {
    panels.forEach((panel, index) => {
      const { found } = drawn[index]!;
      expect(panel.querySelectorAll('path[fill=currentColor][fill-opacity]').length).toBe(found.regions.length);
      const strokes = [...panel.querySelectorAll('path[stroke][fill=none]')].map(path => path.getAttribute('d')!);
      const perLayer = strokes.filter(d => /^M[^Z]*$/.test(d) && d.includes('L')).map(d => d.split('M').length - 1);
      for (const layer of [0, 1]) expect(perLayer).toContain(found.kinks.filter(kink => kink.layer === layer).length);
    });
  });

  test('shades from nothing to the fullest over all pictures', () => {
    const shades = panels.flatMap(panel =>
      [...panel.querySelectorAll('path[fill-opacity]')].map(path => Number(path.getAttribute('fill-opacity'))),
    );
    expect([Math.min(...shades), Math.max(...shades)]).toEqual([0, 0.4]);
  });

  test('says how many regions there are, with true minus signs', () => {
    expect(svg.textContent).toContain(`ReLU: ${drawn[0]!.found.regions.length} regions`);
    expect(svg.textContent).toContain('Leaky ReLU (−0.1): ');
    expect(svg.textContent).toContain('kinks of layer 2');
  });

  test('a network without kinks is one region; no pictures and a narrow drawing are refused', () => {
    const flat = planeRegions([
      { fanIn: 2, fanOut: 1, weights: Float64Array.of(1, 2), biases: Float64Array.of(0), negativeSlope: null },
    ]);
    expect(planeRegionMap([{ label: 'line', found: flat }], { width: 400 })).toContain('line: 1 region<');
    expect(() => planeRegionMap([])).toThrow('planeRegionMap: there must be a picture, got none');
    expect(() => planeRegionMap(drawn, { width: 100 })).toThrow('width must be 320 or more');
  });
});

describe('lineRegionCurves', () => {
  test('a curve for each network, a dot at every bend', () => {
    const drawn = pictures([1, 6, 5, 1], ['relu', 'leaky:0.1']);
    const svg = parsed(lineRegionCurves(drawn));
    expect(svg.querySelectorAll('g[aria-label=line]').length).toBe(2);
    const bends = drawn.map(
      ({ found: { regions } }) =>
        regions.slice(1).filter((region, at) => region.linearRegion !== regions[at]!.linearRegion).length,
    );
    expect([...svg.querySelectorAll('g[aria-label=dot]')].map(dots => dots.querySelectorAll('circle').length)).toEqual(
      bends,
    );
    expect(() => lineRegionCurves([])).toThrow('there must be a picture, got none');
  });
});

describe('outputDensity', () => {
  test('a curve for each slope in both panels, and one arrow for the mass of slope 0', () => {
    const svg = parsed(outputDensity([0.25, 0, -0.5].map(slope => outputDistribution(slope))));
    const panels = [...svg.querySelectorAll(':scope > svg')];
    expect(panels.map(panel => panel.querySelectorAll('g[aria-label=line]').length)).toEqual([3, 3]);
    expect(panels.map(panel => panel.querySelectorAll('g[aria-label=arrow] path').length)).toEqual([1, 0]);
    expect(svg.textContent).toContain('slope 0, mass 0.500 at 0');
    expect(svg.textContent).toContain('slope −0.5');
  });

  test('a small slope does not flatten the others: its peak is cut off', () => {
    const labels = (slopes: number[]) =>
      [...parsed(outputDensity(slopes.map(slope => outputDistribution(slope)))).querySelectorAll('text')]
        .map(text => Number(text.textContent))
        .filter(Number.isFinite);
    expect(Math.max(...labels([1e-6, 0.5]))).toBeLessThan(4);
    expect(() => outputDensity([])).toThrow('there must be a distribution, got none');
  });
});
