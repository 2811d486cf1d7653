import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { leakyRelu } from '../rectifiers/leaky-relu.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { centreOf, sizeOf } from './convex-cells.js';
import { initializeNetwork } from './initialize.js';
import { parseInitializer } from './initializer.js';
import { randomSlice } from './input-slice.js';
import {
  maximalRegionsOfLayer,
  regionsLowerBound,
  regionsUpperBound,
  reluRegionsUpperBound,
  tentMapPieces,
} from './linear-regions.js';
import { describeNetwork } from './network.js';
import { lineRegions, type NetworkRegions, planeRegions } from './plane-regions.js';
import { type RectifierLayer, rectifierLayers } from './rectifier-layer.js';
import { valueAt } from './region-cells.js';

const layer = (
  rows: readonly (readonly number[])[],
  biases: readonly number[],
  negativeSlope: number | null,
): RectifierLayer => ({
  fanIn: rows[0]!.length,
  fanOut: rows.length,
  weights: Float64Array.from(rows.flat()),
  biases: Float64Array.from(biases),
  negativeSlope,
});

const randomLayers = (
  widths: readonly number[],
  slope: number,
  seed: number,
  initializer = 'pytorch',
): RectifierLayer[] => {
  const net = describeNetwork(widths, {
    rectifier: parseRectifier(`leaky:${slope}`),
    initializer: parseInitializer(initializer),
  });
  return rectifierLayers(net, initializeNetwork(net, { seed }));
};

/** The network at a point, with the pattern, computed the plain way. */
function forward(layers: readonly RectifierLayer[], point: readonly number[]) {
  const pattern: string[] = [];
  let values = [...point];
  let closest = Number.POSITIVE_INFINITY;
  for (const { fanIn, fanOut, weights, biases, negativeSlope } of layers) {
    const sums = Array.from({ length: fanOut }, (_, j) =>
      values.reduce((sum, value, i) => sum + weights[j * fanIn + i]! * value, biases[j]!),
    );
    if (negativeSlope !== null) {
      closest = Math.min(closest, ...sums.map(Math.abs));
      pattern.push(sums.map(x => Number(x > 0)).join(''));
      values = leakyRelu(sums, { negativeSlope });
    } else values = sums;
  }
  return { values, pattern, closest };
}

const areaOf = ({ regions }: NetworkRegions): number => regions.reduce((sum, { corners }) => sum + sizeOf(corners), 0);
const slopes = [0, 0.1, 0.5, 2, -0.5, -1];

