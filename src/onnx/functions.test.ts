import { clone, create, equals } from '@bufbuild/protobuf';
import { SparseTensorProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { runOnce, tensor } from '../../test/models.js';
import { Failure } from '../failure.js';
import { type AttributeValue, float, floatTensor, graph, intTensor, modelProto, node, valueInfo } from './build.js';
import { inlineFunctions } from './functions.js';
import { graphsOf, type Model, mainGraph, readModel, writeModel } from './model.js';
import {
  AttributeProtoSchema,
  AttributeType,
  DataType,
  type FunctionProto,
  FunctionProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
} from './proto.js';
import { allScopes, indexGraph } from './scope.js';
import type { TensorData } from './tensor-data.js';

const domain = 'local';
const opset = (of: string, version: number) =>
  create(OperatorSetIdProtoSchema, { domain: of, version: BigInt(version) });

/** A function of the domain `local`; `defaults` are attributes with a default value. */
const fn = (
  name: string,
  input: readonly string[],
  output: readonly string[],
  nodes: readonly NodeProto[],
  { attributes = [], defaults = {}, overload = '' }: Partial<FunctionParts> = {},
): FunctionProto =>
  create(FunctionProtoSchema, {
    name,
    domain,
    overload,
    input: [...input],
    output: [...output],
    attribute: [...attributes],
    attributeProto: node('', [], [], defaults).attribute,
    node: [...nodes],
    opsetImport: [opset('', 17), opset(domain, 1)],
  });

interface FunctionParts {
  readonly attributes: readonly string[];
  readonly defaults: Readonly<Record<string, AttributeValue>>;
  readonly overload: string;
}

const call = (
  name: string,
  ...rest: [readonly string[], readonly string[], Record<string, AttributeValue>?]
): NodeProto => ({
  ...node(name, ...rest),
  domain,
});

/** A node with an attribute that takes the value of the function's attribute `from`. */
function referring(
  made: NodeProto,
  attribute: string,
  from: string,
  type: AttributeType = AttributeType.FLOAT,
): NodeProto {
  made.attribute.push(create(AttributeProtoSchema, { name: attribute, refAttrName: from, type }));
  return made;
}

const modelWith = (nodes: readonly NodeProto[], functions: readonly FunctionProto[], irVersion = 8): Model => {
  const proto = modelProto(
    graph({
      nodes,
      inputs: [valueInfo('x', ['N', 3]), valueInfo('c', [], DataType.BOOL)],
      outputs: [valueInfo('y')],
      initializers: [floatTensor('slopes', [3], [0.5, -1, 2])],
    }),
  );
  proto.opsetImport.push(opset(domain, 1));
  proto.functions.push(...functions);
  proto.irVersion = BigInt(irVersion);
  return { name: 'm', proto, external: new Map(), bytes: 0 };
};

const leaky = () =>
  fn('Leaky', ['a'], ['b'], [referring(node('LeakyRelu', ['a'], ['b']), 'alpha', 'slope')], {
    defaults: { slope: float(0.25) },
  });

/** A body with an If whose branches capture the function's input and its intermediate value. */
const capturing = () => {
  const branch = (op: string, from: string, out: string) =>
    graph({
      nodes: [referring(node('LeakyRelu', [from], ['inner']), 'alpha', 'slope'), node(op, ['inner', 'a'], [out])],
      outputs: [valueInfo(out)],
    });
  return fn(
    'Choose',
    ['a', 'go'],
    ['b'],
    [
      node('Neg', ['a'], ['t']),
      node('If', ['go'], ['b'], { then_branch: branch('Add', 't', 'p'), else_branch: branch('Mul', 't', 'q') }),
    ],
    { attributes: ['slope'] },
  );
};

const models: Record<string, Model> = {
  'an attribute that the call gives': modelWith([call('Leaky', ['x'], ['y'], { slope: float(0.5) })], [leaky()]),
  'an attribute that falls back to its default': modelWith([call('Leaky', ['x'], ['y'])], [leaky()]),
  'an attribute that is given nowhere and disappears': modelWith(
    [call('Bare', ['x'], ['y'])],
    [
      fn('Bare', ['a'], ['b'], [referring(node('LeakyRelu', ['a'], ['b']), 'alpha', 'slope')], {
        attributes: ['slope'],
      }),
    ],
  ),
  'calls that share the names of inner values': modelWith(
    [call('Twice', ['x'], ['h']), call('Twice', ['h'], ['y'])],
    [
      fn(
        'Twice',
        ['a'],
        ['b'],
        [node('Neg', ['a'], ['t']), node('Add', ['t', 'a'], ['h']), node('Sub', ['h', 't'], ['b'])],
      ),
    ],
  ),
  'functions within functions, attributes passed on': modelWith(
    [call('Outer', ['x'], ['y'], { slope: float(0.125) })],
    [
      fn(
        'Outer',
        ['a'],
        ['b'],
        [referring(call('Leaky', ['a'], ['t']), 'slope', 'slope'), call('Leaky', ['t'], ['b'])],
        {
          attributes: ['slope'],
        },
      ),
      leaky(),
    ],
  ),
  'branches that capture inputs and inner values': modelWith(
    [call('Choose', ['x', 'c'], ['h'], { slope: float(0.5) }), call('Choose', ['h', 'c'], ['y'], { slope: float(2) })],
    [capturing()],
  ),
  'a call inside a branch of the main graph': modelWith(
    [
      node('If', ['c'], ['y'], {
        then_branch: graph({ nodes: [call('Leaky', ['x'], ['t'])], outputs: [valueInfo('t')] }),
        else_branch: graph({ nodes: [node('Neg', ['x'], ['e'])], outputs: [valueInfo('e')] }),
      }),
    ],
    [leaky()],
  ),
  'a call inside a branch inside a function': modelWith(
    [call('Wrap', ['x', 'c'], ['y'])],
    [
      fn(
        'Wrap',
        ['a', 'go'],
        ['b'],
        [
          node('If', ['go'], ['b'], {
            then_branch: graph({
              nodes: [call('Leaky', ['a'], ['t'], { slope: float(4) })],
              outputs: [valueInfo('t')],
            }),
            else_branch: graph({ nodes: [call('Leaky', ['a'], ['e'])], outputs: [valueInfo('e')] }),
          }),
        ],
      ),
      leaky(),
    ],
  ),
  'an optional input that is missing': modelWith(
    [call('Bound', ['x'], ['h']), call('Bound', ['h', '', 'slopes'], ['y'])],
    [fn('Bound', ['a', 'low', 'by'], ['b'], [node('Clip', ['a', 'low'], ['b'])])],
  ),
  'several outputs of which some are not used': modelWith(
    [call('Both', ['x'], ['', 'y'])],
    [fn('Both', ['a'], ['p', 'n'], [node('Relu', ['a'], ['p']), node('Sub', ['a', 'p'], ['n'])])],
  ),
  'initializers of the graph and constants of the function': modelWith(
    [call('Slopes', ['x', 'slopes'], ['y'])],
    [
      fn(
        'Slopes',
        ['a', 's'],
        ['b'],
        [
          node('Constant', [], ['k'], { value: floatTensor('', [], [0.5]) }),
          node('Mul', ['s', 'k'], ['h']),
          node('PRelu', ['a', 'h'], ['b']),
        ],
      ),
    ],
  ),
  'a loop in a function': modelWith(
    [call('Repeat', ['x', 'c'], ['y'])],
    [
      fn(
        'Repeat',
        ['a', 'go'],
        ['b'],
        [
          node('Constant', [], ['n'], { value: intTensor('', [], [3]) }),
          node('Loop', ['n', 'go', 'a'], ['b'], {
            body: graph({
              nodes: [node('Identity', ['on'], ['on_out']), node('Add', ['s', 'a'], ['s_out'])],
              inputs: [valueInfo('i', [], DataType.INT64), valueInfo('on', [], DataType.BOOL), valueInfo('s')],
              outputs: [valueInfo('on_out', [], DataType.BOOL), valueInfo('s_out')],
            }),
          }),
        ],
      ),
    ],
  ),
};

describe('inlining', () => {
  const feeds = (go: boolean): Record<string, TensorData> => ({
    x: tensor([2, 3], [-1, 2, -3, 4, -5, 0.5]),
    c: { type: 'bool', dims: [], data: Uint8Array.of(go ? 1 : 0) },
  });

  test.each(Object.entries(models))('%s gives what ONNX Runtime makes of the functions itself', async (_, model) => {
    const inlined = inlineFunctions(model);
    expect(inlined.proto.functions).toEqual([]);
    expect([...graphsOf(inlined.proto)].flatMap(({ node }) => node).filter(each => each.domain === domain)).toEqual([]);
    for (const go of [true, false]) {
      const expected = await runOnce(model, feeds(go));
      const got = await runOnce(inlined, feeds(go));
      expect([...got.y!.data]).toEqual([...expected.y!.data]);
    }
  });

  test('overloads are told apart', async () => {
    const overloads = [
      fn('F', ['a'], ['b'], [node('Neg', ['a'], ['b'])], { overload: 'one' }),
      fn('F', ['a'], ['b'], [node('Abs', ['a'], ['b'])], { overload: 'two' }),
    ];
    const model = modelWith(
      [
        { ...call('F', ['x'], ['h']), overload: 'two' },
        { ...call('F', ['h'], ['y']), overload: 'one' },
      ],
      overloads,
      10,
    );
    expect(mainGraph(inlineFunctions(model)).node.map(each => each.opType)).toEqual(['Abs', 'Neg']);
    expect([...(await runOnce(inlineFunctions(model), feeds(true))).y!.data]).toEqual([-1, -2, -3, -4, -5, -0.5]);
  });

  test('an output that is an input is passed on', async () => {
    const same = fn('Same', ['a'], ['a', 'n'], [node('Neg', ['a'], ['n'])]);
    const model = modelWith([call('Same', ['x'], ['p', 'q']), node('Sub', ['p', 'q'], ['y'])], [same]);
    expect([...(await runOnce(inlineFunctions(model), feeds(true))).y!.data]).toEqual([-2, 4, -6, 8, -10, 1]);
  });

  test('an attribute whose value the file leaves at zero keeps it', () => {
    const cast = fn('At', ['a'], ['b'], [referring(node('Softmax', ['a'], ['b']), 'axis', 'axis', AttributeType.INT)], {
      attributes: ['axis'],
    });
    const given = call('At', ['x'], ['y']);
    given.attribute.push(create(AttributeProtoSchema, { name: 'axis', type: AttributeType.INT }));
    const [softmax] = mainGraph(inlineFunctions(modelWith([given], [cast]))).node;
    expect(softmax?.attribute[0]?.name).toBe('axis');
    expect(softmax?.attribute[0]?.i).toBe(0n);
  });

  test('sparse initializers of a body are renamed with their readers', () => {
    const body = graph({ nodes: [node('Add', ['a', 's'], ['t'])], outputs: [valueInfo('t')] });
    body.sparseInitializer.push(create(SparseTensorProtoSchema, { values: floatTensor('s', [1], [1]), dims: [3n] }));
    const wrap = fn('W', ['a', 'go'], ['b'], [node('If', ['go'], ['b'], { then_branch: body, else_branch: body })]);
    const inner = inlineFunctions(modelWith([call('W', ['x', 'c'], ['y'])], [wrap]));
    const branch = mainGraph(inner).node[0]?.attribute[0]?.g;
    expect(branch?.sparseInitializer[0]?.values?.name).toBe(branch?.node[0]?.input[1]);
  });

  test('gives names that occur once, although the functions share theirs with the graph', () => {
    const model = modelWith(
      [call('F', ['x'], ['F/t']), call('F', ['F/t'], ['t']), call('F', ['t'], ['y'])],
      [fn('F', ['a'], ['b'], [node('Neg', ['a'], ['t']), node('Neg', ['t'], ['b'])])],
    );
    for (const each of mainGraph(model).node) each.name = '';
    const inlined = inlineFunctions(model);
    const written = mainGraph(inlined).node.flatMap(each => each.output);
    expect(new Set(written).size).toBe(6);
    expect(new Set(mainGraph(inlined).node.map(each => each.name)).size).toBe(6);
    expect(allScopes(indexGraph(inlined))).toHaveLength(1);
  });

  test('leaves the model as it was, and one without functions as it is', () => {
    const model = models['branches that capture inputs and inner values'] as Model;
    const before = clone(ModelProtoSchema, model.proto);
    inlineFunctions(model);
    expect(equals(ModelProtoSchema, model.proto, before)).toBe(true);
    const plain = modelWith([node('Relu', ['x'], ['y'])], []);
    expect(inlineFunctions(plain)).toBe(plain);
  });

  test('takes over the operator sets that only a function imports', () => {
    const foreign = fn('F', ['a'], ['b'], [{ ...node('Gelu', ['a'], ['b']), domain: 'com.microsoft' }]);
    foreign.opsetImport.push(opset('com.microsoft', 1));
    const inlined = inlineFunctions(modelWith([call('F', ['x'], ['y'])], [foreign]));
    expect(inlined.proto.opsetImport.map(set => set.domain)).toEqual(['', domain, 'com.microsoft']);
  });
});

describe('hostile functions', () => {
  const failing = (functions: readonly FunctionProto[]): string => {
    try {
      inlineFunctions(readModel(writeModel(modelWith([call('F0', ['x'], ['y'])], functions))));
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      return (error as Failure).message;
    }
    throw new Error('nothing was thrown');
  };
  const calling = (index: number, times: number) =>
    fn(
      `F${index}`,
      ['a'],
      ['b'],
      Array.from({ length: times }, (_, at) => call(`F${index + 1}`, ['a'], [at === 0 ? 'b' : `t${at}`])),
    );

  test('that call themselves, directly or by way of another', () => {
    expect(failing([fn('F0', ['a'], ['b'], [call('F0', ['a'], ['b'])])])).toMatch(/must not call themselves, got 'F0'/);
    const round = [calling(0, 1), fn('F1', ['a'], ['b'], [call('F0', ['a'], ['b'])])];
    expect(failing(round)).toMatch(/must not call themselves/);
  });

  test('that double thirty times over', () => {
    const doubling = Array.from({ length: 30 }, (_, index) => calling(index, 2));
    expect(failing([...doubling, fn('F30', ['a'], ['b'], [node('Neg', ['a'], ['b'])])])).toMatch(
      /must not expand past 300,000 nodes/,
    );
  });

  test('that copy large constants again and again', () => {
    const constant = floatTensor('', [2 ** 20], new Float32Array(2 ** 20));
    const large = fn(
      'F2',
      ['a'],
      ['b'],
      [node('Constant', [], ['k'], { value: constant }), node('Add', ['a', 'k'], ['b'])],
    );
    expect(failing([calling(0, 20), calling(1, 20), large])).toMatch(/or 256 MiB/);
  });

  test('that call each other a thousand deep', () => {
    const deep = Array.from({ length: 1000 }, (_, index) => calling(index, 1));
    expect(failing([...deep, fn('F1000', ['a'], ['b'], [node('Neg', ['a'], ['b'])])])).toMatch(/at most 50 deep/);
  });

  test('fifty thousand calls without names take no quadratic time', () => {
    const calls = Array.from({ length: 50_000 }, (_, index) => ({ ...call('F', ['x'], [`v${index}`]), name: '' }));
    const model = modelWith(calls, [fn('F', ['a'], ['b'], [node('Neg', ['a'], ['t']), node('Neg', ['t'], ['b'])])]);
    const start = performance.now();
    expect(mainGraph(inlineFunctions(model)).node).toHaveLength(100_000);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
