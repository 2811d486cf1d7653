import { describe, expect, test } from 'vitest';
import { modelOf, tensor } from '../../test/models.js';
import { Failure } from '../failure.js';
import { floatTensor, intTensor, node, valueInfo } from '../onnx/build.js';
import { type Model, mainGraph } from '../onnx/model.js';
import { DataType, type NodeProto, type TensorProto } from '../onnx/proto.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { Comparison } from './compare.js';
import { keeps, limitOf, type RepairPromise } from './promise.js';
import { type VerifyOptions, verify } from './verify.js';

const model = (
  nodes: NodeProto[],
  initializers: TensorProto[] = [],
  dims: (number | string)[] = ['N', 3],
  outputs = ['y'],
): Model =>
  modelOf({ nodes, initializers, inputs: [valueInfo('x', dims)], outputs: outputs.map(name => valueInfo(name)) });
const times = (factor: number) => model([node('Mul', ['x', 'factor'], ['y'])], [floatTensor('factor', [1], [factor])]);
const batch = (values: readonly number[], samples = values.length / 3) => ({
  feeds: { x: tensor([values.length / 3, 3], values) },
  samples,
});
const bitEqual: RepairPromise = { kind: 'bit-equal' };
const within = (relative: number, absolute?: number): RepairPromise => ({
  kind: 'tolerance',
  relative,
  ...(absolute === undefined ? {} : { absolute }),
});
const check = (
  a: Model,
  b: Model,
  batches: ReturnType<typeof batch>[] | null,
  promise: RepairPromise = bitEqual,
  more: Partial<VerifyOptions> = {},
) => verify(a, b, batches, { promise, rounds: 0, threads: 1, ...more });

