import { describe, expect, test } from 'vitest';
import { createRandom } from '../random.js';
import { normalCdf } from '../rectifiers/normal.js';
import { parseRectifier } from '../rectifiers/parse-rectifier.js';
import { philox } from '../rectifiers/philox.js';
import { bornDeadBounds } from './born-dead.js';
import { type CountedNetwork, deathCounter } from './born-dead-counter.js';
import { type CountedShare, simulateBornDead } from './born-dead-simulation.js';
import { canDie } from './can-die.js';
import type { DrawLayer } from './initialize.js';
import { parseInitializer } from './initializer.js';
import { describeNetwork } from './network.js';
import { raiInitialize } from './rai.js';

const network = (widths: number[], rectifier = 'relu', initializer = 'he') =>
  describeNetwork(widths, { rectifier: parseRectifier(rectifier), initializer: parseInitializer(initializer) });
const constant = (width: number, depth: number, inputs = 1) => [inputs, ...new Array<number>(depth - 1).fill(width), 1];

/** How many standard errors of both a share is from another, of which `others` were drawn (none: it is exact). */
function deviation({ probability, standardError }: CountedShare, other: number, others = Number.POSITIVE_INFINITY) {
  const p = other + 1 / others;
  return Math.abs(probability - other) / Math.hypot(standardError, Math.sqrt((p * (1 - p)) / others));
}

/** Simulated once elsewhere, with all weights drawn: width, networks, dead shares by depth from 3 on. */
const simulated: readonly (readonly [number, number, readonly number[]])[] = [
  [2, 1_000_000, [0.155391, 0.339559, 0.497612, 0.620897, 0.714981, 0.786342, 0.839667, 0.879739]],
  [4, 300_000, [0.0108967, 0.0368333, 0.0728533, 0.1151367, 0.16051, 0.2058, 0.25117, 0.2952933]],
  [10, 50_000, [0, 2e-5, 4e-5, 0.00022, 0.0004, 0.0007, 0.00108, 0.00136]],
];

