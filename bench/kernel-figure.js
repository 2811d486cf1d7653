/* The times of the kernel benchmark as a figure: a row for each contestant, a mark for each size. */
import * as Plot from '@observablehq/plot';
import { figure, panel, strokeOf } from '../dist/figures/drawing.js';
import { quantile } from './statistics.js';

/** Our rows and their names; the rivals' follow. */
const ours = ['', 'in place', 'other arrays', '2 threads', 'JavaScript'];
const symbols = ['circle', 'square', 'diamond2'];

const titleOf = name => (ours.includes(name) ? `Reluminate${name && `, ${name}`}` : name);

/** Times over those of a copy in the same round: the median and the middle half. */
function row(times, pass, name) {
  const above = times.get(name === '' ? pass : `${pass}, ${name}`);
  if (above === undefined) return null;
  const ratios = above.map((time, round) => time / times.get('copy')[round]);
  return { low: quantile(ratios, 0.25), median: quantile(ratios, 0.5), high: quantile(ratios, 0.75) };
}

function drawPass(measured, pass, width, height) {
  const names = [...ours, ...new Set(measured.flatMap(({ rivals }) => rivals))];
  const rows = measured.flatMap(({ times }, size) =>
    names.flatMap(name => {
      const found = row(times, pass, name);
      return found ? [{ ...found, size, name: titleOf(name) }] : [];
    }),
  );
  return panel(pass, {
    width,
    height,
    marginLeft: 150,
    x: {
      type: 'log',
      domain: [0.4, 250],
      label: 'time / time of a copy of the array (TypedArray.set)',
      grid: true,
      ticks: [1, 2, 10, 20, 100, 200],
    },
    y: {
      label: null,
      domain: names.map(titleOf).filter(title => rows.some(({ name }) => name === title)),
      tickFormat: name => name,
    },
    marks: [
      Plot.ruleX([1], { stroke: 'currentColor', strokeOpacity: 0.6 }),
      ...measured.flatMap((_, size) => {
        const mine = rows.filter(one => one.size === size);
        const dy = 7 * (size - (measured.length - 1) / 2);
        return [
          Plot.link(mine, { x1: 'low', x2: 'high', y: 'name', dy, stroke: strokeOf(size), strokeWidth: 2 }),
          Plot.dot(mine, { x: 'median', y: 'name', dy, fill: strokeOf(size), symbol: symbols[size], r: 3.5 }),
        ];
      }),
    ],
  });
}

/** The figure: forward and backward, all sizes. */
export const drawTimes = measured =>
  figure('drawTimes', {
    width: 960,
    label: 'Times of forward and backward passes of PReLU over the time of a copy, by library and size',
    curves: measured.map(({ length, name }) => `${length.toLocaleString('en')} elements (${name})`),
    panels: ['forward', 'backward'].map(pass => (width, height) => drawPass(measured, pass, width, height)),
    heightFor: () => 400,
  });