describe('differences', () => {
  test('are the largest over all batches; relative to the largest value of the output', async () => {
    const found = await check(times(1), times(1.5), [batch([1, 0, 0]), batch([0, -8, 1, 2, 0, 0])]);
    expect([found.maxAbsolute, found.maxRelative, found.bitEqual, found.kept]).toEqual([4, 0.5, false, false]);
    expect(found.samples).toBe(3);
    expect(found.outputs).toEqual([
      {
        name: 'y',
        elements: 9,
        maxAbsolute: 4,
        maxRelative: 0.5,
        bitEqual: false,
        mismatched: 0,
        sameTopClass: 1,
        limit: 0,
      },
    ]);
    expect(found.optimized[0]!.maxAbsolute).toBe(4);
    expect(found.sentence).toBe(
      'Promise broken: the outputs stay the same to the bit; over 3 samples the largest difference is 4, 0.5 of the largest value of its output.',
    );
  });

  test('promises: absolute or relative, to the bit, or none', async () => {
    const batches = [batch([1, 2, 3])];
    const kept = async (promise: RepairPromise) => (await check(times(1), times(1.25), batches, promise)).kept;
    expect(await kept(within(0.25))).toBe(true);
    expect(await kept(within(0.24))).toBe(false);
    expect(await kept(within(0, 0.75))).toBe(true);
    expect(await kept(within(0, 0.74))).toBe(false);
    expect(await kept({ kind: 'report' })).toBe(true);
    expect((await check(times(1), times(1), batches)).kept).toBe(true);
  });

  test('a tolerance is taken at its word; what passes for rounding depends on what rounding does to the original', () => {
    const rounding: RepairPromise = { kind: 'rounding', relative: 1e-5 };
    expect(limitOf(within(1e-9), 1)).toBe(1e-9);
    expect([0, 0.9e-6, 1e-5, 1].map(own => limitOf(rounding, own))).toEqual([1e-5, 1e-5, 10 * 1e-5, 0.01]);
    expect([limitOf(bitEqual, 1), limitOf({ kind: 'report' }, 1)]).toEqual([0, null]);
    const output = {
      name: 'y',
      elements: 1,
      maxAbsolute: 1e-3,
      maxRelative: 1e-4,
      bitEqual: false,
      mismatched: 0,
      sameTopClass: null,
    };
    expect(keeps(rounding, output, 1e-4)).toBe(true);
    expect(keeps(rounding, output, 0.9e-4)).toBe(false);
    expect(keeps(rounding, { ...output, mismatched: 1 }, 1)).toBe(false);
    expect(keeps(within(0, 1e-3), output, 0)).toBe(true);
    expect(keeps(bitEqual, output, 0)).toBe(false);
  });

  test('the sentence states what passed for rounding; a report promises nothing', async () => {
    const batches = [batch([1, 2, 3])];
    const rounded = await check(times(1), times(1 + 2 ** -20), batches, { kind: 'rounding', relative: 1e-5 });
    expect(rounded.sentence).toBe(
      'Promise kept: the outputs change by rounding only; over 1 sample the largest difference is 2.9e−6, 9.5e−7 of the largest value of its output, where at most 1.0e−5 passes for rounding.',
    );
    expect(rounded.outputs[0]!.limit).toBe(1e-5);
    const report = await check(times(1), times(2), batches, { kind: 'report' });
    expect(report.sentence).toBe(
      'The outputs may change: over 1 sample the largest difference is 3, 1 of the largest value of its output.',
    );
  });

  test('a promise for declared inputs is checked on inputs drawn from there', async () => {
    const inputs = [{ name: 'x', lower: [5, -1, 0], upper: [5, 255, 2] }];
    const promise: RepairPromise = { kind: 'tolerance', relative: 0.5, inputs };
    // The models differ below -1.5 only, and above 300.
    const ends = [floatTensor('low', [], [-1.5]), floatTensor('high', [], [300])];
    const clipped = model([node('Clip', ['x', 'low', 'high'], ['y'])], ends);
    const free = model([node('Identity', ['x'], ['y'])]);
    const found = await check(free, clipped, null, { kind: 'bit-equal', inputs });
    expect([found.kept, found.data]).toEqual([true, '16 random samples, uniform in the declared range, seed 0']);
    expect((await check(free, clipped, null, bitEqual, { samples: 64 })).kept).toBe(false);
    expect((await check(times(1), times(1.25), null, promise)).sentence).toMatch(
      /^Promise kept: for x from 5 to 5, −1 to 255, 0 to 2 \(by channel\) the outputs change by at most 0\.5 /,
    );
    const narrow = { ...promise, inputs: [{ name: 'z', lower: [0], upper: [1] }] };
    await expect(check(times(1), times(1), null, narrow)).rejects.toThrow("must name an input of the model, got 'z'");
  });

  test('signs of zeros are bits, not numbers', async () => {
    const found = await check(
      model([node('Relu', ['x'], ['y'])]),
      model([node('LeakyRelu', ['x'], ['y'], { alpha: { float: 0 } })]),
      [batch([-1, 2, 3])],
    );
    expect([found.bitEqual, found.maxAbsolute, found.kept]).toEqual([false, 0, false]);
    expect(found.sentence).toContain('equal but for signs of zeros');
    expect(
      (
        await check(
          model([node('Relu', ['x'], ['y'])]),
          model([node('LeakyRelu', ['x'], ['y'], { alpha: { float: 0 } })]),
          [batch([-1, 2, 3])],
          within(0),
        )
      ).kept,
    ).toBe(true);
  });

  test('NaN equals NaN; NaN or infinity against a number breaks every tolerance', async () => {
    const values = [Number.NaN, Infinity, 1];
    expect((await check(times(1), times(1), [batch(values)])).kept).toBe(true);
    const found = await check(times(1), times(0), [batch([1, Infinity, 1])], within(1e9, 1e9));
    expect([found.outputs[0]!.mismatched, found.kept]).toEqual([1, false]);
    expect(found.sentence).toContain('1 element is NaN or infinite in one model and not in the other');
    expect(JSON.stringify(found)).not.toContain('null,"bitEqual"');
  });

  test('a difference beside nothing but zeros', async () => {
    const found = await check(times(0), times(1), [batch([1, 1, 1])], within(1e6));
    expect([found.maxRelative, found.kept]).toEqual([2 ** 126, false]);
  });

  test('top classes: rows of padding do not count', async () => {
    const second = model([node('Mul', ['x', 'factor'], ['y'])], [floatTensor('factor', [3], [1, 10, 1])]);
    const found = await check(times(1), second, [batch([3, 2, 1, 3, 0, 1, 0, 5, 1, 3, 2, 1], 3)], { kind: 'report' });
    expect(found.sameTopClass).toBe(2 / 3);
    const one = model([node('Add', ['x', 'x'], ['y'])], [], ['N', 1]);
    const column = { feeds: { x: tensor([2, 1], [1, 2]) }, samples: 2 };
    expect((await verify(one, one, [column], { promise: bitEqual, rounds: 0 })).sameTopClass).toBeNull();
  });

  test('several inputs and outputs, of any type', async () => {
    const two = (shift: number) =>
      modelOf({
        nodes: [
          node('Add', ['a', 'b'], ['sum']),
          node('ArgMax', ['a'], ['top'], { axis: 1 }),
          node('Add', ['top', 'shift'], ['moved']),
        ],
        initializers: [intTensor('shift', [], [shift])],
        inputs: [valueInfo('a', ['N', 3]), valueInfo('b', ['N', 3])],
        outputs: [valueInfo('sum'), valueInfo('moved', undefined, DataType.INT64)],
      });
    const feeds = { a: tensor([1, 3], [1, 5, 2]), b: tensor([1, 3], [1, 1, 1]) };
    const found = await verify(two(0), two(2), [{ feeds, samples: 1 }], { promise: bitEqual, rounds: 0 });
    expect(found.outputs.map(({ name, maxAbsolute, bitEqual: same }) => [name, maxAbsolute, same])).toEqual([
      ['sum', 0, true],
      ['moved', 2, false],
    ]);
    expect(found.kept).toBe(false);
  });

  test('float16 outputs are compared as the numbers they stand for', () => {
    const half = (bits: number[]): TensorData => ({ type: 'float16', dims: [1, 2], data: Uint16Array.from(bits) });
    const comparison = new Comparison();
    comparison.add({ y: half([0x3c00, 0x4000]) }, { y: half([0x3c00, 0x4200]) }, 1);
    expect(comparison.differences()[0]).toMatchObject({ maxAbsolute: 1, maxRelative: 0.5, sameTopClass: 1 });
  });
});

