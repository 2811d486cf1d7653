import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { correlationMap } from './correlation-map.js';
import { inspectLayers, type MeasuredLayer } from './inspect.js';
import { reachableCorrelation, tailoredSlope } from './tailored-slope.js';

const layer = (given: Partial<MeasuredLayer> & { readonly name?: string }): MeasuredLayer => ({
  name: 'layer',
  units: 8,
  fanIn: 8,
  weightVariance: 1,
  ownWeightVariance: 1,
  weightMeanShare: 0,
  biasVariance: 0,
  hasBatchNorm: false,
  follows: '',
  rectifier: parseRectifier('relu'),
  isKnown: true,
  meanSlope: 0,
  previous: null,
  ...given,
});

const stack = (depth: number, given: Partial<MeasuredLayer>): MeasuredLayer[] =>
  Array.from({ length: depth }, (_, at) => layer({ ...given, previous: at === 0 ? null : at - 1 }));

describe('the correlation that c = 0 becomes', () => {
  const of = (layers: MeasuredLayer[]) => inspectLayers(layers).chains[0]?.correlation;

  test("is that of the layers' own slopes, and of a tailored slope 0.9", () => {
    const slope = tailoredSlope({ depth: 20 })?.negativeSlope as number;
    expect(of(stack(20, { rectifier: parseRectifier(`leaky:${slope}`), meanSlope: slope }))).toBeCloseTo(0.9, 12);
    expect(of(stack(20, {}))).toBeCloseTo(reachableCorrelation({ depth: 20 }), 12);
    expect(of(stack(20, { rectifier: null, meanSlope: null }))).toBe(0);
  });

  test('composes different rectifiers, curved ones too', () => {
    const gelu = parseRectifier('gelu');
    const layers = [layer({ rectifier: gelu, meanSlope: null }), layer({ previous: 0 })];
    expect(of(layers)).toBeCloseTo(correlationMap(parseRectifier('relu')).value(correlationMap(gelu).value(0)), 9);
  });

  test('mixes slopes that differ by channel: 0.5 and −0.5 are as ReLU, whatever their root mean square', () => {
    expect(of([layer({ rectifier: parseRectifier('leaky:0.5'), meanSlope: 0 })])).toBeCloseTo(1 / Math.PI, 12);
    expect(of([layer({ rectifier: parseRectifier('leaky:-1'), meanSlope: -1 })])).toBeCloseTo(2 / Math.PI, 12);
  });

  test('begins anew behind what is not known, and is null behind weights of 0', () => {
    const unknown = { rectifier: null, isKnown: false };
    const { layers } = inspectLayers([layer({}), layer({ ...unknown, previous: 0 }), layer({ previous: 1 })]);
    expect(layers.map(({ cumulativeCorrelation }) => cumulativeCorrelation)).toEqual([1 / Math.PI, null, 1 / Math.PI]);
    expect(of([layer({ weightVariance: 0 }), layer({ previous: 0 })])).toBeNull();
  });
});