describe('planeRegions: one layer', () => {
  test('lines in general position, all crossings inside: 1 + n + n(n - 1)/2 for every slope', () => {
    // Tangents of a circle cross each other within a large enough square.
    for (const n of [1, 2, 3, 5, 8, 13]) {
      const angles = Array.from({ length: n }, (_, k) => (Math.PI * (k + 0.3)) / n);
      const rows = angles.map(angle => [Math.cos(angle), Math.sin(angle)]);
      for (const slope of slopes) {
        const found = planeRegions(
          [
            layer(
              rows,
              angles.map(() => 1),
              slope,
            ),
          ],
          { range: [-100, 100] },
        );
        expect(found.regions.length).toBe(Number(maximalRegionsOfLayer(2, n)));
        expect(found.linearRegions).toBe(found.regions.length);
        expect(found.kinks.every(({ points }) => points.length === 2)).toBe(true);
      }
    }
  });

  test('a kink through corners of the square goes from one to the other', () => {
    const { kinks } = planeRegions([layer([[1, -1]], [0], 0)]);
    expect(kinks.map(({ points }) => points.toSorted(([a], [b]) => a! - b!))).toEqual([
      [
        [-1, -1],
        [1, 1],
      ],
    ]);
  });

  test('the same kinks, patterns and corners for every slope', () => {
    const [relu, ...others] = slopes.map(slope => planeRegions(randomLayers([2, 12, 1], slope, 4).slice(0, 1)));
    for (const other of others) {
      expect(other.kinks).toEqual(relu!.kinks);
      expect(other.regions.map(({ corners, pattern }) => ({ corners, pattern }))).toEqual(
        relu!.regions.map(({ corners, pattern }) => ({ corners, pattern })),
      );
    }
  });

  test('lines through one point make 2n regions, without slivers', () => {
    for (const seed of [0, 1, 2, 3]) {
      const n = 20;
      const layers = randomLayers([2, n, 1], 0.1, seed, 'lecun');
      expect(planeRegions(layers).regions.length).toBe(2 * n);
      // Through a point that is no float, all lines by their angle.
      const moved = Array.from({ length: n }, (_, k) => [Math.cos(k / 7), Math.sin(k / 7)]);
      const biases = moved.map(([x, y]) => -(x! / 3 + y! / 7));
      expect(planeRegions([layer(moved, biases, 0)]).regions.length).toBe(2 * n);
    }
  });

  test('parallel lines make strips; lines that coincide are one; units of 0 cut nothing', () => {
    const rows = [
      [1, 2],
      [2, 4],
      [-3, -6],
      [1, 2],
      [0, 0],
      [0, 0],
    ];
    const found = planeRegions([layer(rows, [0.1, 0.2, -0.3, 0.5, 1, 0], 0.1)]);
    expect(found.regions.map(({ pattern }) => pattern[0]).sort()).toEqual(['001010', '001110', '110110']);
  });

  test('slope 1 has activation regions but one linear region', () => {
    const found = planeRegions(randomLayers([2, 6, 4, 1], 1, 0), { range: [-3, 3] });
    expect(found.regions.length).toBeGreaterThan(6);
    expect(found.linearRegions).toBe(1);
  });
});

