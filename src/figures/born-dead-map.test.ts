import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import type { BornDeadCell, BornDeadMap } from '../theory/born-dead-map.js';
import { bornDeadMapFigure } from './born-dead-map.js';

const share = (probability: number) => ({ count: 0, probability, standardError: 0 });

/** A map whose probabilities are those of the given function of width and depth, its bounds half and 1.5 of them. */
function map(
  widths: number[],
  depths: number[],
  of: (width: number, depth: number) => number,
  bounded = true,
): BornDeadMap {
  const cells = widths.flatMap(width =>
    depths.map((depth): BornDeadCell => {
      const p = of(width, depth);
      const bounds = bounded ? { lower: p / 2, upper: 1.5 * p, pointDeath: 1, exact: null } : null;
      return { width, depth, bounds, dead: share(p), pointDead: share(1) };
    }),
  );
  return { cells, networks: 1_000, test: 'every input', testInputs: 2, threads: 1 };
}

const parsed = (svg: string) =>
  parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element;
const panelsOf = (svg: string) => [...parsed(svg).querySelectorAll(':scope > svg')];
const texts = (panel: Element) =>
  [...panel.querySelectorAll('g[aria-label=text] text')].map(({ textContent }) => textContent);

describe('bornDeadMapFigure', () => {
  test('says what a count of none is less than, unless none is exact', () => {
    const none = map([2], [2, 3], () => 0);
    expect(texts(panelsOf(bornDeadMapFigure(none))[1]!)).toEqual(['<.30', '<.30']);
    const many = { ...none, networks: 1_000_000 };
    expect(texts(panelsOf(bornDeadMapFigure(many))[1]!)).toEqual(['<.01', '<.01']);
    const cells = none.cells.map(cell => ({ ...cell, bounds: { ...cell.bounds!, exact: 0 } }));
    expect(texts(panelsOf(bornDeadMapFigure({ ...none, cells }))[1]!)).toEqual(['0', '0']);
  });

  test('shows lower bound, simulation and upper bound, a number in each cell', () => {
    const panels = panelsOf(bornDeadMapFigure(map([2, 3], [2, 4, 5], width => width / 10)));
    expect(panels.length).toBe(3);
    expect(texts(panels[0]!)).toEqual(['10', '10', '10', '15', '15', '15']);
    expect(texts(panels[1]!)).toEqual(['20', '20', '20', '30', '30', '30']);
    expect(texts(panels[2]!)).toEqual(['30', '30', '30', '45', '45', '45']);
  });

  test('writes probabilities of every size in four characters', () => {
    const shares = [0, 1e-9, 0.00012, 0.0034, 0.056, 0.78, 0.9999, 1];
    const [panel] = panelsOf(
      bornDeadMapFigure(
        map(
          shares.map((_, at) => at + 1),
          [2],
          width => shares[width - 1]!,
          false,
        ),
      ),
    );
    expect(texts(panel!)).toEqual(['<.30', '<.01', '.01', '.34', '5.6', '78', '>99', '100']);
  });

  test('fills the cells of a class alike, and the legend has the classes that occur', () => {
    const svg = bornDeadMapFigure(map([1, 2, 3], [2], width => [0.0001, 0.0002, 0.95][width - 1]!, false));
    const fills = [...panelsOf(svg)[0]!.querySelectorAll('g[aria-label=cell] rect')].map(cell =>
      cell.getAttribute('fill'),
    );
    expect(fills[0]).toBe(fills[1]);
    expect(fills[2]).not.toBe(fills[0]);
    const legend = [...parsed(svg).querySelectorAll(':scope > g')].map(({ textContent }) => textContent);
    expect(legend).toEqual(['below 0.1 %', '90 % and more']);
  });

  test('leaves the bounds out where there are none, and numbers where there is no room', () => {
    const many = Array.from({ length: 60 }, (_, at) => at + 1);
    expect(panelsOf(bornDeadMapFigure(map([2], [3], () => 0.1, false))).length).toBe(1);
    expect(texts(panelsOf(bornDeadMapFigure(map(many, [3], () => 0.1)))[0]!)).toEqual([]);
  });

  test('stands the panels one under the other where it is narrow', () => {
    const places = panelsOf(
      bornDeadMapFigure(
        map([2], [3], () => 0.1),
        { width: 400 },
      ),
    ).map(p => p.getAttribute('x'));
    expect(places).toEqual(['0', '0', '0']);
  });

  test.each([
    [
      () => bornDeadMapFigure({ cells: [], networks: 1, test: 'never', testInputs: 0, threads: 0 }),
      'there must be a cell',
    ],
    [
      () =>
        bornDeadMapFigure(
          map([2], [3], () => 0.1),
          { width: 100 },
        ),
      'width must be 320 or more, got 100',
    ],
  ])('refuses what cannot be drawn', (make, message) => {
    expect(make).toThrow(message);
  });
});
