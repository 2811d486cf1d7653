import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { parseRectifier, rectifierNames } from '../rectifiers/parse-rectifier.js';
import { type CorrelationMap, correlationMap, iterateCorrelation, limitCorrelation } from './correlation-map.js';
import { gaussianProduct } from './gaussian-product.js';

/** Maps keep their tables, so they are kept too. */
const maps = new Map<string, CorrelationMap>();
function mapOf(name: string, variance?: number): CorrelationMap {
  const key = `${name} ${variance ?? 1}`;
  const map = maps.get(key) ?? correlationMap(parseRectifier(name), variance);
  maps.set(key, map);
  return map;
}

/** Computed independently in float64: slope, c, C(c), C'(c). */
const leaky: readonly (readonly [number, number, number, number])[] = [
  [-0.5, -1, 0.8, -0.8],
  [-0.5, -0.5, 0.596196005879613, -0.20000000000000026],
  [-0.5, 0.1, 0.5858249786247444, 0.15739170477266776],
  [-0.5, 0.5, 0.6961960058796128, 0.4],
  [-0.5, 0.99, 0.9905404603196774, 0.9189038554400579],
  [0, -1, 0.0, 0.0],
  [0, -0.5, 0.1089977810442294, 0.33333333333333326],
  [0, 0.1, 0.36990276590263577, 0.53188428042926],
  [0, 0.5, 0.6089977810442294, 0.6666666666666666],
  [0, 0.99, 0.9903002557331542, 0.9549465863555878],
  [0.01, -1, -0.019998000199980003, 0.019998000199980003],
  [0.01, -0.5, 0.09681904329711953, 0.34666533346665324],
  [0.01, 0.1, 0.36450525033613973, 0.5412456586828494],
  [0.01, 0.5, 0.6068180433971095, 0.6733326667333266],
  [0.01, 0.99, 0.9902942512189425, 0.9558475645306586],
  [0.2, -1, -0.38461538461538464, 0.38461538461538464],
  [0.2, -0.5, -0.12523213474201267, 0.5897435897435896],
  [0.2, 0.1, 0.2660940097862375, 0.7119287879564677],
  [0.2, 0.5, 0.5670755575656797, 0.7948717948717948],
  [0.2, 0.99, 0.9901847727588641, 0.9722748223726694],
  [0.25, -1, -0.47058823529411764, 0.47058823529411764],
  [0.25, -0.5, -0.17758941003540796, 0.6470588235294117],
  [0.25, 0.1, 0.24288969959551304, 0.7521740308154905],
  [0.25, 0.5, 0.5577047076116509, 0.8235294117647058],
  [0.25, 0.99, 0.9901589589175522, 0.9761481927764877],
  [0.5, -1, -0.8, 0.8],
  [0.5, -0.5, -0.37820044379115414, 0.8666666666666666],
  [0.5, 0.1, 0.15398055318052717, 0.9063768560858521],
  [0.5, 0.5, 0.5217995562088459, 0.9333333333333333],
  [0.5, 0.99, 0.9900600511466309, 0.9909893172711175],
];

/** What ReLU makes of correlation 0 in 1, 3, 5, … 99 layers, computed independently. */
const reluFrom0 = [
  0.3183098861837907, 0.6048257201129446, 0.7359463506276366, 0.8091480514794976, 0.8548092375489056,
  0.8854442665783888, 0.9070988508150697, 0.9230218244243453, 0.9350992917404888, 0.9444928742820996,
  0.9519523222663181, 0.9579803918774091, 0.9629251064845428, 0.9670339535602933, 0.9704870436094835,
  0.9734181125699383, 0.9759282279400727, 0.9780949696150879, 0.979978722360512, 0.9816270774649409, 0.9830779684114563,
  0.9843619416547453, 0.9855038256799556, 0.9865239744846831, 0.9874392055131983, 0.988263515187245, 0.9890086304989391,
  0.9896844383490998, 0.9902993227303516, 0.9908604317474043, 0.9913738907204109, 0.9918449734953094,
  0.9922782410954541, 0.9926776546579894, 0.9930466679773406, 0.9933883037677208, 0.9937052168449656,
  0.9939997467359452, 0.9942739616943862, 0.9945296956940511, 0.9947685796537925, 0.9949920679019572,
  0.9952014606935474, 0.9953979234402084, 0.9955825031912693, 0.9957561428067633, 0.9959196931852214,
  0.9960739238460196, 0.9962195321149868, 0.9963571511204182,
];

