import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { Failure } from '../failure.js';
import { float, floatTensor, graph, intTensor, node, valueInfo } from './build.js';
import { FunctionProtoSchema, type NodeProto, type TensorProto } from './proto.js';
import { type OnnxRuntime, openSession } from './runtime.js';
import { fixedDims, shapesOf, zeros } from './shapes.js';
import type { TensorData } from './tensor-data.js';

const modelOn = (nodes: readonly NodeProto[], initializers: readonly TensorProto[] = [], opset = 17) =>
  modelOf({ nodes, initializers, inputs: [valueInfo('x', ['N', 'M'])], outputs: [valueInfo('y')] }, opset);

const x = (...dims: number[]): Record<string, TensorData> => ({
  x: tensor(dims, new Float32Array(dims.reduce((a, b) => a * b, 1))),
});

async function reason(
  nodes: readonly NodeProto[],
  initializers: readonly TensorProto[] = [],
  feeds = x(1, 3),
  opset = 17,
): Promise<string> {
  const error = await runOnce(modelOn(nodes, initializers, opset), feeds).then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(Failure);
  const { message, kind } = error as Failure;
  expect(kind).toBe('input');
  expect(message).not.toMatch(/onnxruntime_src|\.(cc|h|cpp):\d|onnxruntime::|\n/);
  expect(message).toMatch(/^run model 'test': ONNX Runtime must (accept it|run it on the data), got: /);
  return message.replace(/^.*?, got: /, '');
}

describe('what ONNX Runtime refuses is one clean sentence', () => {
  const relu = [node('Relu', ['x'], ['y'])];
  const reshape = [node('Reshape', ['x', 's'], ['y'])];

  test('an unknown operator', async () => {
    expect(await reason([node('Foo', ['x'], ['y'])])).toBe(
      "Foo node 'y': No Op registered for Foo with domain_version of 17",
    );
    expect(await reason([{ ...node('Foo', ['x'], ['y']), domain: 'my.ops' }])).toBe(
      "Foo node 'y': No opset import for domain 'my.ops'",
    );
  });

  test('an operator set that does not exist', async () => {
    expect(await reason(relu, [], x(1, 3), 999)).toMatch(/^ONNX Runtime only \*guarantees\* support .* Opset 999 /);
    expect(await reason(relu, [], x(1, 3), 0)).toMatch(/^Relu node 'y': No Op registered for Relu/);
  });

  test('inputs of another rank, type or length, and missing ones', async () => {
    expect(await reason(relu, [], x(1, 3, 4))).toMatch(/^Invalid rank for input: x Got: 3 Expected: 2/);
    expect(await reason(relu, [], {})).toBe("input 'x' is missing in 'feeds'.");
    expect(await reason(relu, [], { x: { type: 'int64', dims: [1, 1], data: BigInt64Array.of(1n) } })).toMatch(
      /^Unexpected input data type/,
    );
    expect(await reason(relu, [], { x: tensor([2, 2], [1, 2, 3]) })).toMatch(
      /size\(4\) does not match data length\(3\)/,
    );
    expect(await reason(relu, [], { x: { ...tensor([1, 1], [1]), dims: [2 ** 62, 0] } })).not.toBe('');
  });

  test('attributes and weights that do not fit', async () => {
    expect(await reason([node('LeakyRelu', ['x'], ['y'], { alpha: 'abc' })])).toMatch(
      /^LeakyRelu node 'y': Mismatched attribute type/,
    );
    expect(await reason([node('Gemm', ['x', 'w'], ['y'])], [floatTensor('w', [2, 2], [1, 2, 3, 4])])).toMatch(/Gemm/);
    expect(await reason([node('Relu', [], ['y'])])).toMatch(/^Relu node 'y': Node\(y\) with schema|^Relu node 'y': /);
  });

  test('a failure while it runs', async () => {
    expect(await reason(reshape, [intTensor('s', [1], [5])])).toBe(
      "Reshape node 'y': input_shape_size == requested_shape_size was false. The input tensor cannot be reshaped to the requested shape. Input shape:{1,3}, requested shape:{5}",
    );
    const huge = intTensor('s', [2], [1e6, 1e6]);
    expect(await reason([node('Expand', ['x', 's'], ['y'])], [huge], x(1, 1))).toMatch(
      /^Expand node 'y': Failed to allocate memory/,
    );
  });

  test('a missing input at which ONNX Runtime would end the process, in the graph, a branch or a function', async () => {
    const crashing = ['Max', 'Min', 'Sum', 'Mean'].map(op => node(op, ['x', ''], ['y']));
    const message =
      /^run model 'test': node 'y' \((Max|Min|Sum|Mean)\) must have all of its inputs, got a missing one$/;
    for (const each of crashing) {
      await expect(runOnce(modelOn([each]), x(1, 3))).rejects.toThrow(message);
      const branch = graph({ nodes: [each], outputs: [valueInfo('y')] });
      const nested = modelOn([node('If', ['x'], ['z'], { then_branch: branch, else_branch: branch })]);
      await expect(openSession(nested)).rejects.toThrow(message);
      const withFunction = modelOn([node('Relu', ['x'], ['y'])]);
      withFunction.proto.functions.push(
        create(FunctionProtoSchema, { name: 'F', input: ['x'], output: ['y'], node: [each] }),
      );
      await expect(openSession(withFunction)).rejects.toThrow(message);
    }
  });

  test('a name as long as a book is cut', async () => {
    expect((await reason([node('Foo', ['x'], ['y'.repeat(100_000)])])).length).toBeLessThan(500);
  });

  test('on other platforms, whose paths look different', async () => {
    const refusing = (message: string): OnnxRuntime => ({
      InferenceSession: {
        create: () => Promise.reject(new Error(message)),
      } as unknown as OnnxRuntime['InferenceSession'],
      Tensor: class {} as unknown as OnnxRuntime['Tensor'],
    });
    const messages = {
      'D:\\a\\_work\\1\\s\\onnxruntime\\core\\graph\\model.cc:123 onnxruntime::Model::Model(const Path&, int (*)(int)) const it broke.\n':
        'it broke.',
      "Can't create a session. /Users/runner/ort/core/a.cpp:7 void f() it broke.": 'it broke.',
      'it broke at /onnxruntime_src/onnxruntime/core/x.h:9': 'it broke at',
    };
    for (const [message, clean] of Object.entries(messages)) {
      const opened = openSession(modelOn(relu), { runtime: refusing(message) });
      await expect(opened).rejects.toThrow(`run model 'test': ONNX Runtime must accept it, got: ${clean}`);
    }
  });
});

