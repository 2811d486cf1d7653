import { describe, expect, it } from 'vitest';
import { checkGradients } from '../../test/gradient-check.js';
import { exposing, modelOf, runOnce, tensor } from '../../test/models.js';
import { Failure } from '../failure.js';
import { floatTensor, graph, intTensor, node, valueInfo } from '../onnx/build.js';
import { type Model, mainGraph, opsetOf } from '../onnx/model.js';
import type { NodeProto } from '../onnx/proto.js';
import { differentiate } from './differentiate.js';

/** A model of one input `x` of two numbers and one parameter `w`. */
const through = (nodes: readonly NodeProto[], opset = 17): Model =>
  modelOf(
    {
      nodes,
      inputs: [valueInfo('x', [2])],
      outputs: [valueInfo('loss')],
      initializers: [floatTensor('w', [2], [2, 3])],
    },
    opset,
  );

const squared = through([node('Mul', ['x', 'w'], ['y']), node('ReduceSum', ['y'], ['loss'], { keepdims: 0 })]);

async function gradientsOf(model: Model, wrt: readonly string[], x: readonly number[]) {
  const { model: known, gradients } = await differentiate(model, { loss: 'loss', wrt });
  const names = [...gradients.values()].filter(name => name !== null);
  const results = await runOnce(exposing(known, names), { x: tensor([2], x) });
  return wrt.map(name => {
    const gradient = gradients.get(name);
    return gradient ? Array.from(results[gradient]?.data as Float32Array) : null;
  });
}

const refusal = async (model: Model, options: Partial<Parameters<typeof differentiate>[1]> = {}) => {
  const failure = await differentiate(model, { loss: 'loss', wrt: ['w'], ...options }).then(
    () => null,
    cause => cause,
  );
  expect(failure).toBeInstanceOf(Failure);
  return { kind: failure.kind, message: failure.message };
};