describe('leaky ReLU, in closed form', () => {
  test.each(leaky)('slope %f at %f', (slope, c, value, derivative) => {
    const map = mapOf(`leaky:${slope}`);
    expect(map.value(c)).toBeCloseTo(value, 12);
    expect(map.derivative(c)).toBeCloseTo(derivative, 12);
  });

  test('ReLU from 0, layer by layer', () => {
    const correlations = iterateCorrelation(mapOf('relu'), 0, 99);
    reluFrom0.forEach((expected, at) => {
      expect(correlations[2 * at + 1]).toBeCloseTo(expected, 12);
    });
  });

  test('agrees with quadrature at slopes below 0, between 0 and 1, and above 1', () => {
    for (const slope of [-1.5, -1, 0, 0.3, 2]) {
      const { value, derivative, kinks } = parseRectifier(`leaky:${slope}`);
      const map = mapOf(`leaky:${slope}`, 4);
      for (const c of [-0.999, -0.4, 0, 0.7, 0.9999]) {
        expect(gaussianProduct(value, kinks, c, 2) / gaussianProduct(value, kinks, 1, 2)).toBeCloseTo(map.value(c), 11);
        const norm = gaussianProduct(value, kinks, 1, 2) / 4;
        expect(gaussianProduct(derivative, kinks, c, 2) / norm).toBeCloseTo(map.derivative(c), 9);
      }
    }
  });

  test('a slope and its reciprocal have the same map', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 20, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (slope, c) => {
          expect(mapOf(`leaky:${slope}`).value(c)).toBeCloseTo(mapOf(`leaky:${1 / slope}`).value(c), 12);
        },
      ),
    );
  });

  test('never takes a correlation down, and never beyond 1', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (slope, c) => {
          const value = mapOf(`leaky:${slope}`).value(c);
          expect(value).toBeGreaterThanOrEqual(c);
          expect(value).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe.each(rectifierNames.filter(name => !name.startsWith('rrelu')))('%s', name => {
  test.each([1, 4])('meets its moments at -1, 0 and 1, for variance %d', variance => {
    const rectifier = parseRectifier(name);
    const { mean, secondMoment, derivativeMean, derivativeSecondMoment } = rectifier.moments(0, Math.sqrt(variance));
    const map = mapOf(name, variance);
    expect(map.value(1)).toBe(1);
    expect(map.value(0)).toBeCloseTo(mean ** 2 / secondMoment, 9);
    if (rectifier.lipschitz === Infinity) return expect(map.derivative(1)).toBe(Infinity);
    expect(map.derivative(0)).toBeCloseTo((variance * derivativeMean ** 2) / secondMoment, 9);
    expect(map.derivative(1)).toBeCloseTo((variance * derivativeSecondMoment) / secondMoment, 9);
  });

  test('increases on [0, 1], and its derivative is the limit of quotients', () => {
    const map = mapOf(name);
    const step = 1e-4;
    for (const c of [-0.95, -0.5, 0, 0.3, 0.8, 0.95]) {
      const [f1, f2] = [map.value(c + step) - map.value(c - step), map.value(c + 2 * step) - map.value(c - 2 * step)];
      expect(map.derivative(c)).toBeCloseTo((8 * f1 - f2) / (12 * step), 7);
    }
    const values = Array.from({ length: 201 }, (_, k) => map.value(k / 200));
    values.slice(1).forEach((value, at) => {
      expect(value).toBeGreaterThan(values[at]!);
    });
  });
});

test.each([
  ['celu:0.001', 1],
  ['silu:1000', 1],
  ['celu:0.01', 1e6],
  ['gelu', 1e4],
])(
  '%s of variance %d, which turns in a stretch that is short beside the Gaussian, meets its moments',
  (name, variance) => {
    const rectifier = parseRectifier(name);
    const { mean, secondMoment, derivativeMean, derivativeSecondMoment } = rectifier.moments(0, Math.sqrt(variance));
    const map = mapOf(name, variance);
    expect(map.value(0)).toBeCloseTo(mean ** 2 / secondMoment, 12);
    expect(map.derivative(0)).toBeCloseTo((variance * derivativeMean ** 2) / secondMoment, 12);
    expect(map.derivative(1)).toBeCloseTo((variance * derivativeSecondMoment) / secondMoment, 12);
  },
);

test.each([
  ['gelu', 1, 0.6],
  ['mish', 1, -0.8],
  ['softplus', 2, 0.3],
  ['selu', 1, 0.9],
  ['thresholded:0.5', 1, 0.7],
  ['relu6', 9, 0.5],
])('%s of variance %d at %f agrees with Monte Carlo within four standard errors', (name, variance, c) => {
  const { value } = parseRectifier(name);
  const random = createRandom(7);
  const pairs = Array.from({ length: 100_000 }, () => {
    const x = random.normal() * Math.sqrt(variance);
    const y = c * x + Math.sqrt(1 - c * c) * random.normal() * Math.sqrt(variance);
    return [value(x), value(y)] as const;
  });
  const expected = mapOf(name, variance).value(c);
  // The mean of f(x)f(y) - C (f(x)² + f(y)²)/2 is 0 if C is right.
  const rests = pairs.map(([fx, fy]) => fx * fy - (expected * (fx * fx + fy * fy)) / 2);
  const mean = rests.reduce((sum, rest) => sum + rest, 0) / rests.length;
  const variation = rests.reduce((sum, rest) => sum + (rest - mean) ** 2, 0) / rests.length;
  expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(variation / rests.length));
});

describe('RReLU, a slope drawn for each input', () => {
  test('tells equal inputs apart: E r = 11/48 and E r² = 0.0561', () => {
    const map = mapOf('rrelu');
    const [slope, square] = [(1 / 8 + 1 / 3) / 2, 0.05613425925925925];
    expect(map.value(1)).toBeCloseTo((1 + slope ** 2) / (1 + square), 12);
    expect(map.value(0)).toBeCloseTo((1 - slope) ** 2 / Math.PI / (1 + square), 12);
    expect(mapOf('rrelu-xu2015').value(1)).toBeCloseTo((1 + 0.19616585060234523 ** 2) / (1 + 1 / 24), 12);
  });

  test('with one slope is leaky ReLU', () => {
    expect(mapOf('rrelu:0.25,0.25').value(0.3)).toBeCloseTo(mapOf('leaky:0.25').value(0.3), 14);
    expect(mapOf('rrelu:0.25,0.25').value(1)).toBe(1);
  });
});

describe('limitCorrelation', () => {
  const limitOf = (name: string, variance?: number) => limitCorrelation(mapOf(name, variance));

  test.each(['relu', 'leaky:0.2', 'prelu', 'leaky:-1'])('%s makes inputs equal, at the edge', name => {
    expect(limitOf(name)).toEqual({ correlation: 1, rate: 1 });
  });

  test('a linear function keeps every correlation', () => {
    expect(limitOf('leaky:1')).toBeNull();
  });

  test.each(['gelu', 'silu', 'elu', 'thresholded:1', 'rrelu'])('%s: iteration goes there from all sides', name => {
    const { correlation, rate } = limitOf(name)!;
    expect(correlation).toBeLessThan(1);
    expect(rate).toBeLessThan(1);
    for (const start of [-0.9, 0, 0.99])
      expect(iterateCorrelation(mapOf(name), start, 2000).at(-1)).toBeCloseTo(correlation, 7);
  });

  test('an ordered one has χ below 1', () => {
    const { correlation, rate } = limitOf('softplus')!;
    expect(correlation).toBe(1);
    expect(rate).toBeLessThan(0.9);
  });
});

describe('what is refused', () => {
  const relu = mapOf('relu');
  test.each([
    [() => relu.value(1.1), 'correlationMap: c must be from -1 to 1, got 1.1'],
    [() => relu.derivative(-1.001), 'correlationMap: c must be from -1 to 1, got -1.001'],
    [() => relu.value(Number.NaN), 'correlationMap: c must be finite, got NaN'],
    [() => mapOf('gelu', 0), 'correlationMap: preActivationVariance must be greater than 0, got 0'],
    [() => mapOf('gelu', Infinity), 'correlationMap: preActivationVariance must be finite, got Infinity'],
    [() => mapOf('thresholded:100'), 'correlationMap: E f² must be positive and finite, got 0 for thresholded:100'],
    [() => mapOf('leaky:1e200'), 'correlationMap: E f² must be positive and finite, got Infinity for leaky:1e+200'],
    [() => iterateCorrelation(relu, 2, 1), 'iterateCorrelation: c must be from -1 to 1, got 2'],
    [() => iterateCorrelation(relu, 0, -1), 'iterateCorrelation: depth must be a whole number from 0'],
  ])('%s', (make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  });

  test('a rectifier is no map, though it has a value and a derivative', () => {
    const message = "map must be a correlation map, such as correlationMap(parseRectifier('relu')), got";
    expect(() => iterateCorrelation(parseRectifier('relu'), 0, 1)).toThrow(
      new TypeError(`iterateCorrelation: ${message} a rectifier`),
    );
    expect(() => limitCorrelation('relu' as never)).toThrow(new TypeError(`limitCorrelation: ${message} 'relu'`));
  });

  test('rounding beyond 1 is not', () => {
    expect(relu.value(1 + 1e-12)).toBe(1);
    expect(mapOf('gelu').value(-1 - 1e-12)).toBe(mapOf('gelu').value(-1));
    expect(iterateCorrelation(relu, 0.5, 0)).toEqual([0.5]);
  });
});
