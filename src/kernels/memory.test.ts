import { setTimeout } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type Call, instantiate, kernelModule } from './binary.js';
import { startCrew } from './crew.js';
import { KernelMemory, prelu, preluBackward, relu, signMask } from './index.js';
import { arenaAt, ordersAt } from './regions.js';

test('arrays lie at multiples of 64 bytes, apart from each other, and their room is used again', () => {
  const memory = new KernelMemory({ bytes: 1024 });
  const [a, b] = [memory.allocate(3), memory.allocate(100)];
  expect([a.length, b.length, a.byteOffset % 64, b.byteOffset % 64]).toEqual([3, 100, 0, 0]);
  expect(b.byteOffset - a.byteOffset).toBe(64);
  expect(() => memory.allocate(200)).toThrow('allocate: length must be at most 128 (the largest gap), got 200');
  memory.free(b);
  expect(memory.allocate(200).byteOffset).toBe(b.byteOffset);
  expect(memory.allocate(0).length).toBe(0);
});

test('only what was allocated and is not free can be freed', () => {
  const memory = new KernelMemory({ bytes: 1024 });
  const array = memory.allocate(32);
  const must = 'free: array must be one that allocate of this memory returned and that has not been freed';
  expect(() => memory.free(array.subarray(16))).toThrow(must);
  expect(() => memory.free(new Float32Array(4))).toThrow('of another memory');
  memory.free(array);
  expect(() => memory.free(array)).toThrow(must);
});

test('sizes and threads are checked', () => {
  expect(() => new KernelMemory(undefined as never)).toThrow(
    new TypeError('KernelMemory: options must be an object such as { bytes: 2 ** 20 }, got undefined'),
  );
  expect(() => new KernelMemory({ bytes: 64 }).free(null as never)).toThrow(
    new TypeError('free: array must be a Float32Array, got null'),
  );
  expect(() => new KernelMemory({ bytes: 0 })).toThrow('KernelMemory: bytes must be a whole number from 1');
  expect(() => new KernelMemory({ bytes: 2 ** 33 })).toThrow('KernelMemory: bytes must be at most');
  expect(() => new KernelMemory({ bytes: 64, threads: 0 })).toThrow(
    'KernelMemory: threads must be a whole number from 1',
  );
  expect(() => new KernelMemory({ bytes: 64, threads: 65 })).toThrow(
    'KernelMemory: threads must be at most 64, got 65',
  );
});

test('kernels reach the end of the largest memory there is', () => {
  const line = 64;
  const largest = 2 ** 32 - arenaAt(1) - line;
  expect(() => new KernelMemory({ bytes: largest + 1 })).toThrow(
    `KernelMemory: bytes must be at most ${largest}, got ${largest + 1}`,
  );
  const memory = new KernelMemory({ bytes: largest });
  const length = 1024;
  memory.allocate(largest / 4 - length);
  const x = memory.allocate(length).fill(-1);
  expect(x.byteOffset + x.byteLength).toBe(2 ** 32 - line);
  for (const path of ['simd', undefined] as const) {
    expect(prelu(x, 0.5, { path }).every(value => value === -0.5)).toBe(true);
    expect(relu(x, { path }).every(value => value === 0)).toBe(true);
    expect(preluBackward(x, new Float32Array(length).fill(1), 0.5, { path }).dslopes[0]).toBe(-length);
  }
  expect(prelu(x, -0.5, { out: x, path: 'simd' }).every(value => value === 0.5)).toBe(true);
  expect(signMask(x).every(bits => bits === 255)).toBe(true);
  expect(() => memory.allocate(1)).toThrow('allocate: length must be at most 0 (the largest gap), got 1');
});

test('after close arrays are worked on like any others', () => {
  const memory = new KernelMemory({ bytes: 2 ** 16, threads: 2 });
  const x = memory.allocate(2000).fill(-1);
  memory.close();
  memory.close();
  expect(() => prelu(x, 0.5, { path: 'threads' })).toThrow(
    "prelu: path must not be 'threads' unless all arrays are allocated in one KernelMemory with threads, got 'threads'",
  );
  expect(prelu(x, 0.5, { out: x })).toBe(x);
  expect(x.every(value => value === -0.5)).toBe(true);
});

