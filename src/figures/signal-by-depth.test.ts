import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/index.js';
import { parseInitializer } from '../theory/initializer.js';
import { simulateJacobian } from '../theory/jacobian-simulation.js';
import { describeNetwork, parseWidths } from '../theory/network.js';
import { signal } from '../theory/signal.js';
import { simulateSignal } from '../theory/signal-simulation.js';
import { jacobianSpectrum } from './jacobian-spectrum.js';
import { signalByDepth } from './signal-by-depth.js';

const plain = (widths: string, rectifier: string, initializer: string) =>
  describeNetwork(parseWidths(widths), {
    rectifier: parseRectifier(rectifier),
    initializer: parseInitializer(initializer),
  });

/** Lines that are drawn, not ticks. */
const lines = (svg: string) =>
  [...svg.matchAll(/<g [^>]*aria-label="line"[^>]*>(.*?)<\/g>/gs)].reduce(
    (sum, [, group]) => sum + count(group!, /<path /g),
    0,
  );
const count = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].length;

describe('signalByDepth', () => {
  const network = plain('8x101', 'leaky:0.1', 'normal:0.2');

  test('a line for each curve in each panel, dots and rings where measured', () => {
    const curves = [
      { label: 'measured', signal: signal(network), simulation: simulateSignal(network, { networks: 3 }) },
      { label: 'exact', signal: signal(plain('8x11', 'gelu', 'he')) },
    ];
    const svg = signalByDepth(curves);
    expect(lines(svg)).toBe(4);
    expect(count(svg, /<circle /g)).toBe(2 * 2 * 14);
    expect(svg).toContain('measured');
    expect(svg).toContain('10⁻¹⁰⁰');
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(signalByDepth(curves.slice(1))).not.toContain('<circle');
  });

  test('signals beyond the range of float64 are drawn, and ones that end at 0 as far as they go', () => {
    const deep = signalByDepth([{ label: 'deep', signal: signal(plain('4x2001', 'relu', 'normal:0.1')) }]);
    expect(deep).toContain('10⁻²⁰⁰⁰');
    const dead = plain('1x80', 'relu', 'he');
    const svg = signalByDepth([
      { label: 'dead', signal: signal(dead), simulation: simulateSignal(dead, { networks: 2 }) },
    ]);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('refuses no curves and narrow drawings', () => {
    expect(() => signalByDepth([])).toThrow('signalByDepth: there must be a curve, got none');
    expect(() => signalByDepth([{ label: '', signal: signal(network) }], { width: 100 })).toThrow('width must be 320');
  });
});

describe('jacobianSpectrum', () => {
  test('a curve for each network, without what is as good as 0', () => {
    const simulation = simulateJacobian(plain('16x6', 'relu', 'he'), { networks: 3 });
    const svg = jacobianSpectrum([{ label: 'ReLU', simulation }], { width: 400 });
    expect(lines(svg)).toBe(3);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test('refuses no curves', () => {
    expect(() => jacobianSpectrum([])).toThrow('jacobianSpectrum: there must be a curve, got none');
  });
});
