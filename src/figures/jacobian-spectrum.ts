import * as Plot from '@observablehq/plot';
import type { JacobianSimulation } from '../theory/jacobian-simulation.js';
import { decadeAxis } from './decades.js';
import { dashOf, figure, panel, strokeOf } from './drawing.js';

/** The measured spectra of one description. */
export interface SpectrumCurve {
  readonly label: string;
  readonly simulation: JacobianSimulation;
}

export interface JacobianSpectrumOptions {
  /** Width of the drawing in units of 1/96 inch, 320 to 10,000 (default 960). */
  readonly width?: number;
}

/** Singular values below 10^-6 of the root mean square are as good as 0 and are not drawn. */
const lowest = -6;

/** One network's singular values, the greatest first, each at the middle of its share of the directions. */
function points({ singularValues }: JacobianSimulation['spectra'][number], network: number) {
  return Array.from(singularValues, (value, at) => ({
    network,
    share: (100 * (at + 0.5)) / singularValues.length,
    log: Math.log10(value),
  })).filter(({ log }) => log >= lowest);
}

/**
 * Singular values of the Jacobian as an SVG, on a logarithmic scale: each network is a curve from its greatest singular value to its least,
 * over the root of their mean square. A flat curve passes all directions alike. Throws a RangeError for no curves and a width below 320.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { jacobianSpectrum } from 'reluminate/figures';
 * import { describeNetwork, parseInitializer, simulateJacobian } from 'reluminate/theory';
 * const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') };
 * const simulation = simulateJacobian(describeNetwork([8, 8, 8], options));
 * jacobianSpectrum([{ label: 'ReLU, He', simulation }]).startsWith('<svg'); // => true
 */
export function jacobianSpectrum(
  curves: readonly SpectrumCurve[],
  { width = 960 }: JacobianSpectrumOptions = {},
): string {
  if (curves.length === 0) throw new RangeError('jacobianSpectrum: there must be a curve, got none');
  const drawn = curves.map(({ simulation }) => simulation.spectra.flatMap(points));
  const axis = decadeAxis([0, ...drawn.flat().map(({ log }) => log)]);
  const labels = curves.map(({ label }) => label);
  return figure('jacobianSpectrum', {
    width,
    label: `Singular values of the Jacobian at initialization, measured, for ${labels.join('; ')}`,
    curves: labels,
    panels: [
      (panelWidth, height) =>
        panel('singular values (of mean square 1)', {
          width: panelWidth,
          height,
          marginLeft: 52,
          x: { label: 'rank, in percent of all directions (a curve for each network)', domain: [0, 100] },
          y: { label: null, grid: true, ...axis },
          marks: drawn.map((spectra, index) =>
            Plot.line(spectra, {
              x: 'share',
              y: 'log',
              z: 'network',
              stroke: strokeOf(index),
              strokeWidth: 1.5,
              strokeDasharray: dashOf(index),
            }),
          ),
        }),
    ],
  });
}
