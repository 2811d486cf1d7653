import { describe, expect, test } from 'vitest';
import { deadVerdicts, verdicts } from '../audit/report.js';
import { verdictStyles } from './verdict-style.js';

/** Relative luminance of a colour such as `#d55e00` (WCAG 2). */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map(at => {
    const c = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe('verdict styles', () => {
  test('no two verdicts share a glyph, a label or a colour', () => {
    for (const key of ['glyph', 'label', 'light', 'dark'] as const) {
      expect(new Set(verdicts.map(verdict => verdictStyles[verdict][key])).size).toBe(verdicts.length);
    }
  });

  test('the worse a verdict, the more it stands out from the ground, also without hue', () => {
    const towardsHealthy = [...deadVerdicts, 'rare', 'dormant'] as const;
    const light = towardsHealthy.map(verdict => luminance(verdictStyles[verdict].light));
    const dark = towardsHealthy.map(verdict => luminance(verdictStyles[verdict].dark));
    expect(light).toEqual(light.toSorted((a, b) => a - b));
    expect(dark).toEqual(dark.toSorted((a, b) => b - a));
  });
});
