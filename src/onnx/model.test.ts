import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, createRegistry, equals } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorAnnotationSchema,
  TrainingInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { modelOf } from '../../test/models.js';
import { Failure } from '../failure.js';
import { float, floatTensor, graph, intTensor, modelProto, node, valueInfo } from './build.js';
import {
  copyModel,
  embedExternal,
  graphsOf,
  inputSpecs,
  type Model,
  mainGraph,
  opsetOf,
  readModel,
  tensorsOf,
  writeModel,
} from './model.js';
import {
  AttributeProtoSchema,
  AttributeType,
  DataLocation,
  DataType,
  FunctionProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
} from './proto.js';

const relu = () =>
  modelOf({ nodes: [node('Relu', ['x'], ['y'])], inputs: [valueInfo('x', ['N', 4])], outputs: [valueInfo('y')] });

const modelsUnder = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter(name => name.endsWith('.onnx'))
        .map(name => join(folder, name))
    : [];

const conformance = join('..', 'shared', 'data', 'onnx-node-tests');
const realModels = [
  ...modelsUnder(join('node_modules', 'jp.keijiro.mlsd', 'ONNX')),
  ...modelsUnder(join('node_modules', '@gutenye', 'ocr-models', 'assets')),
];

/** A model read from its own bytes: nothing is left of how it was made. */
const reread = (model: Model): Model => readModel(writeModel(model));

/** A branch that computes one value from one of the outer graph. */
const branch = (op: string, output: string): GraphProto =>
  graph({ nodes: [node(op, ['x'], [output])], outputs: [valueInfo(output)], name: output });

const attributeNamed = (name: string, type: AttributeType, fields: object) =>
  create(AttributeProtoSchema, { name, type, ...fields });

/** One model with everything the format can hold that this program does not look at every day. */
function everything(): Model {
  const sparse = create(SparseTensorProtoSchema, {
    values: floatTensor('sparse', [2], [1, 2]),
    indices: intTensor('', [2], [0, 3]),
    dims: [4n],
  });
  const loopBody = graph({
    nodes: [node('Identity', ['go'], ['on']), node('Relu', ['state'], ['next'])],
    inputs: [valueInfo('i', [], DataType.INT64), valueInfo('go', [], DataType.BOOL), valueInfo('state')],
    outputs: [valueInfo('on'), valueInfo('next')],
  });
  const scanBody = graph({
    nodes: [node('LeakyRelu', ['row'], ['out'], { alpha: float(0.25) })],
    inputs: [valueInfo('row')],
    outputs: [valueInfo('out')],
  });
  const manyGraphs = create(AttributeProtoSchema, {
    name: 'bodies',
    type: AttributeType.GRAPHS,
    graphs: [branch('Abs', 'a0'), branch('Neg', 'a1')],
  });
  const custom: NodeProto = { ...node('Custom', ['x'], ['custom']), domain: 'local', attribute: [manyGraphs] };
  custom.attribute.push(attributeNamed('sparse', AttributeType.SPARSE_TENSOR, { sparseTensor: sparse }));
  const main = graph({
    nodes: [
      node('If', ['c'], ['i'], { then_branch: branch('Relu', 't'), else_branch: branch('Neg', 'e') }),
      node('Loop', ['', 'c', 'i'], ['l'], { body: loopBody }),
      node('Scan', ['l'], ['s'], { body: scanBody, num_scan_inputs: 1 }),
      node('Constant', [], ['k0'], { value: floatTensor('', [2], [1, 2]) }),
      node('Constant', [], ['k1'], { value_float: float(0.5) }),
      node('Constant', [], ['k2'], { value_floats: { floats: [0.5, -0] } }),
      node('Constant', [], ['k3'], { value_int: -(2n ** 62n) }),
      node('Constant', [], ['k4'], { value_ints: [1, 2, 3] }),
      node('Constant', [], ['k5'], { value_string: 'é' }),
      custom,
      node('Identity', ['s'], ['y']),
    ],
    inputs: [valueInfo('x', ['N', 4]), valueInfo('c', [], DataType.BOOL)],
    outputs: [valueInfo('y')],
    initializers: [
      create(TensorProtoSchema, {
        name: 'half',
        dims: [2n],
        dataType: DataType.FLOAT16,
        int32Data: [0x3c00, 0x8000],
      }),
      create(TensorProtoSchema, {
        name: 'floats',
        dims: [3n],
        dataType: DataType.FLOAT,
        floatData: [1, -0, 2 ** -149],
      }),
      create(TensorProtoSchema, {
        name: 'text',
        dims: [1n],
        dataType: DataType.STRING,
        stringData: [new Uint8Array([255])],
      }),
    ],
  });
  main.sparseInitializer.push(sparse);
  main.quantizationAnnotation.push(create(TensorAnnotationSchema, { tensorName: 'x' }));
  const proto = modelProto(main, 21);
  proto.metadataProps.push(create(StringStringEntryProtoSchema, { key: 'author', value: 'ü' }));
  proto.trainingInfo.push(
    create(TrainingInfoProtoSchema, { algorithm: graph({ nodes: [node('Neg', ['g'], ['d'])] }) }),
  );
  proto.functions.push(
    create(FunctionProtoSchema, {
      name: 'Custom',
      domain: 'local',
      overload: 'second',
      input: ['x'],
      output: ['y'],
      attribute: ['needed'],
      attributeProto: [attributeNamed('given', AttributeType.TENSOR, { t: floatTensor('default', [1], [3]) })],
      node: [node('Relu', ['x'], ['y'])],
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 21n })],
    }),
  );
  return { name: 'everything', proto, external: new Map(), bytes: 0 };
}