describe('differentiate', () => {
  it('refuses inputs without elements', async () => {
    const dims = { x: [0] };
    expect(await refusal(squared, { dims })).toEqual({
      kind: 'usage',
      message: "differentiate: inputs must have dimensions from 1, got [0] for 'x'",
    });
  });

  it('gives the gradients of parameters and inputs, and leaves the model alone', async () => {
    const before = mainGraph(squared).node.length;
    expect(await gradientsOf(squared, ['x', 'w'], [5, 7])).toEqual([
      [2, 3],
      [5, 7],
    ]);
    expect(mainGraph(squared).node).toHaveLength(before);
  });

  it('adds up what comes from several readers', async () => {
    const model = through([
      node('Mul', ['x', 'w'], ['y']),
      node('Mul', ['y', 'w'], ['z']),
      node('Add', ['z', 'w'], ['s']),
      node('ReduceSum', ['s'], ['loss'], { keepdims: 0 }),
    ]);
    expect(await gradientsOf(model, ['w'], [5, 7])).toEqual([[21, 43]]);
  });

  it('gives the gradient of a value inside the graph', async () => {
    const model = through([
      node('Mul', ['x', 'w'], ['y']),
      node('Mul', ['y', 'y'], ['z']),
      node('ReduceSum', ['z'], ['loss'], { keepdims: 0 }),
    ]);
    expect(await gradientsOf(model, ['y', 'loss'], [1, 2])).toEqual([[4, 12], [1]]);
  });

  it('gives null for what the loss does not depend on, or only by steps', async () => {
    const model = through([
      node('Floor', ['w'], ['f']),
      node('Mul', ['x', 'f'], ['y']),
      node('Shape', ['x'], ['s']),
      node('Neg', ['w'], ['unread']),
      node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }),
    ]);
    expect(await gradientsOf(model, ['x', 'w'], [5, 7])).toEqual([[2, 3], null]);
  });

  it('raises models of lower opsets', async () => {
    const model = through(
      [
        node('Unsqueeze', ['w'], ['u'], { axes: [0] }),
        node('Mul', ['x', 'u'], ['y']),
        node('ReduceSum', ['y'], ['loss'], { axes: [0, 1], keepdims: 0 }),
      ],
      9,
    );
    expect(await gradientsOf(model, ['w'], [5, 7])).toEqual([[5, 7]]);
    expect(opsetOf((await differentiate(model, { loss: 'loss', wrt: ['w'] })).model)).toBe(17);
  });

  it('names an operator without a rule, with the path to it', async () => {
    const model = through([
      node('Mul', ['x', 'w'], ['y']),
      node('Einsum', ['y'], ['e'], { equation: 'i->i' }),
      node('ReduceSum', ['e'], ['loss'], { keepdims: 0 }),
    ]);
    expect(await refusal(model)).toEqual({
      kind: 'input',
      message:
        "differentiate: every operator between the parameters and the loss must have a rule, got Einsum on the path 'w' -> Mul 'y' -> Einsum 'e' -> ReduceSum 'loss' -> 'loss'",
    });
  });

  it('shortens a long path', async () => {
    const chain = Array.from({ length: 12 }, (_, at) => node(at === 6 ? 'Det' : 'Relu', [`v${at}`], [`v${at + 1}`]));
    const model = modelOf({
      nodes: [...chain, node('ReduceSum', ['v12'], ['loss'], { keepdims: 0 })],
      inputs: [valueInfo('v0', [2, 3, 3])],
      outputs: [valueInfo('loss')],
    });
    expect((await refusal(model, { wrt: ['v0'] })).message).toMatch(
      / got Det on the path 'v0' -> \(4 more\) -> Relu 'v5' -> Relu 'v6' -> Det 'v7' -> Relu 'v8' -> Relu 'v9' -> \(4 more\) -> 'loss'$/,
    );
  });

  it('names operators of other domains and control flow', async () => {
    const gelu = node('Gelu', ['w'], ['y']);
    gelu.domain = 'com.microsoft';
    const sum = node('ReduceSum', ['y'], ['loss'], { keepdims: 0 });
    const foreign = through([gelu, sum]);
    mainGraph(foreign);
    foreign.proto.opsetImport.push({ ...foreign.proto.opsetImport[0]!, domain: 'com.microsoft', version: 1n });
    expect((await refusal(foreign)).message).toContain(
      "got com.microsoft.Gelu on the path 'w' -> com.microsoft.Gelu 'y' -> ",
    );
    const branch = (name: string, op: string) =>
      graph({ nodes: [node(op, ['w'], [name])], outputs: [valueInfo(name, [2])], name });
    const conditional = through([
      node('ReduceMax', ['x'], ['m'], { keepdims: 0 }),
      node('Cast', ['m'], ['c'], { to: 9 }),
      node('If', ['c'], ['y'], { then_branch: branch('p', 'Neg'), else_branch: branch('q', 'Relu') }),
      sum,
    ]);
    expect((await refusal(conditional)).message).toContain(
      "got If on the path 'w' -> If 'y' -> ReduceSum 'loss' -> 'loss'",
    );
  });

  it('says which form a rule does not cover', async () => {
    const model = through([
      node('Pad', ['w', 'pads'], ['y'], { mode: 'reflect' }),
      node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }),
    ]);
    mainGraph(model).initializer.push(intTensor('pads', [2], [1, 1]));
    expect((await refusal(model)).message).toBe(
      "differentiate: node 'y' (Pad): its mode must be constant to be differentiated, got reflect, on the path 'w' -> Pad 'y' -> ReduceSum 'loss' -> 'loss'",
    );
  });

  it('takes bounds and pads that other nodes make of constants and dimensions, not of the data', async () => {
    const padded = (order: readonly [string, string]) => {
      const model = through([
        node('Split', ['pads'], ['front', 'behind'], { axis: 0 }),
        node('Concat', ['behind', 'front'], ['turned'], { axis: 0 }),
        node('Pad', ['w', 'turned'], ['wide']),
        node('Shape', ['wide'], ['end']),
        node('Cast', ['x'], ['whole'], { to: 7 }),
        node('Slice', ['whole', 'first', 'second'], ['from']),
        node('Slice', ['wide', ...order], ['y']),
        node('ReduceSum', ['y'], ['loss'], { keepdims: 0 }),
      ]);
      const ints = { pads: [3, 2], first: [0], second: [1] };
      for (const [name, values] of Object.entries(ints))
        mainGraph(model).initializer.push(intTensor(name, [values.length], values));
      return model;
    };
    // 0 0 w0 w1 0 0 0, of which what is behind the third is summed.
    const model = padded(['third', 'end']);
    mainGraph(model).initializer.push(intTensor('third', [1], [3]));
    expect(await gradientsOf(model, ['w'], [1, 1])).toEqual([[0, 1]]);
    expect((await refusal(padded(['from', 'end']))).message).toContain(
      "node 'y' (Slice): its starts must be constant to be differentiated, got computed ones, on the path",
    );
  });

  it('refuses what is not one number, and names that are not there', async () => {
    expect(await refusal(squared, { loss: 'y' })).toEqual({
      kind: 'usage',
      message: "differentiate: loss must be one number, got 'y' with dimensions [2]",
    });
    expect(await refusal(squared, { loss: 'cost' })).toEqual({
      kind: 'usage',
      message: "differentiate: loss must be a value of the graph, got 'cost'",
    });
    expect(await refusal(squared, { wrt: ['w', 'v'] })).toEqual({
      kind: 'usage',
      message: "differentiate: wrt must name initializers, inputs or other values of the graph, got 'v'",
    });
  });

  it('asks for the dimensions of free inputs', async () => {
    const model = modelOf({
      nodes: [node('Mul', ['x', 'x'], ['y']), node('ReduceSum', ['y'], ['loss'], { keepdims: 0 })],
      inputs: [valueInfo('x', ['N'])],
      outputs: [valueInfo('loss')],
    });
    expect((await refusal(model, { wrt: ['x'] })).message).toBe(
      'differentiate: dims must give every input its dimensions where the model leaves some free, got none',
    );
    const { gradients } = await differentiate(model, { loss: 'loss', wrt: ['x'], dims: { x: [2] } });
    expect(gradients.get('x')).not.toBeNull();
  });
});

