import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dissect } from '../src/audit/anatomy.js';
import { audit } from '../src/audit/audit.js';
import { Failure } from '../src/failure.js';
import { valueInfo } from '../src/onnx/build.js';
import { copyModel, type Model, mainGraph, readModel, writeModel } from '../src/onnx/model.js';
import { constructed, mutated, mutation } from './mutations.js';
import { numbersThatAreNone, processorSeconds } from './report-checks.js';

/*
 * Whatever happens to a model file on its way, reading and auditing it gives a report or a Failure, within two seconds. More
 * runs and other ones: FUZZ_RUNS=100 (times as many) and FUZZ_SEED=7 in the environment.
 */

const times = Number(process.env.FUZZ_RUNS ?? 1);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const longest = 2;

/** A real network's graph without its large weights, so that thousands of copies are made in no time. */
function stripped(path: string): Model {
  const model = copyModel(readModel(readFileSync(path)));
  const main = mainGraph(model);
  main.initializer = main.initializer.filter(tensor => tensor.rawData.length <= 256);
  // With free dimensions ONNX Runtime is not asked for shapes.
  main.input = main.input.map(({ name }) => valueInfo(name, ['N', 'H', 'W', 'C']));
  return model;
}

const conformance = join('..', 'shared', 'data', 'onnx-node-tests');
const conformanceModels = (
  existsSync(conformance) ? readdirSync(conformance, { recursive: true, encoding: 'utf8' }) : []
)
  .filter(name => name.endsWith('.onnx'))
  .sort()
  .map(name => readModel(readFileSync(join(conformance, name))));
const real = stripped(join('node_modules', 'jp.keijiro.mlsd', 'ONNX', 'mlsd_320x320_tiny.onnx'));
const free = constructed(['N', 3, 'H', 'W']);
const pure = [...free, ...free, real];
const models = [...pure, ...conformanceModels];
const files = models.map(model => Buffer.from(writeModel(model)));

/** Runs the attempt; a Failure is an answer, everything else that is thrown is not, and neither is a long wait. */
async function answers(attempt: () => unknown): Promise<void> {
  const start = processorSeconds();
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
  const took = processorSeconds() - start;
  if (took > longest) throw new Error(`took ${took} s`);
}

/** One change to the bytes of a file: some are replaced, cut out, repeated, or taken from another file; or the file ends. */
const damage = fc.record({
  kind: fc.nat(5),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  length: fc.nat(40),
  other: fc.nat(files.length - 1),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(file: Buffer, { kind, at, bytes, length, other }: Damage): Buffer {
  const from = Math.floor(at * file.length);
  const rest = file.subarray(from);
  switch (kind) {
    case 0:
      return Buffer.concat([file.subarray(0, from), bytes, rest.subarray(bytes.length)]);
    case 1:
      return Buffer.concat([
        file.subarray(0, from),
        Uint8Array.of((rest[0] ?? 0) ^ (1 << (length % 8))),
        rest.subarray(1),
      ]);
    case 2:
      return Buffer.concat([file.subarray(0, from), rest.subarray(length)]);
    case 3:
      return Buffer.concat([file.subarray(0, from), rest.subarray(0, length), rest]);
    case 4:
      return Buffer.concat([file.subarray(0, from), (files[other] as Buffer).subarray(from, from + length), rest]);
    default:
      return file.subarray(0, from);
  }
}

/** Bytes of heap that a run leaves behind, roughly: fuzzing must not fill the memory. */
async function heapGrowth(run: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().heapUsed;
  await run();
  return process.memoryUsage().heapUsed - before;
}

describe('damaged bytes', () => {
  test('are refused, or read as a model that can be taken apart', async () => {
    let read = 0;
    const property = fc.asyncProperty(
      fc.nat(files.length - 1),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      (index, changes) =>
        answers(() => {
          const model = readModel(changes.reduce(damaged, files[index] as Buffer));
          read++;
          dissect(model);
        }),
    );
    const runs = 4000 * times;
    const growth = await heapGrowth(() => fc.assert(property, { seed, numRuns: runs }));
    // Damage that is always refused would test the first lines of the reader alone.
    expect(read).toBeGreaterThan(runs / 20);
    expect(growth).toBeLessThan(2 ** 29);
  });
});

describe('changed graphs', () => {
  const changes = fc.array(mutation, { minLength: 1, maxLength: 5 });

  test('get a report of finite numbers or a Failure', async () => {
    let audited = 0;
    const property = fc.asyncProperty(fc.nat(pure.length - 1), changes, (index, mutations) =>
      answers(async () => {
        const model = mutated(pure[index] as Model, mutations);
        const report = await audit(readModel(writeModel(model)), null, { threads: 1 });
        expect(numbersThatAreNone(report)).toEqual([]);
        audited++;
      }),
    );
    const runs = 2000 * times;
    const growth = await heapGrowth(() => fc.assert(property, { seed, numRuns: runs }));
    expect(audited).toBeGreaterThan(runs / 2);
    expect(growth).toBeLessThan(2 ** 29);
  });

  test('do so too where ONNX Runtime is asked for the shapes', async () => {
    const fixed = constructed([1, 3, 8, 8]);
    let audited = 0;
    const property = fc.asyncProperty(fc.nat(fixed.length - 1), changes, (index, mutations) =>
      answers(async () => {
        const report = await audit(readModel(writeModel(mutated(fixed[index] as Model, mutations))), null, {
          threads: 1,
        });
        expect(numbersThatAreNone(report)).toEqual([]);
        audited++;
      }),
    );
    const runs = 300 * times;
    await fc.assert(property, { seed, numRuns: runs });
    expect(audited).toBeGreaterThan(runs / 10);
  });

  test('the models that are changed are sound themselves', async () => {
    for (const model of constructed([1, 3, 8, 8])) {
      const report = await audit(readModel(writeModel(model)), null, { threads: 1 });
      expect(report.model.multiplyAdds).toBeGreaterThan(0);
      expect(report.layers.length).toBeGreaterThan(1);
    }
  });
});
