/* The times of the kernel benchmark as a figure: a row for each contestant, a mark for each size. */
import { figure } from '../dist/figures/drawing.js';
import { markKeys, ratioPanel, spreadOf } from './ratio-panel.js';

/** Our rows and their names; the rivals' follow. */
const ours = ['', 'in place', 'other arrays', 'JavaScript'];

const titleOf = name => (ours.includes(name) ? `Reluminate${name && `, ${name}`}` : name);

function drawPass(measured, pass, width, height) {
  const names = [...ours, ...new Set(measured.flatMap(({ rivals }) => rivals))];
  const rows = measured.flatMap(({ times }, index) =>
    names.flatMap(name => {
      const above = times.get(name === '' ? pass : `${pass}, ${name}`);
      return above ? [{ ...spreadOf(above, times.get('copy')), index, name: titleOf(name) }] : [];
    }),
  );
  return ratioPanel(pass, {
    rows,
    names: names.map(titleOf),
    cases: measured,
    width,
    height,
    x: {
      domain: [0.4, 250],
      ticks: [1, 2, 10, 20, 100, 200],
      label: 'time / time of a copy of the array (TypedArray.set)',
    },
  });
}

/** The figure: forward and backward, all sizes. */
export const drawTimes = measured =>
  figure('drawTimes', {
    width: 960,
    label: 'Times of forward and backward passes of PReLU over the time of a copy, by library and size',
    curves: [],
    keys: markKeys(measured.map(({ length, name }) => `${length.toLocaleString('en')} elements (${name})`)),
    panels: ['forward', 'backward'].map(pass => (width, height) => drawPass(measured, pass, width, height)),
    heightFor: () => 400,
  });