describe('a second time', () => {
  /** Checks the gradients of the gradients of a network with respect to its input and parameters. */
  const check = async (model: Model, wrt: readonly string[], x: ReturnType<typeof tensor>) => {
    const { differentiated } = await checkGradients(model, { wrt, feeds: { x } });
    const known = exposing(differentiated.model, [...differentiated.gradients.values()] as string[]);
    const outputs = mainGraph(known).output;
    outputs.splice(0, outputs.length - wrt.length);
    return checkGradients(known, { wrt, feeds: { x }, seed: 5 });
  };
  const draw = (seed: number, count: number) =>
    Array.from({ length: count }, (_, at) => Math.sin(seed + 12.9898 * at) * 1.3 + 0.05);

  it('differentiates the gradients of a convolutional network', async () => {
    const model = modelOf({
      nodes: [
        node('Conv', ['x', 'w1', 'b1'], ['c1'], { pads: [1, 1, 1, 1] }),
        node('Softplus', ['c1'], ['s1']),
        node('MaxPool', ['s1'], ['p1'], { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Conv', ['p1', 'w2'], ['c2'], { strides: [2, 1] }),
        node('PRelu', ['c2', 'a'], ['r2']),
        node('AveragePool', ['r2'], ['p2'], { kernel_shape: [1, 2], strides: [1, 1] }),
        node('Flatten', ['p2'], ['f']),
        node('Gemm', ['f', 'w3'], ['g'], { transB: 1 }),
        node('LogSoftmax', ['g'], ['y']),
      ],
      inputs: [valueInfo('x', [2, 2, 6, 6])],
      outputs: [valueInfo('y')],
      initializers: [
        floatTensor('w1', [3, 2, 3, 3], draw(1, 54)),
        floatTensor('b1', [3], draw(2, 3)),
        floatTensor('w2', [2, 3, 2, 2], draw(3, 24)),
        floatTensor('a', [2, 1, 1], [0.25, -0.5]),
        floatTensor('w3', [3, 2], draw(4, 6)),
      ],
    });
    const { errors } = await check(model, ['x', 'w1', 'w2', 'a', 'w3'], tensor([2, 2, 6, 6], draw(7, 144)));
    for (const error of Object.values(errors)) expect(error).toBeLessThan(2e-5);
  });

  it('differentiates the gradients of overlapping pools, gathers and slices', async () => {
    const model = modelOf({
      nodes: [
        node('Tanh', ['x'], ['t']),
        node('MaxPool', ['t'], ['p'], { kernel_shape: [3], strides: [2], pads: [1, 0] }),
        node('Slice', ['p', 'from', 'to', 'axes', 'steps'], ['s']),
        node('Gather', ['s', 'rows'], ['g']),
        node('Exp', ['g'], ['y']),
      ],
      inputs: [valueInfo('x', [2, 3, 9])],
      outputs: [valueInfo('y')],
      initializers: [
        intTensor('from', [1], [-1]),
        intTensor('to', [1], [-100]),
        intTensor('axes', [1], [2]),
        intTensor('steps', [1], [-2]),
        intTensor('rows', [3], [1, 0, 1]),
      ],
    });
    const { errors } = await check(model, ['x'], tensor([2, 3, 9], draw(9, 54)));
    expect(errors.x).toBeLessThan(1e-5);
  });
});
