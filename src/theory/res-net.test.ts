import { describe, expect, test } from 'vitest';
import { leakyCorrelation } from './leaky-correlation.js';
import { networkCorrelation } from './network-map.js';
import { resNet, resNetDepths } from './res-net.js';
import { reachableCorrelation, tailoredSlope } from './tailored-slope.js';

/** Computed independently, version 2: depth, shortcut weight, η, slope, output scale. */
const tailored: readonly (readonly [number, number, number, number | null, number | null])[] = [
  [18, 0.0, 0.8, 0.30631171083101666, 1.3521992949345163],
  [18, 0.6, 0.8, 0.19796484367172898, 1.3872907859109809],
  [34, 0.0, 0.8, 0.46558212471414845, 1.2820688174475887],
  [34, 0.6, 0.8, 0.37051523085244215, 1.326114438499488],
  [50, 0.0, 0.8, 0.5445221129965172, 1.2420183485716325],
  [50, 0.6, 0.8, 0.4594068404680759, 1.2850887685473222],
  [101, 0.0, 0.8, 0.6620271019048298, 1.1792158139555056],
  [101, 0.6, 0.8, 0.5936055909121595, 1.216095326656701],
  [152, 0.0, 0.8, 0.7171931065829293, 1.1492104844288684],
  [152, 0.6, 0.8, 0.6578917981734509, 1.1814597621078535],
  [200, 0.0, 0.8, 0.7495712432337891, 1.1316036950017412],
  [200, 0.6, 0.8, 0.695981574676723, 1.1607559975769361],
  [18, 0.0, 0.9, 0.12624338308521607, 1.4030770642292423],
  [18, 0.6, 0.9, null, null],
  [34, 0.0, 0.9, 0.32842922600041746, 1.3436044341993936],
  [34, 0.6, 0.9, 0.2037452554693155, 1.3857434415717151],
  [50, 0.0, 0.9, 0.42590719468746885, 1.3011191751325155],
  [50, 0.6, 0.9, 0.31668949278807523, 1.3482206472520764],
  [101, 0.0, 0.9, 0.5704395310587206, 1.2284042448193144],
  [101, 0.6, 0.9, 0.4845814220720585, 1.2726627095956402],
  [152, 0.0, 0.9, 0.6386479048862813, 1.191882775577455],
  [152, 0.6, 0.9, 0.5643538553749873, 1.2316170971509692],
  [200, 0.0, 0.9, 0.6789062133724509, 1.1700454305956771],
  [200, 0.6, 0.9, 0.6116780616926323, 1.2064183064398861],
  [18, 0.0, 0.95, null, null],
  [18, 0.6, 0.95, null, null],
  [34, 0.0, 0.95, 0.1826320270331781, 1.3912024674924772],
  [34, 0.6, 0.95, 0.012408047464140568, 1.4141047090354024],
  [50, 0.0, 0.95, 0.3026925050501854, 1.3535637293011364],
  [50, 0.6, 0.95, 0.16262208725827165, 1.3958763736224333],
  [101, 0.0, 0.95, 0.47633122978702314, 1.2767678243385763],
  [101, 0.6, 0.95, 0.37153255826935033, 1.3256745328875765],
  [152, 0.0, 0.95, 0.5577626098370072, 1.2350860980968852],
  [152, 0.6, 0.95, 0.4678791260071885, 1.2809406903286389],
  [200, 0.0, 0.95, 0.6059107367073, 1.2095127121555584],
  [200, 0.6, 0.95, 0.5247251795904947, 1.2522833338597037],
];

describe('tailored slopes of ResNets', () => {
  test.each(tailored)('%d layers, shortcut weight %f, η %f', (depth, shortcutWeight, eta, slope, scale) => {
    const found = tailoredSlope(resNet(depth, { shortcutWeight }), { eta });
    if (slope === null || scale === null) return expect(found).toBeNull();
    expect(found?.negativeSlope).toBeCloseTo(slope, 9);
    expect(found?.outputScale).toBeCloseTo(scale, 9);
    expect(found?.reached).toBeCloseTo(eta, 12);
  });
});

const map = {
  value: (c: number) => leakyCorrelation(c, 0.2),
  derivative: () => Number.NaN,
};
const C = map.value;

describe('structure', () => {
  test('without shortcuts they are plain: 2 or 3 rectified layers for each block, and one', () => {
    const plain = (depth: number) => networkCorrelation({ depth }, map, 0);
    expect(networkCorrelation(resNet(18), map, 0)).toBe(plain(17));
    expect(networkCorrelation(resNet(50), map, 0)).toBe(plain(49));
    expect(networkCorrelation(resNet(50, { version: 1 }), map, 0)).toBe(plain(49));
    expect(networkCorrelation(resNet(200), map, 0)).toBe(plain(199));
  });

  test('version 2 of 18 layers, written out', () => {
    const w2 = 0.36;
    const wire = (x: number) => w2 * x + (1 - w2) * C(C(x));
    const projected = (x: number) => w2 * C(x) + (1 - w2) * C(C(x));
    const groups = [wire, wire, projected, wire, projected, wire, projected, wire];
    const expected = C(groups.reduce((x, block) => block(x), 0.1));
    expect(networkCorrelation(resNet(18, { shortcutWeight: 0.6 }), map, 0.1)).toBeCloseTo(expected, 14);
  });

  test('version 1 of 50 layers, written out', () => {
    const w2 = 0.36;
    let expected = C(0.1);
    for (let block = 0; block < 16; block++) expected = C(w2 * expected + (1 - w2) * C(C(expected)));
    const network = resNet(50, { shortcutWeight: 0.6, version: 1 });
    expect(networkCorrelation(network, map, 0.1)).toBeCloseTo(expected, 14);
  });

  test('with shortcuts alone only the projections are left, and the branches count as subnetworks', () => {
    const network = resNet(34, { shortcutWeight: 1 });
    expect(networkCorrelation(network, map, 0)).toBeCloseTo(networkCorrelation({ depth: 4 }, map, 0), 14);
    expect(reachableCorrelation(network)).toBe(reachableCorrelation({ depth: 4 }));
    expect(reachableCorrelation(resNet(18, { shortcutWeight: 1, version: 1 }))).toBe(
      reachableCorrelation({ depth: 9 }),
    );
  });

  test('shortcuts keep correlations down', () => {
    for (const depth of resNetDepths)
      for (const version of [1, 2] as const)
        expect(reachableCorrelation(resNet(depth, { version, shortcutWeight: 0.8 }))).toBeLessThan(
          reachableCorrelation(resNet(depth, { version })),
        );
  });
});

test.each([
  [() => resNet(20), 'resNet: depth must be one of 18, 34, 50, 101, 152, 200, got 20'],
  [() => resNet(50, { shortcutWeight: 1.5 }), 'resNet: shortcutWeight must be from 0 to 1, got 1.5'],
  [() => resNet(50, { shortcutWeight: Number.NaN }), 'resNet: shortcutWeight must be finite, got NaN'],
  [() => resNet(50, { version: 3 as 1 }), 'resNet: version must be 1 or 2, got 3'],
])('refuses %s', (make, message) => {
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});
