import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelOf } from '../../test/models.js';
import { floatTensor, graph, node, valueInfo } from './build.js';
import type { NodeProto } from './proto.js';
import { allScopes, indexGraph, nodeName, readsOf } from './scope.js';

/** An If inside an If: the inner branch reads `x` of the main graph and `h` of the branch around it. */
const nested = () => {
  const inner = graph({ nodes: [node('Add', ['x', 'h'], ['t'])], outputs: [valueInfo('t')] });
  const outer = graph({
    nodes: [
      node('Relu', ['x'], ['h']),
      node('If', ['c'], ['o'], { then_branch: inner, else_branch: graph({ nodes: [], outputs: [valueInfo('w')] }) }),
    ],
    outputs: [valueInfo('o')],
  });
  return modelOf({
    nodes: [
      node('If', ['c'], ['y'], {
        then_branch: outer,
        else_branch: graph({ nodes: [node('Neg', ['x'], ['e'])], outputs: [valueInfo('e')] }),
      }),
    ],
    inputs: [valueInfo('x'), valueInfo('c')],
    outputs: [valueInfo('y')],
    initializers: [floatTensor('w', [1], [1])],
  });
};

describe('what a node reads', () => {
  test('its inputs but for missing ones', () => {
    expect(readsOf(node('Clip', ['x', '', 'max'], ['y']))).toEqual(['x', 'max']);
  });

  test('and what its subgraphs take from outside, at any depth and as outputs alone', () => {
    const [outer] = nested().proto.graph!.node as [NodeProto];
    expect(new Set(readsOf(outer))).toEqual(new Set(['c', 'x', 'w']));
  });

  test('but nothing that a subgraph writes, is given or holds itself', () => {
    const body = graph({
      nodes: [node('Add', ['own', 'k'], ['t'])],
      inputs: [valueInfo('own')],
      outputs: [valueInfo('t')],
      initializers: [floatTensor('k', [1], [1])],
    });
    expect(readsOf(node('Scan', ['x'], ['y'], { body }))).toEqual(['x']);
  });
});

describe('the index of a graph', () => {
  test('names writers and readers, those inside subgraphs by the node that holds them', () => {
    const scope = indexGraph(nested());
    expect(scope.producer.get('y')?.opType).toBe('If');
    expect(scope.consumers.get('x')?.map(reader => reader.opType)).toEqual(['If']);
    expect(scope.consumers.get('h')).toBeUndefined();
    expect([...scope.outputs]).toEqual(['y']);
  });

  test('holds the bodies of control flow with their paths, each under the scope around it', () => {
    const scopes = allScopes(indexGraph(nested()));
    expect(scopes.map(scope => scope.path)).toEqual([
      '',
      'y/then_branch',
      'y/then_branch/o/then_branch',
      'y/then_branch/o/else_branch',
      'y/else_branch',
    ]);
    for (const scope of scopes) for (const child of scope.children) expect(child.scope.parent).toBe(scope);
  });

  test('orders nodes so that each value is written before it is read, whatever the order of the file', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        (reads, shuffle) => {
          const nodes = reads.map((sources, index) =>
            node('Sum', index === 0 ? ['x'] : sources.map(source => `v${source % index}`), [`v${index}`]),
          );
          const mixed = nodes
            .map(each => ({ each, key: shuffle.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ each }) => each);
          const known = new Set(['x']);
          for (const each of indexGraph(modelOf({ nodes: mixed })).nodes) {
            for (const name of each.input) expect(known).toContain(name);
            for (const name of each.output) known.add(name);
          }
          expect(known.size).toBe(nodes.length + 1);
        },
      ),
    );
  });

  test('keeps the order of the file where that is right already', () => {
    const nodes = ['a', 'b', 'c', 'd'].map(name => node('Neg', ['x'], [name]));
    expect(indexGraph(modelOf({ nodes })).nodes).toEqual(nodes);
  });

  test.each<[string, NodeProto[], RegExp]>([
    ['a node that reads itself', [node('Relu', ['y'], ['y'])], /must have no cycle, got one through node 'y'/],
    ['a cycle of two', [node('Relu', ['a'], ['b']), node('Relu', ['b'], ['a'])], /must have no cycle/],
    ['a value written twice', [node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y'])], /got 'y' written twice/],
    ['a value written twice by one node', [node('Split', ['x'], ['y', 'y'])], /got 'y' written twice/],
    ['an input that a node writes', [node('Neg', ['y'], ['x']), node('Neg', ['x'], ['y'])], /got 'x' written twice/],
    ['an initializer that a node writes', [node('Neg', ['x'], ['w'])], /got 'w' written twice/],
  ])('%s is a failure', (_, nodes, message) => {
    const model = modelOf({ nodes, inputs: [valueInfo('x')], initializers: [floatTensor('w', [1], [1])] });
    expect(() => indexGraph(model)).toThrow(message);
  });

  test('a cycle by way of a subgraph is a failure too, and one inside a body says where', () => {
    const branch = (reads: string) => graph({ nodes: [node('Neg', [reads], ['t'])], outputs: [valueInfo('t')] });
    expect(() => indexGraph(modelOf({ nodes: [node('If', ['c'], ['y'], { then_branch: branch('y') })] }))).toThrow(
      /no cycle/,
    );
    expect(() => indexGraph(modelOf({ nodes: [node('If', ['c'], ['y'], { then_branch: branch('t') })] }))).toThrow(
      /'t' in y\/then_branch/,
    );
  });

  test('values without a name may be written as often as one likes', () => {
    const nodes = [node('Dropout', ['x'], ['a', '']), node('Dropout', ['x'], ['b', ''])];
    expect(indexGraph(modelOf({ nodes })).producer.size).toBe(2);
  });
});

test('a node without a name goes by the first value it writes, or else by its operator', () => {
  expect(nodeName({ ...node('Relu', [], ['y']), name: 'relu1' })).toBe('relu1');
  expect(nodeName({ ...node('Split', [], ['', 'b']), name: '' })).toBe('b');
  expect(nodeName({ ...node('Print', ['x'], []), name: '' })).toBe('Print');
});
