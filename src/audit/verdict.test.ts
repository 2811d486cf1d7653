import { describe, expect, it } from 'vitest';
import { addFiring, addFull, emptyTally, type Tally } from './tally.js';
import { type ConstantPreActivation, defaultThresholds, judge, slopeKindOf } from './verdict.js';

const relu = { threshold: 0, ceiling: Infinity };
const verdictOf = (
  tally: Tally | null,
  constant: ConstantPreActivation | null = null,
  layerActivity = 0,
  rectifier = relu,
) => judge(0, constant, tally, layerActivity, rectifier, defaultThresholds);

/** A unit that fires on so many samples, with the mean |h| of each given. */
function firing(fired: number, samples: number, activity = 1): Tally {
  const tally = emptyTally(1);
  for (let sample = 0; sample < samples; sample++) addFiring(tally, [sample < fired ? 1 : 0], [activity], 0);
  return tally;
}

describe('verdicts at their borders', () => {
  it('rare is below one percent, not at it', () => {
    expect(verdictOf(firing(1, 101)).verdict).toBe('rare');
    expect(verdictOf(firing(1, 100)).verdict).toBe('healthy');
    expect(verdictOf(firing(0, 100)).verdict).toBe('silent');
  });

  it('dormant is at most a tenth of the layer', () => {
    expect(verdictOf(firing(50, 100, 0.125), null, 1.25).verdict).toBe('dormant');
    expect(verdictOf(firing(50, 100, 0.125), null, 1.24).verdict).toBe('healthy');
  });

  it('linear needs every measured position above the threshold and none above the ceiling', () => {
    const measured = (min: number, max: number, rectifier = relu) => {
      const tally = firing(10, 10);
      addFull(tally, {
        positions: 1,
        min: [min],
        max: [max],
        mean: [(min + max) / 2],
        variance: [0],
        positiveShare: [1],
      });
      return verdictOf(tally, null, 1, rectifier).verdict;
    };
    expect(measured(1e-30, 5)).toBe('linear');
    expect(measured(0, 5)).toBe('healthy');
    expect(measured(1, 6, { threshold: 0, ceiling: 6 })).toBe('linear');
    expect(measured(1, 6.5, { threshold: 0, ceiling: 6 })).toBe('healthy');
    expect(measured(0.5, 6, { threshold: 0.5, ceiling: Infinity })).toBe('healthy');
    // Without a full measurement nobody knows.
    expect(verdictOf(firing(10, 10)).verdict).toBe('healthy');
  });

  it('what the weights say comes first, and is stuck on only above the threshold', () => {
    const by = (level: number, exact = true, cause: ConstantPreActivation['by'] = 'own weights') => ({
      by: cause,
      exact,
      level,
    });
    const silent = firing(0, 10);
    expect(verdictOf(silent, by(0))).toEqual({ verdict: 'vanished', certainty: 'exact', stuck: 'silent' });
    expect(verdictOf(silent, by(1e-9, false))).toEqual({
      verdict: 'vanished',
      certainty: 'float32 rounding',
      stuck: 'on',
    });
    expect(verdictOf(null, by(-1, true, 'constant inputs'))).toEqual({
      verdict: 'proved-dead',
      certainty: 'proof',
      stuck: 'silent',
    });
    expect(verdictOf(null, by(1, true, 'constant inputs'))).toEqual({
      verdict: 'proved-linear',
      certainty: 'proof',
      stuck: 'on',
    });
    expect(verdictOf(null, by(1, false, 'constant inputs')).certainty).toBe('float32 rounding');
    expect(verdictOf(null, by(0.5), 0, { threshold: 1, ceiling: Infinity }).stuck).toBe('silent');
    // A level that differs by position decides nothing.
    expect(verdictOf(null, by(Number.NaN))).toEqual({ verdict: 'unobserved', certainty: 'none', stuck: null });
    expect(verdictOf(silent, by(Number.NaN)).verdict).toBe('silent');
  });

  it('without samples nothing is said', () => {
    expect(verdictOf(null).verdict).toBe('unobserved');
    expect(verdictOf(emptyTally(1)).verdict).toBe('unobserved');
  });
});

it('slope kinds change where the table says', () => {
  const kinds = {
    'relu-like': [0, 0.0049, -0.0049, -0],
    leaky: [0.005, 0.01, 0.25, 0.995],
    identity: [0.9951, 1, 1.005],
    'non-monotone': [-0.005, -0.25, -1, -1.005],
    expanding: [1.0051, 2, -1.0051, -3],
  };
  for (const [kind, slopes] of Object.entries(kinds)) {
    for (const slope of slopes) expect(slopeKindOf(slope), String(slope)).toBe(kind);
  }
});
