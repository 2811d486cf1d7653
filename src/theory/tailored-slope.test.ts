import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { correlationMap, iterateCorrelation } from './correlation-map.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork } from './network.js';
import { minTailoredDepth, reachableCorrelation, tailoredSlope } from './tailored-slope.js';

/** Computed independently: η, depth, slope, output scale, and what ReLU makes of 0. */
const plain: readonly (readonly [number, number, number | null, number | null, number | null])[] = [
  [0.5, 2, null, null, 0.4937310902003716],
  [0.5, 5, 0.28241212266449084, 1.3609810014888966, 0.7359463506276366],
  [0.5, 10, 0.4500500591557996, 1.2896276005258411, 0.8715355160215175],
  [0.5, 16, 0.5440966358307644, 1.2422402665542902, 0.9294563215787265],
  [0.5, 30, 0.6486715169382186, 1.186458042887742, 0.9720108731544704],
  [0.5, 100, 0.792699146893893, 1.1082511564360815, 0.9964231466839475],
  [0.5, 500, 0.9019537067967804, 1.0501558706223781, null],
  [0.6, 2, null, null, 0.4937310902003716],
  [0.6, 5, 0.18085155686245888, 1.3916383150151965, 0.7359463506276366],
  [0.6, 10, 0.37045374785638224, 1.326140999908906, 0.8715355160215175],
  [0.6, 16, 0.4762118129158583, 1.2768270154227475, 0.9294563215787265],
  [0.6, 30, 0.5941336557230745, 1.2158134233493352, 0.9720108731544704],
  [0.6, 100, 0.7581823261302615, 1.1269294246541166, 0.9964231466839475],
  [0.6, 500, 0.8846195884004336, 1.0592388870642406, null],
  [0.7, 2, null, null, 0.4937310902003716],
  [0.7, 5, 0.05605348461546171, 1.4119970595311861, 0.7359463506276366],
  [0.7, 10, 0.2760821260152854, 1.363214503970305, 0.8715355160215175],
  [0.7, 16, 0.3962542477223068, 1.3147556545341603, 0.9294563215787265],
  [0.7, 30, 0.5298301489063154, 1.2496485922394418, 0.9720108731544704],
  [0.7, 100, 0.7169667862094202, 1.1493336614766725, 0.9964231466839475],
  [0.7, 500, 0.8635785885738021, 1.070339951475993, null],
  [0.8, 2, null, null, 0.4937310902003716],
  [0.8, 5, null, null, 0.7359463506276366],
  [0.8, 10, 0.1476956592045314, 1.3990365860622271, 0.8715355160215175],
  [0.8, 16, 0.28979579705394787, 1.35832608808814, 0.9294563215787265],
  [0.8, 30, 0.44488985019613714, 1.2921110034500594, 0.9720108731544704],
  [0.8, 100, 0.6620271019048298, 1.1792158139555056, 0.9964231466839475],
  [0.8, 500, 0.835000120430517, 1.085538577731319, null],
  [0.9, 2, null, null, 0.4937310902003716],
  [0.9, 5, null, null, 0.7359463506276366],
  [0.9, 10, null, null, 0.8715355160215175],
  [0.9, 16, 0.10449862808356022, 1.4065546517891625, 0.9294563215787265],
  [0.9, 30, 0.3026941928256691, 1.3535630958350389, 0.9720108731544704],
  [0.9, 100, 0.5704395310587206, 1.2284042448193144, 0.9964231466839475],
  [0.9, 500, 0.786240188397591, 1.1117379670323024, null],
  [0.95, 2, null, null, 0.4937310902003716],
  [0.95, 5, null, null, 0.7359463506276366],
  [0.95, 10, null, null, 0.8715355160215175],
  [0.95, 16, null, null, 0.9294563215787265],
  [0.95, 30, 0.15020067846753113, 1.3985260038719702, 0.9720108731544704],
  [0.95, 100, 0.47633122978702314, 1.2767678243385763, 0.9964231466839475],
  [0.95, 500, 0.7351767279196784, 1.1394264221615389, null],
];