describe('planeRegions: given networks', () => {
  const anyNetwork = fc.record({
    widths: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
    slope: fc.constantFrom(...slopes),
    seed: fc.nat(1000),
    initializer: fc.constantFrom('pytorch', 'normal:2,0.1', 'he'),
  });

  test('cover the square, repeat no pattern, and compute what the network computes', () => {
    fc.assert(
      fc.property(anyNetwork, ({ widths, slope, seed, initializer }) => {
        const layers = randomLayers([2, ...widths, 2], slope, seed, initializer);
        const found = planeRegions(layers, { range: [-2, 3] });
        expect(Math.abs(areaOf(found) - 25)).toBeLessThan(1e-9);
        const patterns = new Map(found.regions.map(region => [region.pattern.join(), region]));
        expect(patterns.size).toBe(found.regions.length);
        expect(found.countAfterLayer.at(-1)).toBe(found.regions.length);
        expect(found.linearRegions).toBe(new Set(found.regions.map(({ linearRegion }) => linearRegion)).size);
        expect(BigInt(found.regions.length) <= regionsUpperBound(2, widths)).toBe(true);
        if (slope === 0) expect(BigInt(found.regions.length) <= reluRegionsUpperBound(2, widths)).toBe(true);
        for (const { corners, outputs } of found.regions) {
          const centre = centreOf(corners);
          forward(layers, centre).values.forEach((value, output) => {
            expect(valueAt(outputs[output]!, centre)).toBeCloseTo(value, 9);
          });
        }
        // A fine grid, shifted so that it does not fall on kinks through the origin: what it sees has been found.
        for (let s = -1.987; s < 3; s += 0.17)
          for (let t = -1.983; t < 3; t += 0.17) {
            const { values, pattern, closest } = forward(layers, [s, t]);
            if (closest < 1e-9) continue;
            const region = patterns.get(pattern.join());
            expect(region).toBeDefined();
            expect(valueAt(region!.outputs[0]!, [s, t])).toBeCloseTo(values[0]!, 9);
          }
      }),
      { numRuns: 60 },
    );
  });

  test('on every kink the pre-activation of its unit is 0', () => {
    const layers = randomLayers([2, 8, 8, 1], -0.5, 2);
    const { kinks, regions } = planeRegions(layers);
    expect(kinks.length).toBeGreaterThan(20);
    for (const { layer: index, unit, points } of kinks)
      for (const point of points) {
        // The unit that made the kink is at 0 there.
        const upTo = [...layers.slice(0, index), { ...layers[index]!, negativeSlope: null }];
        expect(Math.abs(forward(upTo, point).values[unit]!)).toBeLessThan(1e-12);
      }
    expect(regions.length).toBeGreaterThan(20);
  });

  test('slope a and slope 1/a make the same regions: a layer of weights -W, the next of -a times its own', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.1, 0.5, 3, -0.5, -2), fc.nat(1000), (a, seed) => {
        const layers = randomLayers([2, 5, 4, 1], a, seed);
        const mirrored = layers.map((one, at) => ({
          ...one,
          weights: one.weights.map(w => (at === 0 ? -w : at === layers.length - 1 ? -a * w : a * w)),
          biases: one.biases.map(b => (at === layers.length - 1 ? b : -b)),
          negativeSlope: one.negativeSlope === null ? null : 1 / a,
        }));
        const [found, mirror] = [planeRegions(layers), planeRegions(mirrored)];
        expect(mirror.regions.length).toBe(found.regions.length);
        expect(mirror.linearRegions).toBe(found.linearRegions);
      }),
      { numRuns: 40 },
    );
  });

  test('a dead layer leaves activation regions but one linear region; a leaky one keeps them apart', () => {
    const first = layer(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 0],
      0,
    );
    const second = layer(
      [
        [1, 1],
        [1, -2],
      ],
      [-10, -20],
      0,
    );
    const dead = planeRegions([first, second]);
    expect(dead.regions.length).toBe(4);
    expect(dead.linearRegions).toBe(1);
    const leaky = [first, second].map(one => ({ ...one, negativeSlope: 0.1 }));
    expect(planeRegions(leaky).linearRegions).toBe(4);
  });

  test('parts that do not touch stay two linear regions, also with the same map', () => {
    // relu(x - 1/2) + relu(-x - 1/2): 0 in the middle, a ramp on either side.
    const layers = [
      layer(
        [
          [1, 0],
          [-1, 0],
        ],
        [-0.5, -0.5],
        0,
      ),
      layer([[1, 1]], [0], null),
    ];
    const ramp = planeRegions(layers);
    expect(ramp.regions.length).toBe(3);
    expect(ramp.linearRegions).toBe(3);
    // A tent on a plain: the map is 0 on both sides of it.
    const tented = lineRegions([layer([[1], [1], [1]], [0.5, 0, -0.5], 0), layer([[1, -2, 1]], [0], null)]);
    expect(tented.regions.length).toBe(4);
    expect(tented.linearRegions).toBe(4);
    expect(tented.regions.map(({ outputs }) => outputs[0]![0])).toEqual([0, 1, -1, 0]);
  });

  test('a linear region is a union that need not be convex', () => {
    // The second layer is on only where both units of the first are: the other three quadrants are one L.
    const layers = [
      layer(
        [
          [1, 0],
          [0, 1],
        ],
        [0, 0],
        0,
      ),
      layer([[1, 1]], [-4], 0),
    ];
    const found = planeRegions(layers, { range: [-1, 3] });
    expect(found.regions.length).toBe(5);
    expect(found.linearRegions).toBe(2);
  });

  test('a plane of many inputs: the values are those of the network at the points of the plane', () => {
    const layers = randomLayers([30, 10, 6, 3], 0.2, 5, 'normal:2,0.1');
    const slice = randomSlice(2, 30, { seed: 3 });
    const [u, v] = slice.directions as [number[], number[]];
    const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    expect([dot(u, u), dot(v, v), dot(u, v)].map(x => Math.abs(x).toFixed(12))).toEqual([
      '1.000000000000',
      '1.000000000000',
      '0.000000000000',
    ]);
    const found = planeRegions(layers, { slice, range: [-4, 4] });
    expect(found.regions.length).toBeGreaterThan(30);
    for (const { corners, outputs } of found.regions) {
      const [s, t] = centreOf(corners) as [number, number];
      const { values } = forward(
        layers,
        u.map((x, i) => s * x + t * v[i]!),
      );
      values.forEach((value, output) => {
        expect(valueAt(outputs[output]!, [s, t])).toBeCloseTo(value, 9);
      });
    }
  });

  test('far from the origin, and at large and small scales, the counts stay', () => {
    const layers = randomLayers([2, 6, 5, 1], 0.1, 7);
    const count = planeRegions(layers, { range: [-2, 2] }).regions.length;
    for (const scale of [1e-100, 1e-6, 1e6, 1e100]) {
      const scaled = [{ ...layers[0]!, weights: layers[0]!.weights.map(w => w / scale) }, ...layers.slice(1)];
      expect(planeRegions(scaled, { range: [-2 * scale, 2 * scale] }).regions.length).toBe(count);
    }
  });
});

