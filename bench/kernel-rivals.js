/*
 * PReLU with one slope in other libraries, on one thread each. Tensors are made beforehand, so that only the passes are timed.
 * `forward` and `backward` (dx and the slope's gradient) return milliseconds.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { floatTensor, graph, modelProto, node, valueInfo, writeModel } from '../dist/onnx/index.js';

async function timed(pass) {
  const start = performance.now();
  await pass();
  return performance.now() - start;
}

/** The loop that everybody writes first. */
function branchyLoop({ x, dy, slope }) {
  const out = new Float32Array(x.length);
  const rectify = (from, to, a) => {
    for (let i = 0; i < from.length; i++) to[i] = from[i] > 0 ? from[i] : a * from[i];
  };
  const gradients = (from, upstream, to, a) => {
    let sum = 0;
    for (let i = 0; i < from.length; i++) {
      to[i] = from[i] > 0 ? upstream[i] : a * upstream[i];
      if (from[i] < 0) sum += upstream[i] * from[i];
    }
    return sum;
  };
  return {
    name: 'branchy JS loop',
    forward: () => timed(() => rectify(x, out, slope)),
    backward: () => timed(() => gradients(x, dy, out, slope)),
    close: () => {},
  };
}

/** TF.js on its WASM backend. The gradient is what the library registers for Prelu (gradients/Prelu_grad.ts), without the forward pass. */
async function tfjs({ x, dy, slope }) {
  const tf = await import('@tensorflow/tfjs-core');
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const folder = new URL('dist/', import.meta.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(fileURLToPath(folder));
  await tf.setBackend('wasm');
  const [input, upstream, alpha] = [tf.tensor1d(x), tf.tensor1d(dy), tf.tensor1d([slope])];
  const gradients = () => {
    const mask = tf.greater(input, 0);
    tf.where(mask, upstream, tf.mul(upstream, alpha));
    tf.sum(tf.where(mask, tf.zerosLike(upstream), tf.mul(upstream, input)));
  };
  return {
    name: 'TF.js wasm',
    forward: () => timed(() => tf.tidy(() => void tf.prelu(input, alpha))),
    backward: () => timed(() => tf.tidy(gradients)),
    close: () => tf.dispose([input, upstream, alpha]),
  };
}

/** jax-js on its WASM backend, compiled by `jit`; the gradient by `vjp` of where(x > 0, x, a * x). */
async function jaxJs({ x, dy, slope }) {
  const { defaultDevice, init, jit, numpy, vjp } = await import('@jax-js/jax');
  await init('wasm');
  defaultDevice('wasm');
  const [input, upstream, alpha] = [numpy.array(x), numpy.array(dy), numpy.array([slope])];
  const rectify = (values, a) => numpy.where(numpy.greater(values.ref, 0), values.ref, a.mul(values));
  const forward = jit(rectify);
  const backward = jit((values, a, gradient) => {
    const [y, back] = vjp(rectify, [values, a]);
    y.dispose();
    const result = back(gradient);
    back.dispose();
    return result;
  });
  const pass = async arrays => {
    for (const array of arrays) await array.blockUntilReady();
    for (const array of arrays) array.dispose();
  };
  return {
    name: 'jax-js wasm, jit',
    forward: () => timed(() => pass([forward(input.ref, alpha.ref)])),
    backward: () => timed(() => pass(backward(input.ref, alpha.ref, upstream.ref))),
    close: () => {
      for (const array of [input, upstream, alpha]) array.dispose();
    },
  };
}

function session(nodes, inputs, outputs, slope) {
  const main = graph({
    nodes,
    inputs: inputs.map(name => valueInfo(name, ['n'])),
    outputs: outputs.map(([name, dims]) => valueInfo(name, dims)),
    initializers: Object.entries({ slope, zero: 0 }).flatMap(([name, value]) =>
      nodes.some(({ input }) => input.includes(name)) ? [floatTensor(name, [1], [value])] : [],
    ),
  });
  const bytes = writeModel({ name: 'prelu', proto: modelProto(main), external: new Map(), bytes: 0 });
  return InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
}

/** ONNX Runtime's PRelu, and its gradients as a graph of standard operators; results go into tensors made beforehand. */
async function onnxRuntime({ x, dy, slope }) {
  const forward = await session([node('PRelu', ['x', 'slope'], ['y'])], ['x'], [['y', ['n']]], slope);
  const backward = await session(
    [
      node('Greater', ['x', 'zero'], ['positive']),
      node('Mul', ['dy', 'slope'], ['scaled']),
      node('Where', ['positive', 'dy', 'scaled'], ['dx']),
      node('Min', ['x', 'zero'], ['negative']),
      node('Mul', ['dy', 'negative'], ['terms']),
      node('ReduceSum', ['terms'], ['dslope']),
    ],
    ['x', 'dy'],
    [
      ['dx', ['n']],
      ['dslope', [1]],
    ],
    slope,
  );
  const tensor = values => new Tensor('float32', values, [values.length]);
  const [input, upstream, out] = [tensor(x), tensor(dy), tensor(new Float32Array(x.length))];
  const dslope = new Tensor('float32', new Float32Array(1), [1]);
  return {
    name: 'onnxruntime-node',
    forward: () => timed(() => forward.run({ x: input }, { y: out })),
    backward: () => timed(() => backward.run({ x: input, dy: upstream }, { dx: out, dslope })),
    close: () => Promise.all([forward.release(), backward.release()]),
  };
}

const python = `
import sys, time
import numpy as np
n, a = int(sys.argv[1]), np.float32(sys.argv[2])
rng = np.random.default_rng(1)
x = rng.uniform(-1, 1, n).astype(np.float32)
dy = rng.uniform(-1, 1, n).astype(np.float32)
def forward():
    return np.where(x > 0, x, a * x)
def backward():
    return np.where(x > 0, dy, a * dy), np.dot(dy, np.minimum(x, 0))
print('ready', flush=True)
for line in sys.stdin:
    run = forward if line.strip() == 'forward' else backward
    start = time.perf_counter()
    result = run()
    took = time.perf_counter() - start
    del result
    print(took * 1000, flush=True)
`;

/** NumPy in a process of its own, which waits between its turns; null where python3 has none. */
async function numpy({ x, slope }) {
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const child = spawn('python3', ['-c', python, String(x.length), String(slope)], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => (await lines.next()).value;
  if ((await answer()) !== 'ready') return null;
  const ask = async pass => {
    child.stdin.write(`${pass}\n`);
    return Number(await answer());
  };
  return {
    name: 'NumPy',
    forward: () => ask('forward'),
    backward: () => ask('backward'),
    close: () => child.stdin.end(),
  };
}

/** All rivals on the same arrays. */
export async function rivals(arrays) {
  const each = [branchyLoop, tfjs, jaxJs, onnxRuntime, numpy];
  const found = [];
  for (const make of each) found.push(await make(arrays));
  return found.filter(rival => rival !== null);
}
