import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { beforeAfter, type NetworkState } from './before-after.js';

const right = { share: 0.9, lower: 0.885, upper: 0.912 };
const states: NetworkState[] = [
  { label: 'as it was', neverFiring: [0.25, 1], right, parameters: 1200 },
  { label: 'pruned', neverFiring: [0, 0.125], right, parameters: 700 },
];
const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;

test('a cell for each layer of each state, a dot with its interval, a bar from zero', () => {
  const svg = parsed(beforeAfter(states));
  const panels = [...svg.querySelectorAll(':scope > svg')];
  expect(panels.length).toBe(3);
  expect(panels[0]!.querySelectorAll('g[aria-label=cell] rect').length).toBe(4);
  for (const share of ['25\u00a0%', '100\u00a0%', '0\u00a0%', '12.5\u00a0%'])
    expect(panels[0]!.textContent).toContain(share);
  expect(panels[1]!.querySelectorAll('g[aria-label=rule] line').length).toBe(2);
  const bars = [...panels[2]!.querySelectorAll('g[aria-label=bar] rect')];
  expect(new Set(bars.map(bar => bar.getAttribute('x'))).size).toBe(1);
  const [whole, pruned] = bars.map(bar => Number(bar.getAttribute('width'))) as [number, number];
  expect(pruned / whole).toBeCloseTo(700 / 1200, 6);
  expect(svg.getAttribute('aria-label')).toContain('1 as it was, 2 pruned');
});

test('one state alone, of intervals of no width; no state and a narrow drawing are refused', () => {
  const sure = { ...states[0]!, right: { share: 1, lower: 1, upper: 1 } };
  expect(beforeAfter([sure], { width: 320 })).not.toMatch(/NaN|undefined/);
  expect(() => beforeAfter([])).toThrow('beforeAfter: there must be a state, got none');
  expect(() => beforeAfter(states, { width: 200 })).toThrow('beforeAfter: width must be 320 or more, got 200');
});
