import * as Plot from '@observablehq/plot';
import { significant } from '../report/numbers.js';
import { goldenSlope } from '../theory/golden-slope.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

export interface GainBySlopeOptions {
  /** Values of σ_w² whose golden slopes are marked (default 1/3, that of PyTorch's nn.Linear). */
  readonly weightVariances?: readonly number[];
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960). */
  readonly width?: number;
}

const samples = 300;
const axes = { x: 'slope', y: 'gain' } as const;
const leakyGain = (slope: number): number => Math.sqrt(2 / (1 + slope * slope));

function describeSlope(weightVariance: number): string {
  const slope = goldenSlope(weightVariance);
  const law = `σ_w² = ${significant(weightVariance)}`;
  return slope === null ? `${law}: no golden slope` : `${law}: golden slope ${significant(slope)}`;
}

/**
 * The gain of leaky ReLU, √(2/(1 + a²)), against its negative slope a, as an SVG. Each σ_w² is a line at σ_w; where it meets the curve lies its
 * golden slope, and above the highest point of the curve there is none. Throws a RangeError for a σ_w² that is not positive and a width below 320.
 *
 * @example
 * import { gainBySlope } from 'reluminate/figures';
 * gainBySlope({ weightVariances: [1.5] }).includes('golden slope 0.577'); // => true
 */
export function gainBySlope({ weightVariances = [1 / 3], width = 960 }: GainBySlopeOptions = {}): string {
  const golden = weightVariances.map(goldenSlope);
  const to = Math.max(2, ...golden.map(slope => 1.15 * (slope ?? 0)));
  const curve = Array.from({ length: samples + 1 }, (_, at) => {
    // Closer on the left, so that the top of the curve shows however far it goes.
    const slope = -1 + (to + 1) * (at / samples) ** 2;
    return { slope, gain: leakyGain(slope) };
  });
  const labels = ['gain of leaky ReLU', ...weightVariances.map(describeSlope)];
  const lines = weightVariances.map((weightVariance, at) => {
    const style = { stroke: strokeOf(at + 1), strokeWidth: 2, strokeDasharray: dashOf(at + 1) };
    return Plot.ruleY([Math.sqrt(weightVariance)], style);
  });
  const dots = golden.flatMap((slope, at) =>
    slope === null ? [] : [Plot.dot([{ slope, gain: leakyGain(slope) }], { ...axes, r: 5, fill: strokeOf(at + 1) })],
  );
  return figure('gainBySlope', {
    width,
    label: `Gain of leaky ReLU against its negative slope; ${labels.slice(1).join('; ')}`,
    curves: labels,
    panels: [
      (panelWidth, height) =>
        panel('gain √(2/(1 + a²)), and σ_w = √(fanIn · Var w)', {
          width: panelWidth,
          height,
          x: { label: 'negative slope a', domain: [-1, to] },
          y: { label: null, grid: true, nice: true, domain: [0, Math.max(1.5, ...weightVariances.map(Math.sqrt))] },
          marks: [
            Plot.ruleX([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
            Plot.ruleY([0], { stroke: 'currentColor', strokeOpacity: 0.35 }),
            Plot.line(curve, { ...axes, stroke: strokeOf(0), strokeWidth: 2 }),
            ...lines,
            ...dots,
          ],
        }),
    ],
  });
}
