/* The times of the training benchmark as a figure: a panel for each network, a row for each contestant, a mark for each rectifier. */
import { figure } from '../dist/figures/drawing.js';
import { markKeys, ratioPanel, spreadOf } from './ratio-panel.js';

/** `measured` has for each network its name and, by rectifier and contestant, the times of all rounds. */
export const drawSteps = (measured, rectifiers, baseline) =>
  figure('drawSteps', {
    width: 960,
    label: 'Time of a training step over that of Reluminate with ReLU on one thread, by library and network',
    curves: [],
    keys: markKeys(rectifiers),
    panels: measured.map(({ name, times }) => (width, height) => {
      const below = times.get(rectifiers[0]).get(baseline);
      const rows = rectifiers.flatMap((rectifier, index) =>
        [...times.get(rectifier)].map(([contestant, above]) => ({
          ...spreadOf(above, below),
          index,
          name: contestant,
        })),
      );
      return ratioPanel(name, {
        rows,
        names: [...new Set(measured.flatMap(each => [...each.times.get(rectifiers[0]).keys()]))],
        cases: rectifiers,
        width,
        height,
        x: {
          domain: [0.4, 30],
          ticks: [0.5, 1, 2, 5, 10, 20],
          label: 'time of a step / Reluminate’s with ReLU, 1 thread',
        },
      });
    }),
    heightFor: () => 260,
  });
