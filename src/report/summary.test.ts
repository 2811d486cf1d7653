import { describe, expect, test } from 'vitest';
import { sampleReport, typicalReport } from './sample-report.js';
import { summary, worstFirst } from './summary.js';

const plain = (sentences: readonly string[]) => sentences.map(sentence => sentence.replaceAll('\u00a0', ' '));

describe('summary', () => {
  test('counts the dead, says how sure that is, and what they cost', () => {
    expect(plain(summary(typicalReport()))).toMatchSnapshot();
  });

  test('one unit is one unit', () => {
    const report = sampleReport({
      layers: 1,
      unitsPerLayer: () => 1,
      samples: 1,
      verdictWeights: () => ({ silent: 1 }),
    });
    expect(plain(summary(report))[0]).toBe(
      '1 of 1 unit (100 %) in 1 of 1 layer is dead: silent on 1 sample (it fires on fewer than 95 % of inputs, 95 % confidence).',
    );
  });

  test('nothing dead, with and without data', () => {
    const shape = { layers: 2, unitsPerLayer: () => 8 };
    expect(summary(sampleReport({ ...shape, samples: 50 }))[0]).toBe(
      'None of 16 units in 2 layers is dead on 50 samples.',
    );
    expect(summary(sampleReport({ ...shape, samples: 0 })).slice(0, 2)).toEqual([
      'None of 16 units in 2 layers is dead by its weights alone; whether one never fires takes data to tell.',
      '16 units are unobserved.',
    ]);
  });

  test('rounding is told where vanished units are only nearly constant', () => {
    const report = sampleReport({
      layers: 1,
      unitsPerLayer: () => 4,
      samples: 9,
      verdictWeights: () => ({ vanished: 1 }),
    });
    expect(summary(report)[0]).toContain('all vanished (exact, no data needed)');
    report.layers[0]!.units[0]!.certainty = 'float32 rounding';
    expect(summary(report)[0]).toContain('all vanished (to float32 rounding, no data needed)');
  });

  test('what only the data allows to remove counts units that nothing reads then, and says so', () => {
    const report = typicalReport();
    report.totals.removable = { ...report.totals.removable, units: 0 };
    const removed = plain(summary(report)).find(sentence => sentence.startsWith('Without the'));
    const { units } = report.totals.removableOnData!;
    expect(removed).toContain(
      `Without the ${units} units that are silent, or unread once the silent ones are gone, the`,
    );
  });

  test('a model without rectifiers is an answer', () => {
    const report = sampleReport({ layers: 0, unitsPerLayer: () => 0, samples: 9 });
    expect(summary(report)[0]).toBe(
      'The model has no rectifier (ReLU, Leaky ReLU, PReLU or a relative), so none of its units can die.',
    );
  });
});

test('worstFirst orders by dead share, then rare, dormant and linear, then as in the network', () => {
  const weights = [{}, { linear: 1 }, { dormant: 1 }, {}, { rare: 1 }, { silent: 0.3 }, { vanished: 1 }];
  const report = sampleReport({ layers: 7, unitsPerLayer: () => 40, samples: 500, verdictWeights: l => weights[l]! });
  expect(worstFirst(report.layers)).toEqual([6, 5, 4, 2, 1, 0, 3]);
});
