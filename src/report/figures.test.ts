import { DOMParser } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { firingRates, slopesByLayer, verdictsByLayer } from './figures.js';
import { hostileReport, sampleReport, typicalReport } from './sample-report.js';

const parse = (svg: string | null) =>
  new DOMParser().parseFromString(svg!, 'image/svg+xml').documentElement as unknown as SVGElement;
const small = () =>
  sampleReport({
    layers: 3,
    unitsPerLayer: () => 20,
    samples: 200,
    op: l => (l === 1 ? 'prelu' : 'relu'),
    verdictWeights: () => ({ vanished: 0.1, silent: 0.2, rare: 0.1, linear: 0.1 }),
  });
const fills = (svg: SVGElement) => [...svg.querySelectorAll('rect')].map(rect => rect.getAttribute('fill') ?? '');

describe('every figure', () => {
  for (const draw of [verdictsByLayer, firingRates, slopesByLayer]) {
    test(`${draw.name} scales, has a label, takes its colours from the page and has no style of its own`, () => {
      const svg = parse(draw(small(), { width: 640 }));
      expect(svg.getAttribute('viewBox')).toMatch(/^0 -?\d+ 640 \d+(\.\d+)?$/);
      expect(svg.getAttribute('role')).toBe('img');
      expect(svg.getAttribute('aria-label')).toMatch(/\w{3}.*\.$/);
      expect(svg.getAttribute('fill')).toBe('currentColor');
      expect(svg.hasAttribute('width')).toBe(false);
      expect(svg.querySelectorAll('style, [style]').length).toBe(0);
      expect(fills(svg).every(fill => fill.startsWith('var(--verdict-'))).toBe(true);
      expect(svg.outerHTML).not.toContain('NaN');
    });

    test(`${draw.name} keeps hostile names text`, () => {
      const svg = parse(draw(hostileReport()));
      expect(svg.querySelectorAll('script, img, b, foreignObject').length).toBe(0);
      expect(draw(hostileReport())).not.toMatch(/<(?:script|img|b)[ >]|(?!\n)[\p{Cc}\p{Cf}]/u);
    });

    test(`${draw.name} looks as it did`, () => expect(draw(small(), { width: 400 })).toMatchSnapshot());
  }
});

describe('verdictsByLayer', () => {
  test('draws a bar for each verdict of each layer, as long as its share, and says the numbers', () => {
    const report = sampleReport({
      layers: 1,
      unitsPerLayer: () => 40,
      samples: 99,
      verdictWeights: () => ({ silent: 0.5 }),
    });
    const silent = report.layers[0]!.counts.silent;
    const [first, second] = [...parse(verdictsByLayer(report)).querySelectorAll('g[aria-label="bar"] rect')].map(
      rect => ({
        width: Number(rect.getAttribute('width')) + 0.5,
        title: rect.querySelector('title')!.textContent!,
      }),
    ) as [{ width: number; title: string }, { width: number; title: string }];
    expect(first.width / (first.width + second.width)).toBeCloseTo(silent / 40, 3);
    expect(first.title).toMatch(new RegExp(`^features.0/Relu\n${silent} of 40 units silent`));
  });

  test('a single unit among thousands is still drawn', () => {
    const report = sampleReport({ layers: 1, unitsPerLayer: () => 9000, samples: 99 });
    report.layers[0]!.counts.silent = 1;
    const rect = parse(verdictsByLayer(report)).querySelector('g[aria-label="bar"] rect')!;
    expect(Number(rect.getAttribute('width'))).toBeGreaterThan(0.9);
  });

  test('copes with hundreds of layers', () => {
    const report = sampleReport({ layers: 400, unitsPerLayer: () => 4, samples: 9 });
    expect(parse(verdictsByLayer(report)).querySelectorAll('g[aria-label="bar"] rect').length).toBe(400);
  });
});

describe('firingRates', () => {
  test('never and always have bars of their own', () => {
    const report = small();
    const fired = report.layers.flatMap(layer => layer.units.map(unit => unit.firedSamples));
    const label = parse(firingRates(report)).getAttribute('aria-label')!;
    expect(label).toContain(`${fired.filter(n => n === 0).length} never fire`);
    expect(label).toContain(`${fired.filter(n => n === 200).length} fire on every sample`);
  });
});

describe('where there is nothing to draw', () => {
  test('there is no figure', () => {
    const none = sampleReport({ layers: 0, unitsPerLayer: () => 0, samples: 5 });
    const noData = sampleReport({ layers: 2, unitsPerLayer: () => 3, samples: 0 });
    expect(verdictsByLayer(none)).toBeNull();
    expect(firingRates(noData)).toBeNull();
    expect(slopesByLayer(noData)).toBeNull();
    expect(slopesByLayer(typicalReport())).not.toBeNull();
  });
});
