import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { dyingNeuron, traceNeuron } from '../theory/dying-neuron.js';
import { dyingNeuronFigure } from './dying-neuron.js';

const curve = (name: string, steps = 30) => ({
  label: name,
  trace: traceNeuron({ ...dyingNeuron, steps, rectifier: parseRectifier(name) }),
});
const panelsOf = (svg: string) => [
  ...(
    parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element
  ).querySelectorAll(':scope > svg'),
];
const lines = (panel: Element) => [...panel.querySelectorAll('g[aria-label=line] path')];

describe('dyingNeuronFigure', () => {
  test('draws pre-activation, loss and gradient of each rectifier', () => {
    const svg = dyingNeuronFigure([curve('leaky:0.1'), curve('prelu')]);
    const panels = panelsOf(svg);
    expect(panels.map(panel => lines(panel).length)).toEqual([2, 2, 2]);
    expect(svg).toContain('prelu');
    expect(svg).toContain('10⁻²');
  });

  test('a gradient of exactly 0 is a gap: of ReLU there is one dot, at the first step', () => {
    const [, loss, gradient] = panelsOf(dyingNeuronFigure([curve('relu')]));
    expect(gradient!.querySelectorAll('g[aria-label=dot] circle').length).toBe(1);
    expect(loss!.querySelectorAll('g[aria-label=dot] circle').length).toBe(0);
    expect(lines(loss!)[0]!.getAttribute('d')).toMatch(/^M[^M]*L[^M]*$/);
  });

  test('draws a unit that is dead from the start, and one that takes no step', () => {
    const silent = traceNeuron({ ...dyingNeuron, weight: -1, steps: 3 });
    expect(panelsOf(dyingNeuronFigure([{ label: 'silent', trace: silent }])).length).toBe(3);
    expect(dyingNeuronFigure([curve('relu', 0)])).not.toContain('NaN');
  });

  test.each([
    [() => dyingNeuronFigure([]), 'dyingNeuronFigure: there must be a curve, got none'],
    [() => dyingNeuronFigure([curve('relu')], { width: 10 }), 'width must be 320 or more, got 10'],
  ])('refuses what cannot be drawn', (make, message) => {
    expect(make).toThrow(message);
  });
});
