import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { parseInitializer } from '../theory/initializer.js';
import { describeNetwork, parseWidths } from '../theory/network.js';
import { type SignalSimulation, simulateSignal } from '../theory/signal-simulation.js';
import { gradientNorms } from './gradient-norms.js';

const curve = (widths: string, rectifier: string, initializer: string) => ({
  label: `${rectifier}, ${initializer}`,
  simulation: simulateSignal(
    describeNetwork(parseWidths(widths), {
      rectifier: parseRectifier(rectifier),
      initializer: parseInitializer(initializer),
    }),
    { networks: 2, inputs: 3 },
  ),
});
const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;

describe('gradientNorms', () => {
  test('draws a line for each network and input, and a band', () => {
    const svg = parsed(gradientNorms([curve('16x9', 'leaky:0.5', 'he'), curve('16x9', 'leaky:1', 'orthogonal')]));
    expect(svg.querySelectorAll('g[aria-label=line] path').length).toBe(12);
    expect(svg.querySelectorAll('g[aria-label=rect] rect').length).toBe(1);
    expect(svg.textContent).toContain('within a factor 3');
    expect(svg.textContent).not.toContain('leave');
  });

  test('ends lines at the edge where they leave, and says how many do and where they go', () => {
    const svg = gradientNorms([curve('16x41', 'relu', 'pytorch'), curve('16x41', 'leaky:1', 'normal:4')]);
    expect(svg).toMatch(/6 of 6 leave, down to 10⁻¹[¹²³⁰⁴-⁹] at the input/);
    expect(svg).toMatch(/6 of 6 leave, up to 10¹[¹²³⁰⁴-⁹] at the input/);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('a dead network goes to 0', () => {
    expect(gradientNorms([curve('2x40', 'relu', 'he')])).toContain('6 of 6 leave, to 0 at the input');
    const norms = [[-Infinity, -Infinity, 0]];
    const simulation = { logGradientNorms: [norms], depths: [1, 2, 3] } as unknown as SignalSimulation;
    expect(gradientNorms([{ label: 'dead', simulation }])).toContain('1 of 1 leave, to 0 at the input');
  });

  test('refuses no curves, other factors and a narrow drawing', () => {
    const one = [curve('4x3', 'relu', 'he')];
    expect(() => gradientNorms([])).toThrow('gradientNorms: there must be a curve, got none');
    for (const factor of [1, 100, Number.NaN]) expect(() => gradientNorms(one, { factor })).toThrow('factor must be');
    expect(() => gradientNorms(one, { width: 300 })).toThrow('width must be 320 or more, got 300');
  });
});