test('workers take calls once they have started; what they have not taken the caller does', async () => {
  const module = kernelModule(true)!;
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  const kernels = instantiate(module, memory);
  const done: string[] = [];
  const watched = {
    ...kernels,
    relu: (...parameters: number[]) => {
      done.push('relu');
      kernels.relu(...parameters);
    },
  };
  const crew = startCrew(module, memory, watched, 2);
  const at = arenaAt(2);
  const floats = new Float32Array(memory.buffer);
  const calls = [0, 1, 2].map((part): Call => ['relu', at + 400 * part, at + 400 * part, 100]);
  const rectified = () => {
    floats.fill(-1, at / 4, at / 4 + 300);
    done.length = 0;
    crew.work(calls);
    return floats.subarray(at / 4, at / 4 + 300).every(value => value === 0);
  };
  expect(rectified()).toBe(true);
  expect(done.length).toBe(3);
  await setTimeout(500);
  // A caller that is slower than the workers makes only its own call.
  watched.relu = (...parameters) => {
    done.push('relu');
    const start = performance.now();
    while (performance.now() - start < 200);
    kernels.relu(...parameters);
  };
  expect(rectified()).toBe(true);
  expect(done.length).toBe(1);
  expect(new Int32Array(memory.buffer, ordersAt, 1)[0]).toBe(0);
  crew.end();
});

test('a worker that cannot start leaves its part to the caller, one that fails is told', async () => {
  const module = kernelModule(true)!;
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  const kernels = instantiate(module, memory);
  const at = arenaAt(1);
  const floats = new Float32Array(memory.buffer, at, 200).fill(-1);
  const calls: Call[] = [0, 1].map(part => ['relu', at + 400 * part, at + 400 * part, 100]);
  // A module that asks for an import nobody gives: (import "env" "none" (func)).
  const bytes = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 12, 1, 3, 101, 110, 118, 4, 110, 111, 110, 101, 0, 0,
  ];
  const lost = startCrew(new WebAssembly.Module(Uint8Array.from(bytes)), memory, kernels, 1);
  await setTimeout(300);
  lost.work(calls);
  expect(floats.every(value => value === 0)).toBe(true);
  lost.end();

  const slow = {
    ...kernels,
    relu: (...parameters: number[]) => {
      const start = performance.now();
      while (performance.now() - start < 200);
      kernels.relu(...parameters);
    },
  };
  const crew = startCrew(module, memory, slow, 1);
  await setTimeout(300);
  expect(() => crew.work([calls[0]!, ['relu', at, 64 * 65536 - 4, 100]])).toThrow(
    new Error('KernelMemory: every thread must finish its part, got one that failed'),
  );
  floats.fill(-1);
  crew.work(calls);
  expect(floats.every(value => value === 0)).toBe(true);
  crew.end();
});

/** WebAssembly as it is where something of it is refused. */
const refused = (changes: Record<string, unknown>) =>
  Object.create(WebAssembly, Object.getOwnPropertyDescriptors(changes));
const refusing = (error: Error) =>
  function refuse() {
    throw error;
  };

test.each([
  ['a policy', { Module: refusing(new WebAssembly.CompileError('violates the content security policy')) }],
  ['a policy that refuses validation too', { validate: refusing(new WebAssembly.CompileError('violates the policy')) }],
  ['a page that must not wait', { Module: refusing(new RangeError('disallowed on the main thread')) }],
])('where WebAssembly is refused by %s everything works in JavaScript', async (_, changes) => {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', refused(changes));
  try {
    const plain = await import('./index.js');
    for (const threads of [1, 2]) {
      const memory = new plain.KernelMemory({ bytes: 64, threads });
      expect(plain.prelu(memory.allocate(1000).fill(-2), 0.25)[999]).toBe(-0.5);
      memory.close();
    }
    expect(() => plain.relu(new Float32Array(1), { path: 'simd' })).toThrow('where WebAssembly SIMD is missing');
  } finally {
    vi.unstubAllGlobals();
    vi.resetModules();
  }
});

test('where the system gives no memory arrays of the page are rectified in JavaScript and KernelMemory says so', async () => {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', refused({ Memory: refusing(new RangeError('could not allocate memory')) }));
  try {
    const plain = await import('./index.js');
    expect(plain.prelu(new Float32Array(1000).fill(-2), 0.25)[999]).toBe(-0.5);
    for (const threads of [1, 2])
      expect(() => new plain.KernelMemory({ bytes: 1000, threads })).toThrow(
        new RangeError('KernelMemory: bytes must be as many as the system can reserve, got 1000'),
      );
  } finally {
    vi.unstubAllGlobals();
    vi.resetModules();
  }
});

test('without WebAssembly everything works in JavaScript', async () => {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', undefined);
  try {
    const plain = await import('./index.js');
    const memory = new plain.KernelMemory({ bytes: 64 });
    const x = memory.allocate(1000).fill(-2);
    expect(plain.prelu(x, 0.25)[999]).toBe(-0.5);
    expect(plain.preluBackward(x, x, 0.25).dslopes[0]).toBe(4000);
    expect(() => plain.prelu(x, 0.25, { path: 'simd' })).toThrow(
      "prelu: path must be 'js' or 'scalar' where WebAssembly SIMD is missing, got 'simd'",
    );
    memory.free(x);
    memory.close();
  } finally {
    vi.unstubAllGlobals();
    vi.resetModules();
  }
});
