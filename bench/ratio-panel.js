/* Ratios of times as a panel of a figure: a row for each contestant, a mark with its middle half for each case. */
import * as Plot from '@observablehq/plot';
import { element, panel, strokeOf } from '../dist/figures/drawing.js';
import { quantile } from './statistics.js';

const symbols = ['circle', 'square', 'diamond2'];

/** The symbol of a case around (x, y), as Plot draws it. */
function mark(index, x, y) {
  if (symbols[index] === 'circle') return element('circle', { cx: x, cy: y, r: 3.5 });
  const turn = symbols[index] === 'square' ? '' : `rotate(45 ${x} ${y})`;
  return element('rect', { x: x - 3.1, y: y - 3.1, width: 6.2, height: 6.2, transform: turn });
}

/** The cases' entries in a legend: what their medians and middle halves look like. */
export const markKeys = labels =>
  labels.map((label, index) => ({
    label,
    sign: (x, y) => {
      const line = element('line', {
        x1: x + 2,
        x2: x + 26,
        y1: y - 4,
        y2: y - 4,
        stroke: strokeOf(index),
        'stroke-width': 2,
      });
      return element('g', { fill: strokeOf(index) }, line, mark(index, x + 14, y - 4));
    },
  }));

/** Times over those of `below`, round by round: the median and the middle half. */
export function spreadOf(above, below) {
  const ratios = above.map((time, round) => time / below[round]);
  return { low: quantile(ratios, 0.25), median: quantile(ratios, 0.5), high: quantile(ratios, 0.75) };
}

/** `rows` have a `name`, the index of their case, and what `spreadOf` gives; `x` has the axis' domain, ticks and label. */
export const ratioPanel = (title, { rows, names, cases, x, width, height }) =>
  panel(title, {
    width,
    height,
    marginLeft: 150,
    x: { type: 'log', grid: true, ...x },
    y: { label: null, domain: names, tickFormat: name => name },
    marks: [
      Plot.ruleX([1], { stroke: 'currentColor', strokeOpacity: 0.6 }),
      ...cases.flatMap((_, index) => {
        const mine = rows.filter(row => row.index === index);
        const dy = 7 * (index - (cases.length - 1) / 2);
        return [
          Plot.link(mine, { x1: 'low', x2: 'high', y: 'name', dy, stroke: strokeOf(index), strokeWidth: 2 }),
          Plot.dot(mine, { x: 'median', y: 'name', dy, fill: strokeOf(index), symbol: symbols[index], r: 3.5 }),
        ];
      }),
    ],
  });
