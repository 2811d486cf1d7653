import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { modelOf, tensor } from '../../../test/models.js';
import { float, floatTensor, node, valueInfo } from '../../onnx/build.js';
import type { Model } from '../../onnx/model.js';
import { DataType, type NodeProto, type TensorProto, TensorProtoSchema } from '../../onnx/proto.js';
import { dissect } from '../anatomy.js';
import { type AuditData, audit } from '../audit.js';
import { parseInputRanges } from './box.js';
import { type LayerBounds, proveBounds } from './prove.js';
import { provedConstants } from './proved-units.js';

const modelWith = (nodes: NodeProto[], initializers: TensorProto[], dims: (number | string)[], opset = 17): Model =>
  modelOf({ nodes, initializers, inputs: [valueInfo('x', dims)], outputs: [valueInfo('y')] }, opset);

/** One dense layer of three units on two inputs: free, dead on [0, 1], linear on [0, 1]. */
const threeUnits = (rectifier = node('Relu', ['z'], ['y'])): Model =>
  modelWith(
    [node('Gemm', ['x', 'w', 'b'], ['z']), rectifier],
    [floatTensor('w', [2, 3], [1, 1, 1, -1, 1, 1]), floatTensor('b', [3], [0, -2.5, 0.25])],
    ['N', 2],
  );

const proveOn = (model: Model, dims: readonly number[], range = '0,1', linearWork?: number) =>
  proveBounds(dissect(model), { x: dims }, parseInputRanges([range]), linearWork === undefined ? {} : { linearWork });

function boundsOf(found: LayerBounds | undefined) {
  if (!found || !('lower' in found)) throw new Error(`there must be bounds, got ${JSON.stringify(found)}`);
  return found;
}

const boolTensor = (name: string, value: boolean): TensorProto =>
  create(TensorProtoSchema, { name, dataType: DataType.BOOL, rawData: Uint8Array.of(value ? 1 : 0) });

const prove = (range: string) => ({ prove: { ranges: parseInputRanges([range]) } });
const dataOf = (...rows: number[][]): AuditData => ({
  kind: 'samples',
  description: 'rows',
  total: rows.length,
  batches: () => [{ feeds: { x: tensor([rows.length, rows[0]!.length], rows.flat()) }, samples: rows.length }],
});

