import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verdicts } from '../audit/report.js';
import { displayWidth } from './names.js';
import { hostileReport, sampleReport, typicalReport } from './sample-report.js';
import { renderTable } from './terminal.js';

const plain = { color: false, width: 100 };

describe('renderTable', () => {
  for (const width of [60, 100, 160]) {
    test(`a typical report, ${width} columns`, () => {
      expect(renderTable(typicalReport(), { color: false, width })).toMatchSnapshot();
    });

    test(`color adds escapes and nothing else, ${width} columns`, () => {
      const colored = renderTable(typicalReport(), { color: true, width });
      expect(colored).not.toBe(stripVTControlCharacters(colored));
      expect(stripVTControlCharacters(colored)).toBe(renderTable(typicalReport(), { color: false, width }));
      expect(colored.split('\n').slice(0, 12).join('\n')).toMatchSnapshot();
    });
  }

  test('hostile names stay harmless', () => {
    const text = renderTable(hostileReport(), plain);
    expect(text).toMatchSnapshot();
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}]/u);
  });

  test('no line is too wide or ends in a space, and the bars are as wide as each other', () => {
    const weights = fc.record(
      Object.fromEntries(verdicts.map(verdict => [verdict, fc.constantFrom(0, 0, 0.01, 0.1, 0.5)])),
    );
    const options = fc.record({
      layers: fc.integer({ min: 0, max: 20 }),
      seed: fc.nat(),
      synthetic: fc.boolean(),
      samples: fc.constantFrom(0, 1, 300),
      weights,
    });
    fc.assert(
      fc.property(options, fc.integer({ min: 60, max: 200 }), ({ weights, ...rest }, width) => {
        const report = sampleReport({
          ...rest,
          unitsPerLayer: l => 1 + ((l * 37) % 1500),
          names: l => `网络/${'scope/'.repeat(l)}${l}`,
          op: l => (l % 3 === 0 ? 'prelu' : 'relu'),
          verdictWeights: () => weights,
        });
        for (const line of renderTable(report, { color: false, width }).split('\n')) {
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(line).toBe(line.trimEnd());
        }
      }),
      { numRuns: 60 },
    );
  });

  test('colored lines do not end in painted spaces either', () => {
    const text = renderTable(typicalReport(), { color: true, width: 120 });
    for (const line of text.split('\n'))
      expect(stripVTControlCharacters(line)).toBe(stripVTControlCharacters(line).trimEnd());
  });

  test('layers with nothing to report make one line, or all lines when asked', () => {
    const rows = (text: string) => text.split('\n').filter(line => line.includes('block')).length;
    expect(renderTable(typicalReport(), plain)).toContain('\nand 20 layers with nothing to report\n');
    expect(rows(renderTable(typicalReport(), plain))).toBe(24);
    expect(rows(renderTable(typicalReport(), { ...plain, all: true }))).toBe(44);
  });

  test('synthetic data is told at the top and at the bottom', () => {
    const report = sampleReport({ layers: 2, unitsPerLayer: () => 4, samples: 10, synthetic: true });
    const lines = renderTable(report, plain).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^! SYNTHETIC INPUTS/);
    expect(lines.at(-2)).toMatch(/^! SYNTHETIC INPUTS/);
  });

  test('a model without rectifiers has a summary and no table', () => {
    const text = renderTable(sampleReport({ layers: 0, unitsPerLayer: () => 0, samples: 10 }), plain);
    expect(text).toContain('The model has no rectifier');
    expect(text).not.toContain('vanished');
  });

  test('says why layers were not observed', () => {
    const report = sampleReport({ layers: 3, unitsPerLayer: () => 4, samples: 10 });
    for (const layer of report.layers.slice(0, 2)) layer.unobservedBecause = 'it sits in a loop';
    expect(renderTable(report, plain)).toContain('\n2 layers not observed: it sits in a loop\n');
  });
});