describe('plain networks', () => {
  test.each(plain)('η %f, depth %d', (eta, depth, slope, scale, reluReaches) => {
    const found = tailoredSlope({ depth }, { eta });
    if (reluReaches !== null) expect(reachableCorrelation({ depth })).toBeCloseTo(reluReaches, 12);
    if (slope === null || scale === null) return expect(found).toBeNull();
    expect(found?.negativeSlope).toBeCloseTo(slope, 9);
    expect(found?.outputScale).toBeCloseTo(scale, 9);
    expect(found?.reached).toBeCloseTo(eta, 12);
  });

  test('the definition: correlation 0 becomes η', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (depth, eta) => {
        const found = tailoredSlope({ depth }, { eta });
        if (found === null) {
          expect(reachableCorrelation({ depth })).toBeLessThan(eta);
        } else {
          const map = correlationMap(parseRectifier(`leaky:${found.negativeSlope}`));
          expect(iterateCorrelation(map, 0, depth).at(-1)).toBeCloseTo(eta, 9);
        }
      }),
    );
  });

  test('deeper networks take slopes nearer to 1, larger η nearer to 0', () => {
    const slopes = [13, 50, 200, 1000, 20_000].map(depth => tailoredSlope({ depth })!.negativeSlope);
    expect(slopes.toSorted((a, b) => a - b)).toEqual(slopes);
    const byEta = [0.99, 0.9, 0.5, 0.01].map(eta => tailoredSlope({ depth: 100 }, { eta })!.negativeSlope);
    expect(byEta.toSorted((a, b) => a - b)).toEqual(byEta);
  });

  test('one layer has the closed form: C(0) = g/π', () => {
    const { negativeSlope: a } = tailoredSlope({ depth: 1 }, { eta: 0.2 })!;
    expect((1 - a) ** 2 / (1 + a * a) / Math.PI).toBeCloseTo(0.2, 12);
    expect(tailoredSlope({ depth: 1 }, { eta: 1 / Math.PI })?.negativeSlope).toBeCloseTo(0, 7);
    expect(tailoredSlope({ depth: 1 }, { eta: 0.32 })).toBeNull();
  });

  test('a description is a plain network of its rectified layers', () => {
    const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('he') };
    const network = describeNetwork([784, ...new Array<number>(30).fill(256), 10], options);
    expect(tailoredSlope(network)).toEqual(tailoredSlope({ depth: 30 }));
  });
});

test('networks of width 300 with random weights make η of orthogonal inputs, within four standard errors', () => {
  const [width, depth, nets] = [300, 16, 12];
  const { negativeSlope, outputScale } = tailoredSlope({ depth }, { eta: 0.5 })!;
  const random = createRandom(3);
  /** Pre-activations, then leaky ReLU and the output scale, for both inputs with the same weights. */
  const layer = ([x, y]: readonly [Float64Array, Float64Array]): readonly [Float64Array, Float64Array] => {
    const shaped = (z: number) => outputScale * (z > 0 ? z : negativeSlope * z);
    const [u, v] = [new Float64Array(width), new Float64Array(width)];
    for (let unit = 0; unit < width; unit++) {
      let [forX, forY] = [0, 0];
      for (let input = 0; input < width; input++) {
        const weight = random.normal();
        forX += weight * x[input]!;
        forY += weight * y[input]!;
      }
      u[unit] = shaped(forX / Math.sqrt(width));
      v[unit] = shaped(forY / Math.sqrt(width));
    }
    return [u, v];
  };
  const product = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  const reached = Array.from({ length: nets }, () => {
    const half = (side: number) =>
      Float64Array.from({ length: width }, (_, at) => Number(at % 2 === side) * Math.SQRT2);
    let pair: readonly [Float64Array, Float64Array] = [half(0), half(1)];
    for (let at = 0; at < depth; at++) pair = layer(pair);
    const [x, y] = pair;
    return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
  });
  const mean = reached.reduce((sum, c) => sum + c, 0) / nets;
  const error = Math.sqrt(reached.reduce((sum, c) => sum + (c - mean) ** 2, 0) / (nets - 1) / nets);
  // Plain ReLU would make 0.93.
  expect(error).toBeLessThan(0.06);
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * error);
});

describe('the shallowest network', () => {
  test.each([
    [0.3, 1],
    [0.5, 3],
    [0.6, 3],
    [0.7, 5],
    [0.8, 7],
    [0.9, 13],
    [0.95, 21],
    [0.99, 57],
  ])('for η %f has depth %d', (eta, depth) => {
    expect(minTailoredDepth(eta)).toBe(depth);
    expect(tailoredSlope({ depth }, { eta })).not.toBeNull();
    if (depth > 1) expect(tailoredSlope({ depth: depth - 1 }, { eta })).toBeNull();
  });

  test('is not looked for beyond 100,000 layers', () => {
    expect(minTailoredDepth(1 - 1e-12)).toBeNull();
  });
});

test.each([
  [() => tailoredSlope({ depth: 50 }, { eta: 0 }), 'tailoredSlope: eta must be greater than 0 and less than 1, got 0'],
  [() => tailoredSlope({ depth: 50 }, { eta: 1 }), 'less than 1, got 1'],
  [() => tailoredSlope({ depth: 50 }, { eta: Number.NaN }), 'tailoredSlope: eta must be finite, got NaN'],
  [() => tailoredSlope({ depth: 0 }), 'tailoredSlope: the network must have from 1 to 100,000 rectified layers, got 0'],
  [() => tailoredSlope({ depth: 1e9 }), 'got 1000000000'],
  [() => tailoredSlope({ depth: 2.5 }), 'tailoredSlope: depth must be a whole number from 0'],
  [() => reachableCorrelation([]), 'reachableCorrelation: the network must have a layer, got none'],
  [() => minTailoredDepth(-1), 'minTailoredDepth: eta must be greater than 0 and less than 1, got -1'],
])('refuses %s', (make, message) => {
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});