describe('sizes and time', () => {
  const dense = (units: number) =>
    model(
      [node('MatMul', ['x', 'w'], ['h']), node('Relu', ['h'], ['r']), node('MatMul', ['r', 'v'], ['y'])],
      [
        floatTensor('w', [3, units], new Float32Array(3 * units).fill(0.5)),
        floatTensor('v', [units, 2], new Float32Array(2 * units)),
      ],
    );
  test('bytes, parameters, multiply-adds of one sample', async () => {
    const found = await check(dense(40), dense(10), [batch([1, 2, 3, 4, 5, 6])]);
    expect(found.kept).toBe(true);
    expect(found.parameters).toEqual({ before: 200, after: 50 });
    expect(found.multiplyAdds).toEqual({ before: 200, after: 50 });
    expect(found.bytes.before - found.bytes.after).toBeGreaterThan(590);
    expect(found.time).toBeNull();
  });
  test('time in interleaved rounds', async () => {
    const { time } = await check(dense(40), dense(10), [batch([1, 2, 3])], bitEqual, { rounds: 5 });
    expect(time!.rounds).toBe(5);
    expect(time!.before).toBeGreaterThan(0);
    expect(time!.ratioLow).toBeLessThanOrEqual(time!.ratio);
    expect(time!.ratioHigh).toBeGreaterThanOrEqual(time!.ratio);
  });
});

describe('random inputs', () => {
  test('are drawn by the seed where there is no data', async () => {
    const found = await check(times(1), times(1.5), null);
    expect([found.samples, found.data]).toEqual([16, '16 random samples, normal, seed 0']);
    expect((await check(times(1), times(1.5), null)).maxAbsolute).toBe(found.maxAbsolute);
    expect((await check(times(1), times(1.5), null, bitEqual, { seed: 1 })).maxAbsolute).not.toBe(found.maxAbsolute);
    expect((await check(times(1), times(1.5), null, bitEqual, { samples: 3 })).samples).toBe(3);
  });
});

describe('bad input', () => {
  test('is refused in one sentence', async () => {
    await expect(check(times(1), times(1), [])).rejects.toThrow(
      'verify: the data must hold one sample at least, got none',
    );
    await expect(check(times(1), times(1), null, within(-1))).rejects.toThrow(
      'verify: relative must be a finite number from 0 up, got -1',
    );
    const wide = model([node('Concat', ['x', 'x'], ['y'], { axis: 1 })]);
    await expect(check(times(1), wide, null)).rejects.toThrow(
      "verify: output 'y' must keep its type and shape float32[16, 3], got float32[16, 6]",
    );
    const renamed = model([node('Neg', ['x'], ['z'])], [], ['N', 3], ['z']);
    await expect(check(times(1), renamed, null)).rejects.toThrow(
      "verify: the healed model must have output 'y', got none",
    );
    const broken = times(1);
    mainGraph(broken).node[0]!.opType = 'NoSuchOperator';
    await expect(check(times(1), broken, null)).rejects.toThrow(Failure);
    await expect(check(times(1), broken, null)).rejects.toThrow("run model 'test (healed)'");
    await expect(check(model([node('Relu', ['x'], ['y'])], [], ['N', 'free']), times(1), null)).rejects.toThrow(
      '--shape',
    );
  });
});
