import { own, shared } from './generated/binaries.js';

/** What the WebAssembly module exports: addresses are bytes, counts elements. See assembly/ for what each does. */
export type KernelName =
  | 'relu'
  | 'reluBackward'
  | 'rrelu'
  | 'forwardRuns'
  | 'forwardRows'
  | 'forwardBiasRuns'
  | 'forwardBiasRows'
  | 'backwardRuns'
  | 'backwardRows'
  | 'backwardBiasRuns'
  | 'backwardBiasRows'
  | 'maskRuns'
  | 'maskRows'
  | 'signMask'
  | 'signed';

export type Kernels = Readonly<Record<KernelName, (...parameters: number[]) => void>>;

/** One call of a kernel. */
export type Call = readonly [kernel: KernelName, ...parameters: number[]];

const decoded = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), character => character.charCodeAt(0));

/** Null also where WebAssembly is there but refused: by a page's content security policy, or by a browser that compiles nothing while a page waits. */
function compile(base64: string): WebAssembly.Module | null {
  if (typeof WebAssembly === 'undefined') return null;
  const bytes = decoded(base64);
  try {
    return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
  } catch {
    return null;
  }
}

const modules = new Map<string, WebAssembly.Module | null>();

/** The kernels' module for a shared or an ordinary memory, compiled on first use; null where WebAssembly or its SIMD is missing or refused. */
export function kernelModule(isShared: boolean): WebAssembly.Module | null {
  const base64 = isShared ? shared : own;
  let module = modules.get(base64);
  if (module === undefined) {
    module = compile(base64);
    modules.set(base64, module);
  }
  return module;
}

/** The kernels at work on a memory. */
export const instantiate = (module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
