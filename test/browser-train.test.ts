import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRectifier } from '../src/index.js';
import * as training from '../src/train/index.js';
import { type OpenPage, openPage } from './page.js';
import { type Trained, trainSpirals } from './train-spirals.js';

const steps = 40;

/** Trains on WebAssembly, or on WebGPU where there is an adapter; null where there is none. */
const script = `
import * as wasm from 'onnxruntime-web';
import * as webgpu from 'onnxruntime-web/webgpu';
import { parseRectifier } from 'reluminate';
import * as training from 'reluminate/train';
import { trainSpirals } from ${JSON.stringify(resolve('test/train-spirals.ts'))};
for (const { env } of [wasm, webgpu]) env.wasm.wasmPaths = '/engine/';
globalThis.run = async (steps, onGpu) => {
  if (!onGpu) return trainSpirals({ ...training, parseRectifier }, steps);
  if (!(await navigator.gpu?.requestAdapter())) return null;
  const session = { runtime: webgpu, executionProviders: ['webgpu'] };
  return trainSpirals({ ...training, parseRectifier }, steps, session);
};
`;

let page: OpenPage;
let here: Trained;

beforeAll(async () => {
  here = await trainSpirals({ ...training, parseRectifier }, steps);
  page = await openPage('browser-train', script, {
    flags: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  });
}, 120_000);

afterAll(() => page?.close());

const trainThere = (onGpu: boolean): Promise<Trained | null> =>
  page.tab.evaluate(
    ([count, gpu]) =>
      (globalThis as unknown as { run: (steps: number, onGpu: boolean) => Promise<Trained | null> }).run(count, gpu),
    [steps, onGpu] as [number, boolean],
  );

function expectSame({ losses, slopes }: Trained): void {
  expect(losses).toHaveLength(steps);
  for (const [step, loss] of losses.entries()) expect(loss).toBeCloseTo(here.losses[step] as number, 4);
  expect(slopes).toHaveLength(here.slopes.length);
  for (const [index, slope] of slopes.entries()) expect(slope).toBeCloseTo(here.slopes[index] as number, 4);
}

test('training makes the loss fall and the slopes move', () => {
  expect(here.losses.at(-1)).toBeLessThan(0.7 * (here.losses[0] as number));
  expect(here.slopes.filter(slope => Math.abs(slope - 0.25) > 0.01).length).toBeGreaterThan(here.slopes.length / 2);
});

test('training in a browser on WebAssembly gives what it gives in Node', async () => {
  const there = await trainThere(false);
  expect(page.errors).toEqual([]);
  expectSame(there as Trained);
}, 60_000);

test('training in a browser on WebGPU gives what it gives in Node', async context => {
  const there = await trainThere(true);
  context.skip(there === null, 'the browser has no WebGPU adapter');
  expect(page.errors).toEqual([]);
  expectSame(there as Trained);
}, 60_000);
