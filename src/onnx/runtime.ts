import type { InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from 'onnxruntime-common';
import { Failure } from '../failure.js';
import { embedExternal, graphsOf, type Model, writeModel } from './model.js';
import { nodeName } from './scope.js';
import type { ElementType, TensorData, TypedArray } from './tensor-data.js';

/** The part of ONNX Runtime that Reluminate uses; `onnxruntime-node` and `onnxruntime-web` both are one. */
export interface OnnxRuntime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

/** How a session computes. */
export interface SessionOptions {
  /** ONNX Runtime to use; by default `onnxruntime-node` in Node and `onnxruntime-web` in a browser. */
  readonly runtime?: OnnxRuntime;
  /** Threads for one operator; by default one for each core. */
  readonly threads?: number;
  /**
   * Whether threads of the engine look for work while they wait for it, instead of sleeping (default false). It pays where many short operators follow each
   * other, and on a busy machine it takes cores from others.
   */
  readonly spinning?: boolean;
  /** What ONNX Runtime computes on, in order of preference, such as `['webgpu', 'wasm']`; by default its own choice. */
  readonly executionProviders?: readonly string[];
  /**
   * What ONNX Runtime may do with the nodes: `'all'` (default), `'extended'`, which fuses them but keeps memory as it is laid out, or `'disabled'`, where it
   * computes them one by one, as the file has them.
   */
  readonly graphOptimizationLevel?: 'disabled' | 'extended' | 'all';
}

/** A model that is ready to run. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the model; only `outputs` are fetched (all by default). Throws a Failure that carries ONNX Runtime's reason. */
  run(feeds: Readonly<Record<string, TensorData>>, outputs?: readonly string[]): Promise<Record<string, TensorData>>;
  /** Runs the model and writes its outputs to the data of the given tensors, which must have their shapes; only those are fetched. Throws as `run`. */
  runInto(feeds: Readonly<Record<string, TensorData>>, results: Readonly<Record<string, TensorData>>): Promise<void>;
  close(): Promise<void>;
}

/** Where in ONNX Runtime's own source an error arose: file, line and the C++ function's signature. */
const sourceLocation =
  /(?:[A-Za-z]:)?[\\/][^\s:]+\.(?:cc|cpp|cu|cuh|h):\d+(?:\s[^()]*(?:\(\))?\((?:[^()]|\([^()]*\))*\)(?: const)?)?/g;

/** What a user needs of ONNX Runtime's message: one line, without the source locations of the machine it was built on. */
const reasonOf = (cause: unknown): string =>
  String((cause as Error).message ?? cause)
    .slice(0, 4000)
    .replace(/^Can't create a session\. ?/, '')
    .replace(sourceLocation, ' ')
    .replace(/^Non-zero status code returned while running (\S+) node\. Name:'(.*?)' Status Message:/s, "$1 node '$2':")
    .replace(/^This is an invalid model\. In Node, \("(.*?)", (\S+), ".*?", -?\d+\) : .* , Error /s, "$2 node '$1': ")
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 400);

/** Below this severity ONNX Runtime prints messages of its own to stderr, names from the file included; what fails is thrown as well (4: fatal only). */
const fatalOnly = 4;

/** Operators of any number of inputs; ONNX Runtime ends the whole process where one of theirs is missing. */
const variadic = new Set(['Max', 'Mean', 'Min', 'Sum']);

/** Throws a Failure for a model on which ONNX Runtime is known to crash instead of refusing it. */
function requireSafe({ name, proto }: Model): void {
  const nodes = [...[...graphsOf(proto)].map(graph => graph.node), ...proto.functions.map(fn => fn.node)];
  const missing = nodes.flatMap(list => list.filter(node => variadic.has(node.opType) && node.input.includes('')))[0];
  if (missing)
    throw new Failure(
      'input',
      `run model '${name}': node '${nodeName(missing)}' (${missing.opType}) must have all of its inputs, got a missing one`,
    );
}

/** Makes the first number of one of the results NaN, to see whether it is written, and returns that result; null where none has float32 numbers. */
function mark(results: Readonly<Record<string, TensorData>>): Float32Array | null {
  for (const { data } of Object.values(results))
    if (data instanceof Float32Array && data.length > 0) {
      data[0] = Number.NaN;
      return data;
    }
  return null;
}

/**
 * Starts a session on a model in memory. Throws a Failure, naming the model, where ONNX Runtime refuses it.
 *
 * @example
 * import { graph, modelProto, node, openSession, valueInfo } from 'reluminate/onnx';
 * const nodes = [node('Relu', ['x'], ['y'])];
 * const main = graph({ nodes, inputs: [valueInfo('x', ['batch', 2])], outputs: [valueInfo('y')] });
 * const model = { name: 'relu', proto: modelProto(main), external: new Map(), bytes: 0 };
 * const session = await openSession(model, { threads: 1 });
 * const { y } = await session.run({ x: { type: 'float32', dims: [1, 2], data: Float32Array.of(-1, 2) } });
 * await session.close();
 * Array.from(y.data); // => [0, 2]
 */
export async function openSession(model: Model, options: SessionOptions = {}): Promise<Session> {
  const runtime: OnnxRuntime = options.runtime ?? (await import('#onnxruntime'));
  requireSafe(model);
  const bytes = writeModel(embedExternal(model));
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(bytes, {
      logSeverityLevel: fatalOnly,
      extra: { session: { intra_op: { allow_spinning: options.spinning ? '1' : '0' } } },
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      ...(options.executionProviders === undefined ? {} : { executionProviders: options.executionProviders }),
      graphOptimizationLevel: options.graphOptimizationLevel ?? 'all',
    });
  } catch (cause) {
    throw new Failure('input', `run model '${model.name}': ONNX Runtime must accept it, got: ${reasonOf(cause)}`, {
      cause,
    });
  }
  const Make = runtime.Tensor as new (type: ElementType, data: TypedArray, dims: readonly number[]) => Tensor;
  const tensorsOf = (values: Readonly<Record<string, TensorData>>): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(values).map(([name, { type, data, dims }]) => [name, new Make(type, data, dims)]),
    );
  const orFailure = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (cause) {
      throw new Failure(
        'input',
        `run model '${model.name}': ONNX Runtime must run it on the data, got: ${reasonOf(cause)}`,
        { cause },
      );
    }
  };
  // onnxruntime-node writes results where it is told, onnxruntime-web gives the tensors back as they were: the first run finds out.
  let writesInPlace: boolean | null = null;
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, outputs = session.outputNames) =>
      orFailure(async () => {
        const results = await session.run(tensorsOf(feeds), [...outputs]);
        return Object.fromEntries(
          Object.entries(results).map(([name, tensor]) => [name, tensor as unknown as TensorData]),
        );
      }),
    runInto: (feeds, results) =>
      orFailure(async () => {
        const inputs = tensorsOf(feeds);
        if (writesInPlace !== false) {
          const marked = writesInPlace === null ? mark(results) : null;
          await session.run(inputs, tensorsOf(results));
          writesInPlace ??= marked !== null && !Number.isNaN(marked[0]);
          if (writesInPlace) return;
        }
        const written = await session.run(inputs, Object.keys(results));
        for (const [name, { data }] of Object.entries(results))
          (data as Float32Array).set((written[name] as unknown as TensorData).data as Float32Array);
      }),
    close: () => session.release(),
  };
}
