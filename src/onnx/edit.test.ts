import { clone, create } from '@bufbuild/protobuf';
import { SparseTensorProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { floatTensor, graph, node, valueInfo } from './build.js';
import { expose, freshNames, insertAfter, redirect, replaceNode } from './edit.js';
import { type Model, mainGraph } from './model.js';
import { NodeProtoSchema } from './proto.js';

/** x → Neg → h → Abs → y */
const chain = (): Model =>
  modelOf({
    nodes: [node('Neg', ['x'], ['h']), node('Abs', ['h'], ['y'])],
    inputs: [valueInfo('x', [2])],
    outputs: [valueInfo('y')],
  });

const run = async (model: Model, output: string): Promise<number[]> =>
  Array.from((await runOnce(model, { x: tensor([2], [1, -2]) }))[output]!.data as Float32Array);

describe('fresh names', () => {
  test('occur nowhere: not as values, nodes, initializers (sparse ones too) or inside subgraphs', () => {
    const body = graph({ nodes: [node('Neg', ['captured'], ['inner'])], outputs: [valueInfo('inner')] });
    const model = modelOf({
      nodes: [{ ...node('If', ['c'], ['y'], { then_branch: body }), name: 'choice' }],
      inputs: [valueInfo('c')],
      initializers: [floatTensor('w', [1], [1])],
    });
    mainGraph(model).sparseInitializer.push(
      create(SparseTensorProtoSchema, { values: floatTensor('s', [1], [1]), dims: [2n] }),
    );
    const fresh = freshNames(model);
    for (const taken of ['c', 'y', 'choice', 'captured', 'inner', 'w', 's']) expect(fresh(taken)).toBe(`${taken}_1`);
    expect(fresh('free')).toBe('free');
    expect(fresh('free')).toBe('free_1');
    expect(fresh('free_1')).toBe('free_1_1');
    expect(fresh('free')).toBe('free_2');
  });
});

describe('edits', () => {
  test('a node inserted behind a value with its readers redirected changes what they get', async () => {
    const model = chain();
    const twice = node('Add', ['h', 'h'], ['h2']);
    redirect(mainGraph(model), 'h', 'h2', [twice]);
    insertAfter(mainGraph(model), 'h', [twice]);
    expect(mainGraph(model).node.map(each => each.opType)).toEqual(['Neg', 'Add', 'Abs']);
    expect(await run(model, 'y')).toEqual([2, 4]);
  });

  test('a node inserted behind an input comes first, and outputs are redirected too', () => {
    const model = chain();
    insertAfter(mainGraph(model), 'x', [node('Relu', ['x'], ['r'])]);
    redirect(mainGraph(model), 'y', 'r');
    expect(mainGraph(model).node[0]?.opType).toBe('Relu');
    expect(mainGraph(model).output[0]?.name).toBe('r');
  });

  test('a node replaced by others keeps its place', async () => {
    const model = chain();
    const [neg] = mainGraph(model).node;
    replaceNode(mainGraph(model), neg!, [node('Add', ['x', 'x'], ['t']), node('Neg', ['t'], ['h'])]);
    expect(mainGraph(model).node.map(each => each.opType)).toEqual(['Add', 'Neg', 'Abs']);
    expect(await run(model, 'y')).toEqual([2, 4]);
    expect(() => replaceNode(mainGraph(model), clone(NodeProtoSchema, neg!), [])).toThrow(RangeError);
  });
});

describe('exposing a value', () => {
  test('makes it an output of which the runtime infers the type, once', async () => {
    const model = chain();
    expose(model, 'h');
    expose(model, 'h');
    expect(mainGraph(model).output.map(output => output.name)).toEqual(['y', 'h']);
    expect(await run(model, 'h')).toEqual([-1, 2]);
  });

  test('refuses one that nothing writes', () => {
    expect(() => expose(chain(), 'q')).toThrow(/expose: the value must be written in the main graph, got 'q'/);
  });
});
