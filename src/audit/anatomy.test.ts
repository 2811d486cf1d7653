import { describe, expect, it } from 'vitest';
import { floatTensor, graph, modelProto, node, valueInfo } from '../onnx/build.js';
import { dissect } from './anatomy.js';

/** A dense layer with these weight rows, rectified. */
function layerOf(rows: number[][]) {
  const [inputs, units] = [rows[0]?.length ?? 0, rows.length];
  const main = graph({
    nodes: [node('Gemm', ['x', 'w'], ['z'], { transB: 1 }), node('Relu', ['z'], ['y'])],
    inputs: [valueInfo('x', ['N', inputs])],
    outputs: [valueInfo('y')],
    initializers: [floatTensor('w', [units, inputs], rows.flat())],
  });
  return dissect({ proto: modelProto(main), external: new Map(), name: 'layer', bytes: 0 }).layers[0]?.vanished;
}

describe('vanished units', () => {
  it('are those with no weights, or with weights lost in the rounding of their layer', () => {
    expect(
      layerOf([
        [1, 2],
        [0, 0],
        [1e-9, 0],
        [1e-30, 1e-31],
      ]),
    ).toEqual([null, 'zero', 'negligible', 'negligible']);
  });

  it('are not all those beside one unit of enormous weights', () => {
    expect(
      layerOf([
        [1e8, 0],
        [1, 1],
        [0.01, 0],
      ]),
    ).toEqual([null, null, null]);
  });

  it('are none in a layer that is small as a whole', () => {
    expect(
      layerOf([
        [1e-20, 0],
        [1e-21, 0],
      ]),
    ).toEqual([null, null]);
  });
});