describe('sessions', () => {
  test('run a model, and fetch only what is asked for', async () => {
    const model = modelOf({
      nodes: [node('LeakyRelu', ['x'], ['y'], { alpha: float(0.5) }), node('Neg', ['x'], ['z'])],
      inputs: [valueInfo('x', ['N', 'M'])],
      outputs: [valueInfo('y'), valueInfo('z')],
    });
    const session = await openSession(model, { threads: 1 });
    expect(session.inputNames).toEqual(['x']);
    expect(session.outputNames).toEqual(['y', 'z']);
    const results = await session.run({ x: tensor([1, 2], [-4, 3]) }, ['y']);
    expect(Object.keys(results)).toEqual(['y']);
    expect([...results.y!.data]).toEqual([-2, 3]);
    await session.close();
  });

  test('take an input by the name of an object’s own machinery', async () => {
    const model = modelOf({
      nodes: [node('Neg', ['__proto__'], ['y'])],
      inputs: [valueInfo('__proto__', [1])],
      outputs: [valueInfo('y')],
    });
    const feeds = Object.fromEntries([['__proto__', tensor([1], [3])]]);
    expect([...(await runOnce(model, feeds)).y!.data]).toEqual([-3]);
  });
});

describe('shapes', () => {
  const conv = modelOf({
    nodes: [node('Conv', ['x', 'w'], ['h'], { strides: [2, 2] }), node('Flatten', ['h'], ['y'])],
    inputs: [valueInfo('x', ['N', 1, 'H', 'W'])],
    outputs: [valueInfo('y')],
    initializers: [floatTensor('w', [2, 1, 3, 3], new Float32Array(18))],
  });

  test('are those that values have for the given inputs', async () => {
    const shapes = await shapesOf(conv, { x: [2, 1, 9, 7] }, ['h', 'y', 'x']);
    expect(Object.fromEntries(shapes)).toEqual({ h: [2, 2, 4, 3], y: [2, 24], x: [2, 1, 9, 7] });
  });

  test('of no values are none, without starting the model', async () => {
    expect((await shapesOf(modelOn([node('Foo', ['x'], ['y'])]), { x: [1, 1] }, [])).size).toBe(0);
  });

  test('are not probed with inputs that fill the memory, one or all together', async () => {
    await expect(shapesOf(conv, { x: [1, 1, 2 ** 20, 2 ** 20] }, ['h'])).rejects.toThrow(/at most 2\^28 elements/);
    const inputs = Array.from({ length: 20 }, (_, at) => valueInfo(`x${at}`, [2 ** 26]));
    const many = modelOf({
      nodes: [
        node(
          'Sum',
          inputs.map(input => input.name),
          ['y'],
        ),
      ],
      inputs,
      outputs: [valueInfo('y')],
    });
    const dims = Object.fromEntries(inputs.map(input => [input.name, [2 ** 26]]));
    await expect(shapesOf(many, dims, ['y'])).rejects.toThrow(/its inputs must have at most 2\^28 elements/);
  });

  test('zeros refuse sizes that are none', () => {
    expect(zeros('int64', [2, 0], 'x').data).toHaveLength(0);
    for (const dims of [[-1], [-2, -3], [0.5], [Number.NaN], [2 ** 62, 0], [2 ** 15, 2 ** 14]])
      expect(() => zeros('float32', dims, 'x')).toThrow(Failure);
  });

  test('are fixed where every dimension is a number', () => {
    expect(fixedDims([{ name: 'a', type: 'float32', dims: [1, 2] }])).toEqual({ a: [1, 2] });
    expect(fixedDims([{ name: 'a', type: 'float32', dims: [1, null] }])).toBeNull();
    expect(fixedDims([{ name: 'a', type: 'float32', dims: ['N'] }])).toBeNull();
  });
});

