/** Node's worker threads without an import, which bundles for the browser could not follow; null elsewhere. */
export function workerThreads(): typeof import('node:worker_threads') | null {
  const node = (globalThis as { process?: NodeJS.Process }).process;
  return node?.getBuiltinModule?.('node:worker_threads') ?? null;
}