/** The tent map x -> 1 - |1 - 2x| on [0, 1] as a layer of two units, the weights that read it, and what to add. */
function tent(slope: number) {
  const second = -4 / (1 - slope);
  return { rows: [[1], [1]], biases: [0, -0.5], read: [2 - slope * second, second], add: (slope * second) / 2 };
}

/** Three units and weights that read them, whose sum goes up, down, up and down over all of [0, 1], on four pieces (slope above -2). */
function sawtooth(a: number) {
  const [first, second, third, fourth] = [2 + a, -1, 1, -1];
  const [left, right] = [0, 2];
  // Kinks at 0, 1 and 2; the third unit looks to the left, which sets the slope of the first piece.
  const read = [(second - first) / (1 - a), (third - second) / (1 - a), (fourth - third) / (1 - a)];
  return { rows: [[1], [1], [-1]], biases: [-left, -1, right], read };
}

describe('lineRegions', () => {
  test.each(slopes)('tents stacked k deep make 2^k pieces with slope %d', slope => {
    const { rows, biases, read, add } = tent(slope);
    const layers: RectifierLayer[] = [layer(rows, biases, slope)];
    for (let depth = 1; depth <= 8; depth++) {
      const whole = lineRegions([...layers, layer([read], [add], null)], { range: [0, 1] });
      expect(BigInt(whole.linearRegions)).toBe(tentMapPieces(depth));
      expect(whole.regions.map(({ outputs }) => Math.round(outputs[0]![0]!))).toEqual(
        whole.regions.map((_, at) => (at % 2 === 0 ? 1 : -1) * 2 ** depth),
      );
      layers.push(
        layer(
          [read, read],
          biases.map(bias => bias + add),
          slope,
        ),
      );
    }
  });

  test.each(slopes)('three units in each of L layers reach 4^L, the bound, with slope %d', a => {
    const { rows, biases, read } = sawtooth(a);
    const heights = [0, 1, 2].map(x =>
      rows.reduce((sum, [w], unit) => sum + read[unit]! * leakyRelu(w! * x + biases[unit]!, { negativeSlope: a }), 0),
    );
    // Moved and stretched so that the pieces go through all of the interval [-1, 3], which holds the next layer's kinks.
    const [low, high] = [Math.min(...heights), Math.max(...heights)];
    const stretch = 4 / (high - low);
    const layers: RectifierLayer[] = [layer(rows, biases, a)];
    for (let depth = 1; depth <= 4; depth++) {
      const found = lineRegions([...layers, layer([read], [0], null)], { range: [-1000, 1000] });
      expect(BigInt(found.linearRegions)).toBe(regionsUpperBound(1, new Array(depth).fill(3)));
      const again = rows.map(([w]) => read.map(r => w! * r * stretch));
      layers.push(
        layer(
          again,
          rows.map(([w], unit) => w! * (-1 - low * stretch) + biases[unit]!),
          a,
        ),
      );
    }
  });

  test('a negative slope exceeds what ReLU can reach: one unit in each of two layers', () => {
    const layers = (slope: number) => [layer([[1]], [0], slope), layer([[1]], [-0.5], slope), layer([[1]], [0], null)];
    expect(lineRegions(layers(-1)).linearRegions).toBe(4);
    expect(regionsUpperBound(1, [1, 1])).toBe(4n);
    expect(reluRegionsUpperBound(1, [1, 1])).toBe(3n);
  });

  test('so does a positive one: two units in each of two layers make 9, where ReLU makes at most 7', () => {
    // Slopes a, -1, 1 of the sum over three pieces; both units of the next layer are 0 once on each piece.
    const a = 0.1;
    const read = [-(1 + a) / (1 - a), 2 / (1 - a)];
    const layers = [
      layer([[1], [1]], [0, -2], a),
      layer([read, read], [1.5 + 2 * a * read[1]!, 1.4 + 2 * a * read[1]!], a),
    ];
    expect(lineRegions([...layers, layer([[1, 2]], [0], null)], { range: [-100, 100] }).linearRegions).toBe(9);
    const random = createRandom(0);
    const draw = (rows: number, columns: number) =>
      Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()));
    const most = Math.max(
      ...Array.from({ length: 5000 }, () => {
        const relu = [layer(draw(2, 1), draw(2, 1).flat(), 0), layer(draw(2, 2), draw(2, 1).flat(), 0)];
        return lineRegions(relu, { range: [-1e6, 1e6] }).regions.length;
      }),
    );
    expect(most).toBe(7);
  });

  test.each(slopes)('folds of the unit square reach the lower bound of Montúfar et al., slope %d', a => {
    const { rows, biases, read, add } = tent(a);
    const first = layer([...rows.map(([w]) => [w!, 0]), ...rows.map(([w]) => [0, w!])], [...biases, ...biases], a);
    // Four lines in general position, their crossings inside the unit square, which both tents fill.
    const lines = [
      [1, 0.2],
      [-0.2, 1],
      [1, 0.9],
      [1, -0.8],
    ];
    const through = [
      [0.5, 0.5],
      [0.5, 0.45],
      [0.52, 0.52],
      [0.45, 0.5],
    ];
    const second = layer(
      lines.map(([x, y]) => [...read.map(r => x! * r), ...read.map(r => y! * r)]),
      lines.map(([x, y], unit) => x! * (add - through[unit]![0]!) + y! * (add - through[unit]![1]!)),
      a,
    );
    expect(BigInt(planeRegions([first, second], { range: [0, 1] }).regions.length)).toBe(regionsLowerBound(2, [4, 4]));
  });

  test('lie side by side from left to right and cover the segment', () => {
    const { regions } = lineRegions(randomLayers([1, 20, 20, 1], 0.1, 3), { range: [-3, 2] });
    expect(regions.length).toBeGreaterThan(15);
    expect(regions[0]!.corners[0]).toEqual([-3]);
    expect(regions.at(-1)!.corners[1]).toEqual([2]);
    regions.slice(1).forEach(({ corners }, at) => {
      expect(corners[0]![0]).toBe(regions[at]!.corners[1]![0]);
    });
  });
});