describe('bounds', () => {
  it('of one dense layer are its extremes at the corners', async () => {
    const { lower, upper } = boundsOf((await proveOn(threeUnits(), [1, 2]))[0]);
    for (const [unit, exact] of [-1, -2.5, 0.25].entries()) expect(lower[unit]).toBeCloseTo(exact, 4);
    for (const [unit, exact] of [1, -0.5, 2.25].entries()) expect(upper[unit]).toBeCloseTo(exact, 4);
    expect([lower[0]! <= -1, lower[1]! <= -2.5, lower[2]! <= 0.25]).toEqual([true, true, true]);
    expect([upper[0]! >= 1, upper[1]! >= -0.5, upper[2]! >= 2.25]).toEqual([true, true, true]);
  });

  it('take ranges by channel', async () => {
    const { lower, upper } = boundsOf((await proveOn(threeUnits(), [1, 2], '0,1;5,6'))[0]);
    expect([lower[0], upper[0]].map(Math.round)).toEqual([-6, -4]);
  });

  it('cancel what interval bounds cannot: relu(x) - relu(x) through two layers', async () => {
    const model = modelWith(
      [
        node('Gemm', ['x', 'w'], ['z']),
        node('Relu', ['z'], ['h']),
        node('Gemm', ['h', 'v', 'c'], ['t']),
        node('Relu', ['t'], ['y']),
      ],
      [floatTensor('w', [1, 2], [1, 1]), floatTensor('v', [2, 1], [1, -1]), floatTensor('c', [1], [-0.25])],
      ['N', 1],
    );
    const linear = boundsOf((await proveOn(model, [1, 1], '0,1'))[1]);
    const interval = boundsOf((await proveOn(model, [1, 1], '0,1', 0))[1]);
    expect([linear.method, interval.method]).toEqual(['linear', 'interval']);
    expect(interval.upper[0]).toBeGreaterThan(0.74);
    expect(linear.upper[0]).toBeLessThan(-0.24);
    expect(linear.lower[0]).toBeGreaterThan(-0.26);
  });

  it('stop at an operator without a rule, and say so', async () => {
    const model = modelWith(
      [
        node('Relu', ['x'], ['a']),
        node('LpNormalization', ['a'], ['n'], { axis: 1, p: 2 }),
        node('Gemm', ['n', 'w'], ['z']),
        node('Relu', ['z'], ['y']),
      ],
      [floatTensor('w', [2, 2], [1, 1, 1, 1])],
      ['N', 2],
    );
    const [first, second] = await proveOn(model, [1, 2]);
    expect(boundsOf(first).upper[0]).toBe(1);
    expect(second).toEqual({ unbounded: "there is no rule for node 'n' (LpNormalization) that bounds it" });
  });

  it('do not hide an overflow behind a ReLU or a sigmoid', async () => {
    for (const op of ['Relu', 'Sigmoid']) {
      const model = modelWith(
        [
          node('Gemm', ['x', 'w'], ['z']),
          node('Mul', ['z', 'z'], ['q']),
          node('Sub', ['q', 'z'], ['d']),
          node(op, ['d'], ['h']),
          node('Gemm', ['h', 'v'], ['t']),
          node('Relu', ['t'], ['y']),
        ],
        [floatTensor('w', [1, 1], [3e30]), floatTensor('v', [1, 1], [-1])],
        ['N', 1],
      );
      expect(await proveOn(model, [1, 1])).toContainEqual({ unbounded: 'its bounds overflow float32' });
    }
  });

  it('do not take dropout or batch norm in training mode for their inference forms', async () => {
    const dropout = modelWith(
      [node('Dropout', ['x', 'ratio', 'training'], ['d']), node('Relu', ['d'], ['y'])],
      [floatTensor('ratio', [], [0.5]), boolTensor('training', true)],
      ['N', 2],
    );
    expect((await proveOn(dropout, [1, 2]))[0]).toMatchObject({ unbounded: expect.stringContaining('Dropout') });
    const numbers = ['g', 'b', 'm', 'v'];
    const norm = modelWith(
      [
        node('BatchNormalization', ['x', ...numbers], ['n', 'mean', 'variance'], { training_mode: 1 }),
        node('Relu', ['n'], ['y']),
      ],
      numbers.map(name => floatTensor(name, [2], [1, 1])),
      ['N', 2],
    );
    expect((await proveOn(norm, [1, 2]))[0]).toMatchObject({
      unbounded: expect.stringContaining('BatchNormalization'),
    });
  });

  it('follow a ReLU that is a part of something else too', async () => {
    // Relu(x) + 0.5 * min(0, x) with the Relu read elsewhere as well.
    const model = modelWith(
      [
        node('Relu', ['x'], ['p']),
        node('Sub', ['x', 'p'], ['n']),
        node('Mul', ['n', 'half'], ['s']),
        node('Add', ['p', 's'], ['l']),
        node('Add', ['l', 'p'], ['t']),
        node('Relu', ['t'], ['y']),
      ],
      [floatTensor('half', [], [0.5])],
      ['N', 1],
    );
    const found = await proveOn(model, [1, 1], '-2,1');
    const { lower, upper } = boundsOf(found.at(-1));
    expect(lower[0]).toBeCloseTo(-1, 3);
    expect(upper[0]).toBeCloseTo(2, 3);
  });

  it('need float32 inputs and an operator set with broadcasting minima', async () => {
    const whole = modelOf({
      nodes: [node('Cast', ['x'], ['f'], { to: DataType.FLOAT }), node('Relu', ['f'], ['y'])],
      inputs: [valueInfo('x', ['N', 2], DataType.INT64)],
      outputs: [valueInfo('y')],
    });
    expect(await proveBounds(dissect(whole), { x: [1, 2] }, {})).toEqual([
      { unbounded: "input 'x' is not of float32 numbers" },
    ]);
    const old = modelWith([node('Relu', ['x'], ['y'])], [], ['N', 2], 7);
    await expect(proveOn(old, [1, 2])).rejects.toThrow(/operator set must be version 8 or later, got 7/);
  });

  it('hold where subnormal numbers are flushed: weights below 2^-126 leave a unit of bias 0 open', async () => {
    const model = modelWith(
      [node('Gemm', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
      [floatTensor('w', [1, 1], [-(2 ** -140)])],
      ['N', 1],
    );
    const { lower, upper } = boundsOf((await proveOn(model, [1, 1]))[0]);
    expect(upper[0]).toBeGreaterThan(0);
    expect(lower[0]).toBeLessThan(-(2 ** -140));
  });
});

describe('verdicts by bounds', () => {
  it('without data', async () => {
    const report = await audit(threeUnits(), null, prove('0,1'));
    const [layer] = report.layers;
    expect(layer!.units.map(({ verdict, certainty, dead }) => [verdict, certainty, dead])).toEqual([
      ['unobserved', 'none', false],
      ['proved-dead', 'proof', true],
      ['proved-linear', 'proof', false],
    ]);
    expect(layer!.boundedBy).toBe('interval');
    expect(layer!.units[1]!.bounds!.upper).toBeCloseTo(-0.5, 4);
    expect(layer!.units[1]!.cause).toBe(
      'For every input in the declared range its pre-activation lies between −2.5 and −0.5 (bias −2.5, weight norm 1.41).',
    );
    expect(layer!.units[1]!.remedy).toMatch(
      /^To ship: remove it, which changes nothing for inputs in the declared range/,
    );
    expect(layer!.units[2]!.remedy).toMatch(/rectifier does nothing here/);
    expect(report.proof).toEqual({ inputs: [{ name: 'x', lower: [0], upper: [1] }] });
    expect([report.totals.dead, report.totals.removable.units]).toEqual([1, 1]);
  });

  it('without being asked nothing is proved', async () => {
    const report = await audit(threeUnits(), null);
    expect(report.proof).toBeNull();
    expect(report.layers[0]!.units.map(unit => [unit.verdict, unit.bounds])).toEqual(
      new Array(3).fill(['unobserved', null]),
    );
    expect([report.layers[0]!.boundedBy, report.layers[0]!.unboundedBecause]).toEqual([null, null]);
  });

  it('a leaky unit that never fires is not dead, and nothing of it can go', async () => {
    const leaky = await audit(threeUnits(node('LeakyRelu', ['z'], ['y'], { alpha: float(0.1) })), null, prove('0,1'));
    expect(leaky.layers[0]!.units[1]).toMatchObject({ verdict: 'proved-dead', dead: false, stuck: null });
    expect(leaky.layers[0]!.units[1]!.remedy).toMatch(/its negative slope keeps it and its gradient alive/);
    expect([leaky.totals.dead, leaky.totals.removable.units]).toEqual([0, 0]);
  });

  it('slopes that cancel over the positions of a unit are not taken for flat', async () => {
    const model = modelOf({
      nodes: [node('Sub', ['x', 'two'], ['z']), node('PRelu', ['z', 'slope'], ['y'])],
      initializers: [floatTensor('two', [], [2]), floatTensor('slope', [2, 1, 2], [0.5, -0.5, 0, 0])],
      inputs: [valueInfo('x', ['N', 2, 1, 2])],
      outputs: [valueInfo('y')],
    });
    const anatomy = dissect(model);
    const bounds = await proveBounds(anatomy, { x: [1, 2, 1, 2] }, parseInputRanges(['0,1']));
    expect([...boundsOf(bounds[0]).upper].every(upper => upper <= -0.99)).toBe(true);
    expect(provedConstants(anatomy.layers, bounds)).toEqual(new Map());
  });

  it('a threshold and a ceiling count', async () => {
    const thresholded = await audit(
      threeUnits(node('ThresholdedRelu', ['z'], ['y'], { alpha: float(1.5) })),
      null,
      prove('0,1'),
    );
    expect(thresholded.layers[0]!.units.map(unit => unit.verdict)).toEqual([
      'proved-dead',
      'proved-dead',
      'unobserved',
    ]);
    const clipped = modelWith(
      [node('Gemm', ['x', 'w', 'b'], ['z']), node('Clip', ['z', 'low', 'high'], ['y'])],
      [
        floatTensor('w', [1, 2], [1, 1]),
        floatTensor('b', [2], [0.5, 5.5]),
        floatTensor('low', [], [0]),
        floatTensor('high', [], [6]),
      ],
      ['N', 1],
    );
    const report = await audit(clipped, null, prove('0,1'));
    expect(report.layers[0]!.units.map(unit => unit.verdict)).toEqual(['proved-linear', 'unobserved']);
  });

  it('what only dead units feed is proved constant as well', async () => {
    const model = modelWith(
      [
        node('Gemm', ['x', 'w', 'b'], ['z']),
        node('Relu', ['z'], ['h']),
        node('Gemm', ['h', 'v', 'c'], ['t']),
        node('Relu', ['t'], ['y']),
      ],
      [
        floatTensor('w', [2, 2], [1, 1, 1, 1]),
        floatTensor('b', [2], [-3, 0]),
        floatTensor('v', [2, 2], [1, 0, 0, 1]),
        floatTensor('c', [2], [0.5, 0]),
      ],
      ['N', 2],
    );
    const { layers, totals } = await audit(model, null, prove('0,1'));
    expect(layers[1]!.units[0]).toMatchObject({
      verdict: 'proved-linear',
      certainty: 'proof',
      stuck: 'on',
      constant: 0.5,
    });
    expect(totals.removable.units).toBe(2);
  });

  it('come before those of samples, and agree with data inside of the range', async () => {
    const report = await audit(threeUnits(), dataOf([0, 1], [1, 0], [1, 1]), prove('0,1'));
    expect(report.layers[0]!.units.map(unit => unit.verdict)).toEqual(['healthy', 'proved-dead', 'proved-linear']);
    expect(report.findings.map(({ code }) => code)).not.toContain('outside-input-range');
  });

  it('give way to data that leave the range, which is said', async () => {
    const report = await audit(threeUnits(), dataOf([0, 1], [3, 3]), prove('0,1'));
    expect(report.layers[0]!.units.map(unit => unit.verdict)).not.toContain('proved-dead');
    expect(report.findings.find(({ code }) => code === 'outside-input-range')).toMatchObject({
      severity: 'warning',
      where: ['y'],
    });
    expect(report.totals.removable.units).toBe(0);
  });

  it('need fixed dimensions but for the batch', async () => {
    const model = modelWith([node('Relu', ['x'], ['y'])], [], ['N', 'C', 4]);
    await expect(audit(model, null, prove('0,1'))).rejects.toThrow(
      /--input-range: every dimension of the inputs but the batch/,
    );
    const seen = await audit(modelWith([node('Relu', ['x'], ['y'])], [], ['N', 'C']), dataOf([1, 2]), prove('0,2'));
    expect(seen.layers[0]!.units.map(unit => unit.verdict)).toEqual(['proved-linear', 'proved-linear']);
  });
});