describe('reading and writing', () => {
  test.skipIf(!existsSync(conformance))('gives every model of the ONNX conformance cases back byte for byte', () => {
    const paths = modelsUnder(conformance);
    expect(paths.length).toBeGreaterThan(10);
    for (const path of paths) {
      const bytes = readFileSync(path);
      expect(Buffer.compare(bytes, writeModel(readModel(bytes))), path).toBe(0);
    }
  });

  test('gives real models of several exporters back byte for byte', () => {
    expect(realModels.length).toBeGreaterThanOrEqual(7);
    for (const path of realModels) {
      const bytes = readFileSync(path);
      expect(Buffer.compare(bytes, writeModel(readModel(bytes, { name: path }))), path).toBe(0);
    }
  });

  test('keeps every field of control flow, functions, sparse tensors, training and metadata', () => {
    const model = everything();
    const bytes = writeModel(model);
    const again = readModel(bytes);
    expect(equals(ModelProtoSchema, again.proto, model.proto)).toBe(true);
    expect(Buffer.compare(writeModel(again), bytes)).toBe(0);
    expect(Buffer.compare(writeModel(copyModel(again)), bytes)).toBe(0);
  });

  test('keeps unknown fields at every level', () => {
    /** Field 9999 with a varint, and 9998 with three bytes: no version of the format has either. */
    const unknown = [
      { no: 9999, wireType: 0, data: new Uint8Array([42]) },
      { no: 9998, wireType: 2, data: new Uint8Array([3, 1, 2, 3]) },
    ];
    const model = everything();
    const main = mainGraph(model);
    const levels = [
      model.proto,
      main,
      main.node[0],
      main.node[0]?.attribute[0],
      main.node[0]?.attribute[0]?.g?.node[0],
      main.initializer[0],
      main.input[0]?.type,
      model.proto.functions[0],
    ];
    for (const message of levels) (message as { $unknown?: typeof unknown }).$unknown = structuredClone(unknown);
    const bytes = writeModel(model);
    const again = readModel(bytes);
    expect(equals(ModelProtoSchema, again.proto, model.proto, { registry: createRegistry(), unknown: true })).toBe(
      true,
    );
    expect(
      equals(ModelProtoSchema, again.proto, everything().proto, { registry: createRegistry(), unknown: true }),
    ).toBe(false);
    const added = bytes.length - writeModel(everything()).length;
    expect(added).toBeGreaterThanOrEqual(levels.length * 9);
    expect(Buffer.compare(writeModel(copyModel(again)), bytes)).toBe(0);
  });

  test.each([7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25])('keeps opset %i', version => {
    const { nodes, inputs, outputs } = {
      nodes: [node('Relu', ['x'], ['y'])],
      inputs: [valueInfo('x', [1])],
      outputs: [valueInfo('y')],
    };
    expect(opsetOf(reread(modelOf({ nodes, inputs, outputs }, version)))).toBe(version);
  });

  test('keeps numbers of every kind exactly', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 1 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.string({ unit: 'grapheme' }),
        (values, whole, text) => {
          const proto = modelProto(
            graph({
              nodes: [
                node('Custom', ['x'], [text], {
                  whole,
                  text,
                  some: { floats: [...values] },
                  one: float(values[0] as number),
                }),
              ],
              initializers: [floatTensor(text, [values.length], values)],
            }),
          );
          const model: Model = { name: 'm', proto, external: new Map(), bytes: 0 };
          const again = reread(model);
          // NaN is not equal to itself as a field, but its bytes are.
          expect(equals(ModelProtoSchema, again.proto, proto) || values.some(Number.isNaN)).toBe(true);
          expect(Buffer.compare(writeModel(again), writeModel(model))).toBe(0);
        },
      ),
      { seed: 1 },
    );
  });
});