describe('simulateBornDead', () => {
  test.each(simulated)('agrees with others at width %i', async (width, others, shares) => {
    const { byLayer, test: kind } = await simulateBornDead(network(constant(width, 10)), { networks: 200_000 });
    expect(kind).toBe('every input');
    expect(byLayer[0]?.dead.count).toBe(0);
    shares.forEach((share, k) => {
      const { dead, pointDead } = byLayer[k + 1]!;
      expect(deviation(dead, share, others)).toBeLessThan(4);
      expect(deviation(pointDead, 1 - (1 - 2 ** -width) ** (k + 2))).toBeLessThan(4);
    });
  });

  test.each([
    [[1, 2, 2, 1]],
    [[1, 1, 1, 1, 1]],
    [[1, 1, 3, 2, 1]],
    [[1, 2, 2, 2, 1]],
    [[1, 3, 2, 4, 1]],
    [[1, 5, 2, 1, 1]],
    [[3, 1, 2, 2, 1]],
  ])('agrees with the exact value of %j', async widths => {
    const { dead } = await simulateBornDead(network(widths), { networks: 100_000, seed: 3 });
    const { exact } = bornDeadBounds({ hiddenWidths: widths.slice(1, -1), inputs: widths[0] });
    expect(deviation(dead, exact as number)).toBeLessThan(4);
  });

  test('stays between the bounds for different widths and more inputs', async () => {
    for (const widths of [
      [1, 5, 3, 4, 2, 1],
      [2, 3, 3, 3, 1],
      [4, 2, 5, 2, 1],
    ]) {
      const { dead, pointDead } = await simulateBornDead(network(widths), { networks: 50_000 });
      const { lower, upper, pointDeath } = bornDeadBounds({ hiddenWidths: widths.slice(1, -1), inputs: widths[0] });
      expect(dead.probability).toBeGreaterThan(lower - 4 * dead.standardError);
      expect(dead.probability).toBeLessThan(upper + 4 * dead.standardError);
      expect(deviation(pointDead, pointDeath)).toBeLessThan(4);
    }
  });

  test('gives the same counts for a seed whatever the number of threads, and others for another', async () => {
    for (const initializer of ['he', 'pytorch']) {
      const run = (threads: number, seed = 5) =>
        simulateBornDead(network(constant(3, 6), 'relu', initializer), { networks: 25_300, threads, seed, inputs: 8 });
      const one = await run(1);
      expect(one.networks).toBe(25_300);
      expect(await run(2)).toEqual({ ...one, threads: 2 });
      expect(await run(3)).toEqual({ ...one, threads: 3 });
      expect((await run(1, 6)).dead.count).not.toBe(one.dead.count);
      expect((await run(1, 2 ** 40 + 5)).dead.count).not.toBe(one.dead.count);
    }
  });

  test.each(['he-uniform', 'xavier', 'normal:0.001', 'orthogonal'])('one input, %s: one point is exact', async name => {
    const {
      pointDead,
      dead,
      test: kind,
    } = await simulateBornDead(network(constant(3, 8), 'relu', name), {
      networks: 20_000,
    });
    expect(kind).toBe('every input');
    expect(deviation(pointDead, 1 - (7 / 8) ** 7)).toBeLessThan(4);
    expect(dead.count).toBeLessThan(pointDead.count);
  });

  test('orthogonal weights do not silence both sides of a layer at once', async () => {
    const { dead } = await simulateBornDead(network([1, 3, 3, 1], 'relu', 'orthogonal'), { networks: 20_000 });
    // One side silent in the first layer (1/4), the other in the second (1/8); two orthogonal vectors cannot both be negative.
    expect(deviation(dead, 1 / 32)).toBeLessThan(4);
  });

  test('a unit with a bias is dead for two opposite inputs with probability atan(1/|x|)/π', async () => {
    for (const rectifier of ['relu', 'prelu:0']) {
      const options = { networks: 50_000, inputs: 2, seed: 4 };
      const { dead, test: kind } = await simulateBornDead(network([1, 1, 1], rectifier, 'normal:1,1'), options);
      expect(kind).toBe('sampled inputs');
      expect(deviation(dead, Math.atan(1 / Math.abs(createRandom(4).normal())) / Math.PI)).toBeLessThan(4);
    }
  });

  test('rectifiers that are flat on one side die as their flat side says; the rest never', async () => {
    const within = 2 * normalCdf(1 / Math.abs(createRandom(0).normal())) - 1;
    const options = { networks: 20_000, inputs: 2 };
    const thresholded = await simulateBornDead(network([1, 2, 1], 'thresholded:1', 'lecun'), options);
    expect(deviation(thresholded.dead, within ** 2)).toBeLessThan(4);
    for (const name of ['leaky:0.01', 'prelu', 'elu', 'gelu', 'silu', 'softplus', 'mish', 'rrelu']) {
      const result = await simulateBornDead(network(constant(2, 20), name));
      expect(result).toMatchObject({ test: 'never', networks: 0, dead: { probability: 0, standardError: 0 } });
    }
  });

  test('the same rectifier counts the same way on both paths', async () => {
    const relu = parseRectifier('relu');
    // Another name is another rectifier to the simulation, which then walks through it value by value.
    const renamed = { ...relu, name: 'custom' };
    const described = (rectifier: typeof relu) =>
      describeNetwork([2, 3, 3, 3, 1], { rectifier, initializer: parseInitializer('pytorch') });
    const options = { networks: 30_000, inputs: 16 };
    const [fast, slow] = [
      await simulateBornDead(described(relu), options),
      await simulateBornDead(described(renamed), options),
    ];
    fast.byLayer.forEach(({ dead, pointDead }, k) => {
      expect(deviation(dead, slow.byLayer[k]!.dead.probability, 30_000)).toBeLessThan(4);
      expect(deviation(pointDead, slow.byLayer[k]!.pointDead.probability, 30_000)).toBeLessThan(4);
    });
  });

  test('randomized asymmetric initialization dies less often', async () => {
    const widths = constant(2, 10);
    const he = await simulateBornDead(network(widths), { networks: 20_000 });
    const rai = await simulateBornDead(network(widths), { networks: 2_000, inputs: 32, draw: raiInitialize });
    expect(rai.dead.probability).toBeLessThan(he.dead.probability / 2);
  });

  test('counts RAI in the loop with the shares of networks that raiInitialize draws one by one', async () => {
    const options = { networks: 20_000, inputs: 16 };
    const draw: DrawLayer = (layer, random) => raiInitialize(layer, random);
    const [fast, slow] = [
      await simulateBornDead(network([2, 3, 2, 3, 1]), { ...options, draw: raiInitialize, threads: 2 }),
      await simulateBornDead(network([2, 3, 2, 3, 1]), { ...options, draw, threads: 2 }),
    ];
    expect([fast.threads, slow.threads]).toEqual([2, 1]);
    fast.byLayer.forEach(({ dead, pointDead }, k) => {
      expect(deviation(dead, slow.byLayer[k]!.dead.probability, 20_000)).toBeLessThan(4);
      expect(deviation(pointDead, slow.byLayer[k]!.pointDead.probability, 20_000)).toBeLessThan(4);
    });
  });

  test('a rectified last layer counts too, and a network without rectifiers never dies', async () => {
    const relu = parseRectifier('relu');
    const options = { rectifier: relu, initializer: parseInitializer('he') };
    const { dead, byLayer } = await simulateBornDead(describeNetwork([1, 2, 2], { ...options, last: relu }));
    expect(byLayer.length).toBe(2);
    expect(deviation(dead, 0.15625)).toBeLessThan(4);
    expect(await simulateBornDead(network([3, 2]))).toMatchObject({ test: 'never', byLayer: [] });
  });

  test('deep networks are not dead for the smallness of their numbers', async () => {
    const deep = network(constant(12, 400), 'relu', 'he-uniform').map(layer => ({ ...layer, weightVariance: 1e-6 }));
    const { pointDead } = await simulateBornDead(deep, { networks: 1000 });
    expect(deviation(pointDead, 1 - (1 - 2 ** -12) ** 399)).toBeLessThan(4);
  });

  test('tells its progress and ends when told', async () => {
    const done: number[] = [];
    await simulateBornDead(network(constant(2, 4)), { networks: 20_500, onProgress: (n, all) => done.push(n / all) });
    expect(done).toEqual([8000 / 20_500, 16_000 / 20_500, 1]);
    for (const threads of [1, 2]) {
      const controller = new AbortController();
      const running = simulateBornDead(network(constant(10, 30)), {
        networks: 1e8,
        threads,
        signal: controller.signal,
        onProgress: () => controller.abort(new Error('enough')),
      });
      await expect(running).rejects.toThrow('enough');
    }
    await expect(simulateBornDead(network([1, 2, 1]), { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow(
      'no',
    );
  });

  test.each([
    [{ networks: 0 }, 'simulateBornDead: networks must be a whole number from 1'],
    [{ networks: Number.NaN }, 'simulateBornDead: networks'],
    [{ seed: -1 }, 'simulateBornDead: seed must be a whole number from 0'],
    [{ threads: 0 }, 'simulateBornDead: threads must be a whole number from 1'],
    [{ threads: 1.5 }, 'simulateBornDead: threads must be a whole number from 1 to 1024, got 1.5'],
    [{ threads: 2000 }, 'simulateBornDead: threads must be a whole number from 1 to 1024, got 2000'],
    [{ inputs: 3 }, 'simulateBornDead: inputs must be an even number, got 3'],
  ])('refuses %j', async (options, message) => {
    await expect(simulateBornDead(network([1, 2, 1]), options)).rejects.toThrow(message);
  });
});

describe('deathCounter', () => {
  const layers = [1, 4, 4, 4, 4].slice(1).map((fanOut, k) => ({
    fanIn: k === 0 ? 1 : 4,
    fanOut,
    weightStd: 1,
    biasStd: 0,
    law: 'normal' as const,
  }));
  const counted = (points: CountedNetwork['points'], networks: number) => {
    const counts = { dead: new Float64Array(4), pointDead: new Float64Array(4) };
    deathCounter({ layers, points })(philox([0, 0, 0, 0], [9, 9]), networks, counts);
    return counts;
  };

  test('pairs of correlated numbers have the law of drawn weights', () => {
    const [pairs, drawn] = [counted(null, 200_000), counted(Float64Array.of(1, -1), 200_000)];
    for (const kind of ['dead', 'pointDead'] as const)
      pairs[kind].forEach((count, k) => {
        const other = drawn[kind][k]!;
        expect(Math.abs(count - other)).toBeLessThanOrEqual(4 * Math.sqrt(count + other));
      });
    expect(pairs.dead[0]).toBe(0);
    expect(drawn.dead[0]).toBe(0);
    expect(pairs.dead[3]).toBeGreaterThan(1000);
  });
});

describe('canDie', () => {
  test.each(['relu', 'leaky:0', 'prelu:0', 'relu6', 'thresholded:2', 'thresholded:-2', 'hard-swish'])('%s', name => {
    expect(canDie(parseRectifier(name))).toBe(true);
  });
  test.each([
    'leaky:1e-9',
    'leaky:-1',
    'leaky:2',
    'elu',
    'selu',
    'celu',
    'gelu',
    'gelu-tanh',
    'silu',
    'mish',
    'softplus',
  ])('not %s', name => {
    expect(canDie(parseRectifier(name))).toBe(false);
  });
});