describe('what is refused', () => {
  const one = layer([[1, 1]], [0], 0);
  const three = layer([[1, 1, 1]], [0], 0);
  test.each<[() => unknown, string]>([
    [() => planeRegions([]), 'planeRegions: there must be a layer, got none'],
    [() => planeRegions([one, one]), 'fanIn of layer 1 must be 1, the fanOut of the layer before, got 2'],
    [() => planeRegions([{ ...one, biases: new Float64Array(2) }]), 'biases of layer 0 must be 1 numbers, got 2'],
    [() => planeRegions([layer([[1, Number.NaN]], [0], 0)]), 'each of the weights of layer 0 must be finite, got NaN'],
    [() => planeRegions([layer([[1, 1]], [0], Number.POSITIVE_INFINITY)]), 'negativeSlope of layer 0 must be finite'],
    [() => planeRegions([one], { range: [1, 1] }), 'range must go from a lower to a higher number, got 1 to 1'],
    [() => planeRegions([one], { range: [0, Number.NaN] }), 'planeRegions: range must be finite, got NaN'],
    [() => planeRegions([three]), 'the network must have 2 inputs where no slice is given, got 3'],
    [() => lineRegions([three]), 'the network must have 1 input where no slice is given, got 3'],
    [() => planeRegions([three], { slice: randomSlice(1, 3) }), 'slice must have 2 directions, got 1'],
    [() => planeRegions([three], { slice: randomSlice(2, 4) }), 'a number for each input, 3, got 4'],
    [
      () => planeRegions(randomLayers([2, 20, 20, 1], 0, 0), { range: [-3, 3], limit: 50 }),
      'at most 50 activation regions (limit), got more',
    ],
    [
      () => planeRegions([layer([[1e308, 1]], [0], 0), layer([[1e308]], [0], null)]),
      'what layer 1 computes must be finite, got an overflow',
    ],
    [() => randomSlice(2, 1), 'randomSlice: inputs must be a whole number from 2'],
    [
      () => randomLayersOf('elu'),
      'rectifierLayers: the rectifier must be two lines that meet at 0 (relu, leaky, prelu), got elu:1',
    ],
  ])('%#', (make, message) => expect(make).toThrow(message));

  function randomLayersOf(name: string) {
    const net = describeNetwork([2, 2, 1], { rectifier: parseRectifier(name), initializer: parseInitializer('lecun') });
    return rectifierLayers(net, initializeNetwork(net));
  }
});