describe('refusals', () => {
  const messageOf = (bytes: Uint8Array): string => {
    try {
      readModel(bytes, { name: 'file.onnx' });
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).kind).toBe('input');
      return (error as Failure).message;
    }
    throw new Error('nothing was thrown');
  };

  test('an empty file, other files and an incomplete model are told apart', () => {
    expect(messageOf(new Uint8Array())).toBe(
      "read model 'file.onnx': the file must be an ONNX model, got an empty file",
    );
    expect(messageOf(new TextEncoder().encode('{ "json": true }'))).toMatch(/must be a whole ONNX protobuf/);
    expect(messageOf(writeModel(relu()).slice(0, -3))).toMatch(/must be a whole ONNX protobuf, got a truncated/);
    const bare = create(ModelProtoSchema, { irVersion: 8n });
    expect(messageOf(writeModel({ ...relu(), proto: bare }))).toMatch(/must hold an ONNX graph and its operator sets/);
    const withoutOpset = relu();
    withoutOpset.proto.opsetImport = [];
    expect(messageOf(writeModel(withoutOpset))).toMatch(/must hold an ONNX graph and its operator sets/);
  });

  test('graphs that nest deeper than protobuf allows, and models in memory that nest deeper than 50', () => {
    let body = graph({ nodes: [node('Relu', ['x'], ['y'])] });
    for (let depth = 0; depth < 40; depth++)
      body = graph({ nodes: [node('If', ['c'], [`d${depth}`], { then_branch: body })] });
    expect(messageOf(writeModel({ ...relu(), proto: modelProto(body) }))).toBe(
      "read model 'file.onnx': messages must nest at most 100 deep, got deeper ones",
    );
    expect([...graphsOf(modelProto(body))]).toHaveLength(41);
    for (let depth = 40; depth < 10_000; depth++)
      body = graph({ nodes: [node('If', ['c'], [`d${depth}`], { then_branch: body })] });
    expect(() => [...graphsOf(modelProto(body))]).toThrow(/at most 50 deep/);
  });

  test('tensors whose dimensions and data disagree, in initializers, attributes, sparse tensors and function defaults', () => {
    const short = () => ({ ...floatTensor('short', [2], [1, 2]), dims: [3n] });
    const withInitializer = relu();
    mainGraph(withInitializer).initializer.push(short());
    const withConstant = modelOf({ nodes: [node('Constant', [], ['k'], { value: short() })] });
    const withSparse = relu();
    mainGraph(withSparse).sparseInitializer.push(create(SparseTensorProtoSchema, { values: short(), dims: [9n] }));
    const withDefault = everything();
    withDefault.proto.functions[0]!.attributeProto[0]!.t = short();
    const inBranch = modelOf({
      nodes: [node('If', ['c'], ['y'], { then_branch: graph({ nodes: [], initializers: [short()] }) })],
    });
    for (const model of [withInitializer, withConstant, withSparse, withDefault, inBranch])
      expect(messageOf(writeModel(model))).toMatch(
        /tensor 'short' must hold 3 elements as its dimensions \[3\] say, got 2/,
      );
  });

  test('raw data that is no whole number of elements', () => {
    const model = relu();
    mainGraph(model).initializer.push(
      create(TensorProtoSchema, { name: 'w', dims: [2n], dataType: DataType.FLOAT, rawData: new Uint8Array(9) }),
    );
    expect(messageOf(writeModel(model))).toMatch(/must hold 2 elements .* got 2.25/);
  });

  test.each([[[-1n]], [[2n ** 62n]], [[2n ** 32n, 2n ** 32n]], [[-2n, -2n]]])(
    'dimensions [%s] that no memory holds',
    dims => {
      const model = relu();
      mainGraph(model).initializer.push(create(TensorProtoSchema, { name: 'w', dims, dataType: DataType.FLOAT }));
      expect(messageOf(writeModel(model))).toMatch(/dimensions of tensor 'w' must be sizes that memory can hold/);
    },
  );
});