describe('inspectLayers', () => {
  test.each([
    ['leaky:0', 2, 1],
    ['leaky:0.25', 1, 0.53125],
    ['leaky:1', 3, 3],
    ['leaky:2', 1, 2.5],
    ['leaky:-1', 0.5, 0.5],
    ['relu', 1 / 3, 1 / 6],
  ])('gives σ_w²(1 + a²)/2 for %s at σ_w² = %f', (name, weightVariance, factor) => {
    const [found] = inspectLayers([layer({ rectifier: parseRectifier(name), weightVariance })]).layers;
    expect(found!.forward).toBeCloseTo(factor, 12);
    expect(found!.backward).toBeCloseTo(factor, 12);
  });

  test('gives the rescaling and the slope that make a layer critical', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        fc.double({ min: -4, max: 4, noNaN: true }),
        (weightVariance, slope) => {
          const at = (variance: number, a: number) =>
            inspectLayers([layer({ weightVariance: variance, rectifier: parseRectifier(`leaky:${a}`) })]).layers[0]!;
          const found = at(weightVariance, slope);
          expect(at(weightVariance * found.rescaling! ** 2, slope).forward).toBeCloseTo(1, 9);
          expect(found.goldenSlope === null).toBe(weightVariance > 2);
          if (found.goldenSlope !== null) expect(at(weightVariance, found.goldenSlope).forward).toBeCloseTo(1, 9);
        },
      ),
    );
  });

  test('has a golden slope for two lines through 0 only', () => {
    const names = ['relu', 'leaky:0.1', 'leaky:-2', 'prelu:0.25', 'relu6', 'elu:1', 'thresholded:1', 'gelu'];
    const found = inspectLayers(names.map(name => layer({ rectifier: parseRectifier(name) }))).layers;
    expect(found.map(({ goldenSlope }) => goldenSlope !== null)).toEqual(names.map((_, at) => at < 4));
    expect(inspectLayers([layer({ rectifier: null })]).layers[0]).toMatchObject({ forward: 1, goldenSlope: null });
  });

  test('multiplies along a chain, and tailors a slope to its depth', () => {
    const { layers, chains, tailored } = inspectLayers(stack(31, { weightVariance: 1 / 3 }));
    expect(Math.log(layers[30]!.cumulativeForward!)).toBeCloseTo(31 * Math.log(1 / 6), 9);
    expect(chains).toHaveLength(1);
    expect(chains[0]!.layers).toHaveLength(31);
    expect(chains[0]!.backward).toBe(layers[30]!.cumulativeBackward);
    expect(tailored!.depth).toBe(31);
    expect(tailored!.slope!.reached).toBeCloseTo(0.9, 7);
    expect(inspectLayers(stack(3, {})).tailored).toEqual({ depth: 3, slope: null });
    expect(inspectLayers(stack(3, { rectifier: null })).tailored).toBeNull();
  });

  test('keeps the two directions of a smooth rectifier apart', () => {
    const { secondMoment, derivativeSecondMoment } = parseRectifier('silu').moments(0, 1);
    const [found] = inspectLayers([layer({ rectifier: parseRectifier('silu'), weightVariance: 3 })]).layers;
    expect(found!.forward).toBeCloseTo(3 * secondMoment, 12);
    expect(found!.backward).toBeCloseTo(3 * derivativeSecondMoment, 12);
  });

  test('follows a fork into both branches, the longer first', () => {
    const layers = [layer({}), layer({ previous: 0 }), layer({ previous: 0 }), layer({ previous: 2 })];
    expect(inspectLayers(layers).chains.map(chain => chain.layers)).toEqual([
      [0, 2, 3],
      [0, 1],
    ]);
  });

  test('starts anew behind a layer whose factor is not known', () => {
    const unknown = layer({ isKnown: false, rectifier: null, previous: 0 });
    const { layers, chains } = inspectLayers([layer({}), unknown, layer({ previous: 1 })]);
    expect(layers[1]).toMatchObject({ forward: null, cumulativeForward: null, rescaling: null, goldenSlope: null });
    expect(layers[2]!.cumulativeForward).toBe(0.5);
    expect(chains.map(chain => chain.layers)).toEqual([[0], [2]]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('knows no factor for weights of variance %f', weightVariance => {
    const { layers, chains } = inspectLayers([layer({ weightVariance })]);
    expect(layers[0]).toMatchObject({ forward: null, backward: null, rescaling: null, goldenSlope: null });
    expect(chains).toEqual([]);
  });

  test('gives 0 for weights of 0, which nothing rescales', () => {
    const found = inspectLayers([layer({ weightVariance: 0 }), layer({ previous: 0 })]).layers;
    expect(found[0]).toMatchObject({ forward: 0, rescaling: null, goldenSlope: null });
    expect(found[1]!.cumulativeForward).toBe(0);
  });

  test('takes no layers, and refuses a previous that is not before', () => {
    expect(inspectLayers([])).toEqual({ layers: [], chains: [], tailored: null });
    for (const previous of [0, 1, -1, 0.5, Number.NaN])
      expect(() => inspectLayers([layer({ previous })])).toThrow(
        `previous of layer 0 must be null or an earlier layer, got ${previous}`,
      );
  });
});