describe('limits', () => {
  const layer = (fanIn: number, fanOut: number, seed: number) => {
    const options = { rectifier: parseRectifier('relu'), initializer: parseInitializer('pytorch') };
    const net = describeNetwork([fanIn, fanOut, 1], options);
    return rectifierLayers(net, initializeNetwork(net, { seed }));
  };

  test('are checked unit by unit, so that a wide layer is refused before it is cut', () => {
    expect(() => planeRegions(layer(2, 5000, 1), { limit: 500 })).toThrow(
      'planeRegions: there must be at most 500 activation regions (limit), got more',
    );
  });

  test('many cells of a wide layer: one, and one more for each line and each crossing in the square', () => {
    const layers = layer(2, 120, 2);
    const { weights, biases } = layers[0]!;
    const lines = Array.from(biases, (bias, unit) => [weights[2 * unit]!, weights[2 * unit + 1]!, bias] as const);
    const crossings = lines.flatMap(([a, b, c], at) =>
      lines.slice(0, at).filter(([d, e, f]) => {
        const area = a * e - b * d;
        return Math.max(Math.abs((b * f - c * e) / area), Math.abs((c * d - a * f) / area)) <= 1000;
      }),
    );
    const { linearRegions, countAfterLayer } = planeRegions(layers, { range: [-1000, 1000] });
    expect([linearRegions, countAfterLayer[0]]).toEqual(new Array(2).fill(1 + 120 + crossings.length));
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('a limit of %d is refused', limit => {
    expect(() => planeRegions(layer(2, 3, 1), { limit })).toThrow('planeRegions: limit must be a whole number from 1');
  });
});

describe('slices', () => {
  const plane = {
    fanIn: 3,
    fanOut: 1,
    weights: Float64Array.of(1, 1, 1),
    biases: Float64Array.of(0),
    negativeSlope: 0,
  };
  const along = (...directions: number[][]) => ({ slice: { origin: [0, 0, 0], directions } });

  test.each([
    [
      [1, 0, 0],
      [1, 0, 0],
    ],
    [
      [1, 2, 3],
      [-2, -4, -6],
    ],
    [
      [0, 0, 0],
      [1, 0, 0],
    ],
    [
      [1e300, 1e300, 0],
      [1e-300, 1e-300, 0],
    ],
  ])('directions %j and %j make no plane', (a, b) => {
    expect(() => planeRegions([plane], along(a, b))).toThrow('planeRegions: the directions of slice must span a plane');
  });

  test('directions of any length make one, if they are not parallel', () => {
    expect(planeRegions([plane], along([1e300, 0, 0], [0, 1e-300, 0])).linearRegions).toBe(2);
    expect(() => lineRegions([plane], along([0, 0, 0]))).toThrow('the directions of slice must span a line, got zero');
  });

  test('random ones have one or two dimensions', () => {
    expect(() => randomSlice(3 as never, 5)).toThrow('randomSlice: dimensions must be 1 or 2, got 3');
  });
});
