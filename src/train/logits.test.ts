import { describe, expect, test } from 'vitest';
import { exposing, modelOf, runOnce, tensor } from '../../test/models.js';
import { intTensor, node, valueInfo } from '../onnx/build.js';
import { createRandom } from '../random.js';
import { endsOf, logitsOf } from './logits.js';
import { elements } from './rule.js';

/** The softmax of numbers over axis 1 of the dimensions, in float64. */
function softmaxOverClasses(values: ArrayLike<number>, [, classes = 1, ...rest]: readonly number[]): number[] {
  const positions = elements(rest);
  return Array.from(values, (value, i) => {
    const first = Math.floor(i / (classes * positions)) * classes * positions + (i % positions);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(values[first + k * positions]!);
    return Math.exp(value) / sum;
  });
}

interface Case {
  readonly dims: readonly number[];
  readonly axis?: number;
  readonly opset?: number;
  /** Dimensions into which the shares are brought, where they are. */
  readonly reshaped?: readonly number[];
}

const left: Case[] = [
  { dims: [2, 3] },
  { dims: [2, 3], axis: 1 },
  { dims: [2, 3, 1, 1], axis: 1, reshaped: [2, 3] },
  { dims: [2, 1, 3], reshaped: [2, 3] },
  { dims: [2, 3, 4, 5], axis: 1 },
  { dims: [2, 3, 4, 5], axis: -3 },
  { dims: [2, 3, 20], axis: 1, reshaped: [2, 3, 4, 5] },
  { dims: [2, 3], opset: 11 },
  { dims: [2, 3, 1, 1], opset: 11 },
  { dims: [2, 3], opset: 12, axis: -1 },
];
const kept: Case[] = [
  { dims: [2, 3], axis: 0 },
  { dims: [2, 3, 4, 5] },
  { dims: [2, 3, 4, 5], axis: 2 },
  { dims: [2, 4, 3] },
  { dims: [8, 3], reshaped: [2, 4, 3] },
  { dims: [2, 5, 2], reshaped: [2, 10] },
  { dims: [2, 3, 1, 1] },
  { dims: [2, 3, 4, 5], opset: 11 },
  { dims: [2, 3, 4, 5], opset: 12, axis: 2 },
  { dims: [2, 3], opset: 11, axis: 0 },
];

async function endOf({ dims, axis, opset = 17, reshaped }: Case) {
  const nodes = [
    node('Identity', ['x'], ['z']),
    node('Softmax', ['z'], [reshaped ? 's' : 'y'], axis === undefined ? {} : { axis }),
    ...(reshaped ? [node('Reshape', ['s', 'shape'], ['y'])] : []),
  ];
  const initializers = reshaped ? [intTensor('shape', [reshaped.length], reshaped)] : [];
  const model = modelOf(
    { nodes, inputs: [valueInfo('x', dims)], outputs: [valueInfo('y', reshaped ?? dims)], initializers },
    opset,
  );
  const random = createRandom(1);
  const x = Array.from({ length: elements(dims) }, () => random.normal());
  const values = await runOnce(exposing(model, ['z']), { x: tensor(dims, x) });
  const shares = values.y!.data as Float32Array;
  const exact = softmaxOverClasses(x, values.y!.dims);
  return {
    ends: endsOf(model),
    logits: logitsOf(model, new Map(Object.entries(values).map(([name, each]) => [name, each.dims]))),
    difference: Math.max(...exact.map((share, i) => Math.abs(share - shares[i]!))),
  };
}

describe('a softmax at the end', () => {
  test.each(left)('is left out over the classes: %j', async each => {
    const { ends, logits, difference } = await endOf(each);
    expect([ends, logits]).toEqual([['y', 'z'], 'z']);
    expect(difference).toBeLessThan(1e-6);
  });

  test.each(kept)('stays over anything else: %j', async each => {
    const { logits, difference } = await endOf(each);
    expect(logits).toBe('y');
    expect(difference).toBeGreaterThan(0.01);
  });
});

test('without a softmax the output is what there is', () => {
  const outputs = [valueInfo('y')];
  const model = modelOf({ nodes: [node('Relu', ['x'], ['y'])], inputs: [valueInfo('x', [2, 3])], outputs });
  expect([endsOf(model), logitsOf(model, new Map())]).toEqual([['y'], 'y']);
});
