import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audit } from '../src/audit/audit.js';
import { Failure } from '../src/failure.js';
import { prune } from '../src/heal/prune/prune.js';
import type { PruneReport } from '../src/heal/prune/report.js';
import { readModelFile } from '../src/onnx/file.js';
import { inputSpecs, type Model, readModel, writeModel } from '../src/onnx/model.js';
import { openSession } from '../src/onnx/runtime.js';
import type { TensorData } from '../src/onnx/tensor-data.js';
import { createRandom } from '../src/random.js';
import { healNetwork } from './heal-networks.js';
import { exposing, runOnce, tensor } from './models.js';
import { mutated, mutation } from './mutations.js';
import { randomBatch, randomNetwork } from './random-networks.js';

/** Largest difference of two sets of outputs, relative to the largest number of each; and whether all are equal (−0 is 0). */
function compare(a: Record<string, TensorData>, b: Record<string, TensorData>): { drift: number; equal: boolean } {
  let [drift, equal] = [0, true];
  for (const [name, { data, dims }] of Object.entries(a)) {
    const other = b[name]!;
    expect(other.dims).toEqual(dims);
    const finite = Array.from(data as Float32Array).filter(Number.isFinite);
    const scale = finite.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30);
    for (const [at, value] of (data as Float32Array).entries()) {
      const found = other.data[at] as number;
      if (value === found || (Number.isNaN(value) && Number.isNaN(found))) continue;
      equal = false;
      drift = Math.max(drift, Number.isFinite(value) ? Math.abs(value - found) / scale : Infinity);
    }
  }
  return { drift, equal };
}

const foldsNothing = ({ layers, joined }: PruneReport) =>
  joined.length === 0 && layers.every(layer => layer.folded === 0);
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const weighted = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];
/** Rectified units that the report says are dead and stay. */
const leftRectified = ({ left }: PruneReport) =>
  sum(left.filter(({ op }) => !weighted.includes(op)).map(({ units }) => units.length));

const removable = async (model: Model) => (await audit(model, null, { threads: 1 })).totals.removable.units;

describe('pruned networks compute what they did', () => {
  it('240 planted networks: outputs to 3e-6, nothing removable left without a reason', async () => {
    const seen = { removed: 0, folded: 0, joined: 0, unfoldedDense: 0, padded: 0 };
    for (let seed = 0; seed < 240; seed++) {
      const { model, sample, family } = healNetwork(seed);
      const where = `seed ${seed}, ${family}`;
      const x = randomBatch(sample, 4, createRandom(seed));
      const bytes = writeModel(model);
      const idle = await removable(model);
      const { model: pruned, report } = await prune(model, { align: 1, threads: 1 });
      expect(writeModel(model), where).toEqual(bytes);
      const { drift, equal } = compare(await runOnce(model, { x }), await runOnce(pruned, { x }));
      expect(drift, where).toBeLessThan(3e-6);
      // A dense layer adds in the same order whatever its width; a convolution of another width may be another kernel.
      if (family === 'mlp' && foldsNothing(report) && report.negligible === 0) {
        expect(equal, where).toBe(true);
        seen.unfoldedDense++;
      }
      // Every unit that could go is gone or listed, and the audit of the result finds just the listed ones.
      expect(report.rectifiedUnits + leftRectified(report), where).toBe(idle);
      expect(await removable(pruned), where).toBe(leftRectified(report));
      expect(report.after.parameters, where).toBeLessThanOrEqual(report.before.parameters);
      expect(report.after.multiplyAdds!, where).toBeLessThanOrEqual(report.before.multiplyAdds!);
      expect(JSON.parse(JSON.stringify(report)), where).toEqual(report);
      seen.removed += report.rectifiedUnits;
      seen.folded += sum(report.layers.map(({ folded }) => folded));
      seen.joined += report.joined.length;
      seen.padded += report.left.filter(({ reason }) => /pads its input/.test(reason)).length;
    }
    expect(seen.removed).toBeGreaterThan(1300);
    expect(seen.folded).toBeGreaterThan(500);
    expect(seen.joined).toBeGreaterThan(2);
    expect(seen.unfoldedDense).toBeGreaterThan(0);
    expect(seen.padded).toBeGreaterThan(0);
  });

  it('700 wild networks: outputs to 3e-6, and a second prune finds nothing', async () => {
    let removed = 0;
    for (let seed = 0; seed < 700; seed++) {
      const { model, sample } = randomNetwork(seed);
      const x = randomBatch(sample, 4, createRandom(seed));
      const { model: pruned, report } = await prune(model, { align: 1, threads: 1 });
      const { drift } = compare(await runOnce(model, { x }), await runOnce(pruned, { x }));
      expect(drift, `seed ${seed}`).toBeLessThan(3e-6);
      const again = await prune(pruned, { align: 1, threads: 1 });
      expect(again.report.layers, `seed ${seed}`).toEqual([]);
      removed += sum(report.layers.map(({ units }) => units.removed.length));
    }
    expect(removed).toBeGreaterThan(60);
  });

  it('without plants nothing goes, and the outputs are those of before to the bit', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { model, sample, family } = healNetwork(seed, { plants: false });
      const { model: pruned, report } = await prune(model, { align: 1, threads: 1 });
      expect([report.layers, report.left, report.joined, report.nodesRemoved], family).toEqual([[], [], [], []]);
      const x = randomBatch(sample, 4, createRandom(seed));
      expect(compare(await runOnce(model, { x }), await runOnce(pruned, { x })).equal, family).toBe(true);
    }
  });
});

