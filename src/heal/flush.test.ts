import { describe, expect, it } from 'vitest';
import { modelOf, runOnce, tensor } from '../../test/models.js';
import { audit } from '../audit/audit.js';
import { floatTensor, graph, node, valueInfo } from '../onnx/build.js';
import { readModelFile } from '../onnx/file.js';
import { mainGraph, readModel, writeModel } from '../onnx/model.js';
import { DataType } from '../onnx/proto.js';
import { tensorNumbers } from '../onnx/tensor.js';
import { dropInitializerInputs, flushTiny } from './flush.js';
import { setNumbers, typedTensor } from './typed-tensor.js';

const numbersOf = (model: ReturnType<typeof modelOf>, name: string) =>
  Array.from(tensorNumbers(mainGraph(model).initializer.find(item => item.name === name)!, model.external)!);

describe('flushTiny', () => {
  const model = modelOf({
    nodes: [
      node('Constant', [], ['k'], { value: floatTensor('', [2], [1e-30, 3]) }),
      node('Conv', ['x', 'w', 'b'], ['c']),
      node('PRelu', ['c', 's'], ['p']),
      node('Add', ['p', 'epsilon'], ['q']),
      node('Div', ['q', 'd'], ['r']),
      node('Mul', ['r', 'kk'], ['y']),
      node('Reshape', ['k', 'shape'], ['kk']),
    ],
    initializers: [
      floatTensor('w', [2, 1, 1, 2], [1, -1e-20, 1e-40, 2]),
      floatTensor('b', [2], [-1e-44, 5]),
      floatTensor('s', [2, 1, 1], [1e-13, 0.25]),
      floatTensor('epsilon', [], [1e-20]),
      floatTensor('d', [2, 1, 1], [1e-20, 1]),
      typedTensor(DataType.INT64, 'shape', [3], [2, 1, 1]),
    ],
    inputs: [valueInfo('x', ['N', 1, 4, 4])],
    outputs: [valueInfo('y')],
  });

  it('sets tiny weights, biases, slopes and Constants to zero, and says which', () => {
    const { model: flushed, report } = flushTiny(model);
    expect(numbersOf(flushed, 'w')).toEqual([1, -0, 0, 2]);
    expect(numbersOf(flushed, 'b')).toEqual([-0, 5]);
    expect(numbersOf(flushed, 's')).toEqual([0, 0.25]);
    const constant = mainGraph(flushed).node[0]!.attribute[0]!.t!;
    expect(Array.from(tensorNumbers(constant, new Map())!)).toEqual([0, 3]);
    expect(report.tensors).toEqual([
      { name: 'w', node: 'c', flushed: 2, subnormal: 1 },
      { name: 'b', node: 'c', flushed: 1, subnormal: 1 },
      { name: 's', node: 'p', flushed: 1, subnormal: 0 },
      { name: 'k', node: 'kk', flushed: 1, subnormal: 0 },
    ]);
    expect([report.flushed, report.subnormal, report.below]).toEqual([5, 2, 1e-12]);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('leaves single numbers and divisors, and the model given', () => {
    const before = writeModel(model);
    const { model: flushed, report } = flushTiny(model);
    expect(numbersOf(flushed, 'epsilon')).toEqual([Math.fround(1e-20)]);
    expect(numbersOf(flushed, 'd')).toEqual([Math.fround(1e-20), 1]);
    expect(report.left).toEqual([
      { name: 'd', reason: "Div 'r' reads it as something else than a weight, a bias or a slope" },
    ]);
    expect(writeModel(model)).toEqual(before);
  });

  it('leaves an initializer that is an output, and follows names into branches', () => {
    const branch = (value: string) =>
      graph({ nodes: [node('Div', ['x', value], [`${value}_out`])], outputs: [valueInfo(`${value}_out`)] });
    const inBranch = modelOf({
      nodes: [
        node('If', ['flag'], ['y'], { then_branch: branch('u'), else_branch: branch('v') }),
        node('Mul', ['x', 'u'], ['z']),
      ],
      initializers: [
        floatTensor('u', [2], [1e-20, 1]),
        floatTensor('v', [2], [1, 1]),
        floatTensor('o', [2], [1e-20, 1]),
      ],
      inputs: [valueInfo('x', ['N', 2]), valueInfo('flag', [], DataType.BOOL)],
      outputs: [valueInfo('y'), valueInfo('z'), valueInfo('o')],
    });
    const { report } = flushTiny(inBranch);
    expect(report.flushed).toBe(0);
    expect(report.left.map(({ name }) => name)).toEqual(['u', 'o']);
  });

  it('takes numbers from a typed field, float64, bfloat16 and data beside the model', () => {
    const typed = typedTensor(DataType.FLOAT, 't', [2], [0, 0]);
    typed.rawData = new Uint8Array();
    typed.floatData = [1e-20, 2];
    const beside = typedTensor(DataType.FLOAT, 'e', [2], [0, 0]);
    beside.rawData = new Uint8Array();
    beside.dataLocation = 1;
    beside.externalData = [{ key: 'location', value: 'w.bin' }].map(entry => ({
      ...entry,
      $typeName: 'onnx.StringStringEntryProto' as const,
    }));
    const model = {
      ...modelOf({
        nodes: ['t', 'e', 'd', 'h'].map(name => node('Mul', ['x', name], [`${name}_out`])),
        initializers: [
          typed,
          beside,
          typedTensor(DataType.DOUBLE, 'd', [2], [1e-300, 1e-3]),
          typedTensor(DataType.BFLOAT16, 'h', [2], [1e-30, 0.5]),
        ],
        inputs: [valueInfo('x', ['N', 2])],
        outputs: [valueInfo('t_out')],
      }),
      external: new Map([['w.bin', new Uint8Array(Float32Array.of(3, -1e-20).buffer)]]),
    };
    const { model: flushed } = flushTiny(model);
    expect(numbersOf(flushed, 't')).toEqual([0, 2]);
    expect(numbersOf(flushed, 'e')).toEqual([3, -0]);
    expect(numbersOf(flushed, 'd')).toEqual([0, 1e-3]);
    expect(numbersOf(flushed, 'h')).toEqual([0, 0.5]);
  });

  it('refuses a limit that is none', () => {
    for (const below of [0, -1, Number.NaN, Infinity])
      expect(() => flushTiny(model, { below })).toThrow(`flush: below must be positive and finite, got ${below}`);
  });

  it('leaves no tiny weight in M-LSD, and the outputs as they were', async () => {
    const model = await readModelFile('node_modules/jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx');
    const before = (await audit(model, null)).subnormals;
    const { model: flushed, report } = flushTiny(model);
    expect(report.flushed).toBe(before.tiny);
    expect(report.subnormal).toBe(before.subnormal);
    expect((await audit(flushed, null)).subnormals.tiny).toBe(0);
    const feeds = {
      [mainGraph(model).input[0]!.name]: tensor(
        [1, 320, 320, 4],
        new Float32Array(409600).map((_, at) => (at * 7919) % 256),
      ),
    };
    expect(await runOnce(flushed, feeds)).toEqual(await runOnce(model, feeds));
  });
});

describe('typedTensor', () => {
  it('rounds bfloat16 to nearest, ties to even', () => {
    const tensor = typedTensor(DataType.BFLOAT16, 'h', [4], [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -7, Number.NaN]);
    expect(Array.from(tensorNumbers(tensor, new Map())!)).toEqual([1, 1 + 2 ** -6, 1 + 2 ** -7, Number.NaN]);
  });

  it('writes float16 and integers, and refuses the rest', () => {
    for (const type of [DataType.FLOAT16, DataType.INT32, DataType.INT64])
      expect(Array.from(tensorNumbers(typedTensor(type, 't', [2], [-3, 7]), new Map())!)).toEqual([-3, 7]);
    const text = typedTensor(DataType.FLOAT, 't', [1], [1]);
    text.dataType = DataType.STRING;
    expect(() => setNumbers(text, [1])).toThrow('setNumbers: the type must be a float, int32 or int64, got STRING');
  });
});

describe('dropInitializerInputs', () => {
  const listed = modelOf({
    nodes: [node('Gemm', ['x', 'w'], ['y'])],
    initializers: [floatTensor('w', [2, 1], [1, 2])],
    inputs: [valueInfo('x', ['N', 2]), valueInfo('w', [2, 1])],
    outputs: [valueInfo('y')],
  });

  it('makes initializers constants, and lifts an IR version that asks for them as inputs', async () => {
    const old = readModel(writeModel(listed));
    old.proto.irVersion = 3n;
    const { model, report } = dropInitializerInputs(old);
    expect(report).toEqual({ dropped: ['w'] });
    expect(mainGraph(model).input.map(({ name }) => name)).toEqual(['x']);
    expect(model.proto.irVersion).toBe(4n);
    expect(mainGraph(old).input).toHaveLength(2);
    const { y } = await runOnce(model, { x: tensor([1, 2], [3, 4]) });
    expect(Array.from(y!.data as Float32Array)).toEqual([11]);
  });

  it('leaves a model without them as it is', () => {
    const { model } = dropInitializerInputs(listed);
    expect(dropInitializerInputs(model)).toEqual({ model, report: { dropped: [] } });
  });
});
