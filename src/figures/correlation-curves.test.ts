import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { correlationCurves } from './correlation-curves.js';

const draw = (names: string[], options = {}) => correlationCurves(names.map(parseRectifier), options);
const panelsOf = (svg: string) => [
  ...(
    parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element
  ).querySelectorAll(':scope > svg'),
];

/** The last point of every curve of a panel, from its path. */
const ends = (panel: Element | undefined) =>
  [...(panel?.querySelectorAll('g[aria-label=line] path') ?? [])].map(path =>
    path.getAttribute('d')!.split('L').at(-1)!.split(',').map(Number),
  );

describe('correlationCurves', () => {
  test('draws one layer, many layers, and orthogonal inputs by depth, with the line of no change', () => {
    const panels = panelsOf(draw(['relu', 'leaky:0.5'], { depth: 20 }));
    expect(panels.map(panel => panel.lastElementChild?.textContent)).toEqual([
      'correlation behind one layer',
      'correlation behind 20 layers',
      'orthogonal inputs, by depth',
    ]);
    expect(panels.map(panel => ends(panel).length)).toEqual([3, 3, 2]);
  });

  test('all maps end where c = 1 stays 1; ReLU is above leaky ReLU for orthogonal inputs', () => {
    const panels = panelsOf(draw(['relu', 'leaky:0.5']));
    const [identity, relu, leaky] = ends(panels[0]);
    expect(relu).toEqual(identity);
    expect(leaky).toEqual(identity);
    const [high, low] = ends(panels[2]).map(end => end[1]!);
    expect(high).toBeLessThan(low!);
  });

  test('one layer has one panel; narrow panels stand one under the other', () => {
    expect(panelsOf(draw(['relu'], { depth: 1 })).length).toBe(1);
    expect(panelsOf(draw(['relu'], { width: 400 })).map(panel => panel.getAttribute('x'))).toEqual(['0', '0', '0']);
  });

  test.each([
    [() => correlationCurves([]), 'correlationCurves: there must be a rectifier, got none'],
    [() => draw(['relu'], { depth: 0 }), 'correlationCurves: depth must be a whole number from 1'],
    [() => draw(['relu'], { width: 100 }), 'correlationCurves: width must be 320 or more, got 100'],
    [() => draw(['gelu'], { preActivationVariance: -1 }), 'preActivationVariance must be greater than 0, got -1'],
  ])('refuses what cannot be drawn', (make, message) => {
    expect(make).toThrow(message);
  });
});
