import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { floatTensor, intTensor, node, valueInfo } from '../onnx/build.js';
import { copyModel } from '../onnx/model.js';
import { indexGraph } from '../onnx/scope.js';
import { createRandom } from '../random.js';
import { audit } from './audit.js';
import { timeFlush } from './timing.js';
import { countParameters, flushTinyWeights, takeCensus } from './weights.js';

const random = createRandom(1);
const ordinary = (count: number) => Array.from({ length: count }, () => random.normal());

/** A dense network with tiny weights among ordinary ones, in an initializer and in a Constant, and a 1e-12 that is no weight. */
const model = modelOf({
  nodes: [
    node('Constant', [], ['b'], { value: floatTensor('', [4], [1e-40, -1e-13, 0, 0.5]) }),
    node('Gemm', ['x', 'w', 'b'], ['z']),
    node('Relu', ['z'], ['h']),
    node('ReduceSum', ['h', 'axes'], ['sum']),
    node('Add', ['sum', 'epsilon'], ['safe']),
    node('Div', ['h', 'safe'], ['y']),
  ],
  initializers: [
    floatTensor('w', [3, 4], [...ordinary(6), 1e-39, -1e-39, 2e-45, 1e-20, -0, 1e-12 * 1.001]),
    floatTensor('epsilon', [], [1e-12]),
    intTensor('axes', [1], [1]),
  ],
  inputs: [valueInfo('x', ['N', 3])],
  outputs: [valueInfo('y')],
});
const x = tensor([5, 3], ordinary(15));

it('the census counts subnormal and tiny weights where they are', () => {
  expect(takeCensus(model, indexGraph(model))).toEqual([
    { name: 'w', node: 'z', subnormal: 3, tiny: 4, nonFinite: 0 },
    { name: 'b', node: 'z', subnormal: 1, tiny: 2, nonFinite: 0 },
  ]);
});

it('the census counts weights that are not finite, but not an infinite bound', () => {
  const clipped = modelOf({
    nodes: [node('MatMul', ['x', 'w'], ['z']), node('Clip', ['z', 'low', 'high'], ['y'])],
    initializers: [
      floatTensor('w', [1, 3], [Number.NaN, Infinity, -Infinity]),
      floatTensor('low', [], [-Infinity]),
      floatTensor('high', [], [Number.NaN]),
    ],
    inputs: [valueInfo('x', ['N', 1])],
    outputs: [valueInfo('y')],
  });
  expect(takeCensus(clipped, indexGraph(clipped)).map(({ name, nonFinite }) => [name, nonFinite])).toEqual([
    ['w', 3],
    ['high', 1],
  ]);
});

it('parameters are the elements of float tensors, single numbers and integers left out', () => {
  expect(countParameters(model)).toBe(12 + 4);
});

describe('flushing', () => {
  const names = new Set(['w', 'b', 'epsilon-not-named']);
  const flushed = copyModel(model);
  flushTinyWeights(flushed, names);

  it('leaves no tiny weight and every other one as it was', () => {
    expect(takeCensus(flushed, indexGraph(flushed))).toEqual([]);
    const of = (at: typeof model) => at.proto.graph!.initializer[0]!.rawData;
    const [before, after] = [of(model), of(flushed)].map(raw => new Float32Array(raw.slice().buffer));
    expect(Array.from(after!.subarray(0, 6))).toEqual(Array.from(before!.subarray(0, 6)));
    expect(Array.from(after!.subarray(6), item => 1 / item)).toEqual([
      Infinity,
      -Infinity,
      Infinity,
      Infinity,
      -Infinity,
      1 / before![11]!,
    ]);
  });

  it('changes no output that matters', async () => {
    const [before, after] = [await runOnce(model, { x }), await runOnce(flushed, { x })];
    (after.y!.data as Float32Array).forEach((value, at) => {
      expect(Math.abs(value - Number(before.y!.data[at]))).toBeLessThan(1e-6);
    });
  });

  it('is timed against the model as it is', async () => {
    const time = await timeFlush(model, names, { feeds: { x }, samples: 5 }, 5, { threads: 1 });
    expect(time.rounds).toBe(5);
    expect(time.largestDifference).toBeLessThan(1e-6);
    expect(time.original).toBeGreaterThan(0);
    expect(time.flushed).toBeGreaterThan(0);
    expect(time.ratioLow).toBeLessThanOrEqual(time.ratio);
    expect(time.ratio).toBeLessThanOrEqual(time.ratioHigh);
  });
});

it('an audit reports subnormal weights, their owners and what they cost', async () => {
  const batches = () => [{ feeds: { x }, samples: 5 }];
  const data = { kind: 'samples', description: 'x', total: 5, batches } as const;
  const { subnormals, findings } = await audit(model, data, { timeRounds: 3 });
  expect(subnormals).toMatchObject({ subnormal: 4, tiny: 6, time: { rounds: 3 } });
  expect(subnormals.owners).toEqual([
    { initializer: 'w', node: 'z', subnormal: 3, tiny: 4 },
    { initializer: 'b', node: 'z', subnormal: 1, tiny: 2 },
  ]);
  expect(findings.map(({ code }) => code)).toContain('subnormal-weights');
});
