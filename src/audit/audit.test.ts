import { expect, it } from 'vitest';
import { floatTensor, graph, modelProto, node, valueInfo } from '../onnx/build.js';
import { audit } from './audit.js';

it('judges the weights of a model with an operator that ONNX Runtime does not know', async () => {
  const main = graph({
    nodes: [
      node('Gemm', ['x', 'w'], ['z']),
      node('Relu', ['z'], ['h']),
      { ...node('Mystery', ['h'], ['y']), domain: 'com.example' },
    ],
    inputs: [valueInfo('x', [1, 2])],
    outputs: [valueInfo('y')],
    initializers: [floatTensor('w', [2, 2], [1, 0, 1, 0])],
  });
  const model = { proto: modelProto(main), external: new Map(), name: 'mystery', bytes: 0 };
  const report = await audit(model, null);
  expect(report.totals.counts.vanished).toBe(1);
  expect(report.model.multiplyAdds).toBeNull();
});
