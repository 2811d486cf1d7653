import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { type TrainingEpoch, trainingCurves } from './training-curves.js';

const layer = (name: string, epoch: number, learned = true) => ({
  name,
  dead: 0.02 * epoch,
  slopes: learned ? { min: -0.1 * epoch, median: 0.25, max: 0.25 + 0.1 * epoch } : null,
});
const epochs = (count: number, layers = ['layer1', 'layer2'], learned = true): TrainingEpoch[] =>
  Array.from({ length: count }, (_, i) => ({
    epoch: i + 1,
    train: { loss: 2 / (i + 1) },
    validation: { loss: 2.2 / (i + 1) },
    layers: layers.map(name => layer(name, i + 1, learned)),
  }));
const panelsOf = (svg: string) => [
  ...(
    parseHTML(`<html><body>${svg}</body></html>`).document.querySelector('svg') as unknown as Element
  ).querySelectorAll(':scope > svg'),
];
const count = (panel: Element, mark: string) => panel.querySelectorAll(`g[aria-label=${mark}] path`).length;

test('draws losses, the dead share and the slopes of each layer, these with their range', () => {
  const svg = trainingCurves(epochs(5));
  const panels = panelsOf(svg);
  expect(panels.map(panel => count(panel, 'line'))).toEqual([2, 2, 6]);
  for (const text of ['training loss', 'held-out loss', 'layer1', 'layer2', '10&#160;%', '\u22120.'])
    expect(svg).toContain(text);
});

test('leaves out what the record has not', () => {
  const relu = epochs(3).map(each => ({
    ...each,
    layers: [{ name: 'relu', dead: 0.5, slopes: { min: 0, median: 0, max: 0 } }],
  }));
  for (const each of [epochs(3, ['layer1'], false), relu]) expect(panelsOf(trainingCurves(each))).toHaveLength(2);
  const bare = epochs(3, []).map(each => ({ ...each, validation: null }));
  const svg = trainingCurves(bare);
  expect(panelsOf(svg).map(panel => count(panel, 'line'))).toEqual([1]);
  expect(svg).not.toContain('held-out');
});

test('one epoch is dots; no epochs and a narrow drawing are refused', () => {
  const [loss] = panelsOf(trainingCurves(epochs(1)));
  expect(loss!.querySelectorAll('circle')).toHaveLength(2);
  expect(() => trainingCurves([])).toThrow('trainingCurves: there must be an epoch, got none');
  expect(() => trainingCurves(epochs(2), { width: 100 })).toThrow('width must be 320 or more, got 100');
});