describe('runInto', () => {
  const model = modelOn([node('Relu', ['x'], ['y'])]);
  const into = async (runtime: OnnxRuntime, values: readonly number[][]) => {
    const session = await openSession(model, { runtime, threads: 1 });
    try {
      const found: number[][] = [];
      for (const row of values) {
        const y = tensor([1, 2], [7, 7]);
        await session.runInto({ x: tensor([1, 2], row) }, { y });
        found.push([...(y.data as Float32Array)]);
      }
      return found;
    } finally {
      await session.close();
    }
  };
  const rows = [
    [Number.NaN, 1],
    [1, -2],
    [-3, 4],
  ];
  const expected = [
    [Number.NaN, 1],
    [1, 0],
    [0, 4],
  ];

  test('writes results into the given arrays', async () => {
    const native = await import('onnxruntime-node');
    expect(await into(native, rows)).toEqual(expected);
    expect(await into(native, rows.slice(1))).toEqual(expected.slice(1));
  });

  test('does so where the engine gives the tensors back as they were', async () => {
    const native = await import('onnxruntime-node');
    const create = async (...args: Parameters<typeof native.InferenceSession.create>) => {
      const session = await native.InferenceSession.create(...args);
      const run: typeof session.run = async (feeds: never, fetches: never) =>
        Array.isArray(fetches) ? session.run(feeds, fetches) : fetches;
      return {
        run,
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        release: () => session.release(),
      };
    };
    const runtime = { ...native, InferenceSession: { create } } as unknown as OnnxRuntime;
    expect(await into(runtime, rows)).toEqual(expected);
    expect(await into(runtime, rows.slice(1))).toEqual(expected.slice(1));
  });
});

test('computes on the providers that are asked for', async () => {
  const asked: unknown[] = [];
  const native = await import('onnxruntime-node');
  const create = (bytes: Uint8Array, options: object) => {
    asked.push(options);
    return native.InferenceSession.create(bytes, options);
  };
  const runtime = { ...native, InferenceSession: { create } } as unknown as OnnxRuntime;
  const session = await openSession(modelOn([node('Relu', ['x'], ['y'])]), { runtime, executionProviders: ['cpu'] });
  await session.close();
  expect(asked).toMatchObject([{ executionProviders: ['cpu'] }]);
});
