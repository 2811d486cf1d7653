/* Ratios of times as a panel of a figure: a row for each contestant, a mark with its middle half for each case. */
import * as Plot from '@observablehq/plot';
import { panel, strokeOf } from '../dist/figures/drawing.js';
import { quantile } from './statistics.js';

const symbols = ['circle', 'square', 'diamond2'];

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
    y: { label: null, domain: names.filter(each => rows.some(({ name }) => name === each)), tickFormat: name => name },
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
