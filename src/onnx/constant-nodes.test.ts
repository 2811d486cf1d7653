import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { floatTensor, graph, modelProto, node, valueInfo } from './build.js';
import { constantsToInitializers } from './constant-nodes.js';
import { type Model, mainGraph } from './model.js';
import { DataType, TensorProtoSchema } from './proto.js';
import { openSession } from './runtime.js';
import { tensorNumbers } from './tensor.js';

test('weights in Constant nodes become initializers, everything computes the same', async () => {
  const main = graph({
    nodes: [
      node('Constant', [], ['w'], { value: floatTensor('', [2, 2], [1, -2, 3, 4]) }),
      node('Constant', [], ['one'], { value_float: { float: 1 } }),
      node('Constant', [], ['shown'], { value: floatTensor('', [1], [7]) }),
      node('MatMul', ['x', 'w'], ['z']),
      node('Add', ['z', 'one'], ['y']),
    ],
    inputs: [valueInfo('x', [1, 2])],
    outputs: [valueInfo('y'), valueInfo('shown')],
  });
  const model: Model = { name: 'constants', proto: modelProto(main), external: new Map(), bytes: 0 };
  const moved = constantsToInitializers(model);
  expect(mainGraph(moved).initializer.map(({ name }) => name)).toEqual(['w']);
  expect(mainGraph(moved).node.map(({ opType }) => opType)).toEqual(['Constant', 'Constant', 'MatMul', 'Add']);
  expect(mainGraph(model).initializer).toEqual([]);
  const x = { type: 'float32', dims: [1, 2], data: Float32Array.of(0.5, -1) } as const;
  for (const each of [model, moved]) {
    const session = await openSession(each);
    const { y, shown } = await session.run({ x });
    expect([Array.from(y!.data as Float32Array), Array.from(shown!.data as Float32Array)]).toEqual([[-1.5, -4], [7]]);
    await session.close();
  }
});

test('tensors whose numbers are in typed fields can be read afterwards', () => {
  const typed = create(TensorProtoSchema, { dims: [2n], dataType: DataType.FLOAT, floatData: [3, 4] });
  const main = graph({ nodes: [node('Constant', [], ['w'], { value: typed }), node('Mul', ['x', 'w'], ['y'])] });
  const moved = constantsToInitializers({ name: 'typed', proto: modelProto(main), external: new Map(), bytes: 0 });
  expect(Array.from(tensorNumbers(mainGraph(moved).initializer[0]!, new Map())!)).toEqual([3, 4]);
});