it('with align 8 widths that were a multiple of 8 stay one', async () => {
  let kept = 0;
  for (let seed = 0; seed < 60; seed++) {
    const { model, sample } = healNetwork(seed);
    const { model: pruned, report } = await prune(model, { threads: 1 });
    for (const { units, inputs, op } of report.layers) {
      if (units.before % 8 === 0) expect(units.after % 8, `seed ${seed}`).toBe(0);
      if (op === 'Conv' && inputs.before % 8 === 0) expect(inputs.after % 8, `seed ${seed}`).toBe(0);
    }
    kept += sum(report.left.filter(({ reason }) => /a multiple of 8/.test(reason)).map(({ units }) => units.length));
    const x = randomBatch(sample, 4, createRandom(seed));
    expect(compare(await runOnce(model, { x }), await runOnce(pruned, { x })).drift).toBeLessThan(3e-6);
  }
  expect(kept).toBeGreaterThan(0);
});

it('units that are silent on the data go on the caller’s word; outputs on that data stay', async () => {
  let [silent, further] = [0, 0];
  for (let seed = 0; seed < 120; seed++) {
    const { model, sample, rectified } = healNetwork(seed);
    const x = randomBatch(sample, 6, createRandom(seed));
    const values = await runOnce(exposing(model, rectified), { x });
    const constants = new Map(
      rectified.map(value => {
        const { dims, data } = values[value]!;
        const inner = dims.slice(2).reduce((a, b) => a * b, 1);
        const fired = new Set<number>();
        for (const [at, item] of (data as Float32Array).entries())
          if (item > 0) fired.add(Math.floor(at / inner) % dims[1]!);
        const units = Array.from({ length: dims[1]! }, (_, unit) => unit).filter(unit => !fired.has(unit));
        silent += units.length;
        return [value, new Map(units.map(unit => [unit, 0]))] as const;
      }),
    );
    const align = seed % 2 === 0 ? 1 : 8;
    const proved = await prune(model, { align, threads: 1 });
    const { model: pruned, report } = await prune(model, { align, threads: 1, constants });
    const { drift } = compare(await runOnce(model, { x }), await runOnce(pruned, { x }));
    expect(drift, `seed ${seed}`).toBeLessThan(3e-6);
    expect(report.rectifiedUnits, `seed ${seed}`).toBeGreaterThanOrEqual(proved.report.rectifiedUnits);
    further += report.rectifiedUnits - proved.report.rectifiedUnits;
    // What the caller named is gone or listed.
    const listed = new Map<string, Set<number>>();
    for (const { value, units } of report.left) listed.set(value, new Set([...(listed.get(value) ?? []), ...units]));
    const after = await runOnce(exposing(pruned, rectified), { x });
    for (const [value, units] of constants) {
      const gone = values[value]!.dims[1]! - after[value]!.dims[1]!;
      const stays = [...units.keys()].filter(unit => listed.get(value)?.has(unit)).length;
      expect(gone + stays, `seed ${seed}, ${value}`).toBeGreaterThanOrEqual(units.size);
    }
  }
  expect(silent).toBeGreaterThan(500);
  expect(further).toBeGreaterThan(100);
});