describe('inputs', () => {
  const specsOf = (inputs: GraphProto['input'], initializers: GraphProto['initializer'] = []) =>
    inputSpecs(modelOf({ nodes: [], inputs, initializers }));

  test('are those that no initializer fills, with numbers, names and free dimensions', () => {
    const inputs = [valueInfo('x', ['N', 3, 8]), valueInfo('w', [2]), valueInfo('ids', [1], DataType.INT64)];
    expect(specsOf(inputs, [floatTensor('w', [2], [1, 2])])).toEqual([
      { name: 'x', type: 'float32', dims: ['N', 3, 8] },
      { name: 'ids', type: 'int64', dims: [1] },
    ]);
    expect(specsOf([valueInfo('x')])).toEqual([{ name: 'x', type: 'float32', dims: [] }]);
  });

  test('a sparse initializer fills an input too', () => {
    const model = everything();
    mainGraph(model).input.push(valueInfo('sparse', [4]));
    expect(inputSpecs(model).map(spec => spec.name)).toEqual(['x', 'c']);
  });

  test('a dimension of -1, as some exporters write, is free', () => {
    expect(specsOf([valueInfo('x', [-1, 3])])[0]?.dims).toEqual([null, 3]);
  });

  test('that are not numeric tensors are refused by name', () => {
    expect(() => specsOf([valueInfo('words', [1], DataType.STRING)])).toThrow(/input 'words' must be a numeric tensor/);
    expect(() => specsOf([{ ...valueInfo('none'), type: undefined } as never])).toThrow(
      /input 'none' must be .* got no type/,
    );
  });
});

describe('walks', () => {
  test('graphs come outermost first, bodies and lists of graphs included', () => {
    expect([...graphsOf(everything().proto)].map(({ name, node }) => `${name}:${node.length}`)).toEqual([
      'graph:11',
      't:1',
      'e:1',
      'graph:2',
      'graph:1',
      'a0:1',
      'a1:1',
    ]);
  });

  test('tensors are those of initializers, constants, sparse tensors and function defaults', () => {
    expect([...tensorsOf(everything().proto)].map(tensor => tensor.name)).toEqual([
      'half',
      'floats',
      'text',
      'sparse',
      '',
      '',
      'sparse',
      '',
      'default',
    ]);
  });
});

describe('external data in memory', () => {
  const external = new Map([['weights.bin', new Uint8Array(Float32Array.of(9, 1, 2, 3).buffer)]]);
  const referring = (): Model => {
    const weight = create(TensorProtoSchema, {
      name: 'w',
      dims: [2n],
      dataType: DataType.FLOAT,
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries({ location: 'weights.bin', offset: '4', length: '8' }).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
    return {
      ...relu(),
      proto: modelProto(graph({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [weight] })),
      external,
    };
  };

  test('the references are written as they were', () => {
    const again = readModel(writeModel(referring()), { external });
    expect(equals(ModelProtoSchema, again.proto, referring().proto)).toBe(true);
  });

  test('embedding moves exactly the referenced bytes into a copy', () => {
    const model = referring();
    const [weight] = mainGraph(embedExternal(model)).initializer;
    expect(weight?.dataLocation).toBe(DataLocation.DEFAULT);
    expect(weight?.externalData).toEqual([]);
    expect([...new Float32Array(weight!.rawData.slice().buffer)]).toEqual([1, 2]);
    expect(mainGraph(model).initializer[0]?.dataLocation).toBe(DataLocation.EXTERNAL);
  });

  test('a model without any is returned as it is', () => {
    const model = relu();
    expect(embedExternal(model)).toBe(model);
  });

  test('data that was not given is a failure that names tensor and location', () => {
    const model: Model = { ...referring(), external: new Map() };
    expect(() => embedExternal(model)).toThrow(/external data 'weights.bin' of tensor 'w' must be given, got none/);
  });
});