it('units proved dead over a box go; outputs stay for inputs of the box, its corners too', async () => {
  const seen = { proved: 0, kept: 0 };
  for (let seed = 0; seed < 60; seed++) {
    const { model, sample } = healNetwork(seed);
    const random = createRandom(seed);
    const [lower, upper] = [-1 - random.uniform(), random.uniform()];
    const align = seed % 2 === 0 ? 1 : 8;
    const size = sample.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: 6 * size }, (_, at) =>
      at < 3 * size ? lower + random.uniform() * (upper - lower) : random.uniform() < 0.5 ? lower : upper,
    );
    const x = tensor([6, ...sample], values);
    const { model: pruned, report } = await prune(model, { align, threads: 1, ranges: { x: { lower, upper } } });
    const { drift } = compare(await runOnce(model, { x }), await runOnce(pruned, { x }));
    expect(drift, `seed ${seed}`).toBeLessThan(3e-6);
    expect(report.unitsOnWord, `seed ${seed}`).toBe(0);
    const without = await prune(model, { align, threads: 1 });
    expect(report.rectifiedUnits, `seed ${seed}`).toBeGreaterThanOrEqual(without.report.rectifiedUnits);
    expect(without.report.provedUnits, `seed ${seed}`).toBe(0);
    seen.proved += report.provedUnits;
    seen.kept += report.left.length;
  }
  expect(seen.proved).toBeGreaterThan(150);
  expect(seen.kept).toBeGreaterThan(0);
});

describe('real models', () => {
  const expected = {
    '320x320_large': { units: 177, parameters: 1365012, aligned: 1385112 },
    '320x320_tiny': { units: 16, parameters: 613009, aligned: 613704 },
  };
  for (const [size, { units, parameters, aligned }] of Object.entries(expected))
    it(`M-LSD ${size}: ${units} units fewer, the same lines`, async () => {
      const model = await readModelFile(`node_modules/jp.keijiro.mlsd/ONNX/mlsd_${size}.onnx`);
      const { model: small, report } = await prune(model, { align: 1 });
      expect([report.rectifiedUnits, report.after.parameters]).toEqual([units, parameters]);
      expect((await prune(model)).report.after.parameters).toBe(aligned);
      expect(await removable(small)).toBe(leftRectified(report));
      const [spec] = inputSpecs(model);
      const picture = Float32Array.from({ length: 320 * 320 * 4 }, (_, at) =>
        Math.round(127 + 120 * Math.sin((at % 1280) / 60) * Math.cos(at / 40000)),
      );
      const feeds = { [spec!.name]: tensor([1, 320, 320, 4], picture) };
      // Node by node: fusions move the outputs of either model further than the repair does.
      const run = async (of: Model) => {
        const session = await openSession(of, { threads: 1, graphOptimizationLevel: 'disabled' });
        const { offsets } = await session.run(feeds);
        await session.close();
        return { offsets: offsets! };
      };
      expect(compare(await run(model), await run(small)).drift).toBeLessThan(2e-5);
    });
});

it('changed graphs give a report or a Failure, and what ran before runs afterwards', async () => {
  const networks = Array.from({ length: 24 }, (_, seed) => healNetwork(seed));
  let [ran, smaller] = [0, 0];
  const attempt = async (index: number, changes: Parameters<typeof mutated>[1]) => {
    const { model: sound, sample } = networks[index]!;
    const feeds = { x: randomBatch(sample, 2, createRandom(index)) };
    const orFailure = async <T>(run: () => T | Promise<T>): Promise<T | null> => {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return null;
      }
    };
    const model = await orFailure(() => readModel(writeModel(mutated(sound, changes))));
    const repaired = model && (await orFailure(() => prune(model, { align: 1, threads: 1 })));
    if (!model || !repaired) return;
    if (repaired.report.layers.length > 0) smaller++;
    const before = await orFailure(() => runOnce(model, feeds));
    if (!before) return;
    const after = await runOnce(repaired.model, feeds);
    for (const [name, { dims }] of Object.entries(before)) expect(after[name]!.dims).toEqual(dims);
    ran++;
  };
  const changes = fc.array(mutation, { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(fc.nat(networks.length - 1), changes, attempt);
  await fc.assert(property, { seed: 5, numRuns: 500 });
  expect(ran).toBeGreaterThan(50);
  expect(smaller).toBeGreaterThan(150);
});
